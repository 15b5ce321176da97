//! The simulated carrier's controls: what goes wrong there, and the handsets it carries to. Only in `dev`.

use std::sync::Arc;

use axum::Json;
use axum::http::StatusCode;

use super::body::SmallJson;
use super::draft::{self, Checks};
use super::fields::Fields;
use super::idempotency::IdempotencyKey;
use super::messages::accepted;
use super::openapi::Refuses;
use super::page::List;
use super::query::Path;
use super::rights::{MayOwn, MaySend};
use super::shapes::{HandsetMessage, IdempotencyHeader, SmsDraft};
use super::{Error, State};
use crate::domain::{Address, AddressKind, Caller, Message, PhoneRules, Refusal};
use crate::messaging::{self, Endpoint, Inbound};
use crate::provider::Simulator;
use crate::provider::simulator::{CarriedMessage, Chaos, Handset};

/// Read what goes wrong at the simulated carrier
#[utoipa::path(
    get, path = "/api/simulator/chaos", operation_id = "getChaos", tag = "simulator",
    responses((status = 200, description = "The chaos in force.", body = Chaos), Refuses<404>),
    security((), ("api_key" = ["admin"]), ("session" = [])),
)]
pub async fn get_chaos(state: State, _: MayOwn) -> Result<Json<Chaos>, Error> {
    Ok(Json(simulator(&state)?.chaos()))
}

/// Decide what goes wrong at the simulated carrier
///
/// What is left out goes right.
#[utoipa::path(
    put, path = "/api/simulator/chaos", operation_id = "setChaos", tag = "simulator", request_body = Chaos,
    responses((status = 200, description = "The chaos in force now.", body = Chaos), Refuses<400>, Refuses<404>),
    security((), ("api_key" = ["admin"]), ("session" = [])),
)]
pub async fn set_chaos(state: State, _: MayOwn, SmallJson(body): SmallJson) -> Result<Json<Chaos>, Error> {
    let simulator = simulator(&state)?;
    let chaos = chaos(Fields::json(&body)?)?;
    chaos.check()?;
    simulator.set_chaos(chaos);
    Ok(Json(simulator.chaos()))
}

/// List the simulated handsets
///
/// Every phone and mailbox that had a message, newest first.
#[utoipa::path(
    get, path = "/api/simulator/handsets", operation_id = "listHandsets", tag = "simulator",
    responses((status = 200, description = "The handsets.", body = List<Handset>), Refuses<404>),
    security((), ("api_key" = ["admin"]), ("session" = [])),
)]
pub async fn list_handsets(state: State, _: MayOwn) -> Result<Json<List<Handset>>, Error> {
    Ok(Json(List { data: simulator(&state)?.list_handsets(), next_cursor: None }))
}

/// Look at one simulated handset
///
/// Its messages as the carrier saw them, oldest first.
#[utoipa::path(
    get, path = "/api/simulator/handsets/{address}", operation_id = "getHandset", tag = "simulator",
    params(("address" = String, Path, description = "A phone number or an email address.")),
    responses((status = 200, description = "Its messages.", body = List<CarriedMessage>), Refuses<400>, Refuses<404>),
    security((), ("api_key" = ["admin"]), ("session" = [])),
)]
pub async fn get_handset(state: State, _: MayOwn, path: Path) -> Result<Json<List<Arc<CarriedMessage>>>, Error> {
    let simulator = simulator(&state)?;
    let address = handset(&path, &state.messaging.rules.phone)?;
    let data = simulator.find_handset(&address);
    let data = data.ok_or_else(|| Error::not_found("no_such_handset", "no message has reached such a handset"))?;
    Ok(Json(List { data, next_cursor: None }))
}

