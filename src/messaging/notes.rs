//! Internal notes: in a conversation's history, and in nothing that is sent.

use serde_json::json;

use super::team::{show_note, view_numbers};
use super::{Messaging, Page, PageRequest};
use crate::domain::{ActKind, Actor, Caller, ConversationId, Note};
use crate::store::{self, NewAct, NoteRow};

/// Writes a note; nothing when the caller sees no such conversation of the numbers.
pub async fn write_note(
    m: &Messaging,
    caller: &Caller,
    conversation: ConversationId,
    body: String,
) -> store::Result<Option<Note>> {
    let now = m.clock.now();
    let mut tx = m.store.begin().await?;
    let Some(view) = view_numbers(&mut tx, caller, conversation).await? else { return Ok(None) };
    let (author, place) = (caller.who.to_string(), view.place());
    let id = tx.insert_note(caller.workspace, place.id, (&author, &body), now).await?;
    tx.add_acts(&[NewAct::by(caller, place, ActKind::Note, json!({ "note": id }), now)]).await?;
    let names = tx.load_usernames(caller.user()).await?;
    tx.commit().await?;
    Ok(Some(show_note(NoteRow { id, author, body, created_at: now }, &names)))
}

/// The notes of a conversation, oldest first; nothing when the caller sees no such conversation of the numbers.
pub async fn list_notes(
    m: &Messaging,
    caller: &Caller,
    conversation: ConversationId,
    page: PageRequest,
) -> store::Result<Option<Page<Note>>> {
    let mut tx = m.store.read().await?;
    let Some(view) = view_numbers(&mut tx, caller, conversation).await? else { return Ok(None) };
    let rows = tx.list_notes(caller.workspace, &view, page).await?;
    let names = tx.load_usernames(rows.data.iter().filter_map(|row| Actor::user_of(&row.author))).await?;
    Ok(Some(rows.map(|row| show_note(row, &names))))
}
