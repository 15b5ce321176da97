//! How a workspace is doing, minute by minute.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde::Serialize;

use super::Messaging;
use crate::domain::{EventId, Status, Timestamp, WorkspaceId};
use crate::store::{self, DeliveryRow, MinuteRow, Tx};

const MINUTE: Duration = Duration::from_mins(1);
const MICROS_OF_MINUTE: i64 = 60_000_000;
/// Events that are read at most: a span that holds more of them is cut at its beginning.
const MOST_EVENTS: i64 = 200_000;
/// Deliveries of which it is read how long they took: the newest.
const MOST_DELIVERIES: i64 = 10_000;
/// Up to where dead letters and quarantined bodies are counted.
const MOST_COUNTED: i64 = 10_000;
/// For how long what was read of the events is good enough for whoever asks next.
const KEPT_FOR: Duration = Duration::from_secs(5);
/// Spans that are kept of a workspace, and workspaces of which any are.
const MOST_SPANS: usize = 4;
const MOST_WORKSPACES: usize = 50;

/// How a workspace is doing.
#[derive(Debug, Clone, PartialEq, Serialize, utoipa::ToSchema)]
pub struct Overview {
    /// Every minute of the span, the oldest first; the last one is not over.
    pub minutes: Vec<Minute>,
    /// Whether more happened than is read for this: then the first minutes say nothing.
    pub is_partial: bool,
    /// How long deliveries took over the whole span.
    pub delivery: Spread,
    /// Messages that were given up; 10,000 stands for as many or more.
    pub dead_letters: i64,
    /// Inbound bodies that were not understood; 10,000 stands for as many or more.
    pub quarantined: i64,
}

/// What became of messages in one minute.
#[derive(Debug, Clone, PartialEq, Serialize, utoipa::ToSchema)]
pub struct Minute {
    /// When it began.
    pub at: Timestamp,
    /// Taken to be sent.
    pub accepted: i64,
    /// Arrived.
    pub delivered: i64,
    /// Ended without arriving: `undelivered`, `failed`, `bounced`, `rejected`, `dead`.
    pub failed: i64,
    /// Nobody knows whether they were sent.
    pub unknown: i64,
    /// How long those took that arrived.
    pub delivery: Spread,
}

/// How long deliveries took, from being accepted to having arrived; of messages that were to go at once.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, utoipa::ToSchema)]
pub struct Spread {
    /// How many were looked at: the newest 10,000 of the span at most.
    pub messages: usize,
    /// Half took no longer, in milliseconds; `null` where there are none.
    #[schema(required = true)]
    pub p50_ms: Option<i64>,
    /// 95 of 100 took no longer.
    #[schema(required = true)]
    pub p95_ms: Option<i64>,
}

impl Spread {
    fn of(mut took: Vec<i64>) -> Self {
        took.sort_unstable();
        // The smallest one that as many as wanted do not exceed.
        let at =
            |hundredths: usize| took.get((took.len() * hundredths).div_ceil(100).saturating_sub(1)).map(|t| t / 1_000);
        Self { messages: took.len(), p50_ms: at(50), p95_ms: at(95) }
    }
}

/// What was read of the events a moment ago. Whoever reads those of a workspace holds its shelf; whoever asks meanwhile
/// waits, and finds it there.
#[derive(Debug, Default)]
pub struct Overviews {
    shelves: Mutex<HashMap<WorkspaceId, Arc<Shelf>>>,
}

type Shelf = tokio::sync::Mutex<Vec<Kept>>;

#[derive(Debug)]
struct Kept {
    minutes: i64,
    at: Timestamp,
    happened: Arc<Happened>,
}

/// What the events of a span say.
#[derive(Debug)]
struct Happened {
    minutes: Vec<Minute>,
    is_partial: bool,
    delivery: Spread,
}

impl Overviews {
    fn shelf(&self, workspace: WorkspaceId) -> Arc<Shelf> {
        let mut shelves = self.shelves.lock().unwrap_or_else(PoisonError::into_inner);
        if shelves.len() >= MOST_WORKSPACES && !shelves.contains_key(&workspace) {
            shelves.retain(|_, shelf| Arc::strong_count(shelf) > 1);
        }
        Arc::clone(shelves.entry(workspace).or_default())
    }

    async fn find(&self, m: &Messaging, workspace: WorkspaceId, minutes: i64) -> store::Result<Arc<Happened>> {
        let place = self.shelf(workspace);
        let mut spans = place.lock().await;
        let at = m.clock.now();
        spans.retain(|kept| at.since(kept.at) < KEPT_FOR);
        if let Some(kept) = spans.iter().find(|kept| kept.minutes == minutes) {
            return Ok(Arc::clone(&kept.happened));
        }
        let happened = Arc::new(read_events(m, workspace, minutes).await?);
        // Whoever waited while it was read takes it, however long that was.
        let at = m.clock.now();
        if spans.len() >= MOST_SPANS {
            spans.remove(0);
        }
        spans.push(Kept { minutes, at, happened: Arc::clone(&happened) });
        Ok(happened)
    }
}

