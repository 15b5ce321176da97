//! The fields of a JSON object or a form, read one by one, so that every one that is wrong is named at once.
//!
//! A field is looked into only when it is asked for: whatever stands in the others, however deep or broken, costs and
//! harms nothing.

use std::collections::BTreeMap;

use serde_json::value::RawValue;

use crate::domain::{Address, AddressError, FieldError, Refusal, Timestamp};

/// Characters of a client's own field name that are repeated to it.
const SHOWN_NAME: usize = 100;

/// The fields of one body, and what was found wrong with them so far.
#[derive(Debug)]
pub struct Fields<'a> {
    values: BTreeMap<String, Value<'a>>,
    errors: Refusal,
}

#[derive(Debug, Clone)]
enum Value<'a> {
    Json(&'a RawValue),
    Form(String),
}

/// The body is no JSON object.
#[derive(Debug, Clone, thiserror::Error)]
#[error("the body must be a JSON object: {reason}")]
pub struct NotAnObject {
    reason: String,
}

impl<'a> Fields<'a> {
    /// Reads a JSON object.
    pub fn json(body: &'a [u8]) -> Result<Self, NotAnObject> {
        let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
        let values: BTreeMap<String, &'a RawValue> =
            serde_json::from_slice(body).map_err(|error| NotAnObject { reason: reason(&error) })?;
        let values = values.into_iter().map(|(name, raw)| (name, Value::Json(raw))).collect();
        Ok(Self { values, errors: Refusal::new() })
    }

    /// Reads a form (`application/x-www-form-urlencoded`); of a repeated field the last counts.
    pub fn form(body: &'a [u8]) -> Self {
        let values = url::form_urlencoded::parse(body)
            .map(|(name, value)| (name.into_owned(), Value::Form(value.into_owned())))
            .collect();
        Self { values, errors: Refusal::new() }
    }

    /// Names every field that is not among the known ones.
    pub fn refuse_unknown(&mut self, known: &[&str]) {
        for name in self.values.keys().filter(|name| !known.contains(&name.as_str())) {
            let shown: String = name.chars().take(SHOWN_NAME).collect();
            self.errors.push(FieldError::new(shown, "unknown", "there is no such field"));
        }
    }

    /// Notes that a field is not as it should be.
    pub fn refuse(&mut self, field: impl Into<String>, code: &str, message: impl Into<String>) {
        self.errors.push(FieldError::new(field, code, message));
    }

    /// Notes a value that is wanted and absent, unless it was already said what is wrong with it.
    pub fn require<T>(&mut self, name: &str, value: Option<T>) -> Option<T> {
        if value.is_none() && !self.is_refused(name) {
            self.refuse(name, "required", "is required");
        }
        value
    }

    /// Whether something was found wrong with a field, or with an element of it.
    pub fn is_refused(&self, name: &str) -> bool {
        self.errors.iter().any(|error| is_about(&error.field, name))
    }

    /// Whether a field is there, with something other than `null` in it.
    pub fn has(&self, name: &str) -> bool {
        self.value(name).is_some()
    }

    /// Whether a field is there, with `null` in it.
    pub fn is_null(&self, name: &str) -> bool {
        matches!(self.values.get(name), Some(Value::Json(raw)) if raw.get() == "null")
    }

    /// Everything found wrong so far.
    pub fn into_errors(self) -> Refusal {
        self.errors
    }

    /// Nothing wrong so far, or everything that was.
    pub fn finish(self) -> Result<(), Refusal> {
        if self.errors.is_empty() { Ok(()) } else { Err(self.errors) }
    }

    /// A text; absent and `null` are the same.
    pub fn text(&mut self, name: &str) -> Option<String> {
        match self.value(name)? {
            Value::Json(raw) => self.json_text(name, raw),
            Value::Form(text) => self.clean(name, text),
        }
    }

