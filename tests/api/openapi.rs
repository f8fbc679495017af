//! The API document: committed, served, complete, and true.

use std::{collections::BTreeSet, fs, path::Path};

use preceptor::openapi::document;
use serde_json::{Value, json};

use crate::support::{Backend, TestApp, send};

/// One operation of the document.
pub struct Operation {
    pub method: String,
    /// With parameters in braces.
    pub path: &'static str,
    pub id: &'static str,
    pub item: &'static Value,
}

/// Every operation, in the order of the document.
pub fn operations() -> Vec<Operation> {
    let paths = document()["paths"].as_object().unwrap();
    let each = |(path, item): (&'static String, &'static Value)| {
        let methods = item.as_object().unwrap().iter();
        let known = methods.filter(|(method, _)| ["get", "post", "put", "patch", "delete"].contains(&method.as_str()));
        known.map(|(method, item)| Operation {
            method: method.to_uppercase(),
            path,
            id: item["operationId"].as_str().unwrap_or_default(),
            item,
        })
    };
    paths.iter().flat_map(each).collect()
}

impl Operation {
    /// The parameters of one place (`path`, `query`, `header`), references resolved.
    pub fn parameters(&self, place: &str) -> impl Iterator<Item = &'static Value> {
        let listed = self.item["parameters"].as_array().into_iter().flatten().map(resolve);
        listed.filter(move |parameter| parameter["in"] == place)
    }

    /// The examples of the request's body.
    pub fn examples(&self) -> Vec<(&'static Value, Value)> {
        let contents = resolve(&self.item["requestBody"])["content"].as_object();
        let each = |content: &'static Value| {
            let named =
                content["examples"].as_object().into_iter().flatten().map(|(_, one)| resolve(one)["value"].clone());
            let one = content.get("example").cloned();
            named.chain(one).map(|example| (&content["schema"], example)).collect::<Vec<_>>()
        };
        contents.into_iter().flatten().flat_map(|(_, content)| each(content)).collect()
    }
}

fn resolve(value: &'static Value) -> &'static Value {
    match value.get("$ref").and_then(Value::as_str) {
        Some(reference) => document().pointer(reference.trim_start_matches('#')).unwrap(),
        None => value,
    }
}

/// What keeps `value` from fitting a schema of the document.
pub fn misfit(schema: &Value, value: &Value) -> Option<String> {
    let root = json!({"allOf": [schema], "components": document()["components"]});
    let validator = jsonschema::options().should_validate_formats(true).build(&root).unwrap();
    let faults: Vec<_> =
        validator.iter_errors(value).map(|fault| format!("{}: {fault}", fault.instance_path())).collect();
    (!faults.is_empty()).then(|| faults.join("\n"))
}

/// Fails the test unless the document foresees this answer of this operation.
pub fn assert_foreseen(operation: &Operation, answer: &crate::support::Answer) {
    let what = format!("{} answered {}", operation.id, answer.status);
    let response = operation.item["responses"].get(answer.status.to_string());
    let response = resolve(response.unwrap_or_else(|| panic!("{what}, which is not documented")));
    let kind = answer.header("content-type").split(';').next().unwrap_or_default();
    let Some(contents) = response.get("content").and_then(Value::as_object) else {
        assert!(answer.body.is_empty(), "{what} with a body that is not documented");
        return;
    };
    let content = contents.get(kind).unwrap_or_else(|| panic!("{what} with {kind}, which is not documented"));
    if kind.ends_with("json")
        && let Some(misfit) = misfit(&content["schema"], &answer.json())
    {
        panic!("{what} with a body that does not fit:\n{misfit}\n{}", answer.text());
    }
}

#[test]
fn the_committed_document_is_what_the_code_says() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("openapi/openapi.json");
    let committed = fs::read_to_string(path).unwrap_or_default();
    let said = serde_json::to_string_pretty(document()).unwrap() + "\n";
    // Not `assert_eq!`: both are long.
    assert!(committed == said, "openapi/openapi.json is not up to date; run `just openapi` and commit it");
}

