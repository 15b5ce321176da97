//! Changing an account: names at once, the email when it is confirmed, the password with a code, the mobile never.

use std::time::Duration;

use secrecy::SecretString;

use super::Accounts;
use super::accounts::{Account, ask_to_confirm, load_account, taken};
use super::codes::{CodeError, FRESH, Verified, begin, check_code, cooling, issue, seconds_until, would_look};
use super::notices::{Letter, note, write};
use super::password::{Busy, PasswordProblem};
use super::sessions::{Session, raise_session};
use super::token::hash;
use crate::domain::{Address, AddressId, CodePurpose, Timestamp, WorkspaceId};
use crate::store::{self, MailPurpose, ProfileChange, Slot, Tx};

/// How often an account may ask for another email address, in how long.
const MOST_EMAILS: i64 = 5;
const EMAILS_SPAN: Duration = Duration::from_hours(1);

/// What somebody wants to be different; what is absent stays.
#[derive(Debug, Clone, Default)]
pub struct ProfileWish {
    /// The username.
    pub username: Option<String>,
    /// The email address, in lower case.
    pub email: Option<Address>,
    /// First and last name.
    pub name: Option<(String, String)>,
}

/// Why a profile was not changed.
#[derive(Debug, thiserror::Error)]
pub enum ChangeError {
    /// No code was right within the last ten minutes.
    #[error("a fresh code is wanted")]
    VerificationRequired,
    /// Somebody has it already: the field's name.
    #[error("{0} is taken")]
    Taken(&'static str),
    /// Another email address was asked for too often.
    #[error("another email address was asked for too often")]
    TooManyEmails {
        /// When one may be asked for again.
        after_seconds: u64,
    },
    /// The session has ended.
    #[error("the session has ended")]
    Ended,
    /// The database failed.
    #[error(transparent)]
    Store(store::Error),
}

impl From<store::Error> for ChangeError {
    fn from(error: store::Error) -> Self {
        taken(&error).map_or_else(|| Self::Store(error), Self::Taken)
    }
}

/// Why an address was not confirmed.
#[derive(Debug, thiserror::Error)]
pub enum ConfirmError {
    /// There is no such token that is good.
    #[error("this link is not good, or not any more")]
    Incorrect,
    /// Somebody else has the address by now.
    #[error("{0} is taken")]
    Taken(&'static str),
    /// The database failed.
    #[error(transparent)]
    Store(store::Error),
}

impl From<store::Error> for ConfirmError {
    fn from(error: store::Error) -> Self {
        taken(&error).map_or_else(|| Self::Store(error), Self::Taken)
    }
}

/// Why a password was not changed.
#[derive(Debug, thiserror::Error)]
pub enum PasswordChangeError {
    /// A code is wanted; it was sent.
    #[error("a code is wanted")]
    VerificationRequired,
    /// The new one would not do.
    #[error(transparent)]
    Password(#[from] PasswordProblem),
    /// The code did not count.
    #[error(transparent)]
    Code(#[from] CodeError),
    /// Too many passwords wait to be looked at.
    #[error(transparent)]
    Busy(#[from] Busy),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] store::Error),
}

/// Changes names at once, and begins the change of an email address.
pub async fn change_profile(accounts: &Accounts, session: &Session, wish: ProfileWish) -> Result<Account, ChangeError> {
    let now = accounts.m.clock.now();
    if !session.has_fresh_code(FRESH, now) {
        return Err(ChangeError::VerificationRequired);
    }
    let mut tx = accounts.m.store.begin().await?;
    if !tx.lock_session(session.user, session.id).await? {
        return Err(ChangeError::Ended);
    }
    let before = load_account(&mut tx, session.user).await?.ok_or(ChangeError::Ended)?;
    let (first_name, last_name) = wish.name.unzip();
    let change = ProfileChange { username: wish.username, first_name, last_name, pending_email: None };
    tx.change_profile(session.user, &change, now).await?;
    match &wish.email {
        Some(email) if *email == before.email => drop(tx.cancel_email_change(session.user).await?),
        Some(email) => begin_email(&mut tx, accounts, &before, email).await?,
        None => {}
    }
    note(&mut tx, session.user, "profile.changed", now).await?;
    let after = load_account(&mut tx, session.user).await?.ok_or(ChangeError::Ended)?;
    if (&before.row.username, before.name()) != (&after.row.username, after.name()) {
        let what = "Somebody who is signed in to your account changed your names.";
        write(&mut tx, accounts, (&before.email, Letter::about("Your names were changed", what)), now).await?;
    }
    tx.commit().await?;
    Ok(after)
}

/// Begins the change of an email address: asks whoever reads it there, and tells whoever reads the one before.
async fn begin_email(tx: &mut Tx, accounts: &Accounts, before: &Account, email: &Address) -> Result<(), ChangeError> {
    let (user, now) = (before.row.id, accounts.m.clock.now());
    let key = accounts.m.store.vault().fingerprint(&[b"emails", &user.0.to_be_bytes()]);
    if let Slot::Full(until) = tx.take_slot(("emails", &key), (MOST_EMAILS, EMAILS_SPAN), now).await? {
        return Err(ChangeError::TooManyEmails { after_seconds: seconds_until(until, now) });
    }
    let id = free_email(tx, email, now).await?;
    let change = ProfileChange { pending_email: Some(id), ..ProfileChange::default() };
    tx.change_profile(user, &change, now).await?;
    ask_to_confirm(tx, accounts, (user, id), email).await?;
    let what = "Somebody who is signed in to your account asked for another email address. It counts once the mail \
                that was sent there is confirmed.";
    let letter = Letter::about("Your email address is to change", what);
    Ok(write(tx, accounts, (&before.email, letter), now).await?)
}

/// The id of an address that is no account's.
async fn free_email(tx: &mut Tx, email: &Address, now: Timestamp) -> Result<AddressId, ChangeError> {
    let ids = tx.ensure_addresses(WorkspaceId::ACCOUNTS, std::slice::from_ref(email), now).await?;
    let id = ids[email];
    tx.hold_addresses(&[id]).await?;
    if tx.find_user_by_email(id).await?.is_some() {
        return Err(ChangeError::Taken("email"));
    }
    Ok(id)
}

/// Takes the proof of an email address: the token of a mail that went there.
pub async fn confirm_email(accounts: &Accounts, token: &str) -> Result<(), ConfirmError> {
    let now = accounts.m.clock.now();
    let mut tx = accounts.m.store.begin().await?;
    let proved = tx.use_mail_token(&hash(token), MailPurpose::ConfirmEmail, now).await?;
    let (user, address) = proved.ok_or(ConfirmError::Incorrect)?;
    let before = load_account(&mut tx, user).await?.ok_or(ConfirmError::Incorrect)?;
    if !tx.confirm_email(user, address, now).await? {
        return Err(ConfirmError::Incorrect);
    }
    if address != before.row.email_id {
        let after = load_account(&mut tx, user).await?.ok_or(ConfirmError::Incorrect)?;
        for to in [&before.email, &after.email] {
            let what = "Your account has another email address from now on.";
            write(&mut tx, accounts, (to, Letter::about("Your email address has changed", what)), now).await?;
        }
    }
    note(&mut tx, user, "email.confirmed", now).await?;
    Ok(tx.commit().await?)
}

/// Gives an account another password, by a code for that purpose: one in hand, or one that was right before. Every
/// other session ends, and this one gets another token.
pub async fn change_password(
    accounts: &Accounts,
    session: &Session,
    (password, code): (SecretString, Option<SecretString>),
) -> Result<Verified, PasswordChangeError> {
    let (store, now) = (&accounts.m.store, accounts.m.clock.now());
    let account = load_account(&mut store.read().await?, session.user).await?.ok_or(CodeError::Ended)?;
    if code.is_none() && session.password_change_until.is_none_or(|until| until <= now) {
        ask_for_code(accounts, session, &account).await?;
        return Err(PasswordChangeError::VerificationRequired);
    }
    let (of, purpose) = ((session.id, session.user), CodePurpose::ChangePassword);
    if code.is_some() {
        would_look(&mut store.read().await?, accounts, of, purpose).await?;
    }
    let password_hash = accounts.passwords.hash_new(password, account.names()).await??;
    let mut tx = begin(accounts, session).await?;
    if let Some(code) = &code {
        let checked = check_code(&mut tx, accounts, of, (purpose, code, true)).await;
        if let Err(error) = checked {
            if matches!(error, CodeError::Incorrect { .. }) {
                tx.commit().await?;
            }
            return Err(error.into());
        }
    } else if !tx.spend_password_change(session.id, now).await? {
        return Err(PasswordChangeError::VerificationRequired);
    }
    tx.set_password(session.user, (&password_hash, false), now).await?;
    tx.cancel_email_change(session.user).await?;
    tx.clear_failures(session.user).await?;
    let token = raise_session(&mut tx, &accounts.m.clock, session.id, None).await?.ok_or(CodeError::Ended)?;
    tx.end_sessions(session.user, Some(session.id)).await?;
    note(&mut tx, session.user, "password.changed", now).await?;
    let what = "Your password was changed, and everybody who was signed in to your account elsewhere is signed out.";
    write(&mut tx, accounts, (&account.email, Letter::about("Your password was changed", what)), now).await?;
    tx.commit().await?;
    Ok(Verified { token: token.into(), account })
}

/// Sends the code that a change of the password wants, unless one is on its way.
async fn ask_for_code(accounts: &Accounts, session: &Session, account: &Account) -> Result<(), CodeError> {
    let mut tx = begin(accounts, session).await?;
    let purpose = CodePurpose::ChangePassword;
    if cooling(&mut tx, accounts, session.user, purpose).await?.is_none() {
        issue(&mut tx, accounts, account, (session.id, purpose)).await?;
        tx.commit().await?;
    }
    Ok(())
}
