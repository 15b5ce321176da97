//! Contacts: which addresses are one person's, for people who answer.

use axum::Json;
use axum::http::StatusCode;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::body::SmallJson;
use super::fields::Fields;
use super::openapi::Refuses;
use super::page::{List, Listing, ORDINARY};
use super::query::{Path, Query};
use super::rights::{MayOversee, MaySend};
use super::shapes::{ContactAddressRequest, ContactParams, ContactRequest, ContactUpdate, MergeRequest, PageParams};
use super::webhooks::read_any;
use super::{Error, State};
use crate::domain::{Address, Contact, ContactId, FieldError};
use crate::messaging::{self, ContactChange, ContactError, ContactQuery, MAX_CONTACT_NOTES, NewContact};

/// Characters of a name.
const MAX_NAME: usize = 200;
/// Characters of a search.
const MAX_SEARCH: usize = 200;
/// Characters of an address in a query.
const MAX_ADDRESS: usize = 320;

/// What is asked of contacts.
pub fn routes() -> OpenApiRouter<State> {
    OpenApiRouter::new()
        .routes(routes!(list_contacts, create_contact))
        .routes(routes!(get_contact, change_contact, delete_contact))
        .routes(routes!(add_contact_address))
        .routes(routes!(remove_contact_address))
        .routes(routes!(merge_contacts))
}

/// List contacts
///
/// The oldest first.
#[utoipa::path(
    get, path = "/api/contacts", operation_id = "listContacts", tag = "contacts", params(ContactParams, PageParams),
    responses((status = 200, description = "A page of contacts.", body = List<Contact>), Refuses<400>),
    security((), ("api_key" = ["messages:read"]), ("session" = [])),
)]
pub async fn list_contacts(
    state: State,
    MayOversee(workspace): MayOversee,
    query: Query,
) -> Result<Json<List<Contact>>, Error> {
    let q = query.text("q", MAX_SEARCH)?.map(str::trim).filter(|q| !q.is_empty()).map(str::to_owned);
    let address = query.text("address", MAX_ADDRESS)?;
    let address = address.map(|text| read(&state, "query:address", text)).transpose()?;
    let identity = format!("contacts of {workspace}, {q:?}, {:?}", address.as_ref().map(Address::as_str));
    let listing = Listing::read(&query, ORDINARY, &identity)?;
    let wanted = ContactQuery { q, address };
    let page = messaging::list_contacts(&state.messaging, workspace, &wanted, listing.request).await?;
    Ok(Json(List { next_cursor: listing.cursor(page.next), data: page.data }))
}

/// Write a contact down
///
/// What was written with one of the addresses and nobody else becomes one conversation with that person, on every
/// channel. Each message keeps its own addresses; the conversations keep what is theirs, and come back as they were when
/// the address is taken away.
#[utoipa::path(
    post, path = "/api/contacts", operation_id = "createContact", tag = "contacts", request_body = ContactRequest,
    responses((status = 201, description = "Written down.", body = Contact), Refuses<400>, Refuses<409>),
    security((), ("api_key" = ["messages:send"]), ("session" = [])),
)]
pub async fn create_contact(
    state: State,
    MaySend(caller): MaySend,
    SmallJson(body): SmallJson,
) -> Result<(StatusCode, Json<Contact>), Error> {
    let mut fields = Fields::json(&body)?;
    let name = fields.name("name", MAX_NAME);
    let name = fields.require("name", name).unwrap_or_default();
    let notes = notes(&mut fields).filter(|notes| !notes.is_empty());
    let addresses = fields.addresses("addresses", |text| read_any(text, &state)).unwrap_or_default();
    fields.finish()?;
    let contact = messaging::create_contact(&state.messaging, &caller, &NewContact { name, notes, addresses }).await;
    Ok((StatusCode::CREATED, Json(contact.map_err(|error| refused(error, |at| format!("addresses[{at}]")))?)))
}

