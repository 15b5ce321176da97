//! Accounts: signing up, and what an account looks like to its owner.

use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};

use super::Accounts;
use super::budgets::{GuardError, allow_sign_up};
use super::codes::{CodeError, issue_first};
use super::invitations::use_invitation;
use super::login::Started;
use super::notices::{Letter, note, write};
use super::password::{Busy, PasswordProblem};
use super::sessions::begin_session;
use super::token::{hash, new_token};
use crate::domain::{Address, AddressId, Role, Timestamp, UserId, Who, WorkspaceId, join_name};
use crate::store::{self, MailPurpose, NewMailToken, NewUser, SECRET_MARK, Tx, UserRow};

/// What the token of a mail begins with.
pub(super) const MAIL_PREFIX: &str = "sb_mail_";
/// How long a link to confirm an address is good.
pub(super) const CONFIRM_LIFE: Duration = Duration::from_hours(24);

/// Somebody's wish for an account, each field as it may be.
#[derive(Debug, Clone)]
pub struct SignUp {
    /// How they are called here.
    pub username: String,
    /// Their email address, in lower case.
    pub email: Address,
    /// Their mobile, in E.164.
    pub mobile: Address,
    /// Their password.
    pub password: SecretString,
    /// First name; may be empty.
    pub first_name: String,
    /// Last name; may be empty.
    pub last_name: String,
    /// The program that signs up, as it calls itself.
    pub client: String,
    /// The token of an invitation, if they have one.
    pub invitation: Option<SecretString>,
}

