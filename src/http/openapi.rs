//! The description of the API: what the handlers say of themselves, and what is true of all of them.

use std::collections::BTreeMap;

use utoipa::openapi::header::HeaderBuilder;
use utoipa::openapi::path::Operation;
use utoipa::openapi::response::{Response, ResponseBuilder};
use utoipa::openapi::security::{ApiKey, ApiKeyValue, Http, HttpAuthScheme, SecurityScheme};
use utoipa::openapi::tag::TagBuilder;
use utoipa::openapi::{
    ComponentsBuilder, ContentBuilder, Header, InfoBuilder, LicenseBuilder, ObjectBuilder, OpenApi, OpenApiBuilder,
    PathItem, Ref, RefOr, Type,
};
use utoipa::{IntoResponses, PartialSchema, ToSchema};

use super::error::{PROBLEM_JSON, Problem};
use crate::domain::FieldError;
use crate::provider::{sendgrid, twilio};

/// A refusal of that status, for the `responses` of a handler.
#[derive(Debug)]
pub struct Refuses<const STATUS: u16>;

impl<const STATUS: u16> IntoResponses for Refuses<STATUS> {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        BTreeMap::from([(STATUS.to_string(), refusal(STATUS))])
    }
}

/// A status of a refusal: its name among the components, what it means, and the header it always has.
#[derive(Clone, Copy)]
struct Kind {
    status: u16,
    name: &'static str,
    meaning: &'static str,
    header: Option<(&'static str, &'static str)>,
}

const KINDS: [Kind; 16] = [
    kind(400, "BadRequest", "Something in the request is not as it should be; `errors` names it."),
    with(kind(401, "Unauthorized", "Credentials are wanted, or the ones sent are not good."), CHALLENGE),
    kind(
        403,
        "Forbidden",
        "The credentials do not reach so far, or the workspace has no room; in dev, also any foreign Host or Origin.",
    ),
    kind(404, "NotFound", "There is no such thing."),
    with(kind(405, "MethodNotAllowed", "There is something here, but not for this method."), ALLOW),
    kind(408, "RequestTimeout", "The body did not arrive in time."),
    kind(409, "Conflict", "It cannot be done as things stand."),
    kind(413, "ContentTooLarge", "The body is too large."),
    kind(415, "UnsupportedMediaType", "The body is of another media type."),
    with(kind(416, "RangeNotSatisfiable", "The file has none of the bytes that are asked for."), SIZE),
    kind(422, "IdempotencyKeyReused", "The Idempotency-Key was used for another request."),
    with(kind(426, "UpgradeRequired", "It is to be asked for in another protocol."), UPGRADE),
    with(
        kind(429, "TooManyRequests", "A limit is reached: the caller's, the sender's, or that of what was asked for."),
        RETRY,
    ),
    kind(431, "HeaderTooLarge", "The header is too large."),
    kind(500, "InternalError", "Something went wrong here; the log has the request id."),
    with(kind(503, "Unavailable", "The database does not answer."), RETRY),
];

const CHALLENGE: (&str, &str) = ("WWW-Authenticate", "What credentials are wanted.");
const ALLOW: (&str, &str) = ("Allow", "The methods there are.");
const SIZE: (&str, &str) = ("Content-Range", "How many bytes there are.");
const UPGRADE: (&str, &str) = ("Upgrade", "The protocol that is wanted.");
const RETRY: (&str, &str) = ("Retry-After", "After how many seconds to try again.");
const REQUEST_ID: (&str, &str) = ("X-Request-Id", "The request's id: the client's own, or one of ours.");

const fn kind(status: u16, name: &'static str, meaning: &'static str) -> Kind {
    Kind { status, name, meaning, header: None }
}

const fn with(kind: Kind, header: (&'static str, &'static str)) -> Kind {
    Kind { status: kind.status, name: kind.name, meaning: kind.meaning, header: Some(header) }
}

