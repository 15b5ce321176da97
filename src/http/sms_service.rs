//! Contract C: texts known by their `uuid`, sent and received with one shape, and one phone's whole history.

use axum::Json;
use axum::http::header::LINK;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use super::body::JsonOrForm;
use super::error::{Problem, belongs_nowhere};
use super::fields::Fields;
use super::idempotency::IdempotencyKey;
use super::openapi::Refuses;
use super::page::{BARE, Listing};
use super::query::{Path, Query};
use super::rights::{MayOversee, MaySend, Told};
use super::shapes::{
    BareParams, Done, HistoryDirection, HistoryEntry, IdempotencyHeader, Parked, PhoneHistory, TextRequest,
};
use super::webhooks::Hook;
use super::{Error, State};
use crate::domain::{Address, AddressKind, Message, PhoneRules, Refusal, WorkspaceId};
use crate::messaging::{self, SendError, Text, TextError};

/// Characters of a `uuid`.
const MAX_UUID: usize = 255;

/// Send a text
///
/// `uuid` makes it safe to repeat: the same again is the same 200 and no second message. `Idempotency-Key` is heeded
/// besides, as by every other send.
#[utoipa::path(
    post, path = "/api/send-sms", operation_id = "sendText", tag = "sms service",
    params(IdempotencyHeader),
    request_body(content(
        (TextRequest = "application/json"),
        (TextRequest = "application/x-www-form-urlencoded"),
    )),
    responses(
        (status = 200, description = "Accepted, now or before.", body = Done),
        Refuses<400>, Refuses<409>, Refuses<422>, Refuses<429>,
    ),
    security((), ("api_key" = ["messages:send"]), ("session" = [])),
)]
pub async fn send_sms(
    state: State,
    MaySend(caller): MaySend,
    key: IdempotencyKey,
    body: JsonOrForm,
) -> Result<Json<Done>, Error> {
    let text = text(body.fields()?, &state.messaging.rules.phone)?;
    messaging::send_text(&state.messaging, &caller, &text, key.over(body.bytes()).as_ref()).await?;
    Ok(Json(Done { message: "SMS sent successfully".to_owned() }))
}

/// Receive a text
///
/// With the `uuid`, phones and text of a text that was sent, it is that one's arrival.
#[utoipa::path(
    post, path = "/api/receive-sms", operation_id = "receiveText", tag = "sms service",
    request_body(content(
        (TextRequest = "application/json"),
        (TextRequest = "application/x-www-form-urlencoded"),
    )),
    responses(
        (status = 200, description = "Received, now or before.", body = Done),
        (status = 202, description = "Kept in quarantine: it is for no sender of any workspace.", body = Parked),
        Refuses<400>, Refuses<409>, Refuses<429>,
    ),
    security((), ("webhook_bearer" = []), ("webhook_basic" = []), ("webhook_signature" = [])),
)]
pub async fn receive_sms(state: State, Told { webhook, body }: Told<JsonOrForm>) -> Result<Response, Error> {
    let text = text(body.fields()?, &state.messaging.rules.phone)?;
    match messaging::receive_text(&state.messaging, webhook.workspace, text.clone()).await {
        Ok(()) => Ok(Json(Done { message: "SMS received successfully".to_owned() }).into_response()),
        Err(TextError::BelongsNowhere) => park(&state, webhook.workspace, &text).await,
        Err(TextError::Send(SendError::Store(error))) => Err(Error::of_webhook(error)),
        Err(error) => Err(error.into()),
    }
}

/// Keeps a text that is for nobody, as the webhook for texts would have got it: so it can be read again.
async fn park(state: &State, workspace: WorkspaceId, text: &Text) -> Result<Response, Error> {
    let (path, errors) = (Hook::Sms.path(), vec![belongs_nowhere("receiverPhone")]);
    let body = json!({
        "type": "sms", "from": text.sender.as_str(), "to": text.receiver.as_str(), "body": text.text,
        "timestamp": text.timestamp, "messaging_provider_id": text.uuid,
    });
    let reason = format!("{}: {}", errors[0].field, errors[0].code);
    let bytes = body.to_string();
    let id = messaging::quarantine(&state.messaging, workspace, path, &reason, bytes.as_bytes()).await?;
    metrics::counter!("switchboard_quarantined_total", "path" => path).increment(1);
    Ok((StatusCode::ACCEPTED, Json(Parked { quarantined: id, errors })).into_response())
}

