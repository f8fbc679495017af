//! Run-time checks against the schemas of our own OpenAPI document: what the document says is what the server
//! enforces, because it is the same text.

use std::{
    collections::HashMap,
    sync::{LazyLock, RwLock},
};

use jsonschema::{ValidationError, Validator, error::ValidationErrorKind as Kind};
use serde_json::{Value, json};
use validator::{ValidationErrors, ValidationErrorsKind};

use super::problem::{Error, Fault, FaultCode, MAX_FAULTS};

/// Compiled on first use, one per input type; there are as many as the document has request bodies.
static COMPILED: LazyLock<RwLock<HashMap<String, &'static Validator>>> = LazyLock::new(RwLock::default);

/// The validator of a component of the OpenAPI document.
fn compiled(name: &str) -> Result<&'static Validator, Error> {
    if let Ok(known) = COMPILED.read()
        && let Some(validator) = known.get(name)
    {
        return Ok(validator);
    }
    let components = &crate::openapi::document()["components"];
    let schema = json!({"$ref": format!("#/components/schemas/{name}"), "components": components});
    let validator = jsonschema::options()
        .with_draft(jsonschema::Draft::Draft202012)
        .should_validate_formats(true)
        .build(&schema)
        .map_err(|error| Error::internal(format!("the schema {name} does not compile: {error}")))?;
    // Leaked on purpose: it lives as long as the process and saves every request a lock held across the check.
    let validator: &'static Validator = Box::leak(Box::new(validator));
    if let Ok(mut known) = COMPILED.write() {
        known.insert(name.to_owned(), validator);
    }
    Ok(validator)
}

/// Compiles the schema of every request body, so that the first requests need not wait for it and a schema that does
/// not compile ends the start.
pub fn warm() -> Result<(), Error> {
    let paths = crate::openapi::document()["paths"].as_object();
    for operation in paths.into_iter().flat_map(|paths| paths.values()).filter_map(Value::as_object) {
        for contents in operation.values().filter_map(|one| one.pointer("/requestBody/content")?.as_object()) {
            for content in contents.values() {
                if let Some(name) = content.pointer("/schema/$ref").and_then(Value::as_str) {
                    compiled(name.rsplit('/').next().unwrap_or_default())?;
                }
            }
        }
    }
    Ok(())
}

/// Checks `value` against the component schema `name`; all faults at once.
pub fn check(name: &str, value: &Value) -> Result<(), Error> {
    let validator = compiled(name)?;
    if validator.is_valid(value) {
        return Ok(());
    }
    let mut faults = Vec::new();
    for error in validator.iter_errors(value).take(MAX_FAULTS) {
        push(&mut faults, &error);
    }
    Err(Error::Invalid(faults))
}

fn push(faults: &mut Vec<Fault>, error: &ValidationError<'_>) {
    let place = error.instance_path().to_string();
    let mut add = |place: &str, code, detail: String| faults.push(Fault::at(place, code, detail));
    match error.kind() {
        Kind::Required { property } => {
            let name = property.as_str().unwrap_or_default();
            add(&format!("{place}/{}", token(name)), FaultCode::Required, "This member is required.".to_owned());
        }
        Kind::AdditionalProperties { unexpected } | Kind::UnevaluatedProperties { unexpected } => {
            for name in unexpected {
                let place = format!("{place}/{}", token(name));
                add(&place, FaultCode::UnknownMember, "There is no such member.".to_owned());
            }
        }
        Kind::Type { .. } => add(&place, FaultCode::WrongType, "The value has the wrong JSON type.".to_owned()),
        Kind::Enum { options } => {
            let listed = options.as_array().map(|all| all.iter().filter_map(Value::as_str).collect::<Vec<_>>());
            let listed = listed.unwrap_or_default().join(", ");
            add(&place, FaultCode::NotAllowed, clip(format!("Use one of: {listed}.")));
        }
        Kind::Constant { .. } => add(&place, FaultCode::NotAllowed, "Only one value is allowed here.".to_owned()),
        Kind::MinLength { limit } => {
            add(&place, FaultCode::TooShort, format!("At least {limit} characters, not counting blank ends."));
        }
        Kind::MaxLength { limit } => add(&place, FaultCode::TooLong, format!("At most {limit} characters.")),
        Kind::Minimum { limit } => add(&place, FaultCode::TooSmall, format!("{limit} or more.")),
        Kind::Maximum { limit } => add(&place, FaultCode::TooLarge, format!("{limit} or less.")),
        Kind::MinItems { limit } => add(&place, FaultCode::TooFew, format!("At least {limit} items.")),
        Kind::MaxItems { limit } => add(&place, FaultCode::TooMany, format!("At most {limit} items.")),
        Kind::UniqueItems => add(&place, FaultCode::Duplicate, "An item stands twice.".to_owned()),
        Kind::Pattern { pattern } if pattern.contains("\\u") => add(
            &place,
            FaultCode::BadFormat,
            "Control characters and text-direction overrides are not allowed, nor line breaks in a one-line text."
                .to_owned(),
        ),
        Kind::Pattern { pattern } => add(&place, FaultCode::BadFormat, clip(format!("The form is {pattern}."))),
        Kind::Format { format } => add(&place, FaultCode::BadFormat, format!("The form is {format}.")),
        // The document writes "null or else this": what counts is what is wrong with "this", the last alternative.
        Kind::OneOfNotValid { context } | Kind::AnyOf { context }
            if context.last().is_some_and(|last| !last.is_empty()) =>
        {
            for error in context.last().into_iter().flatten() {
                push(faults, error);
            }
        }
        _ => add(&place, FaultCode::Invalid, "The value does not fit the documented schema.".to_owned()),
    }
}

fn clip(text: String) -> String {
    if text.chars().count() <= 500 { text } else { text.chars().take(499).chain(['…']).collect() }
}

/// Escapes one reference token of a JSON Pointer (RFC 6901 section 3).
fn token(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

/// Turns the validator crate's errors (Rust field names, which are the JSON names) into faults with pointers.
#[must_use]
pub fn semantic_faults(errors: &ValidationErrors) -> Vec<Fault> {
    let mut faults = Vec::new();
    collect(errors, "", &mut faults);
    faults.sort_by(|a, b| a.pointer.cmp(&b.pointer));
    faults
}

fn collect(errors: &ValidationErrors, place: &str, faults: &mut Vec<Fault>) {
    for (field, kind) in errors.errors() {
        // `__all__` is the validator crate's name for a rule of the whole struct.
        let place = if field == "__all__" { place.to_owned() } else { format!("{place}/{}", token(field)) };
        match kind {
            ValidationErrorsKind::Struct(inner) => collect(inner, &place, faults),
            ValidationErrorsKind::List(items) => {
                for (index, inner) in items {
                    collect(inner, &format!("{place}/{index}"), faults);
                }
            }
            ValidationErrorsKind::Field(found) => {
                for error in found {
                    let code = error.code.parse().unwrap_or(FaultCode::Invalid);
                    let detail = error.message.as_deref().unwrap_or("The value breaks a rule.");
                    // A rule may name the exact place below its field. (Other params hold raw values: never shown.)
                    let below = error.params.get("at").and_then(Value::as_str).unwrap_or_default();
                    faults.push(Fault::at(&format!("{place}{below}"), code, detail));
                }
            }
        }
    }
}
