//! Customers' endpoints: made, changed, tried, and told again.

use axum::Json;
use axum::http::StatusCode;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::body::SmallJson;
use super::fields::Fields;
use super::openapi::Refuses;
use super::page::{List, Listing, ORDINARY};
use super::query::{Path, Query};
use super::rights::MayAdmin;
use super::shapes::{
    PageParams, Queued, ReplayRequest, Replayed, WebhookDelivery, WebhookEndpoint, WebhookEndpointMade,
    WebhookEndpointRequest, WebhookEndpointUpdate,
};
use super::{Error, State};
use crate::domain::{Timestamp, WebhookDeliveryId, WebhookEndpointId, WebhookEvent};
use crate::egress::EgressError;
use crate::store::WebhookEndpointRow;
use crate::webhook::{self, EndpointError, EndpointWish};

/// The routes of this file.
pub(super) fn routes() -> OpenApiRouter<State> {
    OpenApiRouter::new()
        .routes(routes!(list_webhook_endpoints, create_webhook_endpoint))
        .routes(routes!(get_webhook_endpoint, change_webhook_endpoint, delete_webhook_endpoint))
        .routes(routes!(rotate_webhook_secret))
        .routes(routes!(test_webhook_endpoint))
        .routes(routes!(list_webhook_deliveries))
        .routes(routes!(replay_webhook_delivery))
        .routes(routes!(replay_webhook_deliveries))
}

/// Make a webhook endpoint
///
/// The secret is in this answer and nowhere else.
#[utoipa::path(
    post, path = "/api/webhook-endpoints", operation_id = "createWebhookEndpoint", tag = "webhook endpoints",
    request_body = WebhookEndpointRequest,
    responses((status = 201, description = "Made.", body = WebhookEndpointMade), Refuses<400>, Refuses<409>),
    security((), ("api_key" = ["admin"]), ("session" = [])),
)]
pub async fn create_webhook_endpoint(
    state: State,
    MayAdmin(caller): MayAdmin,
    SmallJson(body): SmallJson,
) -> Result<(StatusCode, Json<WebhookEndpointMade>), Error> {
    let mut fields = Fields::json(&body)?;
    let wish = wish(&mut fields);
    fields.require("url", wish.url.as_ref());
    fields.require("events", wish.events.as_ref());
    fields.finish()?;
    let row = webhook::create_endpoint(&state.messaging, &state.egress, caller, wish).await?;
    Ok((StatusCode::CREATED, Json(made(&state, row))))
}

/// List the workspace's webhook endpoints
///
/// The oldest first; never their secrets.
#[utoipa::path(
    get, path = "/api/webhook-endpoints", operation_id = "listWebhookEndpoints", tag = "webhook endpoints",
    responses((status = 200, description = "Every endpoint.", body = List<WebhookEndpoint>)),
    security((), ("api_key" = ["admin"]), ("session" = [])),
)]
pub async fn list_webhook_endpoints(
    state: State,
    MayAdmin(caller): MayAdmin,
) -> Result<Json<List<WebhookEndpoint>>, Error> {
    let now = state.messaging.clock.now();
    let rows = webhook::list_endpoints(&state.messaging, caller.workspace).await?;
    let data = rows.into_iter().map(|row| WebhookEndpoint::at(row, now)).collect();
    Ok(Json(List { data, next_cursor: None }))
}

/// Get a webhook endpoint
#[utoipa::path(
    get, path = "/api/webhook-endpoints/{id}", operation_id = "getWebhookEndpoint", tag = "webhook endpoints",
    params(("id" = i64, Path, description = "The endpoint.")),
    responses((status = 200, description = "The endpoint.", body = WebhookEndpoint)),
    security((), ("api_key" = ["admin"]), ("session" = [])),
)]
pub async fn get_webhook_endpoint(
    state: State,
    MayAdmin(caller): MayAdmin,
    path: Path,
) -> Result<Json<WebhookEndpoint>, Error> {
    let row = webhook::find_endpoint(&state.messaging, caller.workspace, endpoint(&path)?).await?;
    Ok(Json(WebhookEndpoint::at(row, state.messaging.clock.now())))
}

