//! As much of JSON Schema as the description of the API uses.

use serde_json::Value;

/// What is wrong with a value by a schema of the description; nothing when it is right.
pub fn problems(description: &Value, schema: &Value, value: &Value) -> Vec<String> {
    let mut found = Vec::new();
    check(description, schema, value, "", &mut found);
    found
}

fn check(description: &Value, schema: &Value, value: &Value, at: &str, found: &mut Vec<String>) {
    if let Some(name) = schema["$ref"].as_str() {
        let named = description.pointer(&name[1..]).unwrap_or_else(|| panic!("{name} is not there"));
        return check(description, named, value, at, found);
    }
    check_type(schema, value, at, found);
    check_choice(description, schema, value, at, found);
    check_object(description, schema, value, at, found);
    if let (Some(items), Some(values)) = (schema.get("items"), value.as_array()) {
        for (n, value) in values.iter().enumerate() {
            check(description, items, value, &format!("{at}/{n}"), found);
        }
    }
    if let Some(text) = value.as_str() {
        let length = text.chars().count() as u64;
        let is_short = schema["minLength"].as_u64().is_some_and(|least| length < least);
        if is_short || schema["maxLength"].as_u64().is_some_and(|most| length > most) {
            found.push(format!("{at}: {length} characters"));
        }
    }
    if let Some(number) = value.as_f64() {
        let is_low = schema["minimum"].as_f64().is_some_and(|least| number < least);
        if is_low || schema["maximum"].as_f64().is_some_and(|most| number > most) {
            found.push(format!("{at}: {number}"));
        }
    }
}

fn check_type(schema: &Value, value: &Value, at: &str, found: &mut Vec<String>) {
    let is_of = |name: &Value| match name.as_str().unwrap_or_default() {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "string" => value.is_string(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        other => panic!("no type {other}"),
    };
    let is_right = match &schema["type"] {
        Value::Null => true,
        Value::Array(names) => names.iter().any(is_of),
        name => is_of(name),
    };
    if !is_right {
        found.push(format!("{at}: {value} is no {}", schema["type"]));
    }
    if schema["enum"].as_array().is_some_and(|names| !names.contains(value)) {
        found.push(format!("{at}: {value} is none of {}", schema["enum"]));
    }
}

fn check_choice(description: &Value, schema: &Value, value: &Value, at: &str, found: &mut Vec<String>) {
    for part in schema["allOf"].as_array().into_iter().flatten() {
        check(description, part, value, at, found);
    }
    for (name, is_exclusive) in [("oneOf", true), ("anyOf", false)] {
        let Some(parts) = schema[name].as_array() else { continue };
        let fits = parts.iter().filter(|part| problems(description, part, value).is_empty()).count();
        if fits == 0 || (is_exclusive && fits > 1) {
            found.push(format!("{at}: fits {fits} of {} kinds", parts.len()));
        }
    }
}

fn check_object(description: &Value, schema: &Value, value: &Value, at: &str, found: &mut Vec<String>) {
    let Some(object) = value.as_object() else { return };
    for name in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        if !object.contains_key(name) {
            found.push(format!("{at}: no {name}"));
        }
    }
    for (name, value) in object {
        match schema["properties"].get(name) {
            Some(property) => check(description, property, value, &format!("{at}/{name}"), found),
            None if schema["additionalProperties"] == false => found.push(format!("{at}: {name} is unknown")),
            None => {}
        }
    }
}
