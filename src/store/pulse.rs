//! What is due at a moment, told by one look: an idle server asks for nothing else.

use std::collections::BTreeSet;

use super::{Dialect, Result, Tx, on, set};
use crate::domain::{EventId, Timestamp};

/// What is due at a moment.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each answers a question of its own")]
pub struct Pulse {
    /// The last event of the log.
    pub last_event: EventId,
    /// Providers that are held back.
    pub paused: BTreeSet<String>,
    /// Providers for which something is to be sent.
    pub sends: BTreeSet<String>,
    /// Providers that are to be asked for something.
    pub lookups: BTreeSet<String>,
    /// Whether a lease has lapsed.
    pub has_lapsed: bool,
    /// Whether something waits beyond its deadline.
    pub has_expired: bool,
    /// Whether an endpoint is to be told something, or has not read the log to its end.
    pub has_deliveries: bool,
    /// Whether something waits for an endpoint that is disabled.
    pub has_idle_deliveries: bool,
    /// Whether an attachment is to be fetched.
    pub has_media: bool,
    /// Whether a snooze has ended.
    pub has_snoozes: bool,
    /// Whether search has taken the log to its end.
    pub is_searched: bool,
}

#[derive(sqlx::FromRow)]
#[expect(clippy::struct_excessive_bools, reason = "as above")]
struct Row {
    last_event: EventId,
    paused: String,
    sends: String,
    lookups: String,
    has_lapsed: bool,
    has_expired: bool,
    has_deliveries: bool,
    has_idle_deliveries: bool,
    has_media: bool,
    has_snoozes: bool,
    search_mark: Option<String>,
}

/// The providers of the set `$2` for which something is due in a phase.
macro_rules! due {
    (sqlite, $phase:literal) => {
        concat!(
            "(select json_group_array(p.value) from json_each($2) p where exists (select 1 from json_each('[0,1,2]') l
                cross join outbox o where o.phase = '",
            $phase,
            "' and o.provider = p.value and o.lane = l.value and o.due_at <= $1 and o.deadline > $1))"
        )
    };
    (postgres, $phase:literal) => {
        concat!(
            "(select coalesce(jsonb_agg(p.value), '[]')::text from jsonb_array_elements_text($2::jsonb) p
                where exists (select 1 from (values (0), (1), (2)) l (lane) cross join lateral
                    (select 1 from outbox o where o.phase = '",
            $phase,
            "' and o.provider = p.value and o.lane = l.lane and o.due_at <= $1 and o.deadline > $1 limit 1) x))"
        )
    };
}

/// What is due of endpoints that are enabled, or waits for those that are not.
macro_rules! endpoints {
    ($enabled:literal, $due:literal) => {
        concat!(
            "exists (select 1 from webhook_endpoints w where w.is_enabled = ",
            $enabled,
            " and exists (select 1 from outbox o where o.phase = 'send' and o.provider = 'webhook:' || w.id and o.lane = 3",
            $due,
            "))"
        )
    };
}

macro_rules! pulse {
    ($last:literal, $paused:literal, $sends:expr, $lookups:expr) => {
        concat!(
            "select ",
            $last,
            " as last_event, ",
            $paused,
            " as paused, ",
            $sends,
            " as sends, ",
            $lookups,
            " as lookups,
             exists (select 1 from outbox where phase = 'sending' and due_at <= $1) as has_lapsed,
             exists (select 1 from outbox where phase <> 'sending' and deadline <= $1) as has_expired, ",
            endpoints!("true", " and o.due_at <= $1"),
            " or exists (select 1 from webhook_endpoints w where w.is_enabled = true
                and w.position < (select max(e.id) from events e where e.workspace_id = w.workspace_id)) as has_deliveries, ",
            endpoints!("false", ""),
            " as has_idle_deliveries,
             exists (select 1 from inbound_media where due_at <= $1) as has_media,
             exists (select 1 from conversations where state = 'snoozed' and snoozed_until <= $1) as has_snoozes,
             (select value from settings where name = 'search_mark') as search_mark"
        )
    };
}

impl Tx {
    /// What is due now, of those providers and besides.
    pub async fn pulse(&mut self, providers: &[&str], now: Timestamp) -> Result<Pulse> {
        const SQL: Dialect = Dialect {
            sqlite: pulse!(
                "(select coalesce(max(id), 0) from events)",
                "(select json_group_array(provider) from provider_pauses)",
                due!(sqlite, "send"),
                due!(sqlite, "lookup")
            ),
            postgres: pulse!(
                "(select coalesce(max(id), 0) from events)",
                "(select coalesce(jsonb_agg(provider), '[]')::text from provider_pauses)",
                due!(postgres, "send"),
                due!(postgres, "lookup")
            ),
        };
        let (sql, providers) = (SQL.pick(self), set(&providers)?);
        let row: Row = on!(self, |conn| sqlx::query_as(sql).bind(now).bind(providers).fetch_one(conn).await)?;
        let names = |text: &str| serde_json::from_str(text).unwrap_or_default();
        let searched = row.search_mark.and_then(|mark| mark.parse().ok()).unwrap_or(0);
        Ok(Pulse {
            last_event: row.last_event,
            paused: names(&row.paused),
            sends: names(&row.sends),
            lookups: names(&row.lookups),
            has_lapsed: row.has_lapsed,
            has_expired: row.has_expired,
            has_deliveries: row.has_deliveries,
            has_idle_deliveries: row.has_idle_deliveries,
            has_media: row.has_media,
            has_snoozes: row.has_snoozes,
            is_searched: row.last_event.0 <= searched,
        })
    }
}
