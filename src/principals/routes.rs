//! Handlers of principals and conflicts of interest, all for admins.

use actix_web::{
    get, post,
    web::{Data, Path},
};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

use super::{
    model::{ConflictInput, RemovalInput, is_shown},
    store::{self, ConflictRow, PrincipalRow},
};
use crate::{
    app::State,
    auth::{Admin, Role},
    db::Conn,
    http::{
        Answered, Changed, Created, Error, FaultCode, Found, FromParams, Json, NoContent, NoQuery, Once, Page, Paging,
        Params, Position, Query,
    },
    ids::{ConflictId, PrincipalId, ProviderId, UniversityId},
    page_type,
    time::Timestamp,
};

/// Registers the routes.
pub fn configure(config: &mut ServiceConfig) {
    config
        .service(list)
        .service(read)
        .service(remove)
        .service(list_conflicts)
        .service(add_conflict)
        .service(read_conflict)
        .service(remove_conflict);
}

/// Someone or something that may act.
#[derive(Debug, Serialize, ToSchema)]
pub struct PrincipalBody {
    /// Its id: the `sub` of its tokens.
    pub id: PrincipalId,
    /// Its one role.
    pub role: Role,
    /// The provider that it acts for or is linked to.
    pub provider: Option<ProviderId>,
    /// The university that it acts for or is linked to.
    pub university: Option<UniversityId>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When all rights were taken from it; null while it may act.
    pub removed_at: Option<Timestamp>,
    /// Why.
    #[schema(max_length = 2000)]
    pub removal_reason: Option<String>,
}

impl From<PrincipalRow> for PrincipalBody {
    fn from(row: PrincipalRow) -> Self {
        Self {
            id: row.id,
            role: row.role,
            provider: row.provider_id,
            university: row.university_id,
            created_at: row.created_at,
            removed_at: row.disabled_at,
            removal_reason: row.disabled_reason,
        }
    }
}

page_type! {
    /// A page of principals.
    PrincipalPage of PrincipalBody
}

/// Removal is the only change that there is.
fn etag(row: &PrincipalRow) -> String {
    format!("\"p{}\"", row.disabled_at.map_or(0, Timestamp::as_micros))
}

/// A conflict of interest: a party that somebody is linked to and never rules on.
#[derive(Debug, Serialize, ToSchema)]
pub struct ConflictBody {
    /// Its id.
    pub id: ConflictId,
    /// Who is linked.
    pub principal: PrincipalId,
    /// To which provider.
    pub provider: Option<ProviderId>,
    /// To which university.
    pub university: Option<UniversityId>,
    /// When it was written down.
    pub created_at: Timestamp,
}

impl From<ConflictRow> for ConflictBody {
    fn from(row: ConflictRow) -> Self {
        Self {
            id: row.id,
            principal: row.principal_id,
            provider: row.provider_id,
            university: row.university_id,
            created_at: row.created_at,
        }
    }
}

page_type! {
    /// A page of conflicts of interest.
    ConflictPage of ConflictBody
}

/// A conflict is never changed.
const CONFLICT_TAG: &str = "\"c1\"";

/// The query of the list of principals.
#[derive(Debug)]
pub struct PrincipalsQuery {
    role: Option<Role>,
    paging: Paging,
}

impl FromParams for PrincipalsQuery {
    fn from_params(params: &mut Params) -> Self {
        let sent = params.text("role");
        let role = sent.as_deref().and_then(|text| text.parse().ok()).filter(|role| is_shown(*role));
        match (&sent, role) {
            (None, _) => params.fault("role", FaultCode::Required, "Which role's principals to list."),
            (Some(_), None) => {
                params.fault("role", FaultCode::NotAllowed, "A role other than participant: those are not listed.");
            }
            _ => {}
        }
        Self { role, paging: Paging::from_params(params) }
    }
}

/// The query of lists that are only paged.
#[derive(Debug)]
pub struct PagingQuery(Paging);

impl FromParams for PagingQuery {
    fn from_params(params: &mut Params) -> Self {
        Self(Paging::from_params(params))
    }
}

