//! Workspaces, who is in them, who is invited, and what was done.

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::domain::{
    ApiKeyId, AuditId, GroupHistory, InvitationId, QuietHours, Role, Strangers, Timestamp, UserId, WorkspaceId,
};
use crate::store::{ApiKeyRow, ColleagueRow, InvitationRow, WorkspaceRow};

/// A key as it is listed: never the key itself.
#[derive(Debug, Serialize, ToSchema)]
pub struct Key {
    /// Its id, by which it is revoked.
    pub id: ApiKeyId,
    /// What people call it.
    pub name: String,
    /// What it may do.
    pub scopes: Vec<String>,
    /// When it was made.
    pub created_at: Timestamp,
    /// Not after then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
    /// When it was used last, to the minute.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_used_at: Option<Timestamp>,
    /// When it was revoked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revoked_at: Option<Timestamp>,
}

impl From<ApiKeyRow> for Key {
    fn from(row: ApiKeyRow) -> Self {
        Self {
            id: row.id,
            name: row.name,
            scopes: row.scopes.split(' ').map(str::to_owned).collect(),
            created_at: row.created_at,
            expires_at: row.expires_at,
            last_used_at: row.last_used_at,
            revoked_at: row.revoked_at,
        }
    }
}

/// A workspace to be made.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(examples(json!({ "name": "The shop", "admin_email": "owner@shop.example" })))]
pub struct WorkspaceRequest {
    /// What people call it.
    #[schema(min_length = 1, max_length = 100, pattern = "^[^\\x00]*$")]
    pub name: String,
    /// Who is invited as its first admin, by mail.
    #[schema(max_length = 254)]
    pub admin_email: Option<String>,
    /// Who is invited as its first admin, by SMS.
    #[schema(max_length = 32)]
    pub admin_mobile: Option<String>,
}

/// A workspace and what it decides.
#[derive(Debug, Serialize, ToSchema)]
pub struct Workspace {
    /// Its id.
    pub id: WorkspaceId,
    /// What people call it.
    pub name: String,
    /// Whether people who are no friends may write to each other.
    pub strangers: Strangers,
    /// What somebody who joins a group sees of what was said before.
    pub group_history: GroupHistory,
    /// What is answered, once a day to everybody, to a text that says HELP or INFO; `null`: nothing.
    #[schema(required = true)]
    pub help_text: Option<String>,
    /// When texts wait for the morning; `null`: never.
    #[schema(required = true)]
    pub quiet_hours: Option<QuietHours>,
    /// When it was made.
    pub created_at: Timestamp,
}

impl From<WorkspaceRow> for Workspace {
    fn from(row: WorkspaceRow) -> Self {
        let WorkspaceRow { id, name, strangers, group_history, help_text, quiet_hours, created_at } = row;
        let quiet_hours = quiet_hours.map(|hours| hours.0);
        Self { id, name, strangers, group_history, help_text, quiet_hours, created_at }
    }
}

/// What of a workspace is to be changed; what is left out stays.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(examples(json!({ "strangers": "ask" }), json!({ "name": "The shop", "group_history": "all" })))]
pub struct SettingsRequest {
    /// What people call it.
    #[schema(min_length = 1, max_length = 100, pattern = "^[^\\x00]*$")]
    pub name: Option<String>,
    /// Whether people who are no friends may write to each other.
    pub strangers: Option<Strangers>,
    /// What somebody who joins a group sees of what was said before.
    pub group_history: Option<GroupHistory>,
    /// What is answered to a text that says HELP or INFO; empty: nothing.
    #[schema(max_length = 480, pattern = "^[^\\x00]*$")]
    pub help_text: Option<String>,
    /// When texts wait for the morning, by the recipient's clock; `null`: never. They are held and not dropped: the time
    /// that a message is tried for begins after them, unless its client said until when.
    pub quiet_hours: Option<QuietHours>,
}

/// Somebody of the workspace.
#[derive(Debug, Serialize, ToSchema)]
pub struct Member {
    /// Their account's id.
    pub id: UserId,
    /// Their username.
    pub user_name: String,
    /// First name; may be empty.
    pub first_name: String,
    /// Last name; may be empty.
    pub last_name: String,
    /// What they are here.
    pub role: Role,
    /// Since when.
    pub joined_at: Timestamp,
}

