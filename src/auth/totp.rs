//! What stands in for a code by SMS: codes of the person's own device (TOTP, RFC 6238), and recovery codes.

use std::fmt;
use std::time::Duration;

use qrcode::QrCode;
use qrcode::render::svg;
use secrecy::SecretString;
use totp_rs::{Builder, Secret, Totp};

use super::Accounts;
use super::accounts::{Account, load_account};
use super::codes::{FRESH, seconds_until};
use super::notices::{Letter, note, write};
use super::sessions::Session;
use crate::domain::{Timestamp, UserId};
use crate::store::{self, Slot, Tx, Vault};

/// RFC 4648, without padding.
const BASE32: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
const RECOVERY_CODES: usize = 10;
/// Characters of a recovery code: 80 bits.
const RECOVERY_LENGTH: usize = 16;
/// How often a device's first code is looked at, in how long.
const TRIES: i64 = 5;
const TRIES_SPAN: Duration = Duration::from_mins(10);
const QR_PIXELS: u32 = 240;

/// A secret that its holder has yet to prove to have.
pub struct TotpBegun {
    /// The secret, as people type it.
    pub secret: String,
    /// The same as apps read it.
    pub url: String,
    /// The same as cameras read it: an SVG picture.
    pub qr_svg: String,
}

impl fmt::Debug for TotpBegun {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TotpBegun(***)")
    }
}

/// Why a second factor was not changed.
#[derive(Debug, thiserror::Error)]
pub enum TotpError {
    /// No code was right within the last ten minutes.
    #[error("a fresh code is wanted")]
    VerificationRequired,
    /// There is one already.
    #[error("a device is set already; remove it first")]
    AlreadyOn,
    /// None was begun.
    #[error("no device is set")]
    NotBegun,
    /// The device's code is not right.
    #[error("this code is not right")]
    Incorrect {
        /// How many more are looked at.
        left: i64,
    },
    /// Too many were not right.
    #[error("too many wrong codes")]
    TooManyAttempts {
        /// When another one is looked at.
        after_seconds: u64,
    },
    /// The session has ended.
    #[error("the session has ended")]
    Ended,
    /// The database failed.
    #[error(transparent)]
    Store(#[from] store::Error),
}

/// Makes a secret for a device. It counts once [`confirm_totp`] has seen a code of that device.
pub async fn begin_totp(accounts: &Accounts, session: &Session) -> Result<TotpBegun, TotpError> {
    let (mut tx, account, now) = fresh(accounts, session).await?;
    if account.row.totp_since.is_some() {
        return Err(TotpError::AlreadyOn);
    }
    let secret: [u8; 20] = accounts.m.clock.bytes();
    if !tx.put_totp(session.user, &secret, now).await? {
        return Err(TotpError::AlreadyOn);
    }
    note(&mut tx, session.user, "totp.begun", now).await?;
    tx.commit().await?;
    let text = base32(&secret);
    let name = &account.row.username;
    let url =
        format!("otpauth://totp/Switchboard:{name}?secret={text}&issuer=Switchboard&algorithm=SHA1&digits=6&period=30");
    let picture = QrCode::new(url.as_bytes()).map_err(|_| store::Error::Corrupt("a name too long for a picture"))?;
    let qr_svg = picture.render::<svg::Color<'_>>().min_dimensions(QR_PIXELS, QR_PIXELS).build();
    Ok(TotpBegun { secret: text, url, qr_svg })
}

/// Turns a device on, once a code of its own was right.
pub async fn confirm_totp(accounts: &Accounts, session: &Session, code: &str) -> Result<(), TotpError> {
    let now = accounts.m.clock.now();
    let mut tx = begin(accounts, session).await?;
    let account = load_account(&mut tx, session.user).await?.ok_or(TotpError::Ended)?;
    let row = tx.find_totp(session.user).await?.ok_or(TotpError::NotBegun)?;
    if row.since.is_some() {
        return Err(TotpError::AlreadyOn);
    }
    let key = accounts.m.store.vault().fingerprint(&[b"totp", &session.user.0.to_be_bytes()]);
    let left = match tx.take_slot(("totp.tries", &key), (TRIES, TRIES_SPAN), now).await? {
        Slot::Taken { left } => left,
        Slot::Full(until) => return Err(TotpError::TooManyAttempts { after_seconds: seconds_until(until, now) }),
    };
    let step = step_of(&row.secret, code.trim(), now);
    let is_right = match step {
        Some(step) => tx.use_totp_step(session.user, step).await?,
        None => false,
    };
    if !is_right {
        tx.commit().await?;
        return Err(TotpError::Incorrect { left });
    }
    tx.confirm_totp(session.user, now).await?;
    note(&mut tx, session.user, "totp.on", now).await?;
    let letter = Letter::about("A device was added to your account", "From now on codes of a device sign you in.");
    write(&mut tx, accounts, (&account.email, letter), now).await?;
    Ok(tx.commit().await?)
}

/// Forgets a device; codes come by SMS again.
pub async fn remove_totp(accounts: &Accounts, session: &Session) -> Result<(), TotpError> {
    let (mut tx, account, now) = fresh(accounts, session).await?;
    if !tx.clear_totp(session.user, now).await? {
        return Err(TotpError::NotBegun);
    }
    note(&mut tx, session.user, "totp.off", now).await?;
    let letter = Letter::about("A device was removed from your account", "From now on codes come by SMS again.");
    write(&mut tx, accounts, (&account.email, letter), now).await?;
    Ok(tx.commit().await?)
}

/// Makes ten recovery codes in the place of those before them; gives them, once, in clear.
pub async fn make_recovery_codes(accounts: &Accounts, session: &Session) -> Result<Vec<SecretString>, TotpError> {
    let (mut tx, account, now) = fresh(accounts, session).await?;
    let draw = |_| base32(&accounts.m.clock.bytes::<10>()).to_ascii_lowercase();
    let codes: Vec<String> = (0..RECOVERY_CODES).map(draw).collect();
    let vault = accounts.m.store.vault();
    let hashes: Vec<[u8; 32]> = codes.iter().map(|code| recovery_hash(vault, session.user, code)).collect();
    tx.replace_recovery_codes(session.user, &hashes).await?;
    note(&mut tx, session.user, "recovery_codes.made", now).await?;
    let what = "New recovery codes were made for your account; those before them are void.";
    write(&mut tx, accounts, (&account.email, Letter::about("New recovery codes", what)), now).await?;
    tx.commit().await?;
    Ok(codes.iter().map(|code| grouped(code).into()).collect())
}

/// Whether a code is one of the person's device, or an unused recovery code; either way it is used now.
pub(super) async fn stands_in(tx: &mut Tx, accounts: &Accounts, user: UserId, code: &str) -> store::Result<bool> {
    let now = accounts.m.clock.now();
    if code.len() == RECOVERY_LENGTH {
        let hash = recovery_hash(accounts.m.store.vault(), user, code);
        return tx.use_recovery_code(user, &hash, now).await;
    }
    let Some(row) = tx.find_totp(user).await?.filter(|row| row.since.is_some()) else { return Ok(false) };
    match step_of(&row.secret, code, now) {
        Some(step) => tx.use_totp_step(user, step).await,
        None => Ok(false),
    }
}

async fn begin(accounts: &Accounts, session: &Session) -> Result<Tx, TotpError> {
    let mut tx = accounts.m.store.begin().await?;
    if tx.lock_session(session.user, session.id).await? { Ok(tx) } else { Err(TotpError::Ended) }
}

/// A unit of work for somebody whose last right code is fresh.
async fn fresh(accounts: &Accounts, session: &Session) -> Result<(Tx, Account, Timestamp), TotpError> {
    let now = accounts.m.clock.now();
    if !session.has_fresh_code(FRESH, now) {
        return Err(TotpError::VerificationRequired);
    }
    let mut tx = begin(accounts, session).await?;
    let account = load_account(&mut tx, session.user).await?.ok_or(TotpError::Ended)?;
    Ok((tx, account, now))
}

/// The time step whose code this is: now's, or one beside it.
fn step_of(secret: &[u8], code: &str, now: Timestamp) -> Option<i64> {
    let secret: [u8; 20] = secret.try_into().ok()?;
    let step = totp(secret).check(code, u64::try_from(now.seconds()).ok()?)?;
    i64::try_from(step).ok()
}

fn totp(secret: [u8; 20]) -> Totp {
    Builder::new().with_secret(Secret::new_stack(secret)).build_noncompliant()
}

fn recovery_hash(vault: &Vault, user: UserId, code: &str) -> [u8; 32] {
    vault.fingerprint(&[b"recovery code", &user.0.to_be_bytes(), code.as_bytes()])
}

fn base32(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 8 / 5 + 1);
    let (mut held, mut bits) = (0_u32, 0);
    for byte in bytes {
        held = held << 8 | u32::from(*byte);
        bits += 8;
        while bits >= 5 {
            bits -= 5;
            text.push(char::from(BASE32[(held >> bits & 31) as usize]));
        }
    }
    if bits > 0 {
        text.push(char::from(BASE32[(held << (5 - bits) & 31) as usize]));
    }
    text
}