    /// A text of 1 to `max` characters; a whole number is read as its digits.
    pub fn name(&mut self, name: &str, max: usize) -> Option<String> {
        let text = match self.value(name)? {
            Value::Json(raw) if raw.get().bytes().all(|b| b.is_ascii_digit()) => raw.get().to_owned(),
            Value::Json(_) | Value::Form(_) => self.text(name)?,
        };
        if text.is_empty() || text.chars().count() > max {
            self.refuse(name, "invalid", format!("must have 1 to {max} characters"));
            return None;
        }
        Some(text)
    }

    /// A list of texts; absent and `null` are the same.
    pub fn texts(&mut self, name: &str) -> Option<Vec<String>> {
        let Value::Json(raw) = self.value(name)? else {
            self.refuse(name, "invalid", "must be a list");
            return None;
        };
        let Ok(items) = serde_json::from_str::<Vec<&RawValue>>(raw.get()) else {
            self.refuse(name, "invalid", "must be a list");
            return None;
        };
        let texts = items.into_iter().enumerate().map(|(at, raw)| self.json_text(&format!("{name}[{at}]"), raw));
        texts.collect::<Vec<_>>().into_iter().collect()
    }

    /// One text, or a list of them.
    pub fn text_or_texts(&mut self, name: &str) -> Option<Vec<String>> {
        match self.value(name)? {
            Value::Json(raw) if raw.get().starts_with('[') => self.texts(name),
            Value::Json(_) | Value::Form(_) => self.text(name).map(|text| vec![text]),
        }
    }

    /// One of several names; `wanted` lists them for people.
    pub fn choice<T>(&mut self, name: &str, named: impl Fn(&str) -> Option<T>, wanted: &str) -> Option<T> {
        let text = self.text(name)?;
        let chosen = named(&text);
        if chosen.is_none() {
            self.refuse(name, "invalid", format!("must be one of: {wanted}"));
        }
        chosen
    }

    /// An address, read by the given function.
    pub fn address(&mut self, name: &str, read: impl Fn(&str) -> Result<Address, AddressError>) -> Option<Address> {
        let text = self.text(name)?;
        self.read_address(name, &text, &read)
    }

    /// One address, or a list of them.
    pub fn addresses(
        &mut self,
        name: &str,
        read: impl Fn(&str) -> Result<Address, AddressError>,
    ) -> Option<Vec<Address>> {
        let is_list = matches!(self.value(name)?, Value::Json(raw) if raw.get().starts_with('['));
        let texts = self.text_or_texts(name)?;
        let mut addresses = Vec::with_capacity(texts.len());
        for (at, text) in texts.iter().enumerate() {
            let field = if is_list { format!("{name}[{at}]") } else { name.to_owned() };
            addresses.push(self.read_address(&field, text, &read));
        }
        addresses.into_iter().collect()
    }

    /// A time as RFC 3339 writes it.
    pub fn timestamp(&mut self, name: &str) -> Option<Timestamp> {
        let text = self.text(name)?;
        match text.parse::<Timestamp>() {
            Ok(at) => Some(at),
            Err(error) => {
                self.refuse(name, "invalid", error.to_string());
                None
            }
        }
    }

    /// A time as Unix seconds, in a number or in a text of digits.
    pub fn seconds(&mut self, name: &str) -> Option<Timestamp> {
        let at = match self.value(name)? {
            Value::Json(raw) if raw.get().starts_with('"') => digits(&self.text(name)?),
            Value::Json(raw) => unix_seconds(raw.get()),
            Value::Form(text) => digits(&text),
        };
        if at.is_none() {
            self.refuse(name, "invalid", "must be Unix seconds, in the years 1 to 9999");
        }
        at
    }

    /// A time as RFC 3339 or as Unix seconds.
    pub fn timestamp_or_seconds(&mut self, name: &str) -> Option<Timestamp> {
        let is_seconds = match self.value(name)? {
            Value::Json(raw) => !raw.get().trim_matches('"').bytes().any(|b| b == b'-' || b == b':'),
            Value::Form(text) => !text.contains(['-', ':']),
        };
        if is_seconds { self.seconds(name) } else { self.timestamp(name) }
    }

