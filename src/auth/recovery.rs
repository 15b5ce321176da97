//! A forgotten password: a code by SMS and the token of a mail, both, and everybody is answered the same.

use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use tokio::time::{Instant, sleep_until};

use super::Accounts;
use super::accounts::{Account, MAIL_PREFIX, load_account, with_addresses};
use super::budgets::{GuardError, allow_recovery};
use super::codes::{CodeError, check_code, issue, seconds_until};
use super::login::{Login, find, name_of};
use super::notices::{Letter, note, write};
use super::password::{Busy, PasswordProblem, holds_name};
use super::sessions::{PENDING_LIFE, SESSION_PREFIX, begin_recovery};
use super::token::{hash, new_token};
use crate::domain::{Channel, CodePurpose, SessionId, WorkspaceId};
use crate::store::{self, CODE_TRIES, MailPurpose, NewMailToken, SECRET_MARK, SessionRow, Slot, Tx};

/// How long a recovery takes to begin, at least: longer than what is done for an account that is there.
const FLOOR: Duration = Duration::from_millis(100);
/// How long a mail's token is good.
const MAIL_LIFE: Duration = PENDING_LIFE;

/// Why a password was not recovered.
#[derive(Debug, thiserror::Error)]
pub enum RecoverError {
    /// The code, the token or the recovery is not right: which, is not said.
    #[error("the code or the mail's token is not right")]
    Incorrect {
        /// How many more are looked at.
        left: i64,
    },
    /// It was tried as often as it may be.
    #[error("too many wrong codes")]
    TooManyAttempts {
        /// When a recovery may begin anew.
        after_seconds: u64,
    },
    /// The new password would not do.
    #[error(transparent)]
    Password(#[from] PasswordProblem),
    /// Too many passwords wait to be looked at.
    #[error(transparent)]
    Busy(#[from] Busy),
    /// It was tried too often.
    #[error(transparent)]
    Guard(#[from] GuardError),
    /// Nothing is configured that carries texts or mails.
    #[error("nothing carries texts or mails")]
    NoWay,
    /// The database failed.
    #[error(transparent)]
    Store(#[from] store::Error),
}

/// Begins a recovery: sends a code to the mobile and a token to the mailbox of the account, if there is one. Gives the
/// token of a session for it; for an unknown login one that is good for nothing, after the same time.
pub async fn recover(accounts: &Accounts, login: &Login) -> Result<SecretString, RecoverError> {
    let floor = Instant::now() + FLOOR;
    let rules = &accounts.m.rules;
    let carries = |channel| rules.provider_of(channel).is_some();
    if !carries(Channel::Sms)
        || !carries(Channel::Email)
        || rules.default_sender.is_none()
        || rules.mail_sender.is_none()
    {
        return Err(RecoverError::NoWay);
    }
    let found = find(&mut accounts.m.store.read().await?, login).await?;
    let (m, name) = (&accounts.m, name_of(login, found.as_ref()));
    allow_recovery(&m.store, &m.rules.guards, (accounts.origin, &name), m.clock.now()).await?;
    let begun = begin(accounts, login).await?;
    sleep_until(floor).await;
    Ok(begun.unwrap_or_else(|| new_token(SESSION_PREFIX, &accounts.m.clock)).into())
}

async fn begin(accounts: &Accounts, login: &Login) -> store::Result<Option<String>> {
    let now = accounts.m.clock.now();
    let mut tx = accounts.m.store.begin().await?;
    let Some(user) = find(&mut tx, login).await? else {
        tx.audit(WorkspaceId::ACCOUNTS, "anonymous", "recovery.begun", "user", serde_json::json!({}), now).await?;
        tx.commit().await?;
        return Ok(None);
    };
    let account = with_addresses(&mut tx, user).await?;
    let (session, token) = begin_recovery(&mut tx, &accounts.m.clock, account.row.id).await?;
    match issue(&mut tx, accounts, &account, (session, CodePurpose::Recovery)).await {
        Ok(_) => {}
        Err(CodeError::Store(error)) => return Err(error),
        Err(_) => return Ok(None),
    }
    send_token(&mut tx, accounts, &account, session).await?;
    let target = format!("user:{}", account.row.id);
    tx.audit(WorkspaceId::ACCOUNTS, "anonymous", "recovery.begun", &target, serde_json::json!({}), now).await?;
    tx.commit().await?;
    Ok(Some(token))
}

async fn send_token(tx: &mut Tx, accounts: &Accounts, account: &Account, session: SessionId) -> store::Result<()> {
    let now = accounts.m.clock.now();
    let token = new_token(MAIL_PREFIX, &accounts.m.clock);
    let kept = NewMailToken {
        hash: hash(&token),
        user: account.row.id,
        purpose: MailPurpose::Recovery,
        address: account.row.email_id,
        session: Some(session),
        expires_at: now + MAIL_LIFE,
    };
    tx.put_mail_token(&kept, now).await?;
    let body = format!(
        "Somebody, most likely you, wants a new password for your account. Open this link within 15 minutes, in the \
         browser where you began, and enter the code that was sent to your mobile:\n\n{}/recover#{SECRET_MARK}\n\n\
         If it was not you, there is nothing to do: nobody gets in by this mail alone.\n",
        accounts.m.rules.base_url
    );
    let letter = Letter::with_secret("Recover your password", body, token, MAIL_LIFE);
    write(tx, accounts, (&account.email, letter), now).await
}

/// Ends a recovery: with the code and the mail's token the account gets a new password, every session of it ends, and
/// what was locked is open again.
///
/// A token of a recovery that never was is answered as one that is: wrong, five times, and then too often.
pub async fn complete_recovery(
    accounts: &Accounts,
    token: Option<&SecretString>,
    (code, mail_token): (&SecretString, &SecretString),
    password: SecretString,
) -> Result<(), RecoverError> {
    let floor = Instant::now() + FLOOR;
    let Some(token) = token else { return Err(RecoverError::Incorrect { left: 0 }) };
    accounts.passwords.check(password.clone(), Vec::new()).await??;
    let done = replace_password(accounts, token, (code, mail_token), password).await;
    if let Err(RecoverError::Incorrect { .. }) = done {
        sleep_until(floor).await;
    }
    done
}

/// No password is hashed before its try was counted, and none for a recovery that never was.
async fn replace_password(
    accounts: &Accounts,
    token: &SecretString,
    proofs: (&SecretString, &SecretString),
    password: SecretString,
) -> Result<(), RecoverError> {
    let (left, session) = count_try(accounts, token).await?;
    let session = session.ok_or(RecoverError::Incorrect { left })?;
    let password_hash = accounts.passwords.hash(password.clone()).await?;
    let mut tx = accounts.m.store.begin().await?;
    if !tx.lock_session(session.user_id, session.id).await? {
        return Err(RecoverError::Incorrect { left });
    }
    let account = load_account(&mut tx, session.user_id).await?;
    let account = account.ok_or(store::Error::Corrupt("a session of nobody"))?;
    if !proves(&mut tx, accounts, &session, proofs).await? {
        tx.commit().await?;
        return Err(RecoverError::Incorrect { left });
    }
    if holds_name(password.expose_secret(), &account.names()) {
        return Err(PasswordProblem::HoldsName.into());
    }
    finish(&mut tx, accounts, &account, &password_hash).await?;
    Ok(tx.commit().await?)
}

/// Counts a try of a recovery, whether there is one or not; gives how many are left, and the recovery.
async fn count_try(accounts: &Accounts, token: &SecretString) -> Result<(i64, Option<SessionRow>), RecoverError> {
    let (now, token) = (accounts.m.clock.now(), hash(token.expose_secret()));
    let key = accounts.m.store.vault().fingerprint(&[b"recovery", &token]);
    let mut tx = accounts.m.store.begin().await?;
    let left = match tx.take_slot(("recovery.tries", &key), (CODE_TRIES, PENDING_LIFE), now).await? {
        Slot::Taken { left } => left,
        Slot::Full(until) => return Err(RecoverError::TooManyAttempts { after_seconds: seconds_until(until, now) }),
    };
    let session = tx.find_session(&token).await?;
    tx.commit().await?;
    let is_good = |row: &SessionRow| row.purpose == "recovery" && now < row.ends_at;
    Ok((left, session.filter(is_good)))
}

/// Whether both the code and the mail's token are right. A wrong code has been counted; a token that was right beside
/// it is not used up.
async fn proves(
    tx: &mut Tx,
    accounts: &Accounts,
    session: &SessionRow,
    (code, mail_token): (&SecretString, &SecretString),
) -> store::Result<bool> {
    let now = accounts.m.clock.now();
    let (id, user) = (session.id, session.user_id);
    let is_ours = tx.has_mail_token(&hash(mail_token.expose_secret()), (MailPurpose::Recovery, id), now).await?;
    match check_code(tx, accounts, (id, user), (CodePurpose::Recovery, code, is_ours)).await {
        Ok(()) => Ok(true),
        Err(CodeError::Store(error)) => Err(error),
        Err(_) => Ok(false),
    }
}

async fn finish(tx: &mut Tx, accounts: &Accounts, account: &Account, password_hash: &str) -> store::Result<()> {
    let (user, now) = (account.row.id, accounts.m.clock.now());
    tx.set_password(user, (password_hash, true), now).await?;
    tx.confirm_email(user, account.row.email_id, now).await?;
    tx.void_mail_tokens(user, MailPurpose::Recovery).await?;
    tx.cancel_email_change(user).await?;
    tx.end_sessions(user, None).await?;
    note(tx, user, "password.recovered", now).await?;
    let what = "Your password was recovered, and everybody who was signed in to your account is signed out.";
    write(tx, accounts, (&account.email, Letter::about("Your password was recovered", what)), now).await
}
