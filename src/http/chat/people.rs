//! Contract E: the people of the workspace, and what they say to each other.

use axum::Json;
use axum::http::header::LINK;
use axum::http::{HeaderMap, StatusCode};

use crate::domain::is_username;
use crate::http::body::SmallJson;
use crate::http::fields::Fields;
use crate::http::idempotency::IdempotencyKey;
use crate::http::openapi::Refuses;
use crate::http::page::{BARE, Listing};
use crate::http::query::{Path, Query};
use crate::http::rights::{MayRead, MayWrite};
use crate::http::shapes::{BareParams, DaysParams, IdempotencyHeader, SaidDraft};
use crate::http::{Error, State};
use crate::messaging::chat::{self, Person, Said};

/// The longest time that a list goes back, in days.
const MAX_DAYS: u32 = 3_650;

/// List the people of the workspace
///
/// By their ids. Email addresses are shown to the operator of `dev`, and to everybody their own. Further pages are
/// named by the `Link` header.
#[utoipa::path(
    get, path = "/api/users", operation_id = "listPeople", tag = "chats", params(BareParams),
    responses(
        (status = 200, description = "The people.", body = [Person],
         headers(("Link" = String, description = "The next page, as `<..>; rel=\"next\"`, when there is one."))),
        Refuses<400>,
    ),
    security((), ("api_key" = ["messages:read"]), ("session" = [])),
)]
pub async fn list_people(
    state: State,
    MayRead(caller): MayRead,
    query: Query,
) -> Result<(HeaderMap, Json<Vec<Person>>), Error> {
    let listing = Listing::read(&query, BARE, &format!("people of {}", caller.workspace))?;
    let page = chat::list_people(&state.messaging, &caller, listing.request).await?;
    let link = listing.link("/api/users", page.next).map(|link| (LINK, link));
    Ok((link.into_iter().collect(), Json(page.data)))
}

/// List what somebody and others said to each other
///
/// Between two, not in groups; the newest first, and nothing older than 30 days unless `days` says so. It is the
/// person's own to read, or the operator's of `dev`; what they had not fetched before counts as delivered. Nobody of
/// that name has said nothing. Further pages are named by the `Link` header.
#[utoipa::path(
    get, path = "/api/messages/{user_name}", operation_id = "listSaid", tag = "chats",
    params(("user_name" = String, Path, description = "The person."), BareParams, DaysParams),
    responses(
        (status = 200, description = "The messages.", body = [Said],
         headers(("Link" = String, description = "The next page, as `<..>; rel=\"next\"`, when there is one."))),
        Refuses<400>, Refuses<403>,
    ),
    security((), ("api_key" = ["messages:read"]), ("session" = [])),
)]
pub async fn list_said(
    state: State,
    MayRead(caller): MayRead,
    path: Path,
    query: Query,
) -> Result<(HeaderMap, Json<Vec<Said>>), Error> {
    let name = path.text("user_name");
    let days = query.get("days").map(days).transpose()?;
    let identity = format!("said by and to {} in {}: {days:?}", name.to_ascii_lowercase(), caller.workspace);
    let listing = Listing::read(&query, BARE, &identity)?;
    if !is_username(name) {
        return Ok((HeaderMap::new(), Json(Vec::new())));
    }
    let page = chat::list_said(&state.messaging, &caller, (name, days), listing.request).await?;
    let further = days.map(|days| format!("days={days}&")).unwrap_or_default();
    let link = listing.link_with(&format!("/api/messages/{name}"), &further, page.next).map(|link| (LINK, link));
    Ok((link.into_iter().collect(), Json(page.data)))
}

fn days(text: &str) -> Result<u32, Error> {
    text.parse().ok().filter(|days| (1..=MAX_DAYS).contains(days)).ok_or_else(|| {
        Error::invalid_field("query:days", "invalid", format!("must be an integer from 1 to {MAX_DAYS}"))
    })
}

/// Say something to somebody
///
/// In the one conversation of the two, which begins with that. In `serve` the sender is the caller.
#[utoipa::path(
    post, path = "/api/messages", operation_id = "writeTo", tag = "chats",
    params(IdempotencyHeader), request_body = SaidDraft,
    responses(
        (status = 201, description = "Said.", body = Said),
        Refuses<400>, Refuses<403>, Refuses<404>, Refuses<409>, Refuses<422>,
    ),
    security((), ("api_key" = ["messages:send"]), ("session" = [])),
)]
pub async fn write_to(
    state: State,
    MayWrite(caller): MayWrite,
    key: IdempotencyKey,
    SmallJson(body): SmallJson,
) -> Result<(StatusCode, Json<Said>), Error> {
    let mut fields = Fields::json(&body)?;
    let sender = fields.text("sender_user_name");
    let sender = fields.require("sender_user_name", sender).unwrap_or_default();
    let recipient = fields.text("recipient_user_name");
    let recipient = fields.require("recipient_user_name", recipient).unwrap_or_default();
    let draft = super::said(&mut fields);
    fields.finish()?;
    let said = chat::write_to(&state.messaging, &caller, (&sender, &recipient), draft, key.over(&body)).await?;
    Ok((StatusCode::CREATED, Json(said)))
}
