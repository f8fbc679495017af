//! Getting tokens and giving them back.

use actix_web::{HttpRequest, HttpResponse, post, web::Data};
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

use super::{
    Refusal, RefusalCode,
    credentials::Credentials,
    form::Form,
    model::{GrantType, TokenInspection, TokenRequest, asked_scopes},
};
use crate::{
    app::State,
    audit::{self, AuditKind, Event},
    auth::{self, Scope, Subject, principals, secrets::SecretKind},
    clients::model::granted,
    db::Conn,
    http::Unstored,
    sessions::{
        Grant,
        body::TokenAnswer,
        model::{CLIENT_ID, SuccessorKey},
        store::{self as session_store, Refreshed},
    },
    time::Timestamp,
};

/// Registers the routes.
pub(super) fn configure(config: &mut ServiceConfig) {
    config.service(post_token).service(post_revocation);
}

/// Get an access token
///
/// RFC 6749. With `grant_type=client_credentials` a client gets a token for its secret, sent by HTTP Basic or in the
/// form, and not both. With `grant_type=refresh_token` a session exchanges its refresh token for an access token and
/// the next refresh token, without a client. A refresh token is used once; for ten seconds it gives the same successor
/// again, because an answer can be lost. If it comes back later, two hold it, and the session ends.
///
/// Access tokens hold for 15 minutes. Refusals (400, 401) have the form of RFC 6749 section 5.2; other errors are
/// problem documents.
#[utoipa::path(
    tag = "oauth",
    operation_id = "create_token",
    request_body(content = TokenRequest, description = "The request, as a form.",
        content_type = "application/x-www-form-urlencoded",
        example = json!({
            "grant_type": "client_credentials", "scope": "provider",
            "client_id": "0195f8a0-1c2d-7abc-8def-0123456789ab",
            "client_secret": "pct_cs_00000000000000000000000000000000000000"
        })),
    responses((status = 200, description = "The token.", body = TokenAnswer)),
    security(())
)]
#[post("/oauth/token")]
pub async fn post_token(
    state: Data<State>,
    req: HttpRequest,
    form: Form<TokenRequest>,
) -> Result<Unstored<TokenAnswer>, Refusal> {
    if form.peek("grant_type").is_some_and(|grant| grant.parse::<GrantType>().is_err()) {
        let text = "Use `client_credentials` or `refresh_token`.";
        return Err(Refusal::new(RefusalCode::UnsupportedGrantType, text));
    }
    let form = form.valid()?;
    let now = state.now();
    let credentials = Credentials::read(req.headers(), &form)?;
    let asked = asked_scopes(form.scope.as_deref());
    match form.grant_type {
        GrantType::ClientCredentials => {
            let client = credentials.ok_or_else(Refusal::client)?.prove(&state, now).await?;
            state.limits.count_client(client.row.id)?;
            let scope = asked.and_then(|asked| granted(&client.scopes().ok()?, &asked));
            let scope =
                scope.ok_or_else(|| Refusal::new(RefusalCode::InvalidScope, "The client has no such scope."))?;
            let principal = client.row.principal_id;
            let subject = Subject { principal, scope, client_id: client.row.id.to_string(), session: None };
            // Tokens count in whole seconds: one asked for in the second in which earlier ones were ended is dated to
            // the next, which the leeway of verification allows.
            let issued = now.max(client.tokens_valid_from);
            Ok(Unstored(TokenAnswer::new(&state.auth, subject, None, issued, Uuid::new_v4())?))
        }
        GrantType::RefreshToken => {
            let client_id = match credentials {
                // Not needed; but a client that proves itself must not do it wrongly (RFC 6749 section 6).
                Some(credentials) => credentials.prove(&state, now).await?.row.id.to_string(),
                None => CLIENT_ID.to_owned(),
            };
            // Sessions are participants'.
            let scope = Scope::Participant;
            if asked.is_none_or(|asked| asked.iter().any(|asked| *asked != scope)) {
                return Err(Refusal::new(RefusalCode::InvalidScope, "A session has the scope `participant`."));
            }
            let token = form
                .refresh_token
                .ok_or_else(|| Refusal::new(RefusalCode::InvalidRequest, "`refresh_token` is missing."))?;
            let Grant { principal, session, refresh_token } = refresh(&state, token, now).await?;
            let subject = Subject { principal, scope, client_id, session: Some(session) };
            Ok(Unstored(TokenAnswer::new(&state.auth, subject, Some(refresh_token), now, Uuid::new_v4())?))
        }
    }
}

