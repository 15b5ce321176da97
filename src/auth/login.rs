//! Signing in: the password first, and then a pending session that waits for its code.

use secrecy::SecretString;

use super::Accounts;
use super::accounts::{Account, with_addresses};
use super::budgets::{GuardError, allow_login};
use super::codes::{CodeError, Verification, issue_first};
use super::notices::{Letter, write};
use super::password::Busy;
use super::sessions::begin_session;
use crate::domain::{Address, AddressId, Timestamp, UserId, WorkspaceId};
use crate::store::{self, MOST_FAILURES, Tx, UserRow};

/// How somebody says who they are.
#[derive(Debug, Clone)]
pub enum Login {
    /// By username.
    Username(String),
    /// By email address, in lower case.
    Email(Address),
}

/// A session that waits for its code.
#[derive(Debug)]
pub struct Started {
    /// Its token, once, in clear.
    pub token: SecretString,
    /// Whose it is.
    pub account: Account,
    /// Which code it waits for.
    pub verification: Verification,
}

/// Why there is no session.
#[derive(Debug, thiserror::Error)]
pub enum LoginError {
    /// No such account, another password, or locked: all the same to whoever asks.
    #[error("the login or the password is not right")]
    Incorrect,
    /// Too many passwords wait to be looked at.
    #[error(transparent)]
    Busy(#[from] Busy),
    /// It was tried too often.
    #[error(transparent)]
    Guard(#[from] GuardError),
    /// The password is right, and no code could be sent.
    #[error(transparent)]
    Code(#[from] CodeError),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] store::Error),
}

/// Checks a password, begins a pending session, and sends its code.
///
/// Whoever is unknown costs the same work as somebody whose password is wrong: a look-up, a hash, and one commit.
pub async fn login(
    accounts: &Accounts,
    login: &Login,
    password: SecretString,
    client: &str,
) -> Result<Started, LoginError> {
    let found = find(&mut accounts.m.store.read().await?, login).await?;
    let (m, name) = (&accounts.m, name_of(login, found.as_ref()));
    allow_login(&m.store, &m.rules.guards, (accounts.origin, &name), m.clock.now()).await?;
    let hash = found.as_ref().map(|user| user.password_hash.clone());
    let is_right = accounts.passwords.verify(password, hash).await?;
    let now = accounts.m.clock.now();
    let mut tx = accounts.m.store.begin().await?;
    let user = match &found {
        Some(user) if is_right => unchanged(&mut tx, user).await?,
        Some(_) | None => None,
    };
    let Some(user) = user else {
        fail(&mut tx, accounts, (found.map(|user| user.id), "sign_in.refused"), now).await?;
        tx.commit().await?;
        return Err(LoginError::Incorrect);
    };
    let account = with_addresses(&mut tx, user).await?;
    let user = account.row.id;
    let workspace = tx.list_memberships(user).await?.first().map(|seat| seat.workspace_id);
    let (session, token) = begin_session(&mut tx, &accounts.m.clock, (user, workspace), (client, false)).await?;
    let verification = issue_first(&mut tx, accounts, &account, session).await?;
    tx.commit().await?;
    Ok(Started { token: token.into(), account, verification })
}

/// What tries are counted by: an account by its id, however it is named, and what names none by its text.
pub(super) fn name_of(login: &Login, found: Option<&UserRow>) -> String {
    match (found, login) {
        (Some(user), _) => format!("user:{}", user.id),
        (None, Login::Username(name)) => format!("text:{name}"),
        (None, Login::Email(email)) => format!("text:{}", email.as_str()),
    }
}

/// The account that somebody names, if there is one.
pub(super) async fn find(tx: &mut Tx, login: &Login) -> store::Result<Option<UserRow>> {
    match login {
        Login::Username(name) => tx.find_user_by_name(name).await,
        Login::Email(email) => {
            let ids = tx.find_addresses(WorkspaceId::ACCOUNTS, std::slice::from_ref(email)).await?;
            tx.find_user_by_email(ids.get(email).copied().unwrap_or(AddressId(0))).await
        }
    }
}

/// The account as it stands until this is done, unless it is locked or has got another password since that was compared.
async fn unchanged(tx: &mut Tx, user: &UserRow) -> store::Result<Option<UserRow>> {
    let now = tx.lock_user(user.id).await?;
    Ok(now.filter(|now| now.password_hash == user.password_hash && now.locked_at.is_none()))
}

/// Counts a failure of somebody, or does as much for nobody. The hundredth in a row locks the account, ends its
/// pending sign-ins and tells its owner.
pub(super) async fn fail(
    tx: &mut Tx,
    accounts: &Accounts,
    (user, action): (Option<UserId>, &str),
    now: Timestamp,
) -> store::Result<()> {
    let id = user.unwrap_or(UserId(0));
    let failures = tx.count_failure(id, now).await?;
    let target = user.map_or_else(|| "user".to_owned(), |user| format!("user:{user}"));
    tx.audit(WorkspaceId::ACCOUNTS, "anonymous", action, &target, serde_json::json!({}), now).await?;
    if failures == Some(MOST_FAILURES) {
        lock(tx, accounts, id, now).await?;
    }
    Ok(())
}

async fn lock(tx: &mut Tx, accounts: &Accounts, user: UserId, now: Timestamp) -> store::Result<()> {
    tx.end_pending_sessions(user).await?;
    let target = format!("user:{user}");
    tx.audit(WorkspaceId::ACCOUNTS, "anonymous", "account.locked", &target, serde_json::json!({}), now).await?;
    let Some(row) = tx.find_user(user).await? else { return Ok(()) };
    let account = with_addresses(tx, row).await?;
    let what = format!(
        "After {MOST_FAILURES} wrong passwords or codes in a row nobody can sign in to your account any more. To get \
         back in, recover your password."
    );
    write(tx, accounts, (&account.email, Letter::about("Your account is locked", &what)), now).await
}
