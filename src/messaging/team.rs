//! How a team answers: who takes a conversation, where it stands, its labels, and who did what to it.
//!
//! Every change and its act are one commit.

use std::collections::HashMap;

use serde_json::{Value, json};

use super::{Messaging, Page, PageRequest};
use crate::domain::{
    ActKind, Activity, Actor, Caller, Conversation, ConversationId, ConversationKind, ConversationState, FieldError,
    Label, LabelId, LabelName, Note, NoteId, Refusal, Role, Timestamp, UserId, WorkspaceId,
};
use crate::store::{self, ActRow, Bench, ConversationRow, NewAct, NoteRow, Tx, View};

/// Conversations that one step of the sweep opens.
const SET: i64 = 200;
/// Labels of one workspace.
const MAX_LABELS: i64 = 200;
/// Labels on one conversation.
const MAX_LABELS_ON_ONE: i64 = 20;

/// What is changed of a conversation; what is absent stays.
#[derive(Debug, Clone, Default)]
pub struct BenchChange {
    /// To which state, and for a snooze until when.
    pub state: Option<(ConversationState, Option<Timestamp>)>,
    /// To whom, by username; or to nobody.
    pub assignee: Option<Option<String>>,
}

/// Why a conversation was not changed.
#[derive(Debug, thiserror::Error)]
pub enum ChangeError {
    /// There is none, or it is not the caller's to see.
    #[error("no such conversation")]
    NoSuchConversation,
    /// A field is not as it should be.
    #[error("a field is not as it should be")]
    Refused(Refusal),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] store::Error),
}

/// Why nothing was done with a label.
#[derive(Debug, thiserror::Error)]
pub enum LabelError {
    /// There is no such conversation, or it is not the caller's to see.
    #[error("no such conversation")]
    NoSuchConversation,
    /// There is no such label.
    #[error("no such label")]
    NoSuchLabel,
    /// Another label has the name.
    #[error("another label has this name")]
    Taken,
    /// The workspace has as many as it may have.
    #[error("a workspace has at most {MAX_LABELS} labels")]
    TooMany,
    /// The conversation has as many as it may have.
    #[error("a conversation has at most {MAX_LABELS_ON_ONE} labels")]
    TooManyOnConversation,
    /// The database failed.
    #[error(transparent)]
    Store(store::Error),
}

impl From<store::Error> for LabelError {
    fn from(error: store::Error) -> Self {
        match error {
            store::Error::Conflict(name) if name == "labels_workspace_id_name_key" => Self::Taken,
            error => Self::Store(error),
        }
    }
}

/// Moves a conversation of the numbers to a state, gives it to somebody, or both.
pub async fn change_bench(
    m: &Messaging,
    caller: &Caller,
    id: ConversationId,
    change: BenchChange,
) -> Result<Conversation, ChangeError> {
    let now = m.clock.now();
    let mut tx = m.store.begin().await?;
    let view = tx.view(caller, id).await?.ok_or(ChangeError::NoSuchConversation)?;
    if view.kind != ConversationKind::Numbers {
        return Err(ChangeError::Refused(not_among_people(&change)));
    }
    let assignee = match &change.assignee {
        Some(Some(username)) => Some(Some(find_agent(&mut tx, caller.workspace, username).await?)),
        Some(None) => Some(None),
        None => None,
    };
    let view = tx.lock_view(caller, id).await?.ok_or(ChangeError::NoSuchConversation)?;
    let (id, place) = (view.id, view.place());
    let before = tx.find_bench(caller.workspace, id).await?.ok_or(ChangeError::NoSuchConversation)?;
    let mut after = before.clone();
    let mut acts = Vec::new();
    if let Some((state, until)) = change.state {
        (after.state, after.snoozed_until) = (state, until);
    }
    if (after.state, after.snoozed_until) != (before.state, before.snoozed_until) {
        acts.push(NewAct::by(caller, place, ActKind::State, state_data(&after), now));
    }
    after.assignee_id = assignee.unwrap_or(before.assignee_id);
    if after.assignee_id != before.assignee_id {
        acts.push(NewAct::by(caller, place, ActKind::Assignee, json!({ "user": after.assignee_id }), now));
    }
    if after != before {
        tx.put_bench(caller.workspace, id, &after).await?;
        tx.add_acts(&acts).await?;
    }
    let shown = super::read::show_conversation(&mut tx, caller, id).await?.ok_or(ChangeError::NoSuchConversation)?;
    tx.commit().await?;
    Ok(shown)
}

