//! What providers report of messages: kept always, and folded into the one order of statuses.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::Messaging;
use super::consent::{Unwanted, note_unwanted};
use crate::domain::{
    Address, ConsentSource, Direction, MessageId, QuarantineId, Report, Standing, Status, Timestamp, WorkspaceId,
};
use crate::fault::is_sabotaged;
use crate::store::{self, Bearing, NewHistory, Phase, RecipientRow, SeenEvent, Sending, Tx, WaitsFor};

/// A provider's report of a message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatusReport {
    /// Which provider, when its secret said so.
    pub provider: Option<String>,
    /// Our name for the message.
    pub reference: Option<String>,
    /// The provider's name for it.
    pub provider_id: Option<String>,
    /// What it reports.
    pub report: Report,
    /// Whether the provider said when; without that the report's time is that of its arrival.
    pub is_dated: bool,
    /// Of which recipient; absent: of all.
    pub recipient: Option<Address>,
    /// Why nothing more is to go there, when the report says so.
    #[serde(default)]
    pub opt_out: Option<ConsentSource>,
    /// The provider's name for the report itself, when it has one: a repeat is known by it.
    #[serde(default)]
    pub event_id: Option<String>,
}

/// A body that tells of a message and is put aside.
#[derive(Debug, Clone, Copy)]
pub struct Aside<'a> {
    /// Its bytes.
    pub raw: &'a [u8],
    /// Why.
    pub why: Why<'a>,
}

/// Why a body is put aside.
#[derive(Debug, Clone, Copy)]
pub enum Why<'a> {
    /// It cannot be understood: which fields, and what is wrong with them.
    Unreadable(&'a str),
    /// No message is known by that name; it is replayed by itself when the provider's name for it becomes known.
    Unmatched(&'a StatusReport),
}

/// What became of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recorded {
    /// It stands on the timeline, and has moved the message if it goes before what was known.
    Applied,
    /// It stood there already.
    Repeated,
    /// No message is known by that name.
    Unmatched,
}

/// Records a report of a provider.
pub async fn record_status(m: &Messaging, report: StatusReport) -> store::Result<Recorded> {
    let recorded = record_statuses(m, &[report]).await?;
    Ok(recorded.into_iter().next().unwrap_or(Recorded::Unmatched))
}

/// Records reports of a provider in one commit, in the order of their messages. A provider carries for every workspace:
/// the message says of which one it is.
pub async fn record_statuses(m: &Messaging, reports: &[StatusReport]) -> store::Result<Vec<Recorded>> {
    let mut tx = m.store.begin().await?;
    let mut found = Vec::with_capacity(reports.len());
    for (at, report) in reports.iter().enumerate() {
        if let Some(sending) = find(&mut tx, m, report).await? {
            found.push((sending.message, at, sending));
        }
    }
    found.sort_unstable_by_key(|(message, at, _)| (*message, *at));
    let mut recorded = vec![Recorded::Unmatched; reports.len()];
    let mut unwanted: BTreeMap<i64, Vec<(MessageId, &StatusReport)>> = BTreeMap::new();
    for (message, at, sending) in found {
        recorded[at] = record(&mut tx, m, sending, &reports[at]).await?;
        if recorded[at] == Recorded::Applied && reports[at].opt_out.is_some() {
            unwanted.entry(sending.workspace.0).or_default().push((message, &reports[at]));
        }
    }
    for (workspace, unwanted) in unwanted {
        suppress(&mut tx, WorkspaceId(workspace), &unwanted, m.clock.now()).await?;
    }
    tx.commit().await?;
    Ok(recorded)
}

/// Keeps a report whose message is not known, so that it is replayed by itself when the provider's name for the
/// message becomes known; it may have overtaken the answer to the send.
pub async fn park_status(
    m: &Messaging,
    workspace: WorkspaceId,
    path: &str,
    raw: &[u8],
    report: &StatusReport,
) -> store::Result<QuarantineId> {
    let ids = put_aside(m, workspace, path, &[Aside { raw, why: Why::Unmatched(report) }]).await?;
    ids.into_iter().next().ok_or(store::Error::Corrupt("no row for a report that was parked"))
}

