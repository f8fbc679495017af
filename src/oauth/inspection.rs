//! Telling another service what a token is worth (RFC 7662).

use actix_web::{FromRequest, HttpRequest, http::header, post, web::Data};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;

use super::{
    Refusal, RefusalCode,
    credentials::Credentials,
    form::Form,
    model::{TokenInspection, client_of},
};
use crate::{
    app::State,
    auth::{AUDIENCE, Admin, Scope, principals, secrets::SecretKind},
    http::{Error, Unstored},
    ids::PrincipalId,
    sessions,
    time::Timestamp,
};

/// Registers the routes.
pub(super) fn configure(config: &mut ServiceConfig) {
    config.service(post_introspection);
}

/// What a token is worth. Of one that does not hold, `active` is all that is said.
#[derive(Debug, Default, Serialize, ToSchema)]
pub struct Introspection {
    /// Whether it holds.
    pub active: bool,
    /// What it may be used for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scope: Option<Scope>,
    /// Through what it was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 100, pattern = "^[ -~]+$", example = "0195f8a0-1c2d-7abc-8def-0123456789ab")]
    pub client_id: Option<String>,
    /// `Bearer` for an access token; absent for a refresh token.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 10, pattern = "^Bearer$", example = "Bearer")]
    pub token_type: Option<&'static str>,
    /// When it expires, in seconds since 1970.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = "int64", minimum = 0)]
    pub exp: Option<i64>,
    /// When it was issued, in seconds since 1970.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = "int64", minimum = 0)]
    pub iat: Option<i64>,
    /// The principal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sub: Option<PrincipalId>,
    /// For whom it is meant.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 40, example = "preceptor")]
    pub aud: Option<&'static str>,
    /// The address of this service.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 300, format = "uri", example = "https://preceptor.invalid")]
    pub iss: Option<String>,
    /// An access token's id.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 36, format = "uuid")]
    pub jti: Option<String>,
}

/// Ask what a token is worth
///
/// RFC 7662, for clients (by secret, sent by HTTP Basic or in the form) and admins (by their access token). An unknown,
/// expired or revoked token is not active, and nothing else is said of it. Nor is one of an outside identity provider,
/// though it may be taken here: its issuer tells what it is worth. Access tokens can also be verified with the keys at
/// `/.well-known/jwks.json`; that does not tell whether one has been revoked.
#[utoipa::path(
    tag = "oauth",
    operation_id = "introspect_token",
    request_body(content = TokenInspection, description = "The token, as a form.",
        content_type = "application/x-www-form-urlencoded",
        example = json!({
            "token": "pct_rt_00000000000000000000000000000000000000",
            "client_id": "0195f8a0-1c2d-7abc-8def-0123456789ab",
            "client_secret": "pct_cs_00000000000000000000000000000000000000"
        })),
    responses((status = 200, description = "What the token is worth.", body = Introspection)),
    security((), ("admin" = []))
)]
#[post("/oauth/introspect")]
pub async fn post_introspection(
    state: Data<State>,
    req: HttpRequest,
    form: Form<TokenInspection>,
) -> Result<Unstored<Introspection>, Refusal> {
    let form = form.valid()?;
    let now = state.now();
    if sends_bearer(&req) {
        Admin::extract(&req).await.map_err(of_bearer)?;
    } else {
        Credentials::read(req.headers(), &form)?.ok_or_else(Refusal::client)?.prove(&state, now).await?;
    }
    let found = if SecretKind::Refresh.fits(&form.token) {
        refresh_token(&state, form.token, now).await?
    } else {
        access_token(&state, &form.token, now).await?
    };
    Ok(Unstored(found.unwrap_or_default()))
}

fn sends_bearer(req: &HttpRequest) -> bool {
    let sent = req.headers().get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()).unwrap_or_default();
    sent.split(' ').next().is_some_and(|scheme| scheme.eq_ignore_ascii_case("bearer"))
}

/// RFC 7662 section 2.3: refused as RFC 6750 says, in the form of these endpoints.
fn of_bearer(error: Error) -> Refusal {
    match error {
        Error::Unauthorized(text) => Refusal::new(RefusalCode::InvalidToken, text),
        Error::Forbidden(text) | Error::InsufficientScope(text, _) => {
            Refusal::new(RefusalCode::InsufficientScope, text)
        }
        other => other.into(),
    }
}

async fn access_token(state: &State, token: &str, now: Timestamp) -> Result<Option<Introspection>, Error> {
    let Ok(verified) = state.auth.verify(token, now) else { return Ok(None) };
    let principal = state.db.read_latest(move |conn| Ok(principals::behind(conn, &verified)?)).await?;
    Ok(principal.map(|principal| Introspection {
        active: true,
        scope: Some(verified.scope),
        client_id: client_of(token),
        token_type: Some("Bearer"),
        exp: Some(verified.expires_at),
        iat: Some(verified.issued_at),
        sub: Some(principal.id),
        aud: Some(AUDIENCE),
        iss: Some(state.config.public_url.clone()),
        jti: Some(verified.jti.to_string()),
    }))
}

async fn refresh_token(state: &State, token: String, now: Timestamp) -> Result<Option<Introspection>, Error> {
    let found = state.db.read_latest(move |conn| Ok(sessions::store::holding(conn, &token, now)?)).await?;
    Ok(found.map(|(session, expires_at)| Introspection {
        active: true,
        scope: Some(Scope::Participant),
        exp: Some(expires_at.as_micros() / 1_000_000),
        sub: Some(session.principal_id),
        iss: Some(state.config.public_url.clone()),
        ..Introspection::default()
    }))
}
