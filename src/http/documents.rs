//! The page at `/`, and the API's documents.

use std::sync::Arc;

use axum::http::HeaderMap;
use axum::http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use axum::response::{Html, IntoResponse, Response};
use axum::{Extension, Router};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};
use utoipa_swagger_ui::{Config, SwaggerUi};

use super::State;

const STYLE: &str = include_str!("start.css");
const PAGE: &str = include_str!("start.html");

/// The documents as they are served, written once at start.
#[derive(Debug, Default)]
pub struct Documents {
    json: String,
    yaml: String,
    page: String,
    page_policy: String,
}

impl Documents {
    /// Writes a description of the API in both languages.
    pub fn of(description: &utoipa::openapi::OpenApi) -> Self {
        Self {
            json: serde_json::to_string_pretty(description).unwrap_or_default(),
            yaml: serde_yaml_ng::to_string(description).unwrap_or_default(),
            page: PAGE.replace("{style}", STYLE),
            page_policy: style_policy(STYLE, "'none'"),
        }
    }
}

/// The content security policy of a page with that style, no script, and forms that go there.
pub(super) fn style_policy(style: &str, form_action: &str) -> String {
    let hash = STANDARD.encode(Sha256::digest(style.as_bytes()));
    format!(
        "default-src 'none'; style-src 'sha256-{hash}'; frame-ancestors 'none'; base-uri 'none'; \
         form-action {form_action}"
    )
}

/// The web app
///
/// Without it, in a server that was built so, a page with links that says how to build it.
#[utoipa::path(
    get, path = "/", operation_id = "getStart", tag = "documents",
    responses((status = 200, description = "The page.", body = String, content_type = "text/html")),
)]
pub async fn get_start(state: State, headers: HeaderMap, Extension(documents): Extension<Arc<Documents>>) -> Response {
    if let Some(page) = state.web.page(&headers) {
        return page;
    }
    ([(CONTENT_SECURITY_POLICY, documents.page_policy.clone())], Html(documents.page.clone())).into_response()
}

/// This description, as JSON
#[utoipa::path(
    get, path = "/openapi.json", operation_id = "getOpenApiJson", tag = "documents",
    responses((status = 200, description = "OpenAPI 3.1.", body = Object, content_type = "application/json")),
)]
pub async fn get_openapi_json(Extension(documents): Extension<Arc<Documents>>) -> Response {
    ([(CONTENT_TYPE, "application/json")], documents.json.clone()).into_response()
}

/// This description, as YAML
#[utoipa::path(
    get, path = "/swagger.yaml", operation_id = "getOpenApiYaml", tag = "documents",
    responses((status = 200, description = "OpenAPI 3.1.", body = Object, content_type = "application/yaml")),
)]
pub async fn get_openapi_yaml(Extension(documents): Extension<Arc<Documents>>) -> Response {
    ([(CONTENT_TYPE, "application/yaml")], documents.yaml.clone()).into_response()
}

/// Swagger UI, embedded, at `/api-docs`.
pub fn swagger_ui() -> Router<State> {
    SwaggerUi::new("/api-docs").config(Config::from("/openapi.json")).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_holds_its_style_and_no_script() {
        let documents = Documents::of(&utoipa::openapi::OpenApi::default());
        assert!(documents.page.contains(&format!("<style>{STYLE}</style>")));
        assert!(!documents.page.contains("<script") && !documents.page.contains("style="));
    }
}