fn state_data(bench: &Bench) -> Value {
    match bench.snoozed_until {
        Some(until) => json!({ "state": bench.state, "snoozed_until": until }),
        None => json!({ "state": bench.state }),
    }
}

fn not_among_people(change: &BenchChange) -> Refusal {
    let given = [("state", change.state.is_some()), ("assignee", change.assignee.is_some())];
    let refused = |(field, _): (&str, bool)| {
        FieldError::new(field, "invalid", "only a conversation of a number or a mailbox has one")
    };
    given.into_iter().filter(|(_, is_given)| *is_given).map(refused).collect()
}

async fn find_agent(tx: &mut Tx, workspace: WorkspaceId, username: &str) -> Result<UserId, ChangeError> {
    let refused = || {
        let message = "must be the username of an agent or admin of this workspace who has signed in";
        ChangeError::Refused(vec![FieldError::new("assignee", "invalid", message)])
    };
    let user = tx.find_colleague(workspace, username).await?.filter(|user| user.mobile_verified_at.is_some());
    let user = user.ok_or_else(refused)?.id;
    let seat = tx.lock_membership(workspace, user).await?;
    seat.filter(|seat| seat.role >= Role::Agent).map(|seat| seat.user_id).ok_or_else(refused)
}

/// Opens the conversations whose snooze has ended.
pub async fn end_snoozes(m: &Messaging) -> store::Result<usize> {
    let now = m.clock.now();
    let mut opened = 0;
    while m.store.read().await?.has_ended_snooze(now).await? {
        let mut tx = m.store.begin().await?;
        let count = tx.end_snoozes(now, SET).await?;
        tx.commit().await?;
        opened += count;
        if count == 0 {
            break;
        }
    }
    Ok(opened)
}

/// What the caller sees of this conversation of the numbers.
pub(super) async fn view_numbers(tx: &mut Tx, caller: &Caller, id: ConversationId) -> store::Result<Option<View>> {
    Ok(tx.view(caller, id).await?.filter(|view| view.kind == ConversationKind::Numbers))
}

/// The labels of a workspace, oldest first.
pub async fn list_labels(m: &Messaging, workspace: WorkspaceId, page: PageRequest) -> store::Result<Page<Label>> {
    m.store.read().await?.list_labels(workspace, page).await
}

/// Makes a label.
pub async fn create_label(m: &Messaging, workspace: WorkspaceId, name: &str) -> Result<Label, LabelError> {
    let mut tx = m.store.begin().await?;
    tx.lock_workspace(workspace).await?;
    let label = tx.insert_label(workspace, name, m.clock.now()).await?;
    if tx.count_labels(workspace).await? > MAX_LABELS {
        return Err(LabelError::TooMany);
    }
    tx.commit().await?;
    Ok(label)
}

/// Calls a label something else.
pub async fn rename_label(m: &Messaging, workspace: WorkspaceId, id: LabelId, name: &str) -> Result<Label, LabelError> {
    let mut tx = m.store.begin().await?;
    let label = tx.rename_label(workspace, id, name).await?.ok_or(LabelError::NoSuchLabel)?;
    tx.commit().await?;
    Ok(label)
}

/// Takes a label from every conversation and lets it go.
pub async fn delete_label(m: &Messaging, workspace: WorkspaceId, id: LabelId) -> Result<(), LabelError> {
    let mut tx = m.store.begin().await?;
    if !tx.delete_label(workspace, id).await? {
        return Err(LabelError::NoSuchLabel);
    }
    Ok(tx.commit().await?)
}

/// Puts a label on a conversation, or takes it away; as it is already, nothing happens.
pub async fn label_conversation(
    m: &Messaging,
    caller: &Caller,
    (conversation, label): (ConversationId, LabelId),
    is_wanted: bool,
) -> Result<(), LabelError> {
    let workspace = caller.workspace;
    let mut tx = m.store.begin().await?;
    let view = tx.lock_view(caller, conversation).await?.filter(|view| view.kind == ConversationKind::Numbers);
    let view = view.ok_or(LabelError::NoSuchConversation)?;
    let label = tx.find_label(workspace, label).await?.ok_or(LabelError::NoSuchLabel)?;
    let conversation = view.id;
    let (kind, is_changed) = if is_wanted {
        (ActKind::LabelAdded, tx.put_label(workspace, conversation, label.id).await?)
    } else {
        (ActKind::LabelRemoved, tx.take_label(workspace, conversation, label.id).await?)
    };
    if is_wanted && is_changed && tx.count_labels_of(workspace, conversation).await? > MAX_LABELS_ON_ONE {
        return Err(LabelError::TooManyOnConversation);
    }
    if is_changed {
        let data = json!({ "label": LabelName { id: label.id, name: label.name } });
        tx.add_acts(&[NewAct::by(caller, view.place(), kind, data, m.clock.now())]).await?;
    }
    Ok(tx.commit().await?)
}