/// Change a webhook endpoint
///
/// What waits for one that is disabled is dropped; one that is enabled is told of what happens from then on.
#[utoipa::path(
    patch, path = "/api/webhook-endpoints/{id}", operation_id = "changeWebhookEndpoint", tag = "webhook endpoints",
    params(("id" = i64, Path, description = "The endpoint.")), request_body = WebhookEndpointUpdate,
    responses((status = 200, description = "As it is now.", body = WebhookEndpoint), Refuses<400>),
    security((), ("api_key" = ["admin"]), ("session" = [])),
)]
pub async fn change_webhook_endpoint(
    state: State,
    MayAdmin(caller): MayAdmin,
    path: Path,
    SmallJson(body): SmallJson,
) -> Result<Json<WebhookEndpoint>, Error> {
    let id = endpoint(&path)?;
    let mut fields = Fields::json(&body)?;
    let wish = wish(&mut fields);
    fields.finish()?;
    let row = webhook::change_endpoint(&state.messaging, &state.egress, (caller, id), wish).await?;
    Ok(Json(WebhookEndpoint::at(row, state.messaging.clock.now())))
}

/// Delete a webhook endpoint
///
/// With everything it was told.
#[utoipa::path(
    delete, path = "/api/webhook-endpoints/{id}", operation_id = "deleteWebhookEndpoint", tag = "webhook endpoints",
    params(("id" = i64, Path, description = "The endpoint.")),
    responses((status = 204, description = "Gone.")),
    security((), ("api_key" = ["admin"]), ("session" = [])),
)]
pub async fn delete_webhook_endpoint(
    state: State,
    MayAdmin(caller): MayAdmin,
    path: Path,
) -> Result<StatusCode, Error> {
    webhook::delete_endpoint(&state.messaging, caller, endpoint(&path)?).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Give a webhook endpoint another secret
///
/// The new one is in this answer and nowhere else. For a day everything is signed with both.
#[utoipa::path(
    post, path = "/api/webhook-endpoints/{id}/rotate", operation_id = "rotateWebhookSecret", tag = "webhook endpoints",
    params(("id" = i64, Path, description = "The endpoint.")),
    responses((status = 200, description = "With the new secret.", body = WebhookEndpointMade)),
    security((), ("api_key" = ["admin"]), ("session" = [])),
)]
pub async fn rotate_webhook_secret(
    state: State,
    MayAdmin(caller): MayAdmin,
    path: Path,
) -> Result<Json<WebhookEndpointMade>, Error> {
    let row = webhook::rotate_secret(&state.messaging, caller, endpoint(&path)?).await?;
    Ok(Json(made(&state, row)))
}

/// Try a webhook endpoint
///
/// It is told of a `ping`, once as of any event.
#[utoipa::path(
    post, path = "/api/webhook-endpoints/{id}/test", operation_id = "testWebhookEndpoint", tag = "webhook endpoints",
    params(("id" = i64, Path, description = "The endpoint.")),
    responses((status = 202, description = "On its way.", body = Queued), Refuses<409>),
    security((), ("api_key" = ["admin"]), ("session" = [])),
)]
pub async fn test_webhook_endpoint(
    state: State,
    MayAdmin(caller): MayAdmin,
    path: Path,
) -> Result<(StatusCode, Json<Queued>), Error> {
    let delivery_id = webhook::ping(&state.messaging, caller, endpoint(&path)?).await?;
    Ok((StatusCode::ACCEPTED, Json(Queued { delivery_id })))
}

/// List what a webhook endpoint was told
///
/// Newest first, each with its attempts.
#[utoipa::path(
    get, path = "/api/webhook-endpoints/{id}/deliveries", operation_id = "listWebhookDeliveries",
    tag = "webhook endpoints", params(("id" = i64, Path, description = "The endpoint."), PageParams),
    responses((status = 200, description = "A page of deliveries.", body = List<WebhookDelivery>), Refuses<400>),
    security((), ("api_key" = ["admin"]), ("session" = [])),
)]
pub async fn list_webhook_deliveries(
    state: State,
    MayAdmin(caller): MayAdmin,
    path: Path,
    query: Query,
) -> Result<Json<List<WebhookDelivery>>, Error> {
    let id = endpoint(&path)?;
    let listing = Listing::read(&query, ORDINARY, &format!("deliveries of {id} of {}", caller.workspace))?;
    let page = webhook::list_deliveries(&state.messaging, caller.workspace, id, listing.request).await?;
    let page = page.map(WebhookDelivery::from);
    Ok(Json(List { next_cursor: listing.cursor(page.next), data: page.data }))
}

