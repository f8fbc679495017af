//! The security log over HTTP.

use actix_web::{get, web::Data};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

use super::{
    AuditKind,
    store::{self, EventRow},
};
use crate::{
    app::State,
    auth::Admin,
    http::{Error, FromParams, Page, Paging, Params, Position, Query},
    ids::PrincipalId,
    page_type,
    time::Timestamp,
};

/// Registers the routes.
pub fn configure(config: &mut ServiceConfig) {
    config.service(list);
}

/// An entry of the security log.
#[derive(Debug, Serialize, ToSchema)]
pub struct AuditEvent {
    /// Its number; there are no gaps.
    #[schema(minimum = 1, format = "int64", example = 42)]
    pub seq: i64,
    /// When it happened.
    pub at: Timestamp,
    /// What happened.
    pub kind: AuditKind,
    /// Who did it; null when nobody is known, or may be known.
    pub actor: Option<PrincipalId>,
    /// What it was done to: a kind of thing and its id.
    #[schema(max_length = 200, example = "principal:0195f8a0-1c2d-7abc-8def-0123456789ab")]
    pub subject: String,
    /// The keyed hash of this entry and of all before it, in hexadecimal. A copy kept elsewhere shows later whether
    /// the log was cut off.
    #[schema(
        min_length = 64,
        max_length = 64,
        pattern = "^[0-9a-f]{64}$",
        example = "9b1c0f8a7e6d5c4b3a29181706f5e4d3c2b1a09f8e7d6c5b4a39281706f5e4d3"
    )]
    pub hash: String,
}

impl From<EventRow> for AuditEvent {
    fn from(row: EventRow) -> Self {
        let hash = store::hex(&row.hash);
        Self { seq: row.seq, at: row.at, kind: row.kind, actor: row.actor_id, subject: row.subject, hash }
    }
}

page_type! {
    /// A page of the security log.
    AuditEventPage of AuditEvent
}

/// The query of the list.
#[derive(Debug)]
pub struct EventsQuery(Paging);

impl FromParams for EventsQuery {
    fn from_params(params: &mut Params) -> Self {
        Self(Paging::from_params(params))
    }
}

/// Read the security log
///
/// For admins: sign-ins, refusals, revocations, removals and rulings, newest first. Nothing in it can be changed;
/// `preceptor audit verify` shows whether it was. What participants do with their own reviews and reports is not in it.
#[utoipa::path(
    tag = "audit",
    operation_id = "list_audit_events",
    params(
        ("limit" = Option<i32>, Query, description = "Items on a page; 20 when absent.", minimum = 1, maximum = 100,
            example = 20),
        ("cursor" = Option<String>, Query, description = "`next_cursor` of the page before.", max_length = 1000,
            pattern = "^[A-Za-z0-9_-]+$")
    ),
    responses((status = 200, description = "A page of the log.", body = AuditEventPage)),
    security(("admin" = []))
)]
#[get("/v1/audit-events")]
pub async fn list(
    state: Data<State>,
    _: Admin,
    Query(EventsQuery(paging)): Query<EventsQuery>,
) -> Result<Page<AuditEventPage>, Error> {
    let before = paging.position(&state.cursors)?.map(|position| position.number);
    let limit = paging.fetch();
    let rows = state.db.read(move |conn| Ok(store::newest(conn, before, limit)?)).await?;
    let slice = paging.page(rows, &state.cursors, |row| Position::by_number(row.seq, Uuid::nil()));
    Ok(AuditEventPage::answer(slice, AuditEvent::from))
}
