//! Shapes of accounts and sessions: contract D.
//!
//! None of them can be printed for debugging: they hold passwords, codes and tokens.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::domain::{SessionId, Timestamp, UserId, WorkspaceId};

/// How a client carries its session.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ClientKind {
    /// As a cookie.
    Cookie,
    /// As a bearer token, which the answer then holds.
    Bearer,
}

/// An account to make.
#[derive(Deserialize, ToSchema)]
#[schema(examples(json!({
    "username": "alice", "email": "alice@example.com", "mobile": "+12025550123",
    "password": "four words nobody joins", "name": "Alice Liddell"
})))]
pub struct SignUpRequest {
    /// 5 to 32 letters, digits, `_`, `.` and `-`, a letter first.
    #[schema(min_length = 5, max_length = 32)]
    pub username: String,
    /// Unique without regard to case.
    pub email: String,
    /// Where codes go. It never changes.
    pub mobile: String,
    /// 8 characters or more, hard to guess, without the username.
    #[schema(min_length = 8, max_length = 1000)]
    pub password: String,
    /// First and last name, split at the last space.
    pub name: Option<String>,
    /// First name.
    pub first_name: Option<String>,
    /// Last name.
    pub last_name: Option<String>,
    /// The token of an invitation: what its link holds behind the `#`. Where only those who are invited may sign up,
    /// nobody can do without.
    pub invitation: Option<String>,
    /// How the client carries its session.
    #[schema(inline)]
    pub client: Option<ClientKind>,
}

/// Who somebody is.
#[derive(Deserialize, ToSchema)]
#[schema(examples(json!({ "login": "alice", "password": "four words nobody joins" })))]
pub struct LoginRequest {
    /// The username or the email address; `username` or `email` say the same.
    pub login: Option<String>,
    /// The username.
    pub username: Option<String>,
    /// The email address.
    pub email: Option<String>,
    /// The password.
    pub password: String,
    /// How the client carries its session.
    #[schema(inline)]
    pub client: Option<ClientKind>,
}

/// What a code is wanted for.
#[derive(Deserialize, ToSchema)]
#[schema(examples(json!({ "purpose": "change_profile" })))]
pub struct CodeRequest {
    /// `login` when absent.
    #[schema(inline)]
    pub purpose: Option<AskedPurpose>,
}

/// What a code may be asked for.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum AskedPurpose {
    /// Signing in.
    Login,
    /// Changing the password.
    ChangePassword,
    /// Changing names, email and devices.
    ChangeProfile,
}

/// A code.
#[derive(Deserialize, ToSchema)]
#[schema(examples(json!({ "code": "123456" })))]
pub struct VerifyRequest {
    /// The six digits.
    pub code: String,
    /// What it was sent for; `login` when absent.
    #[schema(inline)]
    pub purpose: Option<AskedPurpose>,
    /// The account's mobile, for clients that send it; with another one the code is wrong.
    pub mobile: Option<String>,
}

/// What is to be different.
#[derive(Deserialize, ToSchema)]
#[schema(examples(json!({ "desired_username": "alice.l", "desired_email": "alice@example.org" })))]
pub struct UpdateRequest {
    /// The username; `username` says the same.
    pub desired_username: Option<String>,
    /// The username.
    pub username: Option<String>,
    /// The email address; `email` says the same.
    pub desired_email: Option<String>,
    /// The email address.
    pub email: Option<String>,
    /// First and last name, split at the last space.
    pub name: Option<String>,
    /// First name.
    pub first_name: Option<String>,
    /// Last name.
    pub last_name: Option<String>,
}

/// A new password.
#[derive(Deserialize, ToSchema)]
#[schema(examples(json!({ "desired_password": "other words nobody joins", "code": "123456" })))]
pub struct PasswordRequest {
    /// The new password; `new_password` and `password` say the same.
    pub desired_password: Option<String>,
    /// The new password.
    pub new_password: Option<String>,
    /// The new password.
    pub password: Option<String>,
    /// The code for `change_password`.
    pub code: Option<String>,
}

/// The token of a mail.
#[derive(Deserialize, ToSchema)]
#[schema(examples(json!({ "token": "sb_mail_dGhpcyBpcyBub3QgYSB0b2tlbg" })))]
pub struct ConfirmRequest {
    /// What stands behind the `#` of the mail's link.
    pub token: String,
}

/// Whose password is forgotten.
#[derive(Deserialize, ToSchema)]
#[schema(examples(json!({ "login": "alice" })))]
pub struct RecoverRequest {
    /// The username or the email address; `username` or `email` say the same.
    pub login: Option<String>,
    /// How the client carries the recovery.
    #[schema(inline)]
    pub client: Option<ClientKind>,
}

/// Both proofs, and a new password.
#[derive(Deserialize, ToSchema)]
#[schema(examples(json!({
    "code": "123456", "mail_token": "sb_mail_dGhpcyBpcyBub3QgYSB0b2tlbg", "new_password": "other words nobody joins"
})))]
pub struct RecoveryRequest {
    /// The code of the text.
    pub code: String,
    /// What stands behind the `#` of the mail's link.
    pub mail_token: String,
    /// 8 characters or more, hard to guess, without the username.
    #[schema(min_length = 8, max_length = 1000)]
    pub new_password: String,
}

