//! Lists of programs for those who work on them: a provider's own in every state, and what waits for a moderator.

use actix_web::{get, web::Data};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;

use super::{
    desk_store::{self, StateRow},
    model::ProgramStatus,
};
use crate::{
    app::State,
    auth::{Moderator, OwnProvider},
    http::{Error, FromParams, Page, Paging, Params, Query},
    ids::{ProgramId, ProviderId},
    page_type,
    time::Timestamp,
};

/// Registers the routes.
pub fn configure(config: &mut ServiceConfig) {
    config.service(list_my_programs).service(list_submitted_programs);
}

/// A program and its state.
#[derive(Debug, Serialize, ToSchema)]
pub struct ProgramState {
    /// Its id.
    pub id: ProgramId,
    /// Its readable name in URLs.
    #[schema(min_length = 3, max_length = 80, pattern = "^[a-z0-9]+(-[a-z0-9]+)*$", example = "observation-kathmandu")]
    pub slug: String,
    /// Its name.
    #[schema(max_length = 140, example = "Observation in internal medicine, Kathmandu")]
    pub title: String,
    /// Who runs it.
    pub provider_id: ProviderId,
    /// Its state.
    pub status: ProgramStatus,
    /// The moderator's reason for a rejection or suspension.
    #[schema(max_length = 2000)]
    pub status_reason: Option<String>,
    /// The number of the listing in force.
    #[schema(format = "int32", minimum = 1, maximum = 2_147_483_647, example = 1)]
    pub listing_version: i32,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

impl From<StateRow> for ProgramState {
    fn from(row: StateRow) -> Self {
        Self {
            id: row.id,
            slug: row.slug,
            title: row.title,
            provider_id: row.provider_id,
            status: row.status,
            status_reason: row.status_reason,
            listing_version: row.listing_version,
            updated_at: row.updated_at,
        }
    }
}

page_type! {
    /// A page of programs with their states.
    ProgramStatePage of ProgramState
}

/// Parameters of a provider's own list.
pub struct OwnProgramsQuery {
    status: Option<ProgramStatus>,
    paging: Paging,
}

impl FromParams for OwnProgramsQuery {
    fn from_params(params: &mut Params) -> Self {
        let paging = Paging::from_params(params);
        Self { status: params.parsed("status", "draft, submitted, listed, suspended or archived."), paging }
    }
}

/// Parameters of the moderators' list.
pub struct SubmittedQuery(Paging);

impl FromParams for SubmittedQuery {
    fn from_params(params: &mut Params) -> Self {
        Self(Paging::from_params(params))
    }
}

/// List my programs
///
/// For providers: their own programs in every state, in the order in which they were made.
#[utoipa::path(
    tag = "programs",
    operation_id = "list_my_programs",
    params(
        ("status" = Option<ProgramStatus>, Query, description = "Only programs in this state.", example = "draft"),
        ("limit" = Option<i32>, Query, description = "Programs on a page; 20 when absent.", minimum = 1, maximum = 100,
            example = 20),
        ("cursor" = Option<String>, Query, description = "`next_cursor` of the page before.", max_length = 1000,
            pattern = "^[A-Za-z0-9_-]+$")
    ),
    responses((status = 200, description = "A page of programs.", body = ProgramStatePage)),
    security(("provider" = []))
)]
#[get("/v1/me/programs")]
pub async fn list_my_programs(
    state: Data<State>,
    own: OwnProvider,
    Query(OwnProgramsQuery { status, paging }): Query<OwnProgramsQuery>,
) -> Result<Page<ProgramStatePage>, Error> {
    let paging = paging.bound_to(own.provider);
    let after = paging.position(&state.cursors)?;
    let limit = paging.fetch();
    let list = move |conn: &mut _| Ok(desk_store::of_provider(conn, own.provider, status, after.as_ref(), limit)?);
    let rows = state.db.read(list).await?;
    Ok(ProgramStatePage::answer(paging.page(rows, &state.cursors, StateRow::position), ProgramState::from))
}

/// List submitted programs
///
/// For moderators: programs that wait to be listed or rejected, in the order in which they were made.
#[utoipa::path(
    tag = "programs",
    operation_id = "list_submitted_programs",
    params(
        ("limit" = Option<i32>, Query, description = "Programs on a page; 20 when absent.", minimum = 1, maximum = 100,
            example = 20),
        ("cursor" = Option<String>, Query, description = "`next_cursor` of the page before.", max_length = 1000,
            pattern = "^[A-Za-z0-9_-]+$")
    ),
    responses((status = 200, description = "A page of programs.", body = ProgramStatePage)),
    security(("moderator" = []))
)]
#[get("/v1/submitted-programs")]
pub async fn list_submitted_programs(
    state: Data<State>,
    _moderator: Moderator,
    Query(SubmittedQuery(paging)): Query<SubmittedQuery>,
) -> Result<Page<ProgramStatePage>, Error> {
    let paging = paging.bound_to("moderators");
    let after = paging.position(&state.cursors)?;
    let limit = paging.fetch();
    let rows = state.db.read(move |conn| Ok(desk_store::submitted(conn, after.as_ref(), limit)?)).await?;
    Ok(ProgramStatePage::answer(paging.page(rows, &state.cursors, StateRow::position), ProgramState::from))
}
