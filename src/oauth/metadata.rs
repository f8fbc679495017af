//! The documents by which OAuth 2 libraries find the endpoints (RFC 8414, RFC 9728).

use actix_web::{get, web::Data};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;

use super::model::GrantType;
use crate::{
    app::State,
    auth::Scope,
    http::{Found, NoQuery},
};

/// Registers the routes.
pub(super) fn configure(config: &mut ServiceConfig) {
    config.service(get_authorization_server).service(get_protected_resource);
}

/// Scopes that these endpoints give out. Tokens of the others are made on the command line.
const SCOPES: [Scope; 6] = [
    Scope::Participant,
    Scope::Provider,
    Scope::ProviderRead,
    Scope::University,
    Scope::UniversityRead,
    Scope::Frontend,
];

/// How clients may prove themselves.
const METHODS: [&str; 2] = ["client_secret_basic", "client_secret_post"];

/// The authorization server (RFC 8414). `response_types_supported`, which the text of section 2 requires, is left out:
/// there is no authorization endpoint, and section 3.2 forbids empty arrays; see erratum 7793 of RFC 8414.
#[derive(Debug, Serialize, ToSchema)]
pub struct AuthorizationServer {
    /// The `iss` of access tokens.
    #[schema(max_length = 300, format = "uri", example = "https://preceptor.invalid")]
    pub issuer: String,
    /// Where tokens are got.
    #[schema(max_length = 300, format = "uri", example = "https://preceptor.invalid/oauth/token")]
    pub token_endpoint: String,
    /// The public keys.
    #[schema(max_length = 300, format = "uri", example = "https://preceptor.invalid/.well-known/jwks.json")]
    pub jwks_uri: String,
    /// Where tokens are revoked.
    #[schema(max_length = 300, format = "uri", example = "https://preceptor.invalid/oauth/revoke")]
    pub revocation_endpoint: String,
    /// Where tokens are looked at.
    #[schema(max_length = 300, format = "uri", example = "https://preceptor.invalid/oauth/introspect")]
    pub introspection_endpoint: String,
    /// Pages for people.
    #[schema(max_length = 300, format = "uri", example = "https://preceptor.invalid/docs")]
    pub service_documentation: String,
    /// The grants.
    #[schema(max_items = 10)]
    pub grant_types_supported: &'static [GrantType],
    /// The scopes that can be had here.
    #[schema(max_items = 20)]
    pub scopes_supported: [Scope; 6],
    /// How a client proves itself to get a token; `none` for the refresh of a session.
    #[schema(max_items = 10)]
    pub token_endpoint_auth_methods_supported: [&'static str; 3],
    /// How a client proves itself to revoke a token, if it does.
    #[schema(max_items = 10)]
    pub revocation_endpoint_auth_methods_supported: [&'static str; 3],
    /// How a caller proves itself to look at a token; `Bearer` for an admin's token.
    #[schema(max_items = 10)]
    pub introspection_endpoint_auth_methods_supported: [&'static str; 3],
}

/// Find the OAuth 2 endpoints
///
/// Metadata of the authorization server after RFC 8414. There is no authorization endpoint: people do not grant rights
/// to clients here, so `response_types_supported` is left out (erratum 7793 of RFC 8414).
#[utoipa::path(
    tag = "oauth",
    operation_id = "get_authorization_server",
    responses((status = 200, description = "The metadata.", body = AuthorizationServer)),
    security(())
)]
#[get("/.well-known/oauth-authorization-server")]
pub async fn get_authorization_server(state: Data<State>, _: NoQuery) -> Found<AuthorizationServer> {
    let base = &state.config.public_url;
    let at = |path: &str| format!("{base}{path}");
    let [basic, post] = METHODS;
    Found::computed(AuthorizationServer {
        issuer: base.clone(),
        token_endpoint: at("/oauth/token"),
        jwks_uri: at("/.well-known/jwks.json"),
        revocation_endpoint: at("/oauth/revoke"),
        introspection_endpoint: at("/oauth/introspect"),
        service_documentation: at("/docs"),
        grant_types_supported: GrantType::ALL,
        scopes_supported: SCOPES,
        token_endpoint_auth_methods_supported: [basic, post, "none"],
        revocation_endpoint_auth_methods_supported: [basic, post, "none"],
        introspection_endpoint_auth_methods_supported: [basic, post, "Bearer"],
    })
}

/// The protected resource (RFC 9728): this API.
#[derive(Debug, Serialize, ToSchema)]
pub struct ProtectedResource {
    /// The address of the API.
    #[schema(max_length = 300, format = "uri", example = "https://preceptor.invalid")]
    pub resource: String,
    /// Who gives out tokens for it.
    #[schema(max_items = 10)]
    pub authorization_servers: [String; 1],
    /// The scopes that can be had.
    #[schema(max_items = 20)]
    pub scopes_supported: [Scope; 6],
    /// How a token is sent.
    #[schema(max_items = 10)]
    pub bearer_methods_supported: [&'static str; 1],
    /// Pages for people.
    #[schema(max_length = 300, format = "uri", example = "https://preceptor.invalid/docs")]
    pub resource_documentation: String,
}

/// Find who gives out tokens
///
/// Metadata of the protected resource after RFC 9728.
#[utoipa::path(
    tag = "oauth",
    operation_id = "get_protected_resource",
    responses((status = 200, description = "The metadata.", body = ProtectedResource)),
    security(())
)]
#[get("/.well-known/oauth-protected-resource")]
pub async fn get_protected_resource(state: Data<State>, _: NoQuery) -> Found<ProtectedResource> {
    let base = &state.config.public_url;
    Found::computed(ProtectedResource {
        resource: base.clone(),
        authorization_servers: [base.clone()],
        scopes_supported: SCOPES,
        bearer_methods_supported: ["header"],
        resource_documentation: format!("{base}/docs"),
    })
}