/// Write a message on a simulated handset
///
/// It is received here as if a provider had brought it.
#[utoipa::path(
    post, path = "/api/simulator/handsets/{address}/messages", operation_id = "writeOnHandset", tag = "simulator",
    params(("address" = String, Path, description = "The handset: a phone number or an email address.")),
    request_body = HandsetMessage,
    responses((status = 201, description = "Received.", body = Message), Refuses<400>, Refuses<404>),
    security((), ("api_key" = ["admin"]), ("session" = [])),
)]
pub async fn write_on_handset(
    state: State,
    MayOwn(Caller { workspace, .. }): MayOwn,
    path: Path,
    SmallJson(body): SmallJson,
) -> Result<(StatusCode, Json<Message>), Error> {
    let simulator = simulator(&state)?;
    let phone = &state.messaging.rules.phone;
    let from = handset(&path, phone)?;
    let mut fields = Fields::json(&body)?;
    let is_mail = from.kind() == AddressKind::Email;
    let to = fields.address("to", |text| if is_mail { Address::email(text) } else { Address::phone(text, phone) });
    let to = fields.require("to", to);
    let text = fields.text("body");
    let text = fields.require("body", text);
    let attachments = fields.texts("attachments").unwrap_or_default();
    let errors = fields.into_errors();
    let (Some(to), Some(text), true) = (to, text, errors.is_empty()) else {
        return Err(Error::invalid(errors));
    };
    let written = simulator.write(from, to, text, attachments);
    let endpoint = if is_mail { Endpoint::Email } else { Endpoint::Sms };
    let inbound =
        Inbound { endpoint, external_id: written.provider_id, draft: written.draft, media_of: None, mail: None };
    let received = messaging::receive(&state.messaging, workspace, inbound).await?;
    Ok((StatusCode::CREATED, Json(received.message)))
}

/// Answer a text without sending it
///
/// Read, checked and answered as by `POST /api/messages/sms`, and then forgotten: nothing is stored, and its ids are 0.
/// What this takes is the ceiling that benchmarks compare with.
#[utoipa::path(
    post, path = "/api/simulator/ceiling", operation_id = "rehearseSms", tag = "simulator",
    params(IdempotencyHeader), request_body = SmsDraft,
    responses((status = 201, description = "It would be accepted.", body = Message), Refuses<400>, Refuses<404>),
    security((), ("api_key" = ["messages:send"]), ("session" = [])),
)]
pub async fn rehearse(
    state: State,
    MaySend(caller): MaySend,
    key: IdempotencyKey,
    SmallJson(body): SmallJson,
) -> Result<(StatusCode, Json<Message>), Error> {
    simulator(&state)?;
    key.over(&body);
    let draft = draft::outbound(Fields::json(&body)?, draft::TEXT, &Checks::of(&state.messaging))?;
    let message = accepted(messaging::rehearse(&state.messaging, &caller, draft)?)?;
    Ok((StatusCode::CREATED, Json(message)))
}

fn simulator(state: &State) -> Result<&Simulator, Error> {
    let missing = || Error::not_found("no_simulator", "there is a simulated carrier only in dev");
    state.simulator.as_deref().ok_or_else(missing)
}

fn handset(path: &Path, phone: &PhoneRules) -> Result<Address, Error> {
    let text = path.text("address");
    let address = if text.contains('@') { Address::email(text) } else { Address::sender(text, phone) };
    address.map_err(|error| Error::invalid_field("path:address", "invalid", error.to_string()))
}

const SHARE: &str = "must be a number from 0 to 1";

/// Every field by itself, so that a wrong one is named.
fn chaos(mut fields: Fields<'_>) -> Result<Chaos, Refusal> {
    let calm = Chaos::default();
    let chaos = Chaos {
        rate_429: fields.value_of("rate_429", SHARE).unwrap_or(calm.rate_429),
        rate_500: fields.value_of("rate_500", SHARE).unwrap_or(calm.rate_500),
        rate_hang: fields.value_of("rate_hang", SHARE).unwrap_or(calm.rate_hang),
        rate_reply_lost: fields.value_of("rate_reply_lost", SHARE).unwrap_or(calm.rate_reply_lost),
        receipts: fields
            .value_of("receipts", "must be one of: off, ordered, shuffled, repeated")
            .unwrap_or(calm.receipts),
        latency_ms: fields.value_of("latency_ms", "must be [min, max] in milliseconds").unwrap_or(calm.latency_ms),
        seed: fields.value_of("seed", "must be an integer from 0").unwrap_or(calm.seed),
        script: fields.value_of("script", "must be a list of fates").unwrap_or(calm.script),
    };
    fields.finish().map(|()| chaos)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_field_of_chaos_is_named() {
        let body = br#"{"rate_429": "x", "receipts": "never", "latency_ms": [1], "seed": -1, "rate_hang": 0.5}"#;
        let errors = chaos(Fields::json(body).unwrap()).unwrap_err();
        let names: Vec<&str> = errors.iter().map(|error| error.field.as_str()).collect();
        assert_eq!(names, ["rate_429", "receipts", "latency_ms", "seed"]);
        assert_eq!(chaos(Fields::json(b"{}").unwrap()).unwrap(), Chaos::default());
    }
}
