//! Handlers of clients.

use actix_web::{
    get, patch, post,
    web::{Data, Path},
};
use aws_lc_rs::rand;
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

use super::{
    body::{ClientBody, ClientItem, ClientPage},
    model::{ClientEdit, ClientInput, NewSecret, SecretInput, scopes_fit},
    store::{self, ClientView, NewClient},
};
use crate::{
    app::State,
    audit::{self, AuditKind, Event},
    auth::{Admin, Caller, secrets::RANDOM_BYTES},
    db::Conn,
    http::{
        Answered, Changed, Created, Error, FaultCode, Found, FromParams, IfMatch, Json, NoQuery, Once, Page, Paging,
        Params, Patch, Position, Query, RequiredOnce,
    },
    ids::{ClientId, PrincipalId, SecretId},
    time::Timestamp,
};

/// Registers the routes.
pub fn configure(config: &mut ServiceConfig) {
    config
        .service(list_clients)
        .service(post_client)
        .service(get_client)
        .service(patch_client)
        .service(revoke_client)
        .service(post_secret)
        .service(revoke_secret);
}

/// The query of the list.
#[derive(Debug)]
pub struct ClientsQuery(Paging);

impl FromParams for ClientsQuery {
    fn from_params(params: &mut Params) -> Self {
        Self(Paging::from_params(params))
    }
}

/// A new random secret.
pub(crate) fn fresh_secret(expires_at: Timestamp) -> Result<NewSecret, Error> {
    let mut random = [0; RANDOM_BYTES];
    rand::fill(&mut random).map_err(|_| Error::internal("the system gives no randomness"))?;
    Ok(NewSecret::new(SecretId::from_uuid(Uuid::now_v7()), &random, expires_at))
}

/// What an admin's act on a client leaves in the security log.
fn event(kind: AuditKind, by: &Caller, subject: impl std::fmt::Display) -> Event {
    Event { kind, actor: Some(by.id), subject: format!("client:{subject}") }
}

/// List clients
///
/// In the order of their registration.
#[utoipa::path(
    tag = "clients",
    operation_id = "list_clients",
    params(
        ("limit" = Option<i32>, Query, description = "Items on a page; 20 when absent.", minimum = 1, maximum = 100,
            example = 20),
        ("cursor" = Option<String>, Query, description = "`next_cursor` of the page before.", max_length = 1000,
            pattern = "^[A-Za-z0-9_-]+$")
    ),
    responses((status = 200, description = "A page of clients.", body = ClientPage)),
    security(("admin" = []))
)]
#[get("/v1/clients")]
pub async fn list_clients(state: Data<State>, _: Admin, query: Query<ClientsQuery>) -> Result<Page<ClientPage>, Error> {
    let Query(ClientsQuery(paging)) = query;
    let after = paging.position(&state.cursors)?;
    let limit = paging.fetch();
    let rows = state.db.read_latest(move |conn| store::list(conn, after.as_ref(), limit)).await?;
    let slice = paging.page(rows, &state.cursors, |client| Position::by_number(0, *client.row.id.as_uuid()));
    Ok(ClientPage::answer(slice, ClientItem::from))
}

/// Register a client
///
/// For a program that calls the API for a provider or a university, or that shows to others what anyone may read. The
/// answer holds the client's first secret, which is shown this once; it expires after 365 days.
#[utoipa::path(
    tag = "clients",
    operation_id = "create_client",
    request_body(content = ClientInput, description = "The client.", content_type = "application/json",
        example = json!({
            "name": "Booking system of Himal Health",
            "role": "provider",
            "provider": "himal-health-placements",
            "scopes": ["provider"]
        })),
    responses((status = 201, description = "The new client with its secret.", body = ClientBody)),
    security(("admin" = []))
)]
#[post("/v1/clients")]
pub async fn post_client(
    state: Data<State>,
    Admin(caller): Admin,
    body: Json<ClientInput>,
    RequiredOnce(once): RequiredOnce,
    _: NoQuery,
) -> Result<Answered<Created<ClientBody>>, Error> {
    let input = body.valid()?;
    let now = state.now();
    let secret = fresh_secret(SecretInput { expires_in_days: None }.expires_at(now))?;
    let text = secret.text.clone();
    let id = ClientId::from_uuid(Uuid::now_v7());
    let new = NewClient { id, principal: PrincipalId::from_uuid(Uuid::now_v7()), input, secret };
    let key = state.audit_key();
    let work = move |conn: &mut Conn| {
        let view = store::create(conn, &new, now)?;
        audit::append(conn, &key, &event(AuditKind::ClientCreated, &caller, id), now)?;
        created(view, id, &text)
    };
    once.write(&state, &caller, work).await
}

