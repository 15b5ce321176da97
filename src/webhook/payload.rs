//! What an endpoint is told: `{type, timestamp, data}`, made when it is sent.
//!
//! A delivery holds ids alone; what they stand for is read anew for each attempt. So nothing of a message is kept a
//! second time, and a late or repeated telling says how things stand, not how they stood.

use std::collections::{BTreeSet, HashMap};

use serde::Serialize;
use serde_json::json;

use crate::domain::{Conversation, Message, Timestamp, WebhookDeliveryId, WebhookEvent, WorkspaceId};
use crate::messaging::{load_consents, load_shown_conversations, load_shown_messages};
use crate::store::{Result, Tx, WebhookDeliveryRow};

/// Bytes of a message's body that are told: endpoints expect small requests, and can ask for the rest.
const MAX_BODY: usize = 64 * 1024;

#[derive(Serialize)]
struct Payload<T> {
    #[serde(rename = "type")]
    kind: WebhookEvent,
    timestamp: Timestamp,
    data: T,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    is_cut: bool,
}

/// The bodies of deliveries; one whose message or conversation is gone is not among them.
pub async fn load_payloads(
    tx: &mut Tx,
    deliveries: &[WebhookDeliveryRow],
) -> Result<HashMap<WebhookDeliveryId, Vec<u8>>> {
    let mut payloads = HashMap::new();
    let workspaces: BTreeSet<WorkspaceId> = deliveries.iter().map(|row| row.workspace_id).collect();
    for workspace in workspaces {
        let rows: Vec<_> = deliveries.iter().filter(|row| row.workspace_id == workspace).collect();
        let ids: BTreeSet<_> = rows.iter().filter_map(|row| row.message_id).collect();
        let messages = load_shown_messages(tx, workspace, &ids.into_iter().collect::<Vec<_>>()).await?;
        let ids: Vec<_> = rows.iter().filter_map(|row| row.consent_id).collect();
        let consents = load_consents(tx, workspace, &ids).await?;
        let about = rows.iter().filter(|row| row.message_id.is_none());
        let ids: BTreeSet<_> = about.filter_map(|row| row.conversation_id).collect();
        let conversations = load_shown_conversations(tx, workspace, &ids.into_iter().collect::<Vec<_>>()).await?;
        for row in rows {
            let body = match (row.message_id, row.conversation_id) {
                (Some(id), _) => messages.get(&id).and_then(|message| of_message(row, message.clone())),
                (None, Some(id)) => conversations.get(&id).and_then(|conversation| of_conversation(row, conversation)),
                (None, None) if row.consent_id.is_some() => {
                    row.consent_id.and_then(|id| consents.get(&id)).and_then(|consent| write(row, consent, false))
                }
                (None, None) => write(row, json!({ "endpoint_id": row.endpoint_id }), false),
            };
            payloads.extend(body.map(|body| (row.id, body)));
        }
    }
    Ok(payloads)
}

fn of_message(row: &WebhookDeliveryRow, mut message: Message) -> Option<Vec<u8>> {
    let mut is_cut = cut(&mut message.body);
    for text in [&mut message.text, &mut message.html].into_iter().flatten() {
        is_cut |= cut(text);
    }
    write(row, message, is_cut)
}

fn of_conversation(row: &WebhookDeliveryRow, conversation: &Conversation) -> Option<Vec<u8>> {
    let mut conversation = conversation.clone();
    let is_cut = conversation.last_message.as_mut().is_some_and(|last| cut(&mut last.body));
    write(row, conversation, is_cut)
}

fn write(row: &WebhookDeliveryRow, data: impl Serialize, is_cut: bool) -> Option<Vec<u8>> {
    serde_json::to_vec(&Payload { kind: row.kind, timestamp: row.at, data, is_cut }).ok()
}

/// Shortens a text to [`MAX_BODY`]; true when there was more.
fn cut(text: &mut String) -> bool {
    let is_long = text.len() > MAX_BODY;
    text.truncate(text.floor_char_boundary(MAX_BODY));
    is_long
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_text_is_cut_between_two_characters() {
        let mut text = "ä".repeat(MAX_BODY);
        text.insert(0, 'x');
        assert!(cut(&mut text));
        assert_eq!(text.len(), MAX_BODY - 1);
        let mut short = "x".repeat(MAX_BODY);
        assert!(!cut(&mut short));
    }
}
