//! What clients that show pages must know of the server.

use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::{Role, UserId, WorkspaceId};

/// How the server runs.
#[derive(Debug, Serialize, ToSchema)]
pub struct AppInfo {
    /// The server's version.
    #[schema(example = "0.1.0")]
    pub version: &'static str,
    /// In which mode it runs.
    pub mode: RunMode,
    /// Whether this request, which shows no credentials, acts as the local operator. Only in `dev`.
    pub is_operator: bool,
    /// The person who is signed in, in a workspace or in none; `null` for everybody else.
    #[schema(required = true)]
    pub user_id: Option<UserId>,
    /// The workspace in which this request acts; `null` for nobody.
    #[schema(required = true, example = 1)]
    pub workspace_id: Option<WorkspaceId>,
    /// What the caller is there: a person's role, `admin` for the local operator, `null` for a key and for nobody.
    #[schema(required = true)]
    pub role: Option<Role>,
    /// Who may sign up.
    pub sign_up: SignUp,
    /// From where a text goes whose sender nobody named; `null` where there is none, and for those who may not send.
    #[schema(required = true, example = "+12015550100")]
    pub default_sender: Option<String>,
    /// The numbers and mailboxes that the configuration names as the workspace's own; none for those who may not send.
    #[schema(example = json!(["+12015550100", "support@example.com"]))]
    pub senders: Vec<String>,
    /// The calling code that ten bare digits get.
    #[schema(example = "+1")]
    pub default_country: String,
    /// How many segments a text may have.
    #[schema(example = 10)]
    pub max_segments: i64,
}

/// In which mode a server runs.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum RunMode {
    /// For whoever sits at the machine, with a simulated carrier.
    Dev,
    /// For the world.
    Serve,
}

/// Who may make an account.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SignUp {
    /// Anybody.
    Open,
    /// Whoever is invited.
    Invited,
}
