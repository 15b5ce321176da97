//! Telling browsers now: a WebSocket, or server-sent events; who is typing, and who is there.

mod socket;
mod stream;

use axum::extract::ws::WebSocketUpgrade;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::http::header::{ACCEPT, RETRY_AFTER, UPGRADE};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use axum::{Extension, Json};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::body::SmallJson;
use super::fields::Fields;
use super::openapi::Refuses;
use super::page::List;
use super::query::Query;
use super::rights::{MayRead, MaybeSession, Somebody};
use super::serve::Line;
use super::shapes::{LiveParams, Present, TypingRequest};
use super::web::accepts;
use super::{Error, State, entrance};
use crate::domain::{ConversationId, EventId, Who};
use crate::fault::is_sabotaged;
use crate::live::{Holder, JoinError, Pass};

/// What browsers show of where they were when they come back.
const LAST_EVENT_ID: &str = "last-event-id";

pub fn routes() -> OpenApiRouter<State> {
    OpenApiRouter::new().routes(routes!(listen)).routes(routes!(say_typing)).routes(routes!(list_present))
}

/// Listen to what happens
///
/// As a WebSocket, or as server-sent events for `Accept: text/event-stream`: each change in what the caller sees, once
/// and in order, as `{"id", "type", "at", "data"}`. See *Live* in the documentation.
#[utoipa::path(
    get, path = "/api/live", operation_id = "listen", tag = "live", params(LiveParams),
    responses(
        (status = 101, description = "A WebSocket; each text frame is one object."),
        (status = 200, description = "Events; each `data` is one object.", body = String, content_type = "text/event-stream"),
        Refuses<400>, Refuses<426>,
    ),
    security((), ("api_key" = ["messages:read"]), ("session" = [])),
)]
pub async fn listen(
    state: State,
    MayRead(caller): MayRead,
    MaybeSession(session): MaybeSession,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
    (headers, query, line): (HeaderMap, Query, Option<Extension<Line>>),
) -> Result<Response, Error> {
    if !entrance::is_own_origin(&headers, &state) && !is_sabotaged("live_origin_off") {
        let detail = "a page of another site may not listen; see public_url and allowed_origins";
        return Err(Error::new(StatusCode::FORBIDDEN, "foreign_origin", detail));
    }
    let is_stream = !headers.contains_key(UPGRADE) && accepts(&headers, &ACCEPT, "text/event-stream");
    let upgrade = match upgrade {
        Ok(upgrade) => Some(upgrade),
        Err(_) if is_stream => None,
        Err(_) => {
            let detail = "this is a WebSocket (RFC 6455), or an event stream for Accept: text/event-stream";
            let refused = Error::new(StatusCode::UPGRADE_REQUIRED, "upgrade_required", detail);
            return Err(refused.with_header(UPGRADE, "websocket"));
        }
    };
    let holder = match (caller.who, session) {
        (Who::User(..), Some(session)) => Holder::Session(session.id),
        (Who::User(..), None) => return Err(super::accounts::ended()),
        (Who::Key(id), _) => Holder::Key(id),
        (Who::Operator, _) => Holder::Operator,
    };
    let after = after(&headers, &query)?;
    let listening = state.live.join(Pass { caller, holder }, after).await?;
    Ok(match upgrade {
        Some(upgrade) => socket::begin(upgrade, listening, state.live.clone()),
        None => stream::begin(listening, line.map(|Extension(line)| line)),
    })
}

/// The last event that the client has; what the browser itself says counts, because its address stays what it was.
fn after(headers: &HeaderMap, query: &Query) -> Result<Option<EventId>, Error> {
    let said = headers.get(LAST_EVENT_ID).map(|value| value.to_str().unwrap_or_default());
    let (field, said) = match said.filter(|said| !said.is_empty()) {
        Some(said) => (LAST_EVENT_ID, Some(said)),
        None => ("query:after", query.get("after")),
    };
    let read = |said: &str| said.parse().ok().filter(|id| *id >= 0).map(EventId);
    let refused = || Error::invalid_field(field, "invalid", "must be the id of an event");
    said.map(|said| read(said).ok_or_else(refused)).transpose()
}

/// Say that one is typing
///
/// For clients of the event stream; on a WebSocket a frame says the same. The others who see the conversation are told.
#[utoipa::path(
    post, path = "/api/live/typing", operation_id = "sayTyping", tag = "live", request_body = TypingRequest,
    responses((status = 204, description = "Said."), Refuses<400>),
    security(("session" = [])),
)]
pub async fn say_typing(state: State, me: Somebody, SmallJson(body): SmallJson) -> Result<StatusCode, Error> {
    let mut fields = Fields::json(&body)?;
    let conversation: Option<i64> = fields.value_of("conversation_id", "must be an integer");
    let conversation = fields.require("conversation_id", conversation);
    let is_typing: Option<bool> = fields.value_of("is_typing", "must be true or false");
    let is_typing = fields.require("is_typing", is_typing);
    fields.finish()?;
    let conversation = ConversationId(conversation.unwrap_or_default());
    if state.live.say_typing(&me.caller, conversation, is_typing.unwrap_or_default()) {
        return Ok(StatusCode::NO_CONTENT);
    }
    Err(Error::too_many(std::time::Duration::from_secs(1)))
}

/// List who is there
///
/// Of those whom the caller may know: friends, people of a conversation that both have taken on, and colleagues who
/// answer the same numbers. What changes is told to those who listen.
#[utoipa::path(
    get, path = "/api/presence", operation_id = "listPresent", tag = "live",
    responses((status = 200, description = "Everybody who is there.", body = List<Present>)),
    security((), ("api_key" = ["messages:read"]), ("session" = [])),
)]
pub async fn list_present(state: State, MayRead(caller): MayRead) -> Result<Json<List<Present>>, Error> {
    let present = state.live.list_present(&caller).await?;
    let data = present.into_iter().map(|(user_id, user_name)| Present { user_id, user_name }).collect();
    Ok(Json(List { data, next_cursor: None }))
}

impl From<JoinError> for Error {
    fn from(error: JoinError) -> Self {
        let refused =
            |status, code, error: &JoinError| Self::new(status, code, error.to_string()).with_header(RETRY_AFTER, "10");
        match error {
            JoinError::TooMany => refused(StatusCode::TOO_MANY_REQUESTS, "too_many_connections", &error),
            JoinError::Full => refused(StatusCode::SERVICE_UNAVAILABLE, "no_room", &error),
            JoinError::Store(error) => error.into(),
        }
    }
}