/// Read one contact
#[utoipa::path(
    get, path = "/api/contacts/{id}", operation_id = "getContact", tag = "contacts",
    params(("id" = i64, Path, description = "The contact.")),
    responses((status = 200, description = "The contact.", body = Contact), Refuses<400>, Refuses<404>),
    security((), ("api_key" = ["messages:read"]), ("session" = [])),
)]
pub async fn get_contact(state: State, MayOversee(workspace): MayOversee, path: Path) -> Result<Json<Contact>, Error> {
    let found = messaging::find_contact(&state.messaging, workspace, ContactId(path.id("id")?)).await?;
    found.map(Json).ok_or_else(no_such_contact)
}

/// Change a contact
#[utoipa::path(
    patch, path = "/api/contacts/{id}", operation_id = "changeContact", tag = "contacts",
    params(("id" = i64, Path, description = "The contact.")), request_body = ContactUpdate,
    responses((status = 200, description = "As it is now.", body = Contact), Refuses<400>, Refuses<404>),
    security((), ("api_key" = ["messages:send"]), ("session" = [])),
)]
pub async fn change_contact(
    state: State,
    MaySend(caller): MaySend,
    path: Path,
    SmallJson(body): SmallJson,
) -> Result<Json<Contact>, Error> {
    let id = ContactId(path.id("id")?);
    let mut fields = Fields::json(&body)?;
    let name = fields.name("name", MAX_NAME);
    let notes = if fields.is_null("notes") { Some(String::new()) } else { notes(&mut fields) };
    if name.is_none() && notes.is_none() && !fields.is_refused("name") && !fields.is_refused("notes") {
        fields.refuse("name", "required", "something to change is wanted: name or notes");
    }
    fields.finish()?;
    let changed =
        messaging::change_contact(&state.messaging, caller.workspace, id, ContactChange { name, notes }).await;
    changed.map(Json).map_err(|error| refused(error, |_| "name".to_owned()))
}

/// Delete a contact
///
/// Their conversations are split; every message stays.
#[utoipa::path(
    delete, path = "/api/contacts/{id}", operation_id = "deleteContact", tag = "contacts",
    params(("id" = i64, Path, description = "The contact.")),
    responses((status = 204, description = "Gone."), Refuses<400>, Refuses<404>),
    security((), ("api_key" = ["messages:send"]), ("session" = [])),
)]
pub async fn delete_contact(state: State, MaySend(caller): MaySend, path: Path) -> Result<StatusCode, Error> {
    let deleted = messaging::delete_contact(&state.messaging, &caller, ContactId(path.id("id")?)).await;
    deleted.map_err(|error| refused(error, |_| "id".to_owned()))?;
    Ok(StatusCode::NO_CONTENT)
}

/// Give a contact one more address
///
/// What was written with it joins their conversation. One that is theirs already changes nothing.
#[utoipa::path(
    post, path = "/api/contacts/{id}/addresses", operation_id = "addContactAddress", tag = "contacts",
    params(("id" = i64, Path, description = "The contact.")), request_body = ContactAddressRequest,
    responses((status = 200, description = "As it is now.", body = Contact), Refuses<400>, Refuses<404>, Refuses<409>),
    security((), ("api_key" = ["messages:send"]), ("session" = [])),
)]
pub async fn add_contact_address(
    state: State,
    MaySend(caller): MaySend,
    path: Path,
    SmallJson(body): SmallJson,
) -> Result<Json<Contact>, Error> {
    let id = ContactId(path.id("id")?);
    let mut fields = Fields::json(&body)?;
    let address = fields.address("address", |text| read_any(text, &state));
    let address = fields.require("address", address);
    let errors = fields.into_errors();
    let (Some(address), true) = (address, errors.is_empty()) else { return Err(errors.into()) };
    let changed = messaging::add_address(&state.messaging, &caller, id, address).await;
    changed.map(Json).map_err(|error| refused(error, |_| "address".to_owned()))
}

