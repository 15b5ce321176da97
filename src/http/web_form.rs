//! Contract B: the web form that sends a text, and the list of what was sent.

use axum::Json;
use axum::http::header::LINK;
use axum::http::{HeaderMap, StatusCode};

use super::body::SmallJson;
use super::fields::Fields;
use super::idempotency::IdempotencyKey;
use super::messages::send_draft;
use super::openapi::Refuses;
use super::page::{BARE, Listing};
use super::query::Query;
use super::rights::{MayOversee, MaySend};
use super::shapes::{BareParams, IdempotencyHeader, SentText, WebForm};
use super::{Error, State};
use crate::domain::{Address, Channel, Draft, Limits, Message, PhoneRules, Policy, Refusal, Timestamp};
use crate::messaging;

/// What the form's two fields are called.
#[derive(Debug, Clone, Copy)]
struct Names {
    phone: &'static str,
    message: &'static str,
}

const NAMES: Names = Names { phone: "recipient_phone", message: "message_body" };
const OTHER_NAMES: Names = Names { phone: "phoneNumber", message: "message" };

/// Send a text from the workspace's default sender
#[utoipa::path(
    post, path = "/send-message", operation_id = "sendFormMessage", tag = "web form",
    params(IdempotencyHeader), request_body = WebForm,
    responses((status = 201, description = "Accepted.", body = SentText), Refuses<400>, Refuses<409>, Refuses<422>, Refuses<429>),
    security((), ("api_key" = ["messages:send"]), ("session" = [])),
)]
pub async fn send_message(
    state: State,
    MaySend(caller): MaySend,
    key: IdempotencyKey,
    SmallJson(body): SmallJson,
) -> Result<(StatusCode, Json<SentText>), Error> {
    let rules = &state.messaging.rules;
    let fields = Fields::json(&body)?;
    let names = names_of(&fields);
    let Some(sender) = rules.default_sender_of(caller.workspace).cloned() else {
        let detail = "no default_sender is configured, and this form names no sender";
        return Err(Error::new(StatusCode::BAD_REQUEST, "no_default_sender", detail));
    };
    let draft = draft(fields, names, sender, &rules.phone)?;
    checked(&draft, names, &rules.limits, state.messaging.clock.now())?;
    let message = send_draft(&state, &caller, draft, key.over(&body)).await?;
    Ok((StatusCode::CREATED, Json(sent_text(message))))
}

/// List the texts that were sent
///
/// Every outbound SMS and MMS, newest first. Further pages are named by the `Link` header.
#[utoipa::path(
    get, path = "/messages", operation_id = "listSentTexts", tag = "web form", params(BareParams),
    responses(
        (status = 200, description = "The texts.", body = [SentText],
         headers(("Link" = String, description = "The next page, as `<..>; rel=\"next\"`, when there is one."))),
        Refuses<400>,
    ),
    security((), ("api_key" = ["messages:read"]), ("session" = [])),
)]
pub async fn list_sent_texts(
    state: State,
    MayOversee(workspace): MayOversee,
    query: Query,
) -> Result<(HeaderMap, Json<Vec<SentText>>), Error> {
    let listing = Listing::read(&query, BARE, &format!("sent texts of {workspace}"))?;
    let page = messaging::list_sent_texts(&state.messaging, workspace, listing.request).await?;
    let link = listing.link("/messages", page.next).map(|link| (LINK, link));
    Ok((link.into_iter().collect(), Json(page.data.into_iter().map(sent_text).collect())))
}

fn names_of(fields: &Fields<'_>) -> Names {
    let has = |names: Names| fields.has(names.phone) || fields.has(names.message);
    if has(OTHER_NAMES) && !has(NAMES) { OTHER_NAMES } else { NAMES }
}