/// What was done to a conversation, oldest first; nothing when the caller sees no such conversation of the numbers.
pub async fn list_activity(
    m: &Messaging,
    caller: &Caller,
    conversation: ConversationId,
    page: PageRequest,
) -> store::Result<Option<Page<Activity>>> {
    let mut tx = m.store.read().await?;
    let Some(view) = view_numbers(&mut tx, caller, conversation).await? else { return Ok(None) };
    let rows = tx.list_acts(caller.workspace, &view, page).await?;
    let note_ids: Vec<NoteId> = rows.data.iter().filter_map(|row| field(row, "note")).collect();
    let notes = if note_ids.is_empty() { Vec::new() } else { tx.load_notes(caller.workspace, &note_ids).await? };
    let actors = rows.data.iter().map(|row| row.actor.as_str()).chain(notes.iter().map(|note| note.author.as_str()));
    let people = actors.filter_map(Actor::user_of).chain(rows.data.iter().filter_map(|row| field(row, "user")));
    let names = tx.load_usernames(people).await?;
    let notes: HashMap<NoteId, Note> = notes.into_iter().map(|row| (row.id, show_note(row, &names))).collect();
    Ok(Some(rows.map(|row| show_act(&row, &names, &notes))))
}

fn field<T: serde::de::DeserializeOwned>(row: &ActRow, name: &str) -> Option<T> {
    serde_json::from_value(row.data.0.get(name)?.clone()).ok()
}

fn show_act(row: &ActRow, names: &HashMap<UserId, String>, notes: &HashMap<NoteId, Note>) -> Activity {
    Activity {
        id: row.id,
        kind: row.kind,
        at: row.at,
        state: field(row, "state"),
        snoozed_until: field(row, "snoozed_until"),
        assignee: field(row, "user").and_then(|user: UserId| names.get(&user).cloned()),
        label: field(row, "label"),
        conversation_id: field(row, "conversation"),
        contact_id: field(row, "contact"),
        note: field(row, "note").and_then(|note: NoteId| notes.get(&note).cloned()),
        actor: Actor::of(&row.actor, |user| names.get(&user).cloned()),
    }
}

pub(super) fn show_note(row: NoteRow, names: &HashMap<UserId, String>) -> Note {
    let author = Actor::of(&row.author, |user| names.get(&user).cloned());
    Note { id: row.id, author, body: row.body, created_at: row.created_at }
}

/// What the list shows of how a conversation stands with the team.
pub(super) fn bench_of(row: &ConversationRow) -> (ConversationId, Option<Bench>) {
    let bench = Bench { state: row.state, snoozed_until: row.snoozed_until, assignee_id: row.assignee_id };
    (row.id, (row.kind == ConversationKind::Numbers).then_some(bench))
}

/// Adds to conversations of the numbers how they stand with the team.
pub(super) async fn add_benches(
    tx: &mut Tx,
    workspace: WorkspaceId,
    benches: Vec<(ConversationId, Option<Bench>)>,
    conversations: &mut [Conversation],
) -> store::Result<()> {
    let mut benches: HashMap<ConversationId, Bench> =
        benches.into_iter().filter_map(|(id, bench)| Some((id, bench?))).collect();
    if benches.is_empty() {
        return Ok(());
    }
    let names = tx.load_usernames(benches.values().filter_map(|bench| bench.assignee_id)).await?;
    let mut labels: HashMap<ConversationId, Vec<LabelName>> = HashMap::new();
    for row in tx.load_labels(workspace, &benches.keys().copied().collect::<Vec<_>>()).await? {
        labels.entry(row.conversation_id).or_default().push(LabelName { id: row.label_id, name: row.name });
    }
    for conversation in conversations {
        if let Some(bench) = benches.remove(&conversation.id) {
            conversation.state = Some(bench.state);
            conversation.snoozed_until = bench.snoozed_until;
            conversation.assignee = bench.assignee_id.and_then(|user| names.get(&user).cloned());
            conversation.labels = labels.remove(&conversation.id).unwrap_or_default();
        }
    }
    Ok(())
}