/// Whether a reader can tell what to send: an example, or a closed set of values. (A cursor is
/// nobody's to make up.)
fn has_example(parameter: &'static Value) -> bool {
    let schema = resolve(&parameter["schema"]);
    let schema = schema.get("items").map_or(schema, resolve);
    let closed = schema.get("enum").is_some() || schema["type"] == "boolean";
    let given = ["example", "examples"].iter().any(|key| parameter.get(*key).is_some());
    given || closed || parameter["name"] == "cursor"
}

#[test]
fn every_operation_is_described() {
    let operations = operations();
    let mut missing = Vec::new();
    for operation in &operations {
        let has = |name: &str| operation.item[name].as_str().is_some_and(|text| text.trim().len() > 2);
        for name in ["summary", "description", "operationId"] {
            if !has(name) {
                missing.push(format!("{} {}: {name}", operation.method, operation.path));
            }
        }
        let mut lack = |holds: bool, what: &str| {
            if !holds {
                missing.push(format!("{}: {what}", operation.id));
            }
        };
        lack(operation.item["tags"].as_array().is_some_and(|tags| tags.len() == 1), "one tag");
        lack(operation.item["security"].is_array(), "security");
        for place in ["path", "query"] {
            for parameter in operation.parameters(place) {
                let name = parameter["name"].as_str().unwrap();
                lack(has_example(parameter), &format!("example of {name}"));
                lack(parameter["description"].as_str().is_some(), &format!("description of {name}"));
            }
        }
        let has_body = operation.item.get("requestBody").is_some();
        lack(!has_body || !operation.examples().is_empty(), "example of the body");
        let edits = has_body && ["PATCH", "PUT"].contains(&operation.method.as_str());
        lack(!edits || operation.parameters("header").any(|header| header["name"] == "If-Match"), "If-Match");
    }
    assert!(missing.is_empty(), "\n{}", missing.join("\n"));
    let ids: BTreeSet<_> = operations.iter().map(|operation| operation.id).collect();
    assert_eq!(ids.len(), operations.len(), "operation ids are unique");
}

#[test]
fn every_example_fits_its_schema() {
    let mut faults = Vec::new();
    for operation in operations() {
        for (schema, example) in operation.examples() {
            faults.extend(misfit(schema, &example).map(|misfit| format!("{}: {misfit}", operation.id)));
        }
        for parameter in ["path", "query", "header"].into_iter().flat_map(|place| operation.parameters(place)) {
            let misfit = parameter.get("example").and_then(|example| misfit(&parameter["schema"], example));
            faults.extend(misfit.map(|misfit| format!("{}: {}: {misfit}", operation.id, parameter["name"])));
        }
    }
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

on_both! {
    async fn every_documented_operation_exists(backend: Backend) {
        let app = TestApp::start(backend);
        for operation in operations() {
            let mut path = operation.path.to_owned();
            for parameter in operation.parameters("path") {
                let example = parameter.get("example").or(parameter.pointer("/schema/example")).unwrap();
                let text = example.as_str().map_or_else(|| example.to_string(), str::to_owned);
                path = path.replace(&format!("{{{}}}", parameter["name"].as_str().unwrap()), &text);
            }
            let answer = send(app.client().request(&operation.method, &path)).await;
            let unknown = answer.status == 404 && answer.json()["detail"] == "There is no such resource.";
            assert!(!unknown && answer.status != 405, "{} {path}: {}", operation.method, answer.text());
            assert_foreseen(&operation, &answer);
        }
    }

    async fn the_served_document_is_the_documented_one(backend: Backend) {
        let app = TestApp::start(backend);
        let answer = app.client().get("/openapi.json").await.expect(200);
        assert_eq!(answer.header("content-type"), "application/json");
        assert!(answer.json() == *document());
        assert_eq!(answer.json()["openapi"].as_str().map(|version| &version[..4]), Some("3.1."));
    }
}
