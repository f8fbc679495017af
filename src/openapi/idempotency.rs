//! What the document says of Idempotency-Key: a parameter of each operation that takes it.

use serde_json::{Value, json};

use crate::http::idempotency::{PATTERN, REQUIRED};

/// Adds the parameter where it belongs: to each POST that only known callers may send. True if it was added.
pub(super) fn complete(path: &str, method: &str, operation: &mut Value) -> bool {
    let anonymous = operation["security"].as_array().is_none_or(|all| all.iter().any(|one| one == &json!({})));
    // RFC 6749 and its kin say what these requests hold.
    if method != "post" || anonymous || path.starts_with("/oauth/") {
        return false;
    }
    let required = operation["operationId"].as_str().is_some_and(|id| REQUIRED.contains(&id));
    let description = if required {
        "A random value such as a UUID, the same when the request is sent again: it has one effect. Without it the \
         request is refused."
    } else {
        "A random value such as a UUID, the same when the request is sent again: it has one effect."
    };
    // Without an example, so that no tool sends the same key with each request.
    let parameter = json!({
        "name": "Idempotency-Key", "in": "header", "required": required, "description": description,
        "schema": {"type": "string", "minLength": 16, "maxLength": 257, "pattern": PATTERN}
    });
    match operation.get_mut("parameters").and_then(Value::as_array_mut) {
        Some(parameters) => parameters.push(parameter),
        None => operation["parameters"] = json!([parameter]),
    }
    true
}
