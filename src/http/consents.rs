//! Who wants messages and who does not: the ledger, for people who answer, and the link in a mail, for everybody.

use std::fmt::Write as _;

use axum::Json;
use axum::body::{Body, Bytes};
use axum::http::StatusCode;
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use axum::response::{Html, IntoResponse, Response};
use futures_util::stream;

use super::body::SmallJson;
use super::fields::Fields;
use super::openapi::Refuses;
use super::page::{List, Listing, ORDINARY};
use super::query::{Path, Query};
use super::rights::{MayOversee, MaySend};
use super::shapes::{ConsentParams, ConsentRequest, PageParams};
use super::webhooks::read_any;
use super::{Error, State};
use crate::domain::{Address, AddressError, AddressKind, ConsentChannel, ConsentState, WorkspaceId};
use crate::messaging::{self, Consent, ConsentChange, PageRequest, Position};

/// Characters of what somebody says of how they know.
const MAX_NOTE: usize = 500;
/// Characters of an address in a query.
const MAX_ADDRESS: usize = 320;
/// Rows of an export that are read at once.
const EXPORTED: i64 = 1_000;
const PAGE: &str = include_str!("unsubscribe.html");
const STYLE: &str = include_str!("start.css");

/// List changes of consent
///
/// Newest first. The first entry of an address on a channel is how it stands; one without entries has said nothing.
#[utoipa::path(
    get, path = "/api/consents", operation_id = "listConsents", tag = "consent", params(ConsentParams, PageParams),
    responses((status = 200, description = "A page of changes.", body = List<Consent>), Refuses<400>),
    security((), ("api_key" = ["messages:read"]), ("session" = [])),
)]
pub async fn list_consents(
    state: State,
    MayOversee(workspace): MayOversee,
    query: Query,
) -> Result<Json<List<Consent>>, Error> {
    let address = asked(&state, &query)?;
    let identity = format!("consents of {workspace}, {:?}", address.as_ref().map(Address::as_str));
    let listing = Listing::read(&query, ORDINARY, &identity)?;
    let page = messaging::list_consents(&state.messaging, workspace, address.as_ref(), listing.request).await?;
    Ok(Json(List { next_cursor: listing.cursor(page.next), data: page.data }))
}

/// Write down a consent
///
/// What somebody said on the telephone or on a form. Whoever opts out gets nothing from then on: what waits for them
/// ends `rejected` with `opted_out`. Said once more it changes nothing.
#[utoipa::path(
    put, path = "/api/consents", operation_id = "changeConsent", tag = "consent", request_body = ConsentRequest,
    responses((status = 200, description = "The entry that counts now.", body = Consent), Refuses<400>),
    security((), ("api_key" = ["messages:send"]), ("session" = [])),
)]
pub async fn change_consent(
    state: State,
    MaySend(caller): MaySend,
    SmallJson(body): SmallJson,
) -> Result<Json<Consent>, Error> {
    let mut fields = Fields::json(&body)?;
    let address = fields.address("address", |text| read_any(text, &state));
    let address = fields.require("address", address);
    let wanted = fields.choice("state", ConsentState::named, "opted_in, opted_out");
    let wanted = fields.require("state", wanted);
    let note = fields.text("note");
    if note.as_ref().is_some_and(|note| note.chars().count() > MAX_NOTE) {
        fields.refuse("note", "too_long", format!("must have at most {MAX_NOTE} characters"));
    }
    let errors = fields.into_errors();
    let (Some(address), Some(wanted), true) = (address, wanted, errors.is_empty()) else { return Err(errors.into()) };
    let channel = match address.kind() {
        AddressKind::Phone => ConsentChannel::Sms,
        AddressKind::Email => ConsentChannel::Email,
    };
    let change = ConsentChange { address, channel, state: wanted, note };
    Ok(Json(messaging::change_consent(&state.messaging, &caller, change).await?))
}

