//! One-time codes: made here, carried by the outbox, compared here, bound to account, purpose and session.

use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use subtle::ConstantTimeEq;

use super::accounts::{Account, load_account};
use super::budgets::{CodeAsked, GuardError, allow_code, allow_recovery_code};
use super::login::fail;
use super::sessions::{Session, raise_session};
use super::{Accounts, totp};
use crate::clock::Clock;
use crate::domain::{Address, CodePurpose, SessionId, Timestamp, UserId, WorkspaceId};
use crate::fault::is_sabotaged;
use crate::messaging::{Notice, NoticeError, notify};
use crate::store::{self, CODE_TRIES, NewCode, SECRET_MARK, Slot, Tx, Vault};

/// How long a code is good.
const CODE_LIFE: Duration = Duration::from_mins(10);
/// How long to wait before another code.
const COOL_DOWN: Duration = Duration::from_secs(30);
/// How many codes an account gets for one purpose, in how long.
const MOST_CODES: i64 = 5;
const CODES_SPAN: Duration = Duration::from_mins(10);
/// How long a code that was right is good for what needs a fresh one.
pub(super) const FRESH: Duration = Duration::from_mins(10);
/// What random numbers are taken of, so that each code is as likely as any other.
const EVEN: u32 = u32::MAX - u32::MAX % 1_000_000;

/// By what a session is verified.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Channel {
    /// A code by SMS.
    Sms,
    /// A code of the person's own device; one by SMS on request.
    Totp,
}

/// Which code is waited for.
#[derive(Debug, Clone)]
pub struct Verification {
    /// By what.
    pub channel: Channel,
    /// Where it went, all but the last four digits hidden.
    pub to: Option<String>,
    /// Not after then.
    pub expires_at: Timestamp,
}

/// A code that was right.
#[derive(Debug)]
pub struct Verified {
    /// The session's new token, once, in clear.
    pub token: SecretString,
    /// Whose session it is.
    pub account: Account,
}