    /// The raw elements of a list of JSON values.
    pub fn elements(&mut self, name: &str) -> Option<Vec<&'a RawValue>> {
        let elements = match self.value(name)? {
            Value::Json(raw) => serde_json::from_str(raw.get()).ok(),
            Value::Form(_) => None,
        };
        if elements.is_none() {
            self.refuse(name, "invalid", "must be a list");
        }
        elements
    }

    /// A value of a type that reads itself; `wanted` says for people what it must be.
    pub fn value_of<T: serde::de::DeserializeOwned>(&mut self, name: &str, wanted: &str) -> Option<T> {
        let value = match self.value(name)? {
            Value::Json(raw) => serde_json::from_str(raw.get()).ok(),
            Value::Form(_) => None,
        };
        if value.is_none() {
            self.refuse(name, "invalid", wanted);
        }
        value
    }

    /// A truth value.
    pub fn flag(&mut self, name: &str) -> Option<bool> {
        let flag = match self.value(name)? {
            Value::Json(raw) => raw.get().parse().ok(),
            Value::Form(text) => text.parse().ok(),
        };
        if flag.is_none() {
            self.refuse(name, "invalid", "must be true or false");
        }
        flag
    }

    /// A field as its own JSON, for what is shown and not understood.
    pub fn any(&self, name: &str) -> Option<String> {
        match self.value(name)? {
            Value::Json(raw) => Some(serde_json::from_str(raw.get()).unwrap_or_else(|_| raw.get().to_owned())),
            Value::Form(text) => Some(text),
        }
    }

    fn value(&self, name: &str) -> Option<Value<'a>> {
        match self.values.get(name)? {
            Value::Json(raw) if raw.get() == "null" => None,
            value => Some(value.clone()),
        }
    }

    fn json_text(&mut self, name: &str, raw: &RawValue) -> Option<String> {
        if !raw.get().starts_with('"') {
            self.refuse(name, "invalid", "must be a string");
            return None;
        }
        let Ok(text) = serde_json::from_str(raw.get()) else {
            self.refuse(name, "invalid", "must be Unicode text: it holds half a surrogate pair");
            return None;
        };
        self.clean(name, text)
    }

    fn clean(&mut self, name: &str, text: String) -> Option<String> {
        if text.contains('\0') {
            self.refuse(name, "invalid", "must not hold NUL characters");
            return None;
        }
        Some(text)
    }

    fn read_address(
        &mut self,
        field: &str,
        text: &str,
        read: impl Fn(&str) -> Result<Address, AddressError>,
    ) -> Option<Address> {
        match read(text) {
            Ok(address) => Some(address),
            Err(error) => {
                self.refuse(field, "invalid", error.to_string());
                None
            }
        }
    }
}

/// Whether an error's field is this one or an element of it.
pub fn is_about(field: &str, name: &str) -> bool {
    field.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with('['))
}

/// What the parser says, without what it read.
fn reason(error: &serde_json::Error) -> String {
    match error.classify() {
        serde_json::error::Category::Data => "it is something else".to_owned(),
        serde_json::error::Category::Io | serde_json::error::Category::Syntax | serde_json::error::Category::Eof => {
            format!("line {}, column {}", error.line(), error.column())
        }
    }
}

fn digits(text: &str) -> Option<Timestamp> {
    let is_number = (1..=18).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
    is_number.then(|| text.parse().ok()).flatten().and_then(Timestamp::from_seconds)
}