impl From<ColleagueRow> for Member {
    fn from(row: ColleagueRow) -> Self {
        Self {
            id: row.user_id,
            user_name: row.username,
            first_name: row.first_name,
            last_name: row.last_name,
            role: row.role,
            joined_at: row.created_at,
        }
    }
}

/// What somebody is to be.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(examples(json!({ "role": "agent" })))]
pub struct RoleRequest {
    /// The role.
    pub role: Role,
}

/// Somebody to be invited, by mail or by SMS: one of the two.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(examples(json!({ "email": "new@shop.example", "role": "agent" })))]
pub struct InvitationRequest {
    /// Where the mail goes.
    #[schema(max_length = 254)]
    pub email: Option<String>,
    /// Where the SMS goes.
    #[schema(max_length = 32)]
    pub mobile: Option<String>,
    /// As what they join.
    pub role: Role,
}

/// An invitation that is on its way. Its token is in the message alone.
#[derive(Debug, Serialize, ToSchema)]
pub struct InvitationSent {
    /// Its id, by which it is revoked.
    pub id: InvitationId,
    /// As what they join.
    pub role: Role,
    /// Not after then.
    pub expires_at: Timestamp,
}

/// How an invitation stands.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum InvitationState {
    /// It can be accepted.
    Pending,
    /// Somebody joined by it.
    Accepted,
    /// It was taken back.
    Revoked,
    /// Its time is over.
    Expired,
}

/// An invitation as it is listed.
#[derive(Debug, Serialize, ToSchema)]
pub struct Invitation {
    /// Its id, by which it is revoked.
    pub id: InvitationId,
    /// Where it was sent.
    pub to: String,
    /// As what they join.
    pub role: Role,
    /// How it stands.
    pub state: InvitationState,
    /// Whose doing it was, such as `user:3`.
    pub invited_by: String,
    /// When.
    pub created_at: Timestamp,
    /// Not after then.
    pub expires_at: Timestamp,
}

impl Invitation {
    /// An invitation as it stands now.
    pub fn at(row: InvitationRow, now: Timestamp) -> Self {
        let state = match (row.accepted_at, row.revoked_at) {
            (Some(_), _) => InvitationState::Accepted,
            (None, Some(_)) => InvitationState::Revoked,
            (None, None) if row.expires_at <= now => InvitationState::Expired,
            (None, None) => InvitationState::Pending,
        };
        let InvitationRow { id, to, role, invited_by, created_at, expires_at, .. } = row;
        Self { id, to, role, state, invited_by, created_at, expires_at }
    }
}

/// An invitation to be accepted.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(examples(json!({ "token": "sb_invite_3q2-7wAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA" })))]
pub struct AcceptRequest {
    /// What the link holds behind its `#`.
    #[schema(min_length = 1, max_length = 200, pattern = "^[^\\x00]*$")]
    pub token: String,
}

/// Where somebody is now, and as what.
#[derive(Debug, Serialize, ToSchema)]
pub struct Joined {
    /// Where.
    pub workspace: Workspace,
    /// As what.
    pub role: Role,
    /// The session's new token, for a client that showed a bearer token.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub token: Option<String>,
}

/// An act that was noted.
#[derive(Debug, Serialize, ToSchema)]
pub struct AuditEntry {
    /// Its id.
    pub id: AuditId,
    /// When.
    pub at: Timestamp,
    /// Whose doing it was: `operator`, `key:7` or `user:3`.
    pub actor: String,
    /// Their username, when it was a person.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub actor_name: Option<String>,
    /// What was done, such as `key.created`.
    pub action: String,
    /// To what, such as `key:7` or `user:3`.
    pub target: String,
    /// Its username, when it was a person.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target_name: Option<String>,
    /// What else there is to know; never an address.
    #[schema(value_type = Object)]
    pub data: serde_json::Value,
}

/// Which acts are listed.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct AuditParams {
    /// Only those of this actor: `operator`, `key:7` or `user:3`.
    #[param(nullable = false, max_length = 64)]
    pub actor: Option<String>,
    /// Only those of this action, such as `key.created`.
    #[param(nullable = false, max_length = 64)]
    pub action: Option<String>,
}
