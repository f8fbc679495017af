//! Examples made from the schemas: each member's own example, or else the smallest value that fits.

use serde_json::{Map, Value, json};

/// Gives every body without an example one that validates.
pub(super) fn fill(document: &mut Value) {
    let schemas = document["components"]["schemas"].clone();
    for item in document["paths"].as_object_mut().into_iter().flat_map(|paths| paths.values_mut()) {
        for operation in item.as_object_mut().into_iter().flat_map(|item| item.values_mut()) {
            let mut contents = Vec::new();
            if let Some(parameters) = operation.get_mut("parameters").and_then(Value::as_array_mut) {
                for parameter in parameters {
                    if parameter.get("example").is_none()
                        && let Some(example) = parameter["schema"].get("example").cloned()
                    {
                        parameter["example"] = example;
                    }
                }
            }
            let (body, responses): (Vec<_>, Vec<_>) = operation
                .as_object_mut()
                .into_iter()
                .flatten()
                .filter(|(name, _)| *name == "requestBody" || *name == "responses")
                .partition(|(name, _)| *name == "requestBody");
            contents.extend(body.into_iter().map(|(_, body)| body));
            contents.extend(
                responses.into_iter().filter_map(|(_, all)| all.as_object_mut()).flat_map(|all| all.values_mut()),
            );
            for holder in contents {
                let media = holder.get_mut("content").and_then(Value::as_object_mut);
                for (kind, media) in media.into_iter().flatten() {
                    if kind.contains("json") && media.get("example").is_none() && media.get("examples").is_none() {
                        let value = of(&media["schema"], &schemas, 0);
                        media["examples"] = json!({"example": {"summary": "An example", "value": value}});
                    }
                }
            }
        }
    }
}

fn of(schema: &Value, schemas: &Value, depth: u8) -> Value {
    if depth > 20 {
        return Value::Null;
    }
    if let Some(example) = schema.get("example").or_else(|| schema["examples"].get(0)) {
        return example.clone();
    }
    if let Some(name) = schema["$ref"].as_str().and_then(|reference| reference.rsplit('/').next()) {
        return of(&schemas[name], schemas, depth + 1);
    }
    if let Some(first) = schema["enum"].get(0) {
        return first.clone();
    }
    if let Some(parts) = schema["allOf"].as_array() {
        let mut members = Map::new();
        for part in parts {
            if let Value::Object(own) = of(part, schemas, depth + 1) {
                members.extend(own);
            }
        }
        return Value::Object(members);
    }
    if let Some(choices) = schema["oneOf"].as_array() {
        let choice = choices.iter().find(|choice| choice["type"] != "null");
        return choice.map_or(Value::Null, |choice| of(choice, schemas, depth + 1));
    }
    let kind = schema["type"].as_str().or_else(|| schema["type"].get(0).and_then(Value::as_str)).unwrap_or_default();
    match kind {
        "object" => {
            let members = schema["properties"].as_object().into_iter().flatten();
            members.map(|(name, member)| (name.clone(), of(member, schemas, depth + 1))).collect()
        }
        "array" => {
            let least = schema["minItems"].as_u64().unwrap_or(0);
            if least == 0 && depth > 4 {
                return json!([]);
            }
            let count = usize::try_from(least.max(1)).unwrap_or(1);
            Value::Array(vec![of(&schema["items"], schemas, depth + 1); count])
        }
        "string" => json!(text(schema)),
        "integer" | "number" => {
            let least = schema["minimum"].as_f64().unwrap_or(0.0).max(0.0);
            if kind == "integer" {
                json!(schema["minimum"].as_i64().unwrap_or(0).max(0))
            } else {
                json!(least.max(1.0))
            }
        }
        "boolean" => json!(true),
        _ => Value::Null,
    }
}

fn text(schema: &Value) -> String {
    match schema["format"].as_str() {
        Some("uuid") => return "0195f8a0-1c2d-7abc-8def-0123456789ab".to_owned(),
        Some("date-time") => return "2026-01-02T03:04:05.000006Z".to_owned(),
        Some("date") => return "2026-01-02".to_owned(),
        Some("uri") => return "https://example.org/".to_owned(),
        Some("email") => return "placements@example.org".to_owned(),
        _ => {}
    }
    let least = usize::try_from(schema["minLength"].as_u64().unwrap_or(0)).unwrap_or_default();
    let most = usize::try_from(schema["maxLength"].as_u64().unwrap_or(100)).unwrap_or(100);
    let words = "A few plain words that stand for what a person would write here. ";
    let text: String = words.chars().cycle().take(least.max(30).min(most)).collect();
    // The ends may not be blank: they are not counted.
    let text = text.trim_end().to_owned();
    if text.chars().count() < least { text + "." } else { text }
}