/// What the description begins with: its title, tags, credentials and shared refusals.
pub fn beginning() -> OpenApi {
    let tags = [
        ("messages", "Sending, and what becomes of it."),
        ("conversations", "Who wrote with whom, on any channel."),
        ("contacts", "People with several addresses, and one conversation."),
        ("accounts", "People: signing up and in, and changing what is theirs."),
        ("consent", "Who wants messages and who does not."),
        ("team", "How a team answers: states, notes, labels, saved replies."),
        ("attachments", "Files that messages carry."),
        ("chats", "People writing to each other: messages, groups, friends."),
        ("live", "Telling clients at once what happens."),
        ("webhooks", "What providers tell us."),
        ("webhook endpoints", "What we tell customers."),
        ("web form", "A text from the default sender."),
        ("sms service", "Texts known by their uuid."),
        ("people", "Workspaces, who is in them, and as what."),
        ("operations", "What operators ask and do."),
        ("simulator", "The simulated carrier of `dev`."),
        ("documents", "Descriptions of this API."),
    ];
    OpenApiBuilder::new()
        .info(
            InfoBuilder::new()
                .title("Switchboard")
                .version(env!("CARGO_PKG_VERSION"))
                .description(Some(env!("CARGO_PKG_DESCRIPTION")))
                .license(Some(
                    LicenseBuilder::new().name("MIT OR Apache-2.0").identifier(Some("MIT OR Apache-2.0")).build(),
                ))
                .build(),
        )
        .tags(Some(tags.map(|(name, meaning)| TagBuilder::new().name(name).description(Some(meaning)).build())))
        .components(Some(components()))
        .build()
}

/// Completes what the handlers say of themselves with what is true of all of them.
pub fn complete(mut description: OpenApi) -> OpenApi {
    for (path, item) in &mut description.paths.paths {
        for operation in operations(item) {
            complete_operation(operation, path.contains('{'));
        }
    }
    description
}

fn complete_operation(operation: &mut Operation, has_path_parameters: bool) {
    let mut statuses = vec![403, 500];
    let id = operation.operation_id.as_deref();
    if !matches!(id, Some("getHealth" | "getReady")) {
        statuses.push(429);
    }
    if operation.security.is_some() || id == Some("getReady") {
        statuses.push(503);
    }
    if operation.security.is_some() {
        statuses.push(401);
    }
    if operation.request_body.is_some() {
        statuses.extend([408, 413, 415]);
    }
    if has_path_parameters {
        statuses.extend([400, 404, 405]);
    }
    let responses = &mut operation.responses.responses;
    for status in statuses {
        responses.entry(status.to_string()).or_insert_with(|| refusal(status));
    }
    for response in responses.values_mut() {
        if let RefOr::T(response) = response {
            response.headers.insert(REQUEST_ID.0.to_owned(), RefOr::T(header(REQUEST_ID.1)));
        }
    }
}

fn operations(item: &mut PathItem) -> impl Iterator<Item = &mut Operation> {
    [&mut item.get, &mut item.put, &mut item.post, &mut item.patch, &mut item.delete].into_iter().flatten()
}

fn refusal(status: u16) -> RefOr<Response> {
    let name = KINDS.iter().find(|kind| kind.status == status).map_or("InternalError", |kind| kind.name);
    RefOr::Ref(Ref::from_response_name(name))
}

fn components() -> utoipa::openapi::Components {
    let mut components = ComponentsBuilder::new()
        .schema(Problem::name(), Problem::schema())
        .schema(FieldError::name(), FieldError::schema())
        .security_scheme("api_key", bearer("An API key: `sb_live_..`. In `dev` the local operator needs none."))
        .security_scheme("session", session())
        .security_scheme("webhook_bearer", bearer("The provider's `webhook_secret`."))
        .security_scheme("webhook_basic", basic("The provider's `webhook_secret` as the password; any user name."))
        .security_scheme("webhook_signature", signature())
        .security_scheme("twilio_signature", header_scheme(twilio::SIGNATURE, TWILIO))
        .security_scheme("sendgrid_signature", header_scheme(sendgrid::SIGNATURE, SENDGRID));
    for kind in &KINDS {
        components = components.response(kind.name, response(kind));
    }
    components.build()
}