/// A code that a device shows.
#[derive(Deserialize, ToSchema)]
#[schema(examples(json!({ "code": "123456" })))]
pub struct TotpRequest {
    /// The six digits.
    pub code: String,
}

/// Which workspace.
#[derive(Deserialize, ToSchema)]
#[schema(examples(json!({ "workspace_id": 1 })))]
pub struct SwitchRequest {
    /// The workspace; its person must have a seat in it.
    pub workspace_id: i64,
}

/// How a code comes.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum CodeChannel {
    /// By SMS.
    Sms,
    /// The person's own device makes it; one by SMS may be asked for.
    Totp,
}

/// The code that is waited for.
#[derive(Serialize, ToSchema)]
pub struct PendingCode {
    /// How it comes.
    pub channel: CodeChannel,
    /// Where it went, but for the last four digits hidden.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "...0123", nullable = false)]
    pub to: Option<String>,
    /// Not after then.
    pub expires_at: Timestamp,
}

/// An account that was made.
#[derive(Serialize, ToSchema)]
pub struct UserMade {
    /// Its id.
    pub id: UserId,
    /// The username.
    pub username: String,
    /// The email address.
    pub email: String,
    /// The mobile.
    pub mobile: String,
    /// First and last name.
    pub name: String,
    /// The code that is waited for.
    pub verification: PendingCode,
    /// The session's token, for a client that asked for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub token: Option<String>,
}

/// A sign-in that waits for its code.
#[derive(Serialize, ToSchema)]
pub struct SignInBegun {
    /// Whose.
    pub id: UserId,
    /// The username.
    pub username: String,
    /// The email address.
    pub email: String,
    /// The code that is waited for.
    pub verification: PendingCode,
    /// The session's token, for a client that asked for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub token: Option<String>,
}

/// A code that was right.
#[derive(Serialize, ToSchema)]
pub struct SignInDone {
    /// A sentence.
    #[schema(example = "2FA completed successfully")]
    pub message: String,
    /// Who is signed in.
    pub user: AccountUser,
    /// The session's new token, for a client that showed a bearer token.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub token: Option<String>,
}

/// A session that acts in another workspace.
#[derive(Serialize, ToSchema)]
pub struct Switched {
    /// A sentence.
    pub message: String,
    /// The session's new token, for a client that showed a bearer token.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub token: Option<String>,
}

/// A password that was changed.
#[derive(Serialize, ToSchema)]
pub struct PasswordDone {
    /// A sentence.
    pub message: String,
    /// The session's new token, for a client that showed a bearer token.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub token: Option<String>,
}

/// A recovery that was begun, or seems so.
#[derive(Serialize, ToSchema)]
pub struct RecoveryBegun {
    /// A sentence.
    pub message: String,
    /// The recovery's token, for a client that asked for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub token: Option<String>,
}

/// A code that was sent.
#[derive(Serialize, ToSchema)]
pub struct CodeSent {
    /// The code that is waited for.
    pub verification: PendingCode,
}

/// An account as its owner sees it.
#[derive(Serialize, ToSchema)]
pub struct AccountUser {
    /// Its id.
    pub id: UserId,
    /// The username.
    pub username: String,
    /// The email address.
    pub email: String,
    /// Whether it was confirmed.
    pub email_verified: bool,
    /// What the email address will be once it is confirmed.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub pending_email: Option<String>,
    /// The mobile.
    pub mobile: String,
    /// First and last name.
    pub name: String,
    /// First name.
    pub first_name: String,
    /// Last name.
    pub last_name: String,
    /// Whether a second factor guards their sign-in: a mobile that was verified, or an authenticator app.
    pub mfa: bool,
    /// Whether an authenticator app makes their codes.
    pub totp: bool,
    /// When it was made.
    pub created_at: Timestamp,
    /// When anything about it changed last.
    pub modified_at: Timestamp,
}

/// Who is signed in, if anybody.
#[derive(Serialize, ToSchema)]
pub struct Authenticated {
    /// Whether anybody is.
    pub authenticated: bool,
    /// Who.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub user: Option<AccountUser>,
    /// In which workspace they act; absent: in none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub workspace_id: Option<WorkspaceId>,
}

/// One session.
#[derive(Serialize, ToSchema)]
pub struct SessionEntry {
    /// Its id.
    pub id: SessionId,
    /// The program that signed in, as it calls itself.
    pub client: String,
    /// When it began.
    pub created_at: Timestamp,
    /// When it was used last, to the minute.
    pub seen_at: Timestamp,
    /// When it ends, however much it is used.
    pub ends_at: Timestamp,
    /// Whether it is the one that asks.
    pub is_current: bool,
}

/// A secret for a device.
#[derive(Serialize, ToSchema)]
pub struct TotpSecret {
    /// As people type it: base32.
    pub secret: String,
    /// As apps read it: an `otpauth` URL.
    pub url: String,
    /// As cameras read it: an SVG picture.
    pub qr_svg: String,
}

/// Ten codes, shown once.
#[derive(Serialize, ToSchema)]
pub struct RecoveryCodes {
    /// The codes.
    pub codes: Vec<String>,
}