/// List principals
///
/// For admins: those of one role, oldest first, removed ones included. Participants are not listed.
#[utoipa::path(
    tag = "principals",
    operation_id = "list_principals",
    params(
        ("role" = Role, Query, description = "The role; any but `participant`.", example = "moderator"),
        ("limit" = Option<i32>, Query, description = "Items on a page; 20 when absent.", minimum = 1, maximum = 100,
            example = 20),
        ("cursor" = Option<String>, Query, description = "`next_cursor` of the page before.", max_length = 1000,
            pattern = "^[A-Za-z0-9_-]+$")
    ),
    responses((status = 200, description = "A page of principals.", body = PrincipalPage)),
    security(("admin" = []))
)]
#[get("/v1/principals")]
pub async fn list(
    state: Data<State>,
    _: Admin,
    Query(PrincipalsQuery { role, paging }): Query<PrincipalsQuery>,
) -> Result<Page<PrincipalPage>, Error> {
    let role = role.ok_or_else(|| Error::internal("a query without a role passed its check"))?;
    let after = paging.position(&state.cursors)?.map(|position| PrincipalId::from_uuid(position.id));
    let limit = paging.fetch();
    let rows = state.db.read_latest(move |conn| Ok(store::list(conn, role, after, limit)?)).await?;
    let slice = paging.page(rows, &state.cursors, |row| Position::by_number(0, *row.id.as_uuid()));
    Ok(PrincipalPage::answer(slice, PrincipalBody::from))
}

/// Read a principal
///
/// For admins. Participants are not shown: for this operation they do not exist.
#[utoipa::path(
    tag = "principals",
    operation_id = "get_principal",
    params(("principal" = PrincipalId, Path, description = "Id of the principal.",
        example = "0195f8a0-1c2d-7abc-8def-0123456789ab")),
    responses((status = 200, description = "The principal.", body = PrincipalBody)),
    security(("admin" = []))
)]
#[get("/v1/principals/{principal}")]
pub async fn read(
    state: Data<State>,
    _: Admin,
    principal: Path<PrincipalId>,
    _: NoQuery,
) -> Result<Found<PrincipalBody>, Error> {
    let id = principal.into_inner();
    let row = state.db.read_latest(move |conn| store::find(conn, id)).await?;
    let etag = etag(&row);
    Ok(Found::versioned(row.into(), etag))
}

/// Remove a principal
///
/// For admins. It loses all rights with the next request, whatever tokens it holds, and its sessions end; that is final.
/// The last active admin cannot be removed. Not for participants: they erase themselves.
#[utoipa::path(
    tag = "principals",
    operation_id = "remove_principal",
    params(("principal" = PrincipalId, Path, description = "Id of the principal.",
        example = "0195f8a0-1c2d-7abc-8def-0123456789ab")),
    request_body(content = RemovalInput, description = "The reason.", example = json!({
        "reason": "She has left the team of moderators."
    })),
    responses((status = 200, description = "The principal as it is now.", body = PrincipalBody)),
    security(("admin" = []))
)]
#[post("/v1/principals/{principal}/removal")]
pub async fn remove(
    state: Data<State>,
    admin: Admin,
    principal: Path<PrincipalId>,
    _: NoQuery,
    once: Once,
    body: Json<RemovalInput>,
) -> Result<Answered<Changed<PrincipalBody>>, Error> {
    let (id, by) = (principal.into_inner(), admin.0.id);
    state.db.read_latest(move |conn| store::find_any(conn, id)).await?;
    let RemovalInput { reason } = body.valid()?;
    let (now, key) = (state.now(), state.audit_key());
    let removal = move |conn: &mut Conn| {
        let row = store::remove(conn, id, Some(by), &reason, &key, now)?;
        let etag = etag(&row);
        Ok(Changed { body: row.into(), etag })
    };
    once.write(&state, &admin.0, removal).await
}

/// List conflicts of interest
///
/// For admins: the providers and universities that a moderator or assessor is linked to, oldest first.
#[utoipa::path(
    tag = "principals",
    operation_id = "list_conflicts",
    params(
        ("principal" = PrincipalId, Path, description = "Id of the principal.",
            example = "0195f8a0-1c2d-7abc-8def-0123456789ab"),
        ("limit" = Option<i32>, Query, description = "Items on a page; 20 when absent.", minimum = 1, maximum = 100,
            example = 20),
        ("cursor" = Option<String>, Query, description = "`next_cursor` of the page before.", max_length = 1000,
            pattern = "^[A-Za-z0-9_-]+$")
    ),
    responses((status = 200, description = "A page of conflicts.", body = ConflictPage)),
    security(("admin" = []))
)]
#[get("/v1/principals/{principal}/conflicts")]
pub async fn list_conflicts(
    state: Data<State>,
    _: Admin,
    principal: Path<PrincipalId>,
    Query(PagingQuery(paging)): Query<PagingQuery>,
) -> Result<Page<ConflictPage>, Error> {
    let id = principal.into_inner();
    let after = paging.position(&state.cursors)?.map(|position| ConflictId::from_uuid(position.id));
    let limit = paging.fetch();
    let rows = state.db.read_latest(move |conn| store::conflicts(conn, id, after, limit)).await?;
    let slice = paging.page(rows, &state.cursors, |row| Position::by_number(0, *row.id.as_uuid()));
    Ok(ConflictPage::answer(slice, ConflictBody::from))
}