/// Keeps bodies that came to one path, sealed, in one commit.
pub async fn put_aside(
    m: &Messaging,
    workspace: WorkspaceId,
    path: &str,
    bodies: &[Aside<'_>],
) -> store::Result<Vec<QuarantineId>> {
    let mut tx = m.store.begin().await?;
    let mut ids = Vec::with_capacity(bodies.len());
    for Aside { raw, why } in bodies {
        let (reason, report) = match why {
            Why::Unreadable(reason) => (*reason, None),
            Why::Unmatched(report) => ("no message is known by that name", Some(*report)),
        };
        let parked = report.map(serde_json::to_vec).transpose();
        let parked = parked.map_err(|_| store::Error::Corrupt("a report that cannot be parked"))?;
        let name = report.and_then(|report| report.provider_id.as_deref());
        let waits_for = name.zip(parked.as_deref()).map(|(name, parked)| WaitsFor {
            provider: report.and_then(|report| report.provider.as_deref()),
            name,
            parked,
        });
        ids.push(tx.insert_quarantined(workspace, (path, reason, raw), waits_for, m.clock.now()).await?);
    }
    tx.commit().await?;
    for (id, body) in ids.iter().zip(bodies) {
        if let Why::Unmatched(report) = body.why {
            replay_parked(m, workspace, *id, report).await?;
        }
    }
    Ok(ids)
}

/// Replays the reports that wait for these names of messages, each of a provider. They wait in the workspace that what
/// providers tell comes to.
pub async fn apply_waiting(m: &Messaging, names: &[(&str, &str)]) -> store::Result<()> {
    let workspace = WorkspaceId::DEFAULT;
    let mut tx = m.store.read().await?;
    let waiting = tx.list_waiting(workspace, names).await?;
    drop(tx);
    for row in waiting {
        let report: StatusReport = serde_json::from_slice(&row.parked)
            .map_err(|_| store::Error::Corrupt("a parked report that cannot be read"))?;
        replay_parked(m, workspace, row.id, &report).await?;
    }
    Ok(())
}

async fn replay_parked(
    m: &Messaging,
    workspace: WorkspaceId,
    id: QuarantineId,
    report: &StatusReport,
) -> store::Result<()> {
    let mut tx = m.store.begin().await?;
    let Some(sending) = find(&mut tx, m, report).await? else { return Ok(()) };
    if record(&mut tx, m, sending, report).await? != Recorded::Unmatched {
        tx.delete_quarantined(workspace, id).await?;
        suppress(&mut tx, sending.workspace, &[(sending.message, report)], m.clock.now()).await?;
        tx.commit().await?;
    }
    Ok(())
}

async fn record(
    tx: &mut Tx,
    m: &Messaging,
    Sending { workspace, message, generation }: Sending,
    report: &StatusReport,
) -> store::Result<Recorded> {
    let now = m.clock.now();
    let work = tx.lock_work(workspace, message).await?;
    let bearing = tx.lock_messages(&[(workspace, message)]).await?.pop();
    let Some(mut bearing) = bearing.filter(|bearing| bearing.direction == Direction::Outbound) else {
        return Ok(Recorded::Unmatched);
    };
    let mut recipients = tx.load_recipients(workspace, &[message]).await?;
    let about = match &report.recipient {
        Some(address) => tx.find_address(workspace, address).await?,
        None => None,
    };
    let position = recipients.iter().find(|row| Some(row.address_id) == about).map(|row| row.position);
    let mut name = name(message, generation, report, position);
    if is_sabotaged("dedupe_off") {
        name = m.clock.fraction().to_string();
    }
    let seen = SeenEvent { message_id: message, fingerprint: Vec::new() };
    if tx.see_event(workspace, ("status", &name), &seen, now).await?.is_some() {
        return Ok(Recorded::Repeated);
    }
    tx.add_history(&[callback(workspace, message, report, position, now)]).await?;
    let is_of_older_sending = generation < bearing.generation;
    let is_of_a_stranger = report.recipient.is_some() && position.is_none() && recipients.len() > 1;
    if is_of_a_stranger || (is_of_older_sending && !report.report.status.is_arrival()) {
        return Ok(Recorded::Applied);
    }
    for row in fold(&mut recipients, &bearing, position, &report.report) {
        tx.move_recipient(workspace, row).await?;
    }
    if is_of_older_sending && !has_arrived(&recipients) {
        return Ok(Recorded::Applied);
    }
    if let Some(work) = work.filter(|work| work.phase != Phase::Sending) {
        tx.finish_work(&[work.id]).await?;
    }
    if settle(&mut bearing, &recipients) {
        tx.add_history(&[moved(&bearing, now)]).await?;
        tx.move_messages(&[bearing], now).await?;
    }
    Ok(Recorded::Applied)
}

/// Writes down that those whom reports are about want nothing more, or cannot be reached.
async fn suppress(
    tx: &mut Tx,
    workspace: WorkspaceId,
    reports: &[(MessageId, &StatusReport)],
    now: Timestamp,
) -> store::Result<()> {
    let mut unwanted = Vec::new();
    for (message, report) in reports {
        let Some(source) = report.opt_out else { continue };
        let about = match &report.recipient {
            Some(address) => tx.find_address(workspace, address).await?,
            None => None,
        };
        let evidence = json!({ "message_id": message, "status": report.report.status, "reason": report.report.reason });
        unwanted.push(Unwanted { message: *message, about, source, evidence });
    }
    note_unwanted(tx, workspace, &unwanted, now).await
}

/// The sending that a report is about, by our name for it or by the provider's.
async fn find(tx: &mut Tx, m: &Messaging, report: &StatusReport) -> store::Result<Option<Sending>> {
    let reference = report.reference.as_deref().filter(|_| !is_sabotaged("reference_unread"));
    if let Some((message, generation)) = reference.and_then(|name| m.store.read_reference(name)) {
        let workspace = tx.find_message_workspace(message).await?;
        return Ok(workspace.map(|workspace| Sending { workspace, message, generation }));
    }
    match &report.provider_id {
        Some(id) => tx.find_by_provider_reference(report.provider.as_deref(), id).await,
        None => Ok(None),
    }
}

/// One report has one name, however often it comes.
fn name(message: MessageId, generation: i64, report: &StatusReport, position: Option<i64>) -> String {
    if let Some(event) = &report.event_id {
        return format!("{message}|{}|event {event}", report.provider.as_deref().unwrap_or_default());
    }
    let reason = report.report.reason.as_deref().unwrap_or_default();
    let at = if report.is_dated { report.report.at.micros() } else { 0 };
    let position = position.unwrap_or(-1);
    format!("{message}|{generation}|{}|{at}|{position}|{reason}", report.report.status.as_str())
}

fn callback(
    workspace: WorkspaceId,
    message: MessageId,
    report: &StatusReport,
    position: Option<i64>,
    now: Timestamp,
) -> NewHistory {
    let mut data = json!({ "status": report.report.status, "timestamp": report.report.at });
    let optional = [
        ("provider", report.provider.clone().map(Value::from)),
        ("provider_id", report.provider_id.clone().map(Value::from)),
        ("reason", report.report.reason.clone().map(Value::from)),
        ("recipient", position.map(Value::from)),
    ];
    for (key, value) in optional {
        if let Some(value) = value {
            data[key] = value;
        }
    }
    NewHistory { workspace, message, kind: "callback", at: now, data }
}

/// Whether it got to everybody who is not left out.
fn has_arrived(recipients: &[RecipientRow]) -> bool {
    let mut meant = recipients.iter().filter(|row| !is_left_out(row)).peekable();
    meant.peek().is_some() && meant.all(|row| row.status.is_some_and(Status::is_arrival))
}

/// Whether a recipient is left out because they want nothing.
fn is_left_out(row: &RecipientRow) -> bool {
    row.status == Some(Status::Rejected)
}

/// Takes a report into the recipients it is about; gives those that moved.
fn fold<'a>(
    recipients: &'a mut [RecipientRow],
    bearing: &Bearing,
    position: Option<i64>,
    report: &Report,
) -> Vec<&'a RecipientRow> {
    let mut moved = Vec::new();
    let is_for_nobody = recipients.iter().all(is_left_out);
    let is_meant = |row: &&mut RecipientRow| match position {
        Some(position) => row.position == position,
        None => is_for_nobody || !is_left_out(row),
    };
    for row in recipients.iter_mut().filter(is_meant) {
        let before = Standing {
            status: row.status.unwrap_or(bearing.status),
            at: row.status_at,
            reason: row.status_reason.clone(),
        };
        let mut after = before.clone().after(report);
        if is_sabotaged("last_word_wins") {
            after = Standing { status: report.status, at: Some(report.at), reason: report.reason.clone() };
        }
        if after != before {
            row.status = Some(after.status);
            row.status_at = after.at;
            row.status_reason = after.reason;
            moved.push(&*row);
        }
    }
    moved
}