/// Why a code was not sent, or did not count.
#[derive(Debug, thiserror::Error)]
pub enum CodeError {
    /// It is not right; so many tries are left.
    #[error("this code is not right")]
    Incorrect {
        /// How many more codes of this sending are looked at.
        left: i64,
    },
    /// It was looked at as often as it may be; another one is wanted.
    #[error("too many wrong codes")]
    TooManyAttempts {
        /// When another code may be asked for.
        after_seconds: u64,
    },
    /// Too many codes were sent.
    #[error("too many codes")]
    TooManyCodes {
        /// When another one may be.
        after_seconds: u64,
    },
    /// The session has no use for a code of that purpose yet.
    #[error("this session must be verified first")]
    NotYet,
    /// The number's country is not one of those that get codes.
    #[error("no codes are sent to numbers of that country")]
    Country,
    /// Nothing is configured that carries a text.
    #[error("nothing carries texts")]
    NoWay,
    /// The session has ended.
    #[error("the session has ended")]
    Ended,
    /// The database failed.
    #[error(transparent)]
    Store(#[from] store::Error),
}

impl CodeError {
    fn of(error: GuardError, now: Timestamp) -> Self {
        match error {
            GuardError::Country => Self::Country,
            GuardError::Limited { after } => Self::TooManyCodes { after_seconds: seconds_until(now + after, now) },
            GuardError::Store(error) => Self::Store(error),
        }
    }
}

impl From<NoticeError> for CodeError {
    fn from(error: NoticeError) -> Self {
        match error {
            NoticeError::NoWay(_) => Self::NoWay,
            NoticeError::Store(error) => Self::Store(error),
        }
    }
}

/// Makes the first code of a pending session: by SMS, or none where the person has a device that makes them.
pub(super) async fn issue_first(
    tx: &mut Tx,
    accounts: &Accounts,
    account: &Account,
    session: SessionId,
) -> Result<Verification, CodeError> {
    if account.row.totp_since.is_none() {
        return issue(tx, accounts, account, (session, CodePurpose::Login)).await;
    }
    let now = accounts.m.clock.now();
    let expires_at = now + CODE_LIFE;
    let nobody_knows = accounts.m.clock.bytes();
    let code = NewCode { session, purpose: CodePurpose::Login, hash: nobody_knows, expires_at };
    tx.put_code(&code, now).await?;
    Ok(Verification { channel: Channel::Totp, to: None, expires_at })
}

/// Makes a code and queues it, in the place of the one before it. An account gets five for one purpose in ten minutes.
pub(super) async fn issue(
    tx: &mut Tx,
    accounts: &Accounts,
    account: &Account,
    (session, purpose): (SessionId, CodePurpose),
) -> Result<Verification, CodeError> {
    let (now, vault) = (accounts.m.clock.now(), accounts.m.store.vault());
    let (name, key) = slots_of(vault, account.row.id, purpose);
    if let Slot::Full(until) = tx.take_slot((&name, &key), (MOST_CODES, CODES_SPAN), now).await? {
        return Err(CodeError::TooManyCodes { after_seconds: seconds_until(until, now) });
    }
    let workspace =
        tx.list_memberships(account.row.id).await?.first().map_or(WorkspaceId::ACCOUNTS, |seat| seat.workspace_id);
    let is_sign_up = purpose == CodePurpose::Login && account.row.mobile_verified_at.is_none();
    let asked = CodeAsked { mobile: &account.mobile, origin: accounts.origin, workspace, is_sign_up };
    let guards = &accounts.m.rules.guards;
    let allowed = match purpose {
        CodePurpose::Recovery => allow_recovery_code(tx, guards, &asked, now).await,
        CodePurpose::Login | CodePurpose::ChangePassword | CodePurpose::ChangeProfile => {
            allow_code(tx, guards, &asked, now).await
        }
    };
    allowed.map_err(|error| CodeError::of(error, now))?;
    let code = draw(&accounts.m.clock);
    let (hash, expires_at) = (hash_of(vault, (session, account.row.id), purpose, &code), now + CODE_LIFE);
    tx.put_code(&NewCode { session, purpose, hash, expires_at }, now).await?;
    let notice = Notice {
        to: account.mobile.clone(),
        subject: None,
        body: format!(
            "{SECRET_MARK} is your Switchboard code {}. It is good for 10 minutes. Tell it to nobody.",
            why(purpose)
        ),
        secret: Some(code),
        life: CODE_LIFE,
        is_code: true,
    };
    notify(tx, &accounts.m, notice, now).await?;
    Ok(Verification { channel: Channel::Sms, to: Some(masked(&account.mobile)), expires_at })
}

/// A unit of work on the codes of a session, which nobody ends meanwhile.
pub(super) async fn begin(accounts: &Accounts, session: &Session) -> Result<Tx, CodeError> {
    let mut tx = accounts.m.store.begin().await?;
    if tx.lock_session(session.user, session.id).await? { Ok(tx) } else { Err(CodeError::Ended) }
}

/// Sends a code for a session, no sooner than 30 seconds after the one before it.
pub async fn send_code(
    accounts: &Accounts,
    session: &Session,
    purpose: CodePurpose,
) -> Result<Verification, CodeError> {
    if !session.is_verified && purpose != CodePurpose::Login {
        return Err(CodeError::NotYet);
    }
    let mut tx = begin(accounts, session).await?;
    let account = load_account(&mut tx, session.user).await?.ok_or(CodeError::Ended)?;
    if let Some(after_seconds) = cooling(&mut tx, accounts, session.user, purpose).await? {
        return Err(CodeError::TooManyCodes { after_seconds });
    }
    let verification = issue(&mut tx, accounts, &account, (session.id, purpose)).await?;
    tx.commit().await?;
    Ok(verification)
}

/// How many seconds must pass before another code of that purpose.
pub(super) async fn cooling(
    tx: &mut Tx,
    accounts: &Accounts,
    user: UserId,
    purpose: CodePurpose,
) -> store::Result<Option<u64>> {
    let now = accounts.m.clock.now();
    let (name, key) = slots_of(accounts.m.store.vault(), user, purpose);
    let last = tx.find_last_slot(&name, &key, now).await?;
    let until = last.map(|ends| ends - CODES_SPAN + COOL_DOWN).filter(|until| *until > now);
    Ok(until.map(|until| seconds_until(until, now)))
}

/// Checks a code of a session. When it is right the session's rights rise, and its token changes.
///
/// `mobile` is what the caller takes the number to be; another one than the account's makes the code wrong.
pub async fn verify_code(
    accounts: &Accounts,
    session: &Session,
    purpose: CodePurpose,
    (code, mobile): (&SecretString, Option<&Address>),
) -> Result<Verified, CodeError> {
    if !session.is_verified && purpose != CodePurpose::Login {
        return Err(CodeError::NotYet);
    }
    let now = accounts.m.clock.now();
    let mut tx = begin(accounts, session).await?;
    let account = load_account(&mut tx, session.user).await?.ok_or(CodeError::Ended)?;
    let is_theirs = mobile.is_none_or(|mobile| *mobile == account.mobile);
    let of = (session.id, session.user);
    let checked = check_code(&mut tx, accounts, of, (purpose, code, is_theirs)).await;
    if let Err(error) = checked {
        if matches!(error, CodeError::Incorrect { .. }) {
            tx.commit().await?;
        }
        return Err(error);
    }
    tx.clear_failures(session.user).await?;
    let change_until = (purpose == CodePurpose::ChangePassword).then_some(now + FRESH);
    let token = raise_session(&mut tx, &accounts.m.clock, session.id, change_until).await?;
    let token = token.ok_or(CodeError::Ended)?;
    if !session.is_verified {
        super::notices::note(&mut tx, session.user, "sign_in.verified", now).await?;
    }
    let account = load_account(&mut tx, session.user).await?.ok_or(CodeError::Ended)?;
    tx.commit().await?;
    Ok(Verified { token: token.into(), account })
}

/// Counts a try of a code and looks at it; a wrong one also counts against the account, and the caller commits that.
pub(super) async fn check_code(
    tx: &mut Tx,
    accounts: &Accounts,
    (session, user): (SessionId, UserId),
    (purpose, code, is_theirs): (CodePurpose, &SecretString, bool),
) -> Result<(), CodeError> {
    let now = accounts.m.clock.now();
    let Some(tried) = tx.try_code((session, user), purpose, now).await? else {
        return Err(not_looked_at(tx, accounts, (session, user), purpose).await?);
    };
    let code = normal(code.expose_secret());
    let hash = hash_of(accounts.m.store.vault(), (session, user), purpose, &code);
    let is_sent_one = bool::from(hash.as_slice().ct_eq(&tried.hash));
    let may_stand_in = purpose == CodePurpose::Login && is_theirs && !is_sent_one;
    if is_theirs && is_sent_one {
        tx.use_code(session, purpose, now).await?;
        tx.verify_mobile(user, now).await?;
        return Ok(());
    }
    if may_stand_in && totp::stands_in(tx, accounts, user, &code).await? {
        tx.use_code(session, purpose, now).await?;
        return Ok(());
    }
    fail(tx, accounts, (Some(user), "code.refused"), now).await?;
    Err(CodeError::Incorrect { left: CODE_TRIES - tried.tries })
}

/// Whether a code of a session would be looked at at all.
pub(super) async fn would_look(
    tx: &mut Tx,
    accounts: &Accounts,
    (session, user): (SessionId, UserId),
    purpose: CodePurpose,
) -> Result<(), CodeError> {
    let now = accounts.m.clock.now();
    let row = tx.find_code(session, purpose).await?;
    if row.is_some_and(|row| row.tries < CODE_TRIES && row.used_at.is_none() && row.expires_at > now) {
        return Ok(());
    }
    Err(not_looked_at(tx, accounts, (session, user), purpose).await?)
}

/// Why a code is not looked at: it was too often, or there is none that is good.
async fn not_looked_at(
    tx: &mut Tx,
    accounts: &Accounts,
    (session, user): (SessionId, UserId),
    purpose: CodePurpose,
) -> store::Result<CodeError> {
    let now = accounts.m.clock.now();
    let row = tx.find_code(session, purpose).await?;
    let is_spent = row.is_some_and(|row| row.tries >= CODE_TRIES && row.used_at.is_none() && row.expires_at > now);
    if is_spent {
        let after_seconds = cooling(tx, accounts, user, purpose).await?.unwrap_or(1);
        return Ok(CodeError::TooManyAttempts { after_seconds });
    }
    Ok(CodeError::Incorrect { left: 0 })
}

/// The name and key under which an account's codes of a purpose are counted.
fn slots_of(vault: &Vault, user: UserId, purpose: CodePurpose) -> (String, [u8; 32]) {
    (format!("codes.{}", purpose.as_str()), vault.fingerprint(&[b"codes", &user.0.to_be_bytes()]))
}

fn hash_of(vault: &Vault, (session, user): (SessionId, UserId), purpose: CodePurpose, code: &str) -> [u8; 32] {
    let session = if is_sabotaged("code_unbound") { 0 } else { session.0 };
    let parts: [&[u8]; 5] =
        [b"code", &session.to_be_bytes(), &user.0.to_be_bytes(), purpose.as_str().as_bytes(), code.as_bytes()];
    vault.fingerprint(&parts)
}

/// Six random digits, each code as likely as any other.
fn draw(clock: &Clock) -> String {
    loop {
        let number = u32::from_be_bytes(clock.bytes());
        if number < EVEN {
            return format!("{:06}", number % 1_000_000);
        }
    }
}

/// A code as it is compared, however it was grouped.
fn normal(code: &str) -> String {
    code.chars().filter(|c| !c.is_whitespace() && *c != '-').map(|c| c.to_ascii_lowercase()).collect()
}

fn why(purpose: CodePurpose) -> &'static str {
    match purpose {
        CodePurpose::Login => "for signing in",
        CodePurpose::ChangePassword => "for changing your password",
        CodePurpose::ChangeProfile => "for changing your account",
        CodePurpose::Recovery => "for recovering your password",
    }
}

/// The last four digits of a number.
fn masked(mobile: &Address) -> String {
    let digits = mobile.as_str();
    format!("...{}", &digits[digits.len().saturating_sub(4)..])
}

pub(super) fn seconds_until(until: Timestamp, now: Timestamp) -> u64 {
    until.since(now).as_secs().max(1)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::domain::PhoneRules;

    #[test]
    fn codes_are_six_digits_and_hardly_ever_the_same() {
        let clock = Clock::manual(Timestamp::from_micros(0), 1);
        let codes: BTreeSet<String> = (0..1_000).map(|_| draw(&clock)).collect();
        assert!(codes.iter().all(|code| code.len() == 6 && code.bytes().all(|b| b.is_ascii_digit())));
        assert!(codes.len() > 990, "{}", codes.len());
    }

    #[test]
    fn a_number_is_hidden_but_for_its_end() {
        let rules = PhoneRules { default_country: "+1".to_owned() };
        assert_eq!(masked(&Address::phone("+12025551234", &rules).unwrap()), "...1234");
        assert_eq!(normal(" 123-456 "), "123456");
    }
}