/// Tell a webhook endpoint of one event again
///
/// Under the same `webhook-id`, and as things stand now.
#[utoipa::path(
    post, path = "/api/webhook-endpoints/{id}/deliveries/{did}/replay", operation_id = "replayWebhookDelivery",
    tag = "webhook endpoints",
    params(("id" = i64, Path, description = "The endpoint."), ("did" = i64, Path, description = "The delivery.")),
    responses((status = 202, description = "On its way.", body = Queued), Refuses<409>),
    security((), ("api_key" = ["admin"]), ("session" = [])),
)]
pub async fn replay_webhook_delivery(
    state: State,
    MayAdmin(caller): MayAdmin,
    path: Path,
) -> Result<(StatusCode, Json<Queued>), Error> {
    let (id, delivery_id) = (endpoint(&path)?, WebhookDeliveryId(path.id("did")?));
    webhook::replay(&state.messaging, caller, (id, delivery_id)).await?;
    Ok((StatusCode::ACCEPTED, Json(Queued { delivery_id })))
}

/// Tell a webhook endpoint of a span of events again
///
/// Whatever happened in it, told or not, but for what is still on its way; at most 10,000 at once.
#[utoipa::path(
    post, path = "/api/webhook-endpoints/{id}/replay", operation_id = "replayWebhookDeliveries",
    tag = "webhook endpoints", request_body = ReplayRequest,
    params(("id" = i64, Path, description = "The endpoint.")),
    responses((status = 202, description = "On their way.", body = Replayed), Refuses<400>, Refuses<409>),
    security((), ("api_key" = ["admin"]), ("session" = [])),
)]
pub async fn replay_webhook_deliveries(
    state: State,
    MayAdmin(caller): MayAdmin,
    path: Path,
    SmallJson(body): SmallJson,
) -> Result<(StatusCode, Json<Replayed>), Error> {
    let id = endpoint(&path)?;
    let span = span(Fields::json(&body)?)?;
    let replayed = webhook::replay_span(&state.messaging, caller, id, span).await?;
    Ok((StatusCode::ACCEPTED, Json(Replayed { replayed })))
}

fn endpoint(path: &Path) -> Result<WebhookEndpointId, Error> {
    Ok(WebhookEndpointId(path.id("id")?))
}

fn made(state: &State, row: WebhookEndpointRow) -> WebhookEndpointMade {
    let secret = row.target.secret.clone();
    WebhookEndpointMade { endpoint: WebhookEndpoint::at(row, state.messaging.clock.now()), secret }
}

fn wish(fields: &mut Fields<'_>) -> EndpointWish {
    let url = fields.text("url");
    let names = fields.texts("events");
    let events = names.map(|mut names| {
        names.sort();
        names.dedup();
        let events: Vec<WebhookEvent> = names.iter().filter_map(|name| WebhookEvent::named(name)).collect();
        if events.is_empty() || events.len() < names.len() {
            let all = WebhookEvent::ALL.map(WebhookEvent::as_str).join(", ");
            fields.refuse("events", "invalid", format!("must be a list of at least one of: {all}"));
        }
        events
    });
    EndpointWish { url, events, is_enabled: fields.flag("enabled") }
}

fn span(mut fields: Fields<'_>) -> Result<(Timestamp, Timestamp), Error> {
    let (from, to) = (fields.timestamp("from"), fields.timestamp("to"));
    let (from, to) = (fields.require("from", from), fields.require("to", to));
    if from.zip(to).is_some_and(|(from, to)| to <= from) {
        fields.refuse("to", "invalid", "must lie after from");
    }
    fields.finish()?;
    from.zip(to).ok_or_else(|| Error::invalid_field("from", "required", "is required"))
}

impl From<EndpointError> for Error {
    fn from(error: EndpointError) -> Self {
        let conflict = |code, error: &EndpointError| Self::new(StatusCode::CONFLICT, code, error.to_string());
        match error {
            EndpointError::NoSuchEndpoint => Self::not_found("no_such_endpoint", "there is no such endpoint"),
            EndpointError::NoSuchDelivery => Self::not_found("no_such_delivery", "there is no such delivery"),
            EndpointError::StillWaiting => conflict("still_waiting", &error),
            EndpointError::Disabled => conflict("endpoint_disabled", &error),
            EndpointError::TooManyEndpoints => conflict("too_many_endpoints", &error),
            EndpointError::TooManyDeliveries => Self::invalid_field("to", "too_many", error.to_string()),
            EndpointError::Url(error) => Self::invalid_field("url", code_of(error), error.to_string()),
            EndpointError::Store(error) => error.into(),
        }
    }
}

fn code_of(error: EgressError) -> &'static str {
    match error {
        EgressError::NoUrl | EgressError::Scheme | EgressError::Credentials => "invalid",
        EgressError::Private => "private_address",
    }
}