/// Read a client
///
/// With its secrets' dates and last four characters.
#[utoipa::path(
    tag = "clients",
    operation_id = "get_client",
    params(("client" = ClientId, Path, description = "The client's id.",
        example = "0195f8a0-1c2d-7abc-8def-0123456789ab")),
    responses((status = 200, description = "The client.", body = ClientBody)),
    security(("admin" = []))
)]
#[get("/v1/clients/{client}")]
pub async fn get_client(
    state: Data<State>,
    _: Admin,
    client: Path<ClientId>,
    _: NoQuery,
) -> Result<Found<ClientBody>, Error> {
    let id = client.into_inner();
    let view = state.db.read_latest(move |conn| store::view(conn, id)).await?;
    let etag = view.etag();
    Ok(Found::versioned(ClientBody::new(view, None)?, etag))
}

/// Change a client
///
/// Its name and scopes, by a JSON merge patch. When it loses a scope, the tokens that it has are refused at once, and
/// it has to get new ones.
#[utoipa::path(
    tag = "clients",
    operation_id = "update_client",
    params(("client" = ClientId, Path, description = "The client's id.",
        example = "0195f8a0-1c2d-7abc-8def-0123456789ab")),
    request_body(content = ClientEdit, description = "What changes.", content_type = "application/merge-patch+json",
        example = json!({"scopes": ["provider:read"]})),
    responses((status = 200, description = "The client after the change.", body = ClientBody)),
    security(("admin" = []))
)]
#[patch("/v1/clients/{client}")]
pub async fn patch_client(
    state: Data<State>,
    Admin(caller): Admin,
    client: Path<ClientId>,
    if_match: IfMatch,
    body: Patch<ClientEdit, ClientEdit>,
    _: NoQuery,
) -> Result<Changed<ClientBody>, Error> {
    let id = client.into_inner();
    let found = state.db.read_latest(move |conn| store::view(conn, id)).await?;
    if_match.check(&found.etag())?;
    let current = found.client;
    let edit = body.apply(&current.edit()?)?;
    scopes_fit(current.role, &edit.scopes)
        .map_err(|_| Error::field("/scopes", FaultCode::NotAllowed, "Use scopes of the client's role."))?;
    if current.row.revoked_at.is_some() {
        return Err(Error::Conflict("The client has been revoked.".to_owned()));
    }
    let (now, key) = (state.now(), state.audit_key());
    let work = move |conn: &mut Conn| {
        let view = store::update(conn, &current, &edit, now)?;
        audit::append(conn, &key, &event(AuditKind::ClientChanged, &caller, id), now)?;
        changed(view)
    };
    state.db.write(work).await
}

/// Revoke a client
///
/// It gets no more tokens, and those that it has are refused from the next request on. This cannot be undone. Revoking
/// it again changes nothing.
#[utoipa::path(
    tag = "clients",
    operation_id = "revoke_client",
    params(("client" = ClientId, Path, description = "The client's id.",
        example = "0195f8a0-1c2d-7abc-8def-0123456789ab")),
    responses((status = 200, description = "The client as it is now.", body = ClientBody)),
    security(("admin" = []))
)]
#[post("/v1/clients/{client}/revocation")]
pub async fn revoke_client(
    state: Data<State>,
    Admin(caller): Admin,
    client: Path<ClientId>,
    once: Once,
    _: NoQuery,
) -> Result<Answered<Changed<ClientBody>>, Error> {
    let id = client.into_inner();
    let (now, key) = (state.now(), state.audit_key());
    let work = move |conn: &mut Conn| {
        let (view, revoked) = store::revoke(conn, id, now)?;
        if revoked {
            audit::append(conn, &key, &event(AuditKind::ClientRevoked, &caller, id), now)?;
        }
        changed(view)
    };
    once.write(&state, &caller, work).await
}