/// Why there is no account.
#[derive(Debug, thiserror::Error)]
pub enum SignUpError {
    /// Only those who are invited may sign up here.
    #[error("only those who are invited may sign up")]
    Closed,
    /// The invitation is used, taken back or over.
    #[error("this invitation is not good any more")]
    Invitation,
    /// It was tried too often.
    #[error(transparent)]
    Guard(#[from] GuardError),
    /// The password would not do.
    #[error("the password {0}")]
    Password(#[from] PasswordProblem),
    /// Somebody has the username, email or mobile already: the field's name.
    #[error("{0} is taken")]
    Taken(&'static str),
    /// Too many passwords wait to be looked at.
    #[error(transparent)]
    Busy(#[from] Busy),
    /// No code could be sent.
    #[error(transparent)]
    Code(#[from] CodeError),
    /// The database failed.
    #[error(transparent)]
    Store(store::Error),
}

impl From<store::Error> for SignUpError {
    fn from(error: store::Error) -> Self {
        taken(&error).map_or_else(|| Self::Store(error), Self::Taken)
    }
}

/// The field of an account that a conflict is about.
pub(super) fn taken(error: &store::Error) -> Option<&'static str> {
    let store::Error::Conflict(name) = error else { return None };
    match name.as_str() {
        "users_handle_key" => Some("username"),
        "users_email_id_key" => Some("email"),
        "users_mobile_id_key" => Some("mobile"),
        _ => None,
    }
}

/// An account as its owner sees it.
#[derive(Debug, Clone)]
pub struct Account {
    /// As it is stored.
    pub row: UserRow,
    /// The email address.
    pub email: Address,
    /// What it will be once that is confirmed.
    pub pending_email: Option<Address>,
    /// The mobile.
    pub mobile: Address,
}

impl Account {
    /// First and last name in one.
    pub fn name(&self) -> String {
        join_name(&self.row.first_name, &self.row.last_name)
    }

    /// What a password of theirs must not hold.
    pub(super) fn names(&self) -> Vec<String> {
        names(&self.row.username, &self.email)
    }
}

/// A username, and what stands before the `@`.
pub(super) fn names(username: &str, email: &Address) -> Vec<String> {
    let local = email.as_str().split('@').next().unwrap_or_default();
    vec![username.to_owned(), local.to_owned()]
}

/// The account of somebody.
pub async fn find_account(accounts: &Accounts, user: UserId) -> store::Result<Option<Account>> {
    load_account(&mut accounts.m.store.read().await?, user).await
}

pub(super) async fn load_account(tx: &mut Tx, user: UserId) -> store::Result<Option<Account>> {
    let Some(row) = tx.find_user(user).await? else { return Ok(None) };
    with_addresses(tx, row).await.map(Some)
}

pub(super) async fn with_addresses(tx: &mut Tx, row: UserRow) -> store::Result<Account> {
    let ids: Vec<AddressId> =
        [Some(row.email_id), Some(row.mobile_id), row.pending_email_id].into_iter().flatten().collect();
    let found = tx.load_addresses(WorkspaceId::ACCOUNTS, &ids).await?;
    let find = |id: AddressId| found.get(&id).cloned();
    let sealed = store::Error::Corrupt("an account whose addresses do not open");
    let (Some(email), Some(mobile)) = (find(row.email_id), find(row.mobile_id)) else { return Err(sealed) };
    let pending_email = row.pending_email_id.and_then(find);
    Ok(Account { row, email, pending_email, mobile })
}

/// Makes an account, begins a pending session, and sends the code that verifies the mobile, all in one.
///
/// Whoever brings an invitation gets its seat; without one the sign-up must be open, and the seat is a member's in the
/// default workspace.
pub async fn sign_up(accounts: &Accounts, wish: SignUp) -> Result<Started, SignUpError> {
    if wish.invitation.is_none() && !accounts.settings.is_open {
        return Err(SignUpError::Closed);
    }
    let m = &accounts.m;
    allow_sign_up(&m.store, &m.rules.guards, accounts.origin, m.clock.now()).await?;
    if let Some(token) = &wish.invitation
        && !m.store.read().await?.has_invitation(&hash(token.expose_secret()), m.clock.now()).await?
    {
        return Err(SignUpError::Invitation);
    }
    let names = names(&wish.username, &wish.email);
    let password_hash = accounts.passwords.hash_new(wish.password.clone(), names).await??;
    let clock = &accounts.m.clock;
    let now = clock.now();
    let mut tx = accounts.m.store.begin().await?;
    let user = insert(&mut tx, &wish, (password_hash, None), now).await?;
    let workspace = seat(&mut tx, &wish, user, now).await?;
    let account = load_account(&mut tx, user).await?.ok_or(store::Error::Corrupt("no row for a new account"))?;
    let of_user = (user, Some(workspace));
    let (session, token) = begin_session(&mut tx, clock, of_user, (&wish.client, false)).await?;
    let verification = issue_first(&mut tx, accounts, &account, session).await?;
    ask_to_confirm(&mut tx, accounts, (user, account.row.email_id), &account.email).await?;
    note(&mut tx, user, "account.created", now).await?;
    tx.commit().await?;
    Ok(Started { token: token.into(), account, verification })
}

/// Makes an account whose mobile need not be verified, for whoever sits at the machine: an admin of a workspace.
pub async fn create_admin(accounts: &Accounts, wish: SignUp, workspace: WorkspaceId) -> Result<UserId, SignUpError> {
    let names = names(&wish.username, &wish.email);
    let password_hash = accounts.passwords.hash_new(wish.password.clone(), names).await??;
    let now = accounts.m.clock.now();
    let mut tx = accounts.m.store.begin().await?;
    let user = insert(&mut tx, &wish, (password_hash, Some(now)), now).await?;
    tx.put_membership(workspace, user, Role::Admin, now).await?;
    let (target, data) = (format!("user:{user}"), serde_json::json!({ "role": Role::Admin }));
    tx.audit(workspace, &Who::Operator.to_string(), "member.created", &target, data, now).await?;
    tx.commit().await?;
    Ok(user)
}

/// Gives a new account its seat: an invitation's, or a member's in the default workspace.
async fn seat(tx: &mut Tx, wish: &SignUp, user: UserId, now: Timestamp) -> Result<WorkspaceId, SignUpError> {
    let Some(token) = &wish.invitation else {
        tx.put_membership(WorkspaceId::DEFAULT, user, Role::Member, now).await?;
        return Ok(WorkspaceId::DEFAULT);
    };
    let seat = use_invitation(tx, token.expose_secret(), user, now).await?;
    seat.map(|(workspace, _)| workspace).ok_or(SignUpError::Invitation)
}

async fn insert(
    tx: &mut Tx,
    wish: &SignUp,
    (password_hash, mobile_verified_at): (String, Option<Timestamp>),
    now: Timestamp,
) -> store::Result<UserId> {
    let addresses = [wish.email.clone(), wish.mobile.clone()];
    let ids = tx.ensure_addresses(WorkspaceId::ACCOUNTS, &addresses, now).await?;
    let user = NewUser {
        username: wish.username.clone(),
        first_name: wish.first_name.clone(),
        last_name: wish.last_name.clone(),
        email: ids[&wish.email],
        mobile: ids[&wish.mobile],
        password_hash,
        mobile_verified_at,
    };
    tx.hold_addresses(&[user.email, user.mobile]).await?;
    tx.insert_user(&user, now).await
}

/// Sends a link to an address by which it is confirmed.
pub(super) async fn ask_to_confirm(
    tx: &mut Tx,
    accounts: &Accounts,
    (user, address): (UserId, AddressId),
    to: &Address,
) -> store::Result<()> {
    let now = accounts.m.clock.now();
    let token = new_token(MAIL_PREFIX, &accounts.m.clock);
    let kept = NewMailToken {
        hash: hash(&token),
        user,
        purpose: MailPurpose::ConfirmEmail,
        address,
        session: None,
        expires_at: now + CONFIRM_LIFE,
    };
    tx.put_mail_token(&kept, now).await?;
    let body = format!(
        "Open this link within 24 hours to confirm that this address is yours:\n\n{}/confirm-email#{SECRET_MARK}\n\n\
         If you asked for nothing, there is nothing to do.\n",
        accounts.m.rules.base_url
    );
    let letter = Letter::with_secret("Confirm your email address", body, token, CONFIRM_LIFE);
    write(tx, accounts, (to, letter), now).await
}
