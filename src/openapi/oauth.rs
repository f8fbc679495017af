//! How the OAuth 2 endpoints are documented: forms, and refusals in the form of RFC 6749 section 5.2.

use serde_json::{Map, Value, json};

use super::complete::header_ref;
use crate::{auth::Role, clients::model::ClientRole, oauth::RefusalCode};

/// Whether an operation takes a form. Those that do refuse in a form of their own.
pub(super) fn takes_form(operation: &Value) -> bool {
    operation["requestBody"]["content"]
        .as_object()
        .is_some_and(|content| content.contains_key(crate::oauth::form::FORM))
}

/// Adds the refusals of an operation that takes a form. `public` says that no access token can prove its caller.
pub(super) fn refer(responses: &mut Map<String, Value>, public: bool) {
    let own = [("400", "oauth_bad_request"), ("401", "oauth_unauthorized")];
    let forbidden = (!public).then_some(("403", "oauth_forbidden"));
    for (status, name) in own.into_iter().chain(forbidden) {
        responses.insert(status.to_owned(), json!({"$ref": format!("#/components/responses/{name}")}));
    }
}

/// The shared refusals.
pub(super) fn responses() -> impl Iterator<Item = (String, Value)> {
    let all = [
        ("oauth_bad_request", "The request was refused.", RefusalCode::InvalidGrant, false),
        ("oauth_unauthorized", "The client or token that was sent does not hold.", RefusalCode::InvalidClient, true),
        ("oauth_forbidden", "The access token that was sent is not an admin's.", RefusalCode::InsufficientScope, true),
    ];
    all.into_iter().map(|(name, description, code, challenges)| {
        let mut names = vec!["Access-Control-Allow-Origin", "RateLimit", "RateLimit-Policy", "X-Request-Id"];
        names.extend(challenges.then_some("WWW-Authenticate"));
        let headers: Map<_, _> = names.iter().map(|name| ((*name).to_owned(), header_ref(name))).collect();
        let example = json!({"error": code, "error_description": "What is wrong, for people."});
        let content = json!({
            "schema": {"$ref": "#/components/schemas/OAuthError"},
            "examples": {"refusal": {"summary": description, "value": example}}
        });
        let response =
            json!({"description": description, "headers": headers, "content": {"application/json": content}});
        (name.to_owned(), response)
    })
}

/// Where else than on the command line tokens of a role are made: a sentence, or nothing.
pub(super) fn source(role: Role) -> &'static str {
    match ClientRole::of(role) {
        Some(_) => "A client gets it at `/oauth/token`. ",
        None => "",
    }
}