/// Make a secret
///
/// The answer is the client with the new secret, which is shown this once. A client has two secrets at the most that
/// hold: make the new one, give it to the program, and revoke the old one when its `last_used_at` no longer moves.
#[utoipa::path(
    tag = "clients",
    operation_id = "create_client_secret",
    params(("client" = ClientId, Path, description = "The client's id.",
        example = "0195f8a0-1c2d-7abc-8def-0123456789ab")),
    request_body(content = SecretInput, description = "The secret.", content_type = "application/json",
        example = json!({"expires_in_days": 365})),
    responses((status = 201, description = "The client with its new secret.", body = ClientBody)),
    security(("admin" = []))
)]
#[post("/v1/clients/{client}/secrets")]
pub async fn post_secret(
    state: Data<State>,
    Admin(caller): Admin,
    client: Path<ClientId>,
    body: Json<SecretInput>,
    RequiredOnce(once): RequiredOnce,
    _: NoQuery,
) -> Result<Answered<Created<ClientBody>>, Error> {
    let id = client.into_inner();
    state.db.read_latest(move |conn| store::find(conn, id)).await?.ok_or(Error::NotFound("client"))?;
    let now = state.now();
    let secret = fresh_secret(body.valid()?.expires_at(now))?;
    let (text, key) = (secret.text.clone(), state.audit_key());
    let work = move |conn: &mut Conn| {
        let view = store::add_secret(conn, id, &secret, now)?;
        let subject = format!("{id} secret:{}", secret.id);
        audit::append(conn, &key, &event(AuditKind::SecretCreated, &caller, subject), now)?;
        created(view, id, &text)
    };
    once.write(&state, &caller, work).await
}

fn created(view: ClientView, id: ClientId, secret: &str) -> Result<Created<ClientBody>, Error> {
    let etag = view.etag();
    Ok(Created { location: format!("/v1/clients/{id}"), etag, body: ClientBody::new(view, Some(secret.to_owned()))? })
}

fn changed(view: ClientView) -> Result<Changed<ClientBody>, Error> {
    let etag = view.etag();
    Ok(Changed { body: ClientBody::new(view, None)?, etag })
}

/// Revoke a secret
///
/// No more tokens are given for it. Those that were given hold until they expire, within 15 minutes; to end them at
/// once, revoke the client. Revoking a secret again changes nothing.
#[utoipa::path(
    tag = "clients",
    operation_id = "revoke_client_secret",
    params(
        ("client" = ClientId, Path, description = "The client's id.",
            example = "0195f8a0-1c2d-7abc-8def-0123456789ab"),
        ("id" = SecretId, Path, description = "The secret's id, as the client's `secrets` list it.",
            example = "0195f8a0-1c2d-7abc-8def-0123456789ac")
    ),
    responses((status = 200, description = "The client as it is now.", body = ClientBody)),
    security(("admin" = []))
)]
#[post("/v1/clients/{client}/secrets/{id}/revocation")]
pub async fn revoke_secret(
    state: Data<State>,
    Admin(caller): Admin,
    path: Path<(ClientId, SecretId)>,
    once: Once,
    _: NoQuery,
) -> Result<Answered<Changed<ClientBody>>, Error> {
    let (id, secret) = path.into_inner();
    let (now, key) = (state.now(), state.audit_key());
    let work = move |conn: &mut Conn| {
        let (view, revoked) = store::revoke_secret(conn, id, secret, now)?;
        if revoked {
            let subject = format!("{id} secret:{secret}");
            audit::append(conn, &key, &event(AuditKind::SecretRevoked, &caller, subject), now)?;
        }
        changed(view)
    };
    once.write(&state, &caller, work).await
}