fn draft(mut fields: Fields<'_>, names: Names, from: Address, phone: &PhoneRules) -> Result<Draft, Refusal> {
    let text = fields.text(names.phone);
    let to = text.as_deref().and_then(|text| recipient(text, phone));
    if text.is_some() && to.is_none() {
        fields.refuse(names.phone, "invalid", "must be a string of ten digits, or a number such as +12015550100");
    }
    let to = fields.require(names.phone, to);
    let body = fields.text(names.message);
    let body = fields.require(names.message, body);
    fields.finish()?;
    Ok(Draft {
        channel: Channel::Sms,
        from,
        to: to.into_iter().collect(),
        cc: Vec::new(),
        reply_to: None,
        subject: None,
        body: body.unwrap_or_default(),
        attachments: Vec::new(),
        timestamp: None,
        scheduled_at: None,
        deliver_by: None,
        policy: Policy::default(),
    })
}

/// Ten digits, or a whole number with its plus; nothing else, however kind other routes are.
fn recipient(text: &str, phone: &PhoneRules) -> Option<Address> {
    let digits = text.strip_prefix('+').unwrap_or(text);
    let is_number = digits.bytes().all(|b| b.is_ascii_digit()) && (text.starts_with('+') || digits.len() == 10);
    is_number.then(|| Address::phone(text, phone).ok()).flatten()
}

/// What a draft is held to anyway, under the names that this form has for its fields.
fn checked(draft: &Draft, names: Names, limits: &Limits, now: Timestamp) -> Result<(), Refusal> {
    draft.check(limits, now).map_err(|mut errors| {
        for error in &mut errors {
            match error.field.as_str() {
                "body" => names.message.clone_into(&mut error.field),
                "to" => names.phone.clone_into(&mut error.field),
                _ => {}
            }
        }
        errors
    })
}

fn sent_text(message: Message) -> SentText {
    SentText {
        message_id: message.id,
        recipient_phone: national(message.to.as_slice()),
        message_body: message.body,
        timestamp: message.timestamp,
    }
}

fn national(phones: &[String]) -> String {
    let kind = crate::domain::AddressKind::Phone;
    let short = |phone: &String| Address::from_stored(kind, phone.clone()).national().to_owned();
    phones.iter().map(short).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(body: &str) -> Result<String, Vec<String>> {
        let phone = PhoneRules { default_country: "+1".to_owned() };
        let from = Address::phone("2015550100", &phone).unwrap();
        let fields = Fields::json(body.as_bytes()).unwrap();
        let names = names_of(&fields);
        let draft = draft(fields, names, from, &phone)
            .and_then(|draft| checked(&draft, names, &Limits::default(), Timestamp::from_micros(0)).map(|()| draft));
        draft
            .map(|draft| draft.to[0].as_str().to_owned())
            .map_err(|errors| errors.into_iter().map(|error| error.field).collect())
    }

    #[test]
    fn ten_digits_or_a_whole_number_is_wanted() {
        assert_eq!(read(r#"{"recipient_phone":"2015550101","message_body":"x"}"#).unwrap(), "+12015550101");
        assert_eq!(read(r#"{"phoneNumber":"+447911123456","message":"x"}"#).unwrap(), "+447911123456");
        for phone in
            ["\"123\"", "2015550101", "\"\"", "\"201-555-0101\"", "\"12015550101\"", "\"+1\"", "null", "\"ACME\""]
        {
            let body = format!(r#"{{"phoneNumber":{phone},"message":"x"}}"#);
            assert_eq!(read(&body).unwrap_err(), ["phoneNumber"], "{phone}");
        }
    }

    #[test]
    fn an_error_bears_the_name_that_was_used() {
        assert_eq!(read(r#"{"phoneNumber":"2015550101","message":" "}"#).unwrap_err(), ["message"]);
        assert_eq!(read("{}").unwrap_err(), ["recipient_phone", "message_body"]);
    }

    #[test]
    fn numbers_of_the_country_are_shown_as_ten_digits() {
        assert_eq!(national(&["+12015550100".to_owned(), "+447911123456".to_owned()]), "2015550100, +447911123456");
    }
}