/// Export every change of consent
///
/// As CSV (RFC 4180), newest first.
#[utoipa::path(
    get, path = "/api/consents/export", operation_id = "exportConsents", tag = "consent", params(ConsentParams),
    responses((status = 200, description = "The ledger.", body = String, content_type = "text/csv"), Refuses<400>),
    security((), ("api_key" = ["messages:read"]), ("session" = [])),
)]
pub async fn export_consents(state: State, MayOversee(workspace): MayOversee, query: Query) -> Result<Response, Error> {
    let address = asked(&state, &query)?;
    let first = Some((String::from("id,at,address,channel,state,source,actor,evidence\r\n"), None));
    let rows = stream::try_unfold(first, move |step| {
        let (state, address) = (state.clone(), address.clone());
        async move {
            let Some((mut text, after)) = step else { return Ok::<_, crate::store::Error>(None) };
            let next = export(&state, (workspace, address.as_ref()), after, &mut text).await?;
            Ok(Some((Bytes::from(text), next.map(|next| (String::new(), Some(next))))))
        }
    });
    let headers =
        [(CONTENT_TYPE, "text/csv; charset=utf-8"), (CONTENT_DISPOSITION, "attachment; filename=\"consents.csv\"")];
    Ok((headers, Body::from_stream(rows)).into_response())
}

/// Adds the rows after a position; gives where to go on.
async fn export(
    state: &State,
    (workspace, address): (WorkspaceId, Option<&Address>),
    after: Option<Position>,
    text: &mut String,
) -> Result<Option<Position>, crate::store::Error> {
    let request = PageRequest { after, limit: EXPORTED };
    let page = messaging::list_consents(&state.messaging, workspace, address, request).await?;
    for one in &page.data {
        let Consent { id, address, channel, state, source, actor, evidence, at } = one;
        let (channel, state, source) = (channel.as_str(), state.as_str(), source.as_str());
        let cells = [address.as_str(), channel, state, source, actor.as_str()].map(cell).join(",");
        let _ = write!(text, "{id},{at},{cells},{}\r\n", cell(&evidence.to_string()));
    }
    Ok(page.next)
}

/// A cell, quoted where it must be.
fn cell(text: &str) -> String {
    if text.contains(['"', ',', '\r', '\n']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text.to_owned() }
}

/// The page behind the link in a mail
///
/// It asks whether that is what is meant, because programs follow links too.
#[utoipa::path(
    get, path = "/unsubscribe/{token}", operation_id = "getUnsubscribe", tag = "consent",
    params(("token" = String, Path, description = "As it stood in the mail.")),
    responses((status = 200, description = "The page.", body = String, content_type = "text/html"), Refuses<404>),
)]
pub async fn get_unsubscribe(state: State, path: Path) -> Result<Response, Error> {
    if !messaging::is_unsubscribe_token(&state.messaging, path.text("token")) {
        return Err(no_such_link());
    }
    let form = "<p>You will get no more mails of this sender at this address.</p>\n\
                <form method=\"post\"><button type=\"submit\">Unsubscribe</button></form>";
    Ok(page("Unsubscribe?", form))
}

/// No more mails, by one click (RFC 8058)
///
/// Mail programs send this by themselves when their button is pressed; so does the page behind the link.
#[utoipa::path(
    post, path = "/unsubscribe/{token}", operation_id = "unsubscribe", tag = "consent",
    params(("token" = String, Path, description = "As it stood in the mail.")),
    responses((status = 200, description = "No more mails.", body = String, content_type = "text/html"), Refuses<404>),
)]
pub async fn unsubscribe(state: State, path: Path) -> Result<Response, Error> {
    if !messaging::unsubscribe(&state.messaging, path.text("token")).await? {
        return Err(no_such_link());
    }
    Ok(page("Unsubscribed", "<p>You get no more mails of this sender at this address.</p>"))
}

fn page(title: &str, content: &str) -> Response {
    let policy = super::documents::style_policy(STYLE, "'self'");
    let html = PAGE.replace("{style}", STYLE).replace("{title}", title).replace("{content}", content);
    (StatusCode::OK, [(CONTENT_SECURITY_POLICY, policy)], Html(html)).into_response()
}

fn no_such_link() -> Error {
    Error::not_found("no_such_link", "this link is none of ours, or was cut off")
}

fn asked(state: &State, query: &Query) -> Result<Option<Address>, Error> {
    let read = |text: &str| read_any(text, state);
    let text = query.text("address", MAX_ADDRESS)?;
    let refused = |error: AddressError| Error::invalid_field("query:address", "invalid", error.to_string());
    text.map(|text| read(text).map_err(refused)).transpose()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_that_could_end_early_is_quoted() {
        assert_eq!(cell("+12025550143"), "+12025550143");
        assert_eq!(cell(r#"{"text":"STOP, now"}"#), r#""{""text"":""STOP, now""}""#);
        assert_eq!(cell("a\r\nb"), "\"a\r\nb\"");
    }
}