fn grouped(code: &str) -> String {
    let characters: Vec<char> = code.chars().collect();
    characters.chunks(4).map(|group| group.iter().collect::<String>()).collect::<Vec<_>>().join("-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base32_is_as_rfc_4648_shows_it() {
        for (plain, text) in [("f", "MY"), ("fo", "MZXQ"), ("foo", "MZXW6"), ("foobar", "MZXW6YTBOI"), ("", "")] {
            assert_eq!(base32(plain.as_bytes()), text);
        }
        assert_eq!(grouped("abcdefgh"), "abcd-efgh");
    }

    #[test]
    fn a_step_beside_now_is_taken_and_one_further_is_not() {
        let secret = *b"12345678901234567890";
        let at = |seconds| Timestamp::from_seconds(seconds).unwrap();
        // RFC 6238, appendix B: the last six digits of its values for SHA-1.
        for (seconds, code) in [(59, "287082"), (1_111_111_109, "081804"), (20_000_000_000, "353130")] {
            assert_eq!(step_of(&secret, code, at(seconds)), Some(seconds / 30), "{seconds}");
            assert_eq!(step_of(&secret, code, at(seconds + 30)), Some(seconds / 30), "{seconds}");
            assert_eq!(step_of(&secret, code, at(seconds + 90)), None, "{seconds}");
        }
        assert_eq!(step_of(&secret, "28708", at(59)), None);
    }
}
