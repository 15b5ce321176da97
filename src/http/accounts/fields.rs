//! The fields that several of the account routes have.

use secrecy::SecretString;

use crate::auth::Login;
use crate::domain::{Address, PhoneRules, check_username, split_name};
use crate::http::fields::Fields;

/// Characters of a first or last name.
const MAX_NAME: usize = 100;
/// Characters of a login, and of a code.
const MAX_LOGIN: usize = 320;
const MAX_CODE: usize = 40;
/// Characters of a token.
const MAX_TOKEN: usize = 200;

/// Who somebody says they are: `login`, `username` or `email`.
pub(super) fn login(fields: &mut Fields<'_>) -> Option<Login> {
    let name = ["login", "username", "email"].into_iter().find(|name| fields.has(name)).unwrap_or("login");
    let text = fields.name(name, MAX_LOGIN);
    let text = fields.require(name, text)?;
    let email = text.contains('@').then(|| Address::email(&text.to_lowercase()).ok()).flatten();
    Some(email.map_or(Login::Username(text), Login::Email))
}

/// A password under one of several names; a new one is looked at elsewhere.
pub(super) fn password(fields: &mut Fields<'_>, names: &[&'static str]) -> (&'static str, Option<SecretString>) {
    let first = names.first().copied().unwrap_or("password");
    let name = names.iter().copied().find(|name| fields.has(name)).unwrap_or(first);
    let text = fields.text(name);
    (name, fields.require(name, text).map(SecretString::from))
}

/// A code, as digits in a text or as a number.
pub(super) fn code(fields: &mut Fields<'_>) -> Option<SecretString> {
    fields.name("code", MAX_CODE).map(SecretString::from)
}

/// A token of a mail.
pub(super) fn token(fields: &mut Fields<'_>, name: &str) -> Option<SecretString> {
    let text = fields.name(name, MAX_TOKEN);
    fields.require(name, text).map(SecretString::from)
}

/// A username under one of two names.
pub(super) fn username(fields: &mut Fields<'_>, names: [&'static str; 2]) -> Option<String> {
    let name = if fields.has(names[0]) { names[0] } else { names[1] };
    let text = fields.text(name)?;
    match check_username(&text) {
        Ok(()) => Some(text),
        Err(error) => {
            fields.refuse(name, "invalid", error.to_string());
            None
        }
    }
}

/// An email address of an account under one of two names: in lower case as a whole.
pub(super) fn email(fields: &mut Fields<'_>, names: [&'static str; 2]) -> Option<Address> {
    let name = if fields.has(names[0]) { names[0] } else { names[1] };
    fields.address(name, |text| Address::email(&text.to_lowercase()))
}

/// A mobile: a whole number, no short code.
pub(super) fn mobile(fields: &mut Fields<'_>, rules: &PhoneRules) -> Option<Address> {
    let mobile = fields.address("mobile", |text| Address::phone(text, rules))?;
    if mobile.as_str().starts_with('+') {
        return Some(mobile);
    }
    fields.refuse("mobile", "invalid", "must be a whole phone number, such as +12015550100");
    None
}

/// First and last name: each by itself, or `name` split at its last space.
pub(super) fn names(fields: &mut Fields<'_>) -> Option<(String, String)> {
    let whole = person_name(fields, "name", MAX_NAME * 2);
    let first = person_name(fields, "first_name", MAX_NAME);
    let last = person_name(fields, "last_name", MAX_NAME);
    if first.is_none() && last.is_none() {
        return whole.map(|name| split_name(&name));
    }
    Some((first.unwrap_or_default(), last.unwrap_or_default()))
}

fn person_name(fields: &mut Fields<'_>, name: &str, most: usize) -> Option<String> {
    let text = fields.text(name)?;
    if text.chars().any(char::is_control) || text.chars().count() > most {
        fields.refuse(name, "invalid", format!("must have at most {most} characters, all of them printable"));
        return None;
    }
    Some(text.trim().to_owned())
}

/// Whether the client wants its session as a bearer token.
pub(super) fn is_bearer(fields: &mut Fields<'_>) -> bool {
    let named = |name: &str| match name {
        "bearer" => Some(true),
        "cookie" => Some(false),
        _ => None,
    };
    fields.choice("client", named, "cookie, bearer").unwrap_or(false)
}
