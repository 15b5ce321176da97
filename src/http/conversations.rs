//! Conversations and what stands in them; answering in one.

use axum::Json;
use axum::http::StatusCode;

use super::body::SmallJson;
use super::fields::Fields;
use super::idempotency::IdempotencyKey;
use super::messages::accepted;
use super::openapi::Refuses;
use super::page::{List, Listing, ORDINARY};
use super::query::{Path, Query};
use super::rights::{MayRead, MayWrite};
use super::shapes::{ConversationParams, IdempotencyHeader, MessageParams, PageParams, ReplyRequest};
use super::{Error, State, error};
use super::{chat, draft};
use crate::domain::{
    Address, Channel, ContactId, Conversation, ConversationId, ConversationKind, ConversationState, LabelId, Message,
    PhoneRules, is_username,
};
use crate::messaging;
use crate::store::{AssigneeFilter, ConversationFilter, Order};

/// Characters of a search.
const MAX_SEARCH: usize = 200;
/// Characters of a name in a filter.
const MAX_NAME: usize = 100;

/// List conversations
///
/// Newest activity first. Activity is when this server accepted a message, whatever time the message claims.
#[utoipa::path(
    get, path = "/api/conversations", operation_id = "listConversations", tag = "conversations",
    params(PageParams, ConversationParams),
    responses((status = 200, description = "A page of conversations.", body = List<Conversation>), Refuses<400>),
    security((), ("api_key" = ["messages:read"]), ("session" = [])),
)]
pub async fn list_conversations(
    state: State,
    MayRead(caller): MayRead,
    query: Query,
) -> Result<Json<List<Conversation>>, Error> {
    let filter = filter(&query, &state.messaging.rules.phone)?;
    let participant = filter.participant.as_ref().map(Address::as_str);
    let identity = format!(
        "conversations of {} {}: {participant:?} {:?} {:?} {:?} {:?} {:?} {:?} {:?} {}",
        caller.workspace,
        caller.who,
        filter.person,
        filter.channel,
        filter.q,
        filter.state,
        filter.assignee,
        filter.label,
        filter.contact,
        filter.is_unread
    );
    let listing = Listing::read(&query, ORDINARY, &identity)?;
    let page = messaging::list_conversations(&state.messaging, &caller, &filter, listing.request).await?;
    Ok(Json(List { next_cursor: listing.cursor(page.next), data: page.data }))
}

/// Read one conversation
#[utoipa::path(
    get, path = "/api/conversations/{id}", operation_id = "getConversation", tag = "conversations",
    params(("id" = i64, Path, description = "The conversation.")),
    responses((status = 200, description = "The conversation.", body = Conversation), Refuses<400>, Refuses<404>),
    security((), ("api_key" = ["messages:read"]), ("session" = [])),
)]
pub async fn get_conversation(state: State, MayRead(caller): MayRead, path: Path) -> Result<Json<Conversation>, Error> {
    let id = ConversationId(path.id("id")?);
    let found = messaging::find_conversation(&state.messaging, &caller, id).await?;
    found.map(Json).ok_or_else(error::no_such_conversation)
}

/// List the messages of a conversation
///
/// In the order of the time they claim, oldest first unless `order=desc`.
#[utoipa::path(
    get, path = "/api/conversations/{id}/messages", operation_id = "listMessages", tag = "conversations",
    params(("id" = i64, Path, description = "The conversation."), PageParams, MessageParams),
    responses((status = 200, description = "A page of messages.", body = List<Message>), Refuses<400>, Refuses<404>),
    security((), ("api_key" = ["messages:read"]), ("session" = [])),
)]
pub async fn list_messages(
    state: State,
    MayRead(caller): MayRead,
    path: Path,
    query: Query,
) -> Result<Json<List<Message>>, Error> {
    let id = ConversationId(path.id("id")?);
    let order = query.choice("order", order_named, "asc, desc")?.unwrap_or(Order::Ascending);
    let listing = Listing::read(&query, ORDINARY, &format!("messages of {} {id}: {order:?}", caller.workspace))?;
    let page = messaging::list_messages(&state.messaging, &caller, id, order, listing.request).await?;
    let page = page.ok_or_else(error::no_such_conversation)?;
    Ok(Json(List { next_cursor: listing.cursor(page.next), data: page.data }))
}

