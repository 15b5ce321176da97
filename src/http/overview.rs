//! How everything is doing, for the page of those who look after it.

use axum::Json;

use super::openapi::Refuses;
use super::query::Query;
use super::rights::MayAdmin;
use super::shapes::{LaneName, LaneQueue, OverviewParams, Overviewed};
use super::{Error, State};
use crate::domain::{Timestamp, WorkspaceId};
use crate::messaging;
use crate::store::{Phase, Queue};

const LANES: [(i64, LaneName); 3] = [(0, LaneName::Codes), (1, LaneName::Single), (2, LaneName::Bulk)];
/// How many minutes are shown when nobody says.
const ORDINARY: i64 = 60;
const SHORTEST: i64 = 5;
const LONGEST: i64 = 1_440;

/// How is everything doing?
///
/// The messages of the workspace, minute by minute; and, to the server's owner, what waits to be sent.
#[utoipa::path(
    get, path = "/api/overview", operation_id = "getOverview", tag = "operations", params(OverviewParams),
    responses((status = 200, description = "The last minutes.", body = Overviewed), Refuses<400>),
    security((), ("api_key" = ["admin"]), ("session" = [])),
)]
pub async fn get_overview(state: State, MayAdmin(caller): MayAdmin, query: Query) -> Result<Json<Overviewed>, Error> {
    let minutes = minutes(&query)?;
    let m = &state.messaging;
    let overview = messaging::find_overview(m, &state.overviews, caller.workspace, minutes).await?;
    let queues = if caller.workspace == WorkspaceId::DEFAULT {
        Some(lanes(&messaging::list_provider_queues(m).await?, m.clock.now()))
    } else {
        None
    };
    Ok(Json(Overviewed { overview, queue: queues }))
}

fn minutes(query: &Query) -> Result<i64, Error> {
    let Some(text) = query.get("minutes") else { return Ok(ORDINARY) };
    let minutes = text.parse().ok().filter(|minutes| (SHORTEST..=LONGEST).contains(minutes));
    let message = format!("must be an integer from {SHORTEST} to {LONGEST}");
    minutes.ok_or_else(|| Error::invalid_field("query:minutes", "invalid", message))
}

/// What waits in each lane, for whichever provider.
fn lanes(queues: &[Queue], now: Timestamp) -> Vec<LaneQueue> {
    let lane = |(lane, name): (i64, LaneName)| {
        let waiting = || queues.iter().filter(move |queue| queue.lane == lane && queue.phase == Phase::Send);
        let (rows, due) = waiting().fold((0, 0), |(rows, due), queue| (rows + queue.rows, due + queue.due));
        let oldest = waiting().map(|queue| queue.oldest).filter(|oldest| *oldest <= now).min();
        LaneQueue {
            lane: name,
            due,
            later: rows - due,
            oldest_seconds: oldest.map(|oldest| now.since(oldest).as_secs()),
        }
    };
    LANES.into_iter().map(lane).collect()
}
