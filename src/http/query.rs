//! What stands outside the body: the query, and ids in the path.

use std::collections::BTreeMap;
use std::convert::Infallible;

use axum::extract::{FromRequestParts, RawPathParams};
use axum::http::StatusCode;
use axum::http::request::Parts;

use super::{Error, State};

/// The parameters of a query; of a repeated one the last counts.
#[derive(Debug, Default)]
pub struct Query(BTreeMap<String, String>);

impl Query {
    /// Reads the part behind the question mark.
    pub fn read(query: &str) -> Self {
        Self(url::form_urlencoded::parse(query.as_bytes()).into_owned().collect())
    }

    /// A parameter.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// A parameter that is a text without NUL characters and not too long.
    pub fn text(&self, name: &str, max: usize) -> Result<Option<&str>, Error> {
        match self.get(name) {
            Some(text) if text.contains('\0') || text.chars().count() > max => {
                let message = format!("must have at most {max} characters, none of them NUL");
                Err(Error::invalid_field(&format!("query:{name}"), "invalid", message))
            }
            text => Ok(text),
        }
    }

    /// A parameter that is one of several names.
    pub fn choice<T>(&self, name: &str, named: impl Fn(&str) -> Option<T>, wanted: &str) -> Result<Option<T>, Error> {
        let Some(text) = self.get(name) else {
            return Ok(None);
        };
        let refused = || Error::invalid_field(&format!("query:{name}"), "invalid", format!("must be one of: {wanted}"));
        named(text).map(Some).ok_or_else(refused)
    }
}

impl FromRequestParts<State> for Query {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &State) -> Result<Self, Infallible> {
        Ok(Self::read(parts.uri.query().unwrap_or_default()))
    }
}

/// The parameters in the path, in their order.
#[derive(Debug)]
pub struct Path(Vec<(String, String)>);

impl Path {
    /// A parameter as it stands there.
    pub fn text(&self, name: &str) -> &str {
        self.0.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value)
    }

    /// A parameter that is an integer; one too large for any id there is, is 0.
    pub fn id(&self, name: &str) -> Result<i64, Error> {
        let text = self.text(name);
        let digits = text.strip_prefix('-').unwrap_or(text);
        if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
            return Err(Error::invalid_field(&format!("path:{name}"), "invalid", "must be an integer"));
        }
        Ok(text.parse().unwrap_or(0))
    }
}

impl FromRequestParts<State> for Path {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &State) -> Result<Self, Error> {
        let params = RawPathParams::from_request_parts(parts, state)
            .await
            .map_err(|_| Error::new(StatusCode::BAD_REQUEST, "invalid_path", "the path is not UTF-8"))?;
        let owned = params.iter().map(|(name, value)| (name.to_owned(), value.to_owned()));
        Ok(Self(owned.collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(text: &str) -> Result<i64, Error> {
        Path(vec![("id".to_owned(), text.to_owned())]).id("id")
    }

    #[test]
    fn an_id_is_an_integer() {
        assert_eq!(id("12").unwrap(), 12);
        assert_eq!(id("-1").unwrap(), -1);
        assert_eq!(id("99999999999999999999").unwrap(), 0);
        for text in ["", "-", "abc", "1.0", "1e3", "+1", "0x1", "١", "1 "] {
            assert!(id(text).is_err(), "{text}");
        }
    }

    #[test]
    fn of_a_repeated_parameter_the_last_counts() {
        let query = Query::read("limit=1&limit=2&q=a%00b");
        assert_eq!(query.get("limit"), Some("2"));
        assert!(query.text("q", 10).is_err());
        assert!(query.choice("limit", |_| None::<()>, "asc").is_err());
    }
}
