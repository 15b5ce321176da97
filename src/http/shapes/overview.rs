//! How everything is doing.

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::LaneName;
use crate::messaging::Overview;

/// Which span is shown.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct OverviewParams {
    /// How many minutes.
    #[param(minimum = 5, maximum = 1440, default = 60)]
    pub minutes: Option<i64>,
}

/// How everything is doing.
#[derive(Debug, Serialize, ToSchema)]
pub struct Overviewed {
    /// The workspace's messages.
    #[serde(flatten)]
    pub overview: Overview,
    /// What waits to be sent, of all workspaces; `null` for whoever does not own the server.
    #[schema(required = true)]
    pub queue: Option<Vec<LaneQueue>>,
}

/// What waits in a lane.
#[derive(Debug, Serialize, ToSchema)]
pub struct LaneQueue {
    /// Which: `codes` go before `single` messages, and these before `bulk`.
    pub lane: LaneName,
    /// Messages whose time has come.
    pub due: i64,
    /// Those that wait for theirs.
    pub later: i64,
    /// How long the oldest due one has waited; `null` where none is due.
    #[schema(required = true)]
    pub oldest_seconds: Option<u64>,
}