/// Take an address from a contact
///
/// What was written with it is a conversation of its own again.
#[utoipa::path(
    delete, path = "/api/contacts/{id}/addresses/{address}", operation_id = "removeContactAddress", tag = "contacts",
    params(
        ("id" = i64, Path, description = "The contact."),
        ("address" = String, Path, description = "A phone number, or an email address.", example = "+12025550199"),
    ),
    responses((status = 200, description = "As it is now.", body = Contact), Refuses<400>, Refuses<404>),
    security((), ("api_key" = ["messages:send"]), ("session" = [])),
)]
pub async fn remove_contact_address(
    state: State,
    MaySend(caller): MaySend,
    path: Path,
) -> Result<Json<Contact>, Error> {
    let id = ContactId(path.id("id")?);
    let address = read(&state, "path:address", path.text("address"))?;
    let changed = messaging::remove_address(&state.messaging, &caller, id, &address).await;
    changed.map(Json).map_err(|error| refused(error, |_| "path:address".to_owned()))
}

/// Make one contact of two
///
/// The addresses and notes of the other one go to the first, and the other one is gone. Taking addresses away undoes it.
#[utoipa::path(
    post, path = "/api/contacts/{id}/merge", operation_id = "mergeContacts", tag = "contacts",
    params(("id" = i64, Path, description = "The contact that stays.")), request_body = MergeRequest,
    responses((status = 200, description = "As it is now.", body = Contact), Refuses<400>, Refuses<404>, Refuses<409>),
    security((), ("api_key" = ["messages:send"]), ("session" = [])),
)]
pub async fn merge_contacts(
    state: State,
    MaySend(caller): MaySend,
    path: Path,
    SmallJson(body): SmallJson,
) -> Result<Json<Contact>, Error> {
    let id = ContactId(path.id("id")?);
    let mut fields = Fields::json(&body)?;
    let other = fields.value_of::<i64>("contact_id", "must be the id of a contact");
    let other = fields.require("contact_id", other);
    fields.finish()?;
    let other = ContactId(other.unwrap_or_default());
    let merged = messaging::merge_contacts(&state.messaging, &caller, id, other).await;
    merged.map(Json).map_err(|error| refused(error, |_| "contact_id".to_owned()))
}

fn notes(fields: &mut Fields<'_>) -> Option<String> {
    let notes = fields.text("notes");
    if notes.as_ref().is_some_and(|notes| notes.chars().count() > MAX_CONTACT_NOTES) {
        fields.refuse("notes", "too_long", format!("must have at most {MAX_CONTACT_NOTES} characters"));
    }
    notes
}

fn read(state: &State, field: &str, text: &str) -> Result<Address, Error> {
    read_any(text, state).map_err(|error| Error::invalid_field(field, "invalid", error.to_string()))
}

fn no_such_contact() -> Error {
    Error::not_found("no_such_contact", "there is no such contact")
}

/// What the client is told; `field` names the address of that place.
fn refused(error: ContactError, field: impl Fn(usize) -> String) -> Error {
    let message = error.to_string();
    let conflict = |code: &'static str, name: String| {
        Error::new(StatusCode::CONFLICT, code, message.clone()).naming(vec![FieldError::new(
            name,
            code,
            message.clone(),
        )])
    };
    match error {
        ContactError::NoSuchContact => no_such_contact(),
        ContactError::NoSuchAddress => Error::not_found("no_such_address", "the contact has no such address"),
        ContactError::Taken { at, .. } => conflict("address_taken", field(at)),
        ContactError::Own { at } => conflict("own_address", field(at)),
        ContactError::TooManyConversations { at } => conflict("too_many_conversations", field(at)),
        ContactError::TooManyAddresses => Error::new(StatusCode::CONFLICT, "too_many_addresses", message),
        ContactError::NotesTooLong => Error::new(StatusCode::CONFLICT, "notes_too_long", message),
        ContactError::Itself => Error::invalid_field(&field(0), "invalid", message),
        ContactError::Store(error) => error.into(),
    }
}
