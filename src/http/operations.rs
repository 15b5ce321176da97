//! What operators ask: is it alive, is it ready, how is it doing.

use axum::Json;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};

use super::rights::MayScrape;
use super::shapes::Health;
use super::{Error, State};

/// Is it alive?
#[utoipa::path(
    get, path = "/api/health", operation_id = "getHealth", tag = "operations",
    responses((status = 200, description = "It is.", body = Health)),
)]
pub async fn get_health() -> Json<Health> {
    Json(Health { status: "ok" })
}

/// Is it ready?
///
/// It is when its database answers.
#[utoipa::path(
    get, path = "/api/ready", operation_id = "getReady", tag = "operations",
    responses((status = 200, description = "It is.", body = Health)),
)]
pub async fn get_ready(state: State) -> Result<Json<Health>, Error> {
    state.messaging.store.ping().await.map_err(|error| {
        tracing::warn!(error = &error as &dyn std::error::Error, "not ready");
        Error::unavailable()
    })?;
    Ok(Json(Health { status: "ok" }))
}

/// How is it doing?
///
/// Metrics in Prometheus' text format.
#[utoipa::path(
    get, path = "/metrics", operation_id = "getMetrics", tag = "operations",
    responses((status = 200, description = "The metrics.", body = String, content_type = "text/plain")),
    security((), ("api_key" = ["metrics:read"]), ("session" = [])),
)]
pub async fn get_metrics(state: State, _: MayScrape) -> Response {
    ([(CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], state.metrics.render()).into_response()
}