/// Read everything one phone sent and received
///
/// Oldest first, over all counterparts. Without `limit` the newest 1,000; older ones are named by the `Link` header.
#[utoipa::path(
    get, path = "/api/get-conversation/{phone_number}", operation_id = "getPhoneHistory", tag = "sms service",
    params(("phone_number" = String, Path, description = "The phone, as ten digits or E.164."), BareParams),
    responses(
        (status = 200, description = "Its messages.", body = PhoneHistory,
         headers(("Link" = String, description = "The next older page, as `<..>; rel=\"next\"`, when there is one."))),
        (status = 404, description = "The phone is not known.",
         content((Done = "application/json"), (Problem = "application/problem+json"))),
        Refuses<400>,
    ),
    security((), ("api_key" = ["messages:read"]), ("session" = [])),
)]
pub async fn get_phone_history(
    state: State,
    MayOversee(workspace): MayOversee,
    path: Path,
    query: Query,
) -> Result<Response, Error> {
    let Ok(phone) = Address::sender(path.text("phone_number"), &state.messaging.rules.phone) else {
        return Ok(unknown());
    };
    let listing = Listing::read(&query, BARE, &format!("history of {workspace}: {}", phone.as_str()))?;
    let found = messaging::list_phone_history(&state.messaging, workspace, &phone, listing.request).await?;
    let Some(page) = found else {
        return Ok(unknown());
    };
    let target = format!("/api/get-conversation/{}", phone.national());
    let link: HeaderMap = listing.link(&target, page.next).map(|link| (LINK, link)).into_iter().collect();
    let messages = page.data.into_iter().map(|message| history_entry(message, &phone)).collect();
    Ok((link, Json(PhoneHistory { messages })).into_response())
}

/// The contract's own answer, word for word, and no problem document.
fn unknown() -> Response {
    (StatusCode::NOT_FOUND, Json(Done { message: "User not found".to_owned() })).into_response()
}

fn text(mut fields: Fields<'_>, phone: &PhoneRules) -> Result<Text, Refusal> {
    let sender = fields.address("senderPhone", |text| Address::sender(text, phone));
    let sender = fields.require("senderPhone", sender);
    let receiver = fields.address("receiverPhone", |text| Address::phone(text, phone));
    let receiver = fields.require("receiverPhone", receiver);
    let text = fields.text("messageText");
    let text = fields.require("messageText", text);
    let timestamp = fields.seconds("timestamp");
    let timestamp = fields.require("timestamp", timestamp);
    let uuid = fields.name("uuid", MAX_UUID);
    let uuid = fields.require("uuid", uuid);
    let errors = fields.into_errors();
    match (sender, receiver, text, timestamp, uuid) {
        (Some(sender), Some(receiver), Some(text), Some(timestamp), Some(uuid)) if errors.is_empty() => {
            Ok(Text { sender, receiver, text, timestamp, uuid })
        }
        _ => Err(errors),
    }
}

fn history_entry(message: Message, phone: &Address) -> HistoryEntry {
    let is_sent = message.from == phone.as_str();
    let counterpart = if is_sent { message.to.as_slice().first().cloned().unwrap_or_default() } else { message.from };
    HistoryEntry {
        phone_number: Address::from_stored(AddressKind::Phone, counterpart).national().to_owned(),
        message_text: message.body,
        timestamp: message.timestamp.seconds(),
        direction: if is_sent { HistoryDirection::Sent } else { HistoryDirection::Received },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(fields: Fields<'_>) -> Result<Text, Vec<String>> {
        let phone = PhoneRules { default_country: "+1".to_owned() };
        text(fields, &phone).map_err(|errors| errors.into_iter().map(|error| error.field).collect())
    }

    #[test]
    fn json_and_a_form_say_the_same() {
        let json = br#"{"senderPhone":"1234567890","receiverPhone":"0987654321","messageText":"a b","timestamp":1700000000,"uuid":"u"}"#;
        let form = b"senderPhone=1234567890&receiverPhone=0987654321&messageText=a+b&timestamp=1700000000&uuid=u";
        let (json, form) = (read(Fields::json(json).unwrap()).unwrap(), read(Fields::form(form)).unwrap());
        assert_eq!((&json.sender, &json.receiver, json.timestamp), (&form.sender, &form.receiver, form.timestamp));
        assert_eq!((json.text, json.uuid), (form.text, form.uuid));
    }

    #[test]
    fn every_field_is_required() {
        let all = ["senderPhone", "receiverPhone", "messageText", "timestamp", "uuid"];
        assert_eq!(read(Fields::json(b"{}").unwrap()).unwrap_err(), all);
        let empty = b"senderPhone=&receiverPhone=&messageText=%00&timestamp=&uuid=";
        assert_eq!(read(Fields::form(empty)).unwrap_err(), all);
    }
}
