//! Handlers of the public record of decisions, of one decision, and of the grounds that decisions rest on.

use std::sync::LazyLock;

use actix_web::{
    get,
    web::{Data, Path},
};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;

use super::{
    body::{Decision, DecisionPage},
    store::{self, Filter, Read},
};
use crate::{
    app::State,
    auth::{Caller, MaybeCaller, Role},
    http::{Error, FaultCode, Found, FromParams, NoQuery, Page, Paging, Params, Query, Slice},
    ids::{DecisionId, ProgramId, ProviderId},
    moderation::SubjectKind,
    reference::{GroundInfo, grounds},
};

/// Registers the routes.
pub fn configure(config: &mut ServiceConfig) {
    config.service(list).service(list_own).service(read).service(list_grounds);
}

/// Every ground.
#[derive(Debug, Serialize, ToSchema)]
pub struct GroundList {
    /// The whole list.
    #[schema(max_items = 100)]
    pub data: Vec<GroundInfo>,
}

/// List the grounds of decisions
///
/// What decisions rest on, with the text that stands in every statement of reasons and its category. The whole list; it
/// has no pages.
#[utoipa::path(
    tag = "decisions",
    operation_id = "list_grounds",
    responses((status = 200, description = "Every ground.", body = GroundList)),
    security(())
)]
#[get("/v1/moderation/grounds")]
pub async fn list_grounds(_: NoQuery) -> Found<&'static GroundList> {
    static LIST: LazyLock<GroundList> = LazyLock::new(|| GroundList { data: grounds().to_vec() });
    Found::computed(&LIST)
}

/// Query parameters of the public record.
#[derive(Debug)]
pub struct RecordQuery {
    paging: Paging,
    filter: Filter,
}

impl FromParams for RecordQuery {
    fn from_params(params: &mut Params) -> Self {
        let action = params.bounded("action", 1..=40);
        if action.as_ref().is_some_and(|action| !action.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')) {
            params.fault("action", FaultCode::BadFormat, "A word in lower case, such as suspend.");
        }
        let filter = Filter {
            kind: params
                .parsed("subject_kind", "program, review, red_flag_report, assessment, triage_entry or appeal."),
            action,
            program: params.parsed::<ProgramId>("program", "A program's id."),
            provider: params.parsed::<ProviderId>("provider", "A provider's id."),
        };
        Self { paging: Paging::from_params(params), filter }
    }
}

/// List decisions
///
/// The public record of rulings by moderators, assessors and the automatic checks: newest month first, and within a month
/// in no order. A decision names what it is about only while that is public; by `program` and `provider` only decisions
/// are found that name it. Nobody is named: neither who decided nor whom it affects.
#[utoipa::path(
    tag = "decisions",
    operation_id = "list_decisions",
    params(
        ("subject_kind" = Option<SubjectKind>, Query, description = "Only decisions on this kind of thing.",
            nullable = false, example = "program"),
        ("action" = Option<String>, Query, description = "Only this action.", min_length = 1, max_length = 40,
            pattern = "^[a-z_]+$", nullable = false, example = "suspend"),
        ("program" = Option<ProgramId>, Query, description = "Only decisions that name the program with this id.",
            nullable = false, example = "0195f8a0-1c2d-7abc-8def-0123456789ab"),
        ("provider" = Option<ProviderId>, Query, description = "Only decisions that name a program of this provider.",
            nullable = false, example = "0195f8a0-1c2d-7abc-8def-0123456789ab"),
        ("limit" = Option<i32>, Query, description = "Items on a page; 20 when absent.", minimum = 1, maximum = 100,
            nullable = false, example = 20),
        ("cursor" = Option<String>, Query, description = "`next_cursor` of the page before.", min_length = 1,
            max_length = 1000, pattern = "^[A-Za-z0-9_-]+$", nullable = false),
    ),
    responses((status = 200, description = "A page of decisions.", body = DecisionPage)),
    security(())
)]
#[get("/v1/decisions")]
pub async fn list(state: Data<State>, query: Query<RecordQuery>) -> Result<Page<DecisionPage>, Error> {
    let Query(RecordQuery { paging, filter }) = query;
    let after = paging.position(&state.cursors)?;
    let fetch = paging.fetch();
    // Two filters at once, and what no longer names its program, are looked for along an index.
    let rows = state.db.scan(move |conn| store::record(conn, &filter, after.as_ref(), fetch)).await?;
    page(paging.page(rows, &state.cursors, store::position))
}

/// Query parameters of the list of what concerns the caller.
#[derive(Debug)]
pub struct OwnQuery(Paging);

impl FromParams for OwnQuery {
    fn from_params(params: &mut Params) -> Self {
        Self(Paging::from_params(params))
    }
}

/// List the decisions that concern oneself
///
/// For participants the rulings on their reviews and reports, for providers those against them; each with its statement
/// of reasons. Newest month first, and within a month in no order.
#[utoipa::path(
    tag = "decisions",
    operation_id = "list_own_decisions",
    params(
        ("limit" = Option<i32>, Query, description = "Items on a page; 20 when absent.", minimum = 1, maximum = 100,
            nullable = false, example = 20),
        ("cursor" = Option<String>, Query, description = "`next_cursor` of the page before.", min_length = 1,
            max_length = 1000, pattern = "^[A-Za-z0-9_-]+$", nullable = false),
    ),
    responses((status = 200, description = "A page of decisions.", body = DecisionPage)),
    security(("participant" = []), ("provider" = []))
)]
#[get("/v1/me/decisions")]
pub async fn list_own(state: Data<State>, caller: Caller, query: Query<OwnQuery>) -> Result<Page<DecisionPage>, Error> {
    if !matches!(caller.role, Role::Participant | Role::Provider) {
        let needed = "This operation needs a participant's or a provider's token.";
        return Err(Error::InsufficientScope(needed, "participant provider"));
    }
    let Query(OwnQuery(paging)) = query;
    let paging = paging.bound_to(caller.id);
    let after = paging.position(&state.cursors)?;
    let fetch = paging.fetch();
    let rows = state.db.read(move |conn| store::concerning(conn, &caller, after.as_ref(), fetch)).await?;
    page(paging.page(rows, &state.cursors, store::position))
}

fn page(Slice { rows, next_cursor, links }: Slice<Read>) -> Result<Page<DecisionPage>, Error> {
    let rows = rows.into_iter().map(Decision::new).collect::<Result<Vec<_>, _>>()?;
    Ok(DecisionPage::answer(Slice { rows, next_cursor, links }, |decision| decision))
}

/// Read a decision
///
/// Anyone reads what the public record has. Whoever is affected - the author of the review, the provider of the program,
/// who made the report - and moderators also read the reason, the facts, and how and until when to appeal.
#[utoipa::path(
    tag = "decisions",
    operation_id = "get_decision",
    params(("decision" = DecisionId, Path, description = "The decision's id.",
        example = "6b0c7f3e-52a4-4d1b-9c58-0f2d6c1b7a90")),
    responses((status = 200, description = "The decision.", body = Decision)),
    security((), ("bearer" = []))
)]
#[get("/v1/decisions/{decision}")]
pub async fn read(
    state: Data<State>,
    MaybeCaller(caller): MaybeCaller,
    decision: Path<DecisionId>,
    _: NoQuery,
) -> Result<Found<Decision>, Error> {
    let id = decision.into_inner();
    let read = state.db.read(move |conn| store::read(conn, id, caller.as_ref())).await?;
    Ok(Found::computed(Decision::new(read)?))
}