async fn refresh(state: &State, token: String, now: Timestamp) -> Result<Grant, Refusal> {
    let refused =
        || Refusal::new(RefusalCode::InvalidGrant, "The refresh token does not hold any more; sign in again.");
    // What nobody can have been given needs neither the database nor a line in the log.
    if !SecretKind::Refresh.fits(&token) {
        return Err(refused());
    }
    let (successors, key) = (SuccessorKey::derive(state.auth.keys().secret()), state.audit_key());
    let work = move |conn: &mut Conn| {
        let refreshed = session_store::refresh(conn, &successors, &token, now)?;
        let event = match &refreshed {
            Refreshed::Granted(_) => return Ok(refreshed),
            Refreshed::Reused(principal, session) => {
                Event { kind: AuditKind::RefreshReused, actor: Some(*principal), subject: format!("session:{session}") }
            }
            Refreshed::Refused => {
                Event { kind: AuditKind::SignInFailed, actor: None, subject: "refresh_token".to_owned() }
            }
        };
        audit::append(conn, &key, &event, now)?;
        Ok(refreshed)
    };
    match state.db.write(work).await? {
        Refreshed::Granted(grant) => Ok(grant),
        Refreshed::Reused(..) | Refreshed::Refused => Err(refused()),
    }
}

/// Revoke a token
///
/// RFC 7009. A refresh token ends its session, with all access tokens of that session; an access token is refused from
/// the next request on, also one of an outside identity provider. Unknown tokens are answered like known ones: what the
/// caller wants is so already. 503 says that an identity provider's token cannot be checked now: it may still hold.
///
/// No client has to prove itself: whoever holds a token could use it for worse, and whoever finds one that leaked
/// should be able to end it. A secret that is sent all the same must be right.
#[utoipa::path(
    tag = "oauth",
    operation_id = "revoke_token",
    request_body(content = TokenInspection, description = "The token, as a form.",
        content_type = "application/x-www-form-urlencoded",
        example = json!({"token": "pct_rt_00000000000000000000000000000000000000"})),
    responses((status = 200, description = "The token does not hold (any more).")),
    security(())
)]
#[post("/oauth/revoke")]
pub async fn post_revocation(
    state: Data<State>,
    req: HttpRequest,
    form: Form<TokenInspection>,
) -> Result<HttpResponse, Refusal> {
    let form = form.valid()?;
    let now = state.now();
    if let Some(credentials) = Credentials::read(req.headers(), &form)? {
        credentials.prove(&state, now).await?;
    }
    let key = state.audit_key();
    let token = form.token;
    if SecretKind::Refresh.fits(&token) {
        let work = move |conn: &mut Conn| {
            let Some(session) = session_store::of_token(conn, &token)? else { return Ok(()) };
            if session_store::end(conn, session.id, now)? {
                let event = Event {
                    kind: AuditKind::TokenRevoked,
                    actor: Some(session.principal_id),
                    subject: format!("session:{}", session.id),
                };
                audit::append(conn, &key, &event, now)?;
            }
            Ok(())
        };
        state.db.write(work).await?;
    } else if let Some(found) = auth::revocable(&state, &token, now).await? {
        let work = move |conn: &mut Conn| {
            if principals::revoke_token(conn, found.jti, found.expires_at)? {
                let event = Event {
                    kind: AuditKind::TokenRevoked,
                    actor: found.principal,
                    subject: format!("access_token:{}", found.jti),
                };
                audit::append(conn, &key, &event, now)?;
            }
            Ok(())
        };
        state.db.write(work).await?;
    }
    Ok(HttpResponse::Ok().finish())
}