fn bearer(meaning: &str) -> SecurityScheme {
    let mut scheme = Http::new(HttpAuthScheme::Bearer);
    scheme.description = Some(meaning.to_owned());
    SecurityScheme::Http(scheme)
}

fn session() -> SecurityScheme {
    let meaning = "A person's session, as its cookie (`sb_session` in `dev`) or as a bearer token: `sb_sess_..`.";
    SecurityScheme::ApiKey(ApiKey::Cookie(ApiKeyValue::with_description("__Host-sb_session", meaning)))
}

fn signature() -> SecurityScheme {
    let meaning = "A Standard Webhooks 1.0.0 signature of the body under the provider's `webhook_secret`, where that begins with \
                   `whsec_`; with `webhook-id` and `webhook-timestamp`.";
    SecurityScheme::ApiKey(ApiKey::Header(ApiKeyValue::with_description("webhook-signature", meaning)))
}

const TWILIO: &str = "Twilio's signature under the provider's `auth_token`, of this URL under `public_url` and of the \
                      parameters; of JSON by `bodySHA256` in the URL.";
const SENDGRID: &str = "SendGrid's signature under the provider's `webhook_public_key`, of the body and of the time in \
                        `X-Twilio-Email-Event-Webhook-Timestamp`.";

fn header_scheme(name: &str, meaning: &str) -> SecurityScheme {
    SecurityScheme::ApiKey(ApiKey::Header(ApiKeyValue::with_description(name, meaning)))
}

fn basic(meaning: &str) -> SecurityScheme {
    let mut scheme = Http::new(HttpAuthScheme::Basic);
    scheme.description = Some(meaning.to_owned());
    SecurityScheme::Http(scheme)
}

fn response(kind: &Kind) -> Response {
    let content = ContentBuilder::new().schema(Some(Ref::from_schema_name(Problem::name()))).build();
    let mut response = ResponseBuilder::new().description(kind.meaning).content(PROBLEM_JSON, content).build();
    for (name, meaning) in [Some(REQUEST_ID), kind.header].into_iter().flatten() {
        response.headers.insert(name.to_owned(), RefOr::T(header(meaning)));
    }
    response
}

fn header(meaning: &str) -> Header {
    let text = ObjectBuilder::new().schema_type(Type::String).build();
    HeaderBuilder::new().schema(Some(text)).description(Some(meaning)).build()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::Value;

    fn description() -> Value {
        serde_json::to_value(crate::http::openapi()).unwrap()
    }

    fn each_reference(value: &Value, found: &mut BTreeSet<String>) {
        match value {
            Value::Object(object) => {
                found.extend(object.get("$ref").and_then(Value::as_str).map(str::to_owned));
                object.values().for_each(|value| each_reference(value, found));
            }
            Value::Array(array) => array.iter().for_each(|value| each_reference(value, found)),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }

    #[test]
    fn every_reference_leads_somewhere() {
        let description = description();
        let mut references = BTreeSet::new();
        each_reference(&description, &mut references);
        assert!(references.len() > 20);
        for reference in references {
            assert!(description.pointer(&reference[1..]).is_some(), "{reference}");
        }
    }

    #[test]
    fn every_operation_says_who_it_is_and_what_it_refuses() {
        let mut ids = BTreeSet::new();
        for (path, item) in description()["paths"].as_object().unwrap() {
            for (method, operation) in item.as_object().unwrap() {
                let id = operation["operationId"].as_str().unwrap().to_owned();
                assert!(ids.insert(id), "{method} {path}");
                assert!(operation["tags"].is_array() && operation["summary"].is_string(), "{method} {path}");
                assert!(operation["responses"]["500"].is_object(), "{method} {path}");
            }
        }
        assert!(ids.contains("sendSms") && ids.contains("reply"));
    }
}