/// How a workspace has been doing for so many minutes; of what happened, a few seconds ago at most.
///
/// # Errors
///
/// When the database fails.
pub async fn find_overview(
    m: &Messaging,
    overviews: &Overviews,
    workspace: WorkspaceId,
    minutes: i64,
) -> store::Result<Overview> {
    let happened = overviews.find(m, workspace, minutes).await?;
    let mut tx = m.store.read().await?;
    Ok(Overview {
        minutes: happened.minutes.clone(),
        is_partial: happened.is_partial,
        delivery: happened.delivery,
        dead_letters: tx.count_dead(workspace, MOST_COUNTED).await?,
        quarantined: tx.count_quarantined(workspace, MOST_COUNTED).await?,
    })
}

async fn read_events(m: &Messaging, workspace: WorkspaceId, minutes: i64) -> store::Result<Happened> {
    let last = m.clock.now().micros().div_euclid(MICROS_OF_MINUTE);
    let first = last - minutes + 1;
    let since = Timestamp::from_micros(first * MICROS_OF_MINUTE);
    let mut tx = m.store.read().await?;
    let (after, is_partial) = begin(&mut tx, workspace, since).await?;
    let counts = tx.count_by_minute(workspace, (after, since)).await?;
    let deliveries = tx.list_deliveries_after(workspace, (after, since), MOST_DELIVERIES).await?;
    Ok(Happened {
        delivery: Spread::of(deliveries.iter().map(|row| row.took).collect()),
        minutes: by_minute((first, last), counts, deliveries),
        is_partial,
    })
}

/// After which event the span begins. Events of several processes are a little out of time, so a minute more is read.
async fn begin(tx: &mut Tx, workspace: WorkspaceId, since: Timestamp) -> store::Result<(EventId, bool)> {
    let before = tx.last_event_before(since - MINUTE).await?;
    let cut = tx.nth_event_back(workspace, before, MOST_EVENTS).await?;
    Ok((cut.unwrap_or(before), cut.is_some()))
}

fn by_minute((first, last): (i64, i64), counts: Vec<MinuteRow>, deliveries: Vec<DeliveryRow>) -> Vec<Minute> {
    let empty = |minute: i64| Minute {
        at: Timestamp::from_micros(minute * MICROS_OF_MINUTE),
        accepted: 0,
        delivered: 0,
        failed: 0,
        unknown: 0,
        delivery: Spread::default(),
    };
    let mut minutes: BTreeMap<i64, Minute> = (first..=last).map(|minute| (minute, empty(minute))).collect();
    for row in counts {
        let Some(minute) = minutes.get_mut(&row.minute) else { continue };
        match row.status {
            None => minute.accepted += row.messages,
            Some(Status::Delivered) => minute.delivered += row.messages,
            Some(Status::Unknown) => minute.unknown += row.messages,
            Some(Status::Undelivered | Status::Failed | Status::Bounced | Status::Rejected | Status::Dead) => {
                minute.failed += row.messages;
            }
            Some(
                Status::Scheduled
                | Status::Queued
                | Status::Sending
                | Status::Accepted
                | Status::Sent
                | Status::Read
                | Status::Canceled
                | Status::Received,
            ) => {}
        }
    }
    let mut took: HashMap<i64, Vec<i64>> = HashMap::new();
    for row in deliveries {
        took.entry(row.minute).or_default().push(row.took);
    }
    for (minute, took) in took {
        if let Some(minute) = minutes.get_mut(&minute) {
            minute.delivery = Spread::of(took);
        }
    }
    minutes.into_values().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spread_is_of_what_there_is() {
        let spread = |took: &[i64]| {
            let spread = Spread::of(took.iter().map(|ms| ms * 1_000).collect());
            (spread.messages, spread.p50_ms, spread.p95_ms)
        };
        assert_eq!(spread(&[]), (0, None, None));
        assert_eq!(spread(&[7]), (1, Some(7), Some(7)));
        assert_eq!(spread(&[4, 1, 3, 2]), (4, Some(2), Some(4)));
        assert_eq!(spread(&(1..=100).rev().collect::<Vec<_>>()), (100, Some(50), Some(95)));
    }

    #[test]
    fn no_more_than_so_many_workspaces_are_kept() {
        let overviews = Overviews::default();
        let held = overviews.shelf(WorkspaceId(1));
        for id in 2..1_000 {
            overviews.shelf(WorkspaceId(id));
        }
        assert!(overviews.shelves.lock().unwrap().len() <= MOST_WORKSPACES);
        assert!(Arc::ptr_eq(&held, &overviews.shelf(WorkspaceId(1))), "whoever reads is not forgotten");
    }
}
