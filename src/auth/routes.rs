//! The key set that lets anyone verify our tokens.

use actix_web::{get, web::Data};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;

use super::Jwk;
use crate::{
    app::State,
    http::{Found, NoQuery},
};

/// Seconds for which the key set may be kept: shorter than the time between the publication of a key and its first
/// signature.
const FRESH: u32 = 300;

/// Registers the routes.
pub fn configure(config: &mut ServiceConfig) {
    config.service(key_set);
}

/// A JSON Web Key Set (RFC 7517).
#[derive(Debug, Serialize, ToSchema)]
pub struct KeySet {
    /// Public keys only.
    #[schema(max_items = 20)]
    pub keys: Vec<Jwk>,
}

/// Read the public keys
///
/// The keys that access tokens are signed with, for whoever wants to verify a token without asking this service. A new
/// key stands here before it signs, and an old one until its last token has expired; read the list again when it is
/// older than its `Cache-Control` says, or when a token names a key that it lacks.
#[utoipa::path(
    tag = "service",
    operation_id = "get_key_set",
    responses((status = 200, description = "The key set.", body = KeySet)),
    security(())
)]
#[get("/.well-known/jwks.json")]
pub async fn key_set(state: Data<State>, _: NoQuery) -> Found<KeySet> {
    Found::computed(KeySet { keys: state.auth.keys().published(state.now()) }).fresh_for(FRESH)
}
