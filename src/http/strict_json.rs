//! Reads JSON more strictly than `serde_json` does by default: a repeated key is an error, and every string is
//! trimmed and brought to Unicode normalisation form C on its way in, once, for all bodies.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};
use unicode_normalization::{UnicodeNormalization, is_nfc};

/// A JSON value read strictly.
struct Strict(Value);

/// Parses `bytes`. The error is for the client and repeats nothing of the input.
///
/// # Errors
/// A sentence naming the line and column, for bad syntax, bad UTF-8, a repeated key or nesting deeper than 128.
pub fn parse(bytes: &[u8]) -> Result<Value, String> {
    serde_json::from_slice::<Strict>(bytes).map(|strict| strict.0).map_err(|error| {
        let place = format!("line {}, column {}", error.line(), error.column());
        match error.classify() {
            serde_json::error::Category::Eof => format!("The body ends too early, at {place}."),
            serde_json::error::Category::Data => format!("A member stands twice in an object, before {place}."),
            _ => format!("The body is not JSON, at {place}."),
        }
    })
}

fn normalise(text: &str) -> String {
    let trimmed = text.trim();
    if trimmed.is_ascii() || is_nfc(trimmed) { trimmed.to_owned() } else { trimmed.nfc().collect() }
}

impl<'de> Deserialize<'de> for Strict {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(StrictVisitor).map(Self)
    }
}

struct StrictVisitor;

impl<'de> Visitor<'de> for StrictVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    /// JSON Schema counts 1.0 among the integers; serde does not. One reading for both: a whole number is an integer.
    #[expect(clippy::cast_possible_truncation, reason = "whole and within 2^53, so the cast is exact")]
    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        if value.fract() == 0.0 && value.abs() <= 9_007_199_254_740_992.0 {
            return Ok(Value::Number((value as i64).into()));
        }
        Ok(Number::from_f64(value).map_or(Value::Null, Value::Number))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(normalise(value)))
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
        let mut items = Vec::new();
        while let Some(Strict(item)) = seq.next_element()? {
            items.push(item);
        }
        Ok(Value::Array(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut members = Map::new();
        while let Some(key) = map.next_key::<String>()? {
            let Strict(value) = map.next_value()?;
            if members.insert(key, value).is_some() {
                return Err(A::Error::custom("repeated key"));
            }
        }
        Ok(Value::Object(members))
    }
}

/// Applies a JSON merge patch (RFC 7396): absent keeps, null removes, objects merge, everything else replaces.
pub fn merge_patch(target: &mut Value, patch: &Value) {
    let Value::Object(changes) = patch else {
        *target = patch.clone();
        return;
    };
    if !target.is_object() {
        *target = Value::Object(Map::new());
    }
    if let Value::Object(members) = target {
        for (key, change) in changes {
            if change.is_null() {
                members.remove(key);
            } else {
                merge_patch(members.entry(key.clone()).or_insert(Value::Null), change);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn strings_are_trimmed_and_composed() {
        assert_eq!(parse("{\"a\": \"  Cafe\u{301} \"}".as_bytes()).unwrap(), json!({"a": "Café"}));
    }

    #[test]
    fn a_repeated_key_is_refused() {
        assert!(parse(br#"{"a": 1, "b": {"c": 1, "c": 2}}"#).unwrap_err().contains("stands twice"));
    }

    #[test]
    fn whole_numbers_are_integers_however_they_are_written() {
        assert_eq!(parse(b"[1.0, -0, 1e3, 1.5]").unwrap(), json!([1, 0, 1000, 1.5]));
    }

    #[test]
    fn nesting_deeper_than_the_limit_is_refused() {
        assert!(parse("[".repeat(100_000).as_bytes()).is_err());
    }

    /// RFC 7396 appendix A, all fifteen cases.
    #[test]
    fn merge_patch_follows_the_rfc() {
        let cases = [
            (json!({"a": "b"}), json!({"a": "c"}), json!({"a": "c"})),
            (json!({"a": "b"}), json!({"b": "c"}), json!({"a": "b", "b": "c"})),
            (json!({"a": "b"}), json!({"a": null}), json!({})),
            (json!({"a": "b", "b": "c"}), json!({"a": null}), json!({"b": "c"})),
            (json!({"a": ["b"]}), json!({"a": "c"}), json!({"a": "c"})),
            (json!({"a": "c"}), json!({"a": ["b"]}), json!({"a": ["b"]})),
            (json!({"a": {"b": "c"}}), json!({"a": {"b": "d", "c": null}}), json!({"a": {"b": "d"}})),
            (json!({"a": [{"b": "c"}]}), json!({"a": [1]}), json!({"a": [1]})),
            (json!(["a", "b"]), json!(["c", "d"]), json!(["c", "d"])),
            (json!({"a": "b"}), json!(["c"]), json!(["c"])),
            (json!({"a": "foo"}), json!(null), json!(null)),
            (json!({"a": "foo"}), json!("bar"), json!("bar")),
            (json!({"e": null}), json!({"a": 1}), json!({"e": null, "a": 1})),
            (json!([1, 2]), json!({"a": "b", "c": null}), json!({"a": "b"})),
            (json!({}), json!({"a": {"bb": {"ccc": null}}}), json!({"a": {"bb": {}}})),
        ];
        for (mut target, patch, wanted) in cases {
            merge_patch(&mut target, &patch);
            assert_eq!(target, wanted);
        }
    }
}