/// Answer in a conversation
///
/// Among numbers, addresses and, without `type`, the channel come from its last message, or from the one that
/// `in_reply_to` names. Among people it is said to
/// everybody who is there; it has a body and attachments, and nothing else of a send.
#[utoipa::path(
    post, path = "/api/conversations/{id}/messages", operation_id = "reply", tag = "conversations",
    params(("id" = i64, Path, description = "The conversation."), IdempotencyHeader), request_body = ReplyRequest,
    responses(
        (status = 201, description = "Accepted.", body = Message),
        Refuses<400>, Refuses<403>, Refuses<404>, Refuses<409>, Refuses<422>, Refuses<429>,
    ),
    security((), ("api_key" = ["messages:send"]), ("session" = [])),
)]
pub async fn reply(
    state: State,
    MayWrite(caller): MayWrite,
    path: Path,
    key: IdempotencyKey,
    SmallJson(body): SmallJson,
) -> Result<(StatusCode, Json<Message>), Error> {
    let id = ConversationId(path.id("id")?);
    let m = &state.messaging;
    let kind = messaging::chat::kind_of(m, &caller, id).await?.ok_or_else(error::no_such_conversation)?;
    let (fields, once) = (Fields::json(&body)?, key.over(&body));
    let message = match kind {
        ConversationKind::Numbers => accepted(messaging::reply(m, &caller, id, draft::reply(fields)?, once).await?)?,
        ConversationKind::Direct | ConversationKind::Group => {
            let (sender, draft) = chat::answer(fields)?;
            messaging::chat::write_in(m, &caller, id, (sender.as_deref(), draft), once).await?
        }
    };
    Ok((StatusCode::CREATED, Json(message)))
}

fn order_named(name: &str) -> Option<Order> {
    match name {
        "asc" => Some(Order::Ascending),
        "desc" => Some(Order::Descending),
        _ => None,
    }
}

fn filter(query: &Query, phone: &PhoneRules) -> Result<ConversationFilter, Error> {
    let (participant, person) = match query.text("participant", 320)? {
        Some(text) => participant(text, phone)?,
        None => (None, None),
    };
    let channels = Channel::ALL.map(Channel::as_str).join(", ");
    let channel = query.choice("channel", Channel::named, &channels)?;
    let q = query.text("q", MAX_SEARCH)?.map(str::trim).filter(|q| !q.is_empty()).map(str::to_owned);
    let states = ConversationState::ALL.map(ConversationState::as_str).join(", ");
    let state = query.choice("state", ConversationState::named, &states)?;
    let assignee = query.text("assignee", MAX_NAME)?.map(assignee);
    let contact = query.choice("contact", |id| id.parse().ok().map(ContactId), "the ids of contacts")?;
    let label = query.choice("label", |id| id.parse().ok().map(LabelId), "the ids of labels")?;
    let is_unread = query.choice("unread", |text| text.parse().ok(), "true, false")?.unwrap_or(false);
    Ok(ConversationFilter { participant, person, channel, q, state, assignee, label, contact, is_unread })
}

fn assignee(text: &str) -> AssigneeFilter {
    match text {
        "me" => AssigneeFilter::Me,
        "none" => AssigneeFilter::Nobody,
        username => AssigneeFilter::Named(username.to_owned()),
    }
}

/// An address, a username, or what may be either. A plus that was not encoded in the query has become a space.
fn participant(text: &str, phone: &PhoneRules) -> Result<(Option<Address>, Option<String>), Error> {
    let plus = text.strip_prefix(' ').filter(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
    let text = plus.map_or_else(|| text.to_owned(), |rest| format!("+{rest}"));
    let address = Address::any(&text, phone);
    let person = is_username(&text).then_some(text);
    if address.is_none() && person.is_none() {
        let wanted = "must be a phone number, an email address or a username";
        return Err(Error::invalid_field("query:participant", "invalid", wanted));
    }
    Ok((address, person))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(query: &str) -> Result<ConversationFilter, Error> {
        filter(&Query::read(query), &PhoneRules { default_country: "+1".to_owned() })
    }

    #[test]
    fn a_plus_survives_the_query() {
        for query in ["participant=+447911123456", "participant=%2B447911123456"] {
            assert_eq!(read(query).unwrap().participant.unwrap().as_str(), "+447911123456", "{query}");
        }
        assert_eq!(read("participant=2015550100").unwrap().participant.unwrap().as_str(), "+12015550100");
    }

    #[test]
    fn a_filter_that_means_nothing_is_refused() {
        for query in ["participant=", "participant=%D9%A1", "channel=fax", "q=%00"] {
            assert!(read(query).is_err(), "{query}");
        }
        assert!(read("q=+").unwrap().q.is_none());
    }
}