#[expect(clippy::cast_possible_truncation, reason = "the range is looked at first")]
fn unix_seconds(number: &str) -> Option<Timestamp> {
    if let Ok(seconds) = number.parse() {
        return Timestamp::from_seconds(seconds);
    }
    let seconds: f64 = number.parse().ok()?;
    let whole = Timestamp::from_seconds((-1e12..=1e12).contains(&seconds).then(|| seconds.floor() as i64)?)?;
    let micros = ((seconds - seconds.floor()) * 1e6) as i64;
    Some(Timestamp::from_micros(whole.micros() + micros))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn errors(fields: Fields<'_>) -> Vec<(String, String)> {
        fields.into_errors().into_iter().map(|error| (error.field, error.code)).collect()
    }

    fn pairs(all: &[(&str, &str)]) -> Vec<(String, String)> {
        all.iter().map(|(field, code)| ((*field).to_owned(), (*code).to_owned())).collect()
    }

    #[test]
    fn every_wrong_field_is_named_at_once() {
        let body = br#"{"a": 1, "b": "x\u0000", "c": "\ud800", "d": ["x", 2, "\ud800"], "e": null, "odd": 1}"#;
        let mut fields = Fields::json(body).unwrap();
        fields.refuse_unknown(&["a", "b", "c", "d", "e"]);
        for name in ["a", "b", "c", "e", "f"] {
            let text = fields.text(name);
            assert_eq!(fields.require(name, text), None, "{name}");
        }
        assert_eq!(fields.texts("d"), None);
        let expected = [
            ("odd", "unknown"),
            ("a", "invalid"),
            ("b", "invalid"),
            ("c", "invalid"),
            ("e", "required"),
            ("f", "required"),
            ("d[1]", "invalid"),
            ("d[2]", "invalid"),
        ];
        assert_eq!(errors(fields), pairs(&expected));
    }

    #[test]
    fn depth_in_one_field_harms_only_that_field() {
        let body = format!(r#"{{"deep": {}{}, "to": "x"}}"#, "[".repeat(10_000), "]".repeat(10_000));
        let mut fields = Fields::json(body.as_bytes()).unwrap();
        assert_eq!(fields.text("to").as_deref(), Some("x"));
        assert_eq!(fields.text("deep"), None);
        assert_eq!(fields.texts("deep"), None);
        assert_eq!(errors(fields), pairs(&[("deep", "invalid"), ("deep[0]", "invalid")]));
    }

    #[test]
    fn what_is_no_object_is_refused() {
        let deep = "[".repeat(100_000);
        for body in ["", "[]", "null", "3", "\"x\"", "{", "{\"a\":}", "{\"a\":1}x", deep.as_str()] {
            assert!(Fields::json(body.as_bytes()).is_err(), "{}", &body[..body.len().min(20)]);
        }
        assert!(Fields::json(b"{\"a\": \"\xff\"}").is_err());
        assert!(Fields::json(b"\xef\xbb\xbf{}").is_ok());
    }

    #[test]
    fn unix_seconds_come_in_three_forms() {
        let mut fields = Fields::json(br#"{"a": 1700000000, "b": "1700000000", "c": 1700000000.5}"#).unwrap();
        for (name, micros) in [("a", 0), ("b", 0), ("c", 500_000)] {
            assert_eq!(fields.seconds(name).unwrap().micros(), 1_700_000_000_000_000 + micros, "{name}");
        }
        let mut fields = Fields::json(br#"{"a": 1e300, "b": "-5", "c": true, "d": 99999999999999999999}"#).unwrap();
        for name in ["a", "b", "c", "d"] {
            assert_eq!(fields.seconds(name), None, "{name}");
            assert!(fields.is_refused(name));
        }
        let mut form = Fields::form(b"t=1700000000&t=1700000001");
        assert_eq!(form.seconds("t").unwrap().seconds(), 1_700_000_001);
    }

    #[test]
    fn either_form_of_a_time_is_read() {
        let mut fields = Fields::json(br#"{"a": 1700000000, "b": "2023-11-14T22:13:20Z", "c": "soon"}"#).unwrap();
        assert_eq!(fields.timestamp_or_seconds("a"), fields.timestamp_or_seconds("b"));
        assert_eq!(fields.timestamp_or_seconds("c"), None);
        assert!(fields.is_refused("c"));
    }

    #[test]
    fn a_whole_number_may_be_a_name() {
        let mut fields = Fields::json(br#"{"a": 12, "b": "", "c": {}}"#).unwrap();
        assert_eq!(fields.name("a", 255).as_deref(), Some("12"));
        assert_eq!(fields.name("b", 255), None);
        assert_eq!(fields.name("c", 255), None);
        assert_eq!(errors(fields), pairs(&[("b", "invalid"), ("c", "invalid")]));
    }
}