/// Brings the message to its least advanced recipient; false when it stands there already.
///
/// Whoever was left out does not count; whoever no report named stands as the message did, and at least where a provider that reports anything has it.
fn settle(bearing: &mut Bearing, recipients: &[RecipientRow]) -> bool {
    let base = if bearing.status.rank() == 0 { Status::Accepted } else { bearing.status };
    let is_for_nobody = recipients.iter().all(is_left_out);
    let standings: Vec<Standing> = recipients
        .iter()
        .filter(|row| is_for_nobody || !is_left_out(row))
        .map(|row| Standing {
            status: row.status.unwrap_or(base),
            at: row.status_at,
            reason: row.status_reason.clone(),
        })
        .collect();
    let Some(least) = Standing::least(&standings) else { return false };
    let is_final = least.status.is_last();
    if (bearing.status, &bearing.status_reason, bearing.is_final) == (least.status, &least.reason, is_final) {
        return false;
    }
    bearing.status = least.status;
    bearing.status_reason.clone_from(&least.reason);
    bearing.is_final = is_final;
    true
}

/// The entry that says where a message stands now.
pub(crate) fn moved(bearing: &Bearing, now: Timestamp) -> NewHistory {
    let mut data = json!({ "status": bearing.status });
    if let Some(reason) = &bearing.status_reason {
        data["reason"] = Value::from(reason.as_str());
    }
    NewHistory { workspace: bearing.workspace_id, message: bearing.id, kind: "status", at: now, data }
}