/// Write down a conflict of interest
///
/// For admins. From then on the moderator or assessor is refused every ruling on the provider's programs, on their
/// reviews and on the reports about them.
#[utoipa::path(
    tag = "principals",
    operation_id = "add_conflict",
    params(("principal" = PrincipalId, Path, description = "Id of a moderator or assessor.",
        example = "0195f8a0-1c2d-7abc-8def-0123456789ab")),
    request_body(content = ConflictInput, description = "The provider or the university.", example = json!({
        "provider": "0195f8a0-1c2d-7abc-8def-0123456789ab"
    })),
    responses((status = 201, description = "The conflict.", body = ConflictBody)),
    security(("admin" = []))
)]
#[post("/v1/principals/{principal}/conflicts")]
pub async fn add_conflict(
    state: Data<State>,
    admin: Admin,
    principal: Path<PrincipalId>,
    _: NoQuery,
    once: Once,
    body: Json<ConflictInput>,
) -> Result<Answered<Created<ConflictBody>>, Error> {
    let (principal, by) = (principal.into_inner(), admin.0.id);
    state.db.read_latest(move |conn| store::find(conn, principal)).await?;
    let input = body.valid()?;
    let (now, key, id) = (state.now(), state.audit_key(), ConflictId::from_uuid(Uuid::now_v7()));
    let add = move |conn: &mut Conn| {
        let row = store::add_conflict(conn, principal, input, id, by, &key, now)?;
        let location = format!("/v1/principals/{principal}/conflicts/{id}");
        Ok(Created { location, etag: CONFLICT_TAG.to_owned(), body: row.into() })
    };
    once.write(&state, &admin.0, add).await
}

/// Read a conflict of interest
///
/// For admins.
#[utoipa::path(
    tag = "principals",
    operation_id = "get_conflict",
    params(
        ("principal" = PrincipalId, Path, description = "Id of the principal.",
            example = "0195f8a0-1c2d-7abc-8def-0123456789ab"),
        ("conflict" = ConflictId, Path, description = "Id of the conflict.",
            example = "0195f8a0-2b3c-7abc-8def-0123456789ab")
    ),
    responses((status = 200, description = "The conflict.", body = ConflictBody)),
    security(("admin" = []))
)]
#[get("/v1/principals/{principal}/conflicts/{conflict}")]
pub async fn read_conflict(
    state: Data<State>,
    _: Admin,
    path: Path<(PrincipalId, ConflictId)>,
    _: NoQuery,
) -> Result<Found<ConflictBody>, Error> {
    let (principal, id) = path.into_inner();
    let row = state.db.read_latest(move |conn| store::conflict(conn, principal, id)).await?;
    Ok(Found::versioned(row.into(), CONFLICT_TAG.to_owned()))
}

/// Take back a conflict of interest
///
/// For admins, when the link has ended or never was. The security log keeps both acts.
#[utoipa::path(
    tag = "principals",
    operation_id = "remove_conflict",
    params(
        ("principal" = PrincipalId, Path, description = "Id of the principal.",
            example = "0195f8a0-1c2d-7abc-8def-0123456789ab"),
        ("conflict" = ConflictId, Path, description = "Id of the conflict.",
            example = "0195f8a0-2b3c-7abc-8def-0123456789ab")
    ),
    responses((status = 204, description = "It no longer holds.")),
    security(("admin" = []))
)]
#[post("/v1/principals/{principal}/conflicts/{conflict}/removal")]
pub async fn remove_conflict(
    state: Data<State>,
    admin: Admin,
    path: Path<(PrincipalId, ConflictId)>,
    _: NoQuery,
    once: Once,
) -> Result<Answered<NoContent>, Error> {
    let ((principal, id), by) = (path.into_inner(), admin.0.id);
    let (now, key) = (state.now(), state.audit_key());
    let removal = move |conn: &mut Conn| {
        store::remove_conflict(conn, principal, id, by, &key, now)?;
        Ok(NoContent)
    };
    once.write(&state, &admin.0, removal).await
}
