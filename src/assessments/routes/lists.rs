//! Handlers of lists of assessments and of their rulings.

use actix_web::{
    get,
    web::{Data, Path},
};
use utoipa_actix_web::service_config::ServiceConfig;

use crate::{
    app::State,
    assessments::{
        body::{AssessmentItem, AssessmentPage, RulingRevision, RulingRevisionPage},
        list_store::{self, ItemRow, RevisionRow},
        model::{AssessmentStatus, Reader},
        store,
    },
    auth::{Caller, MaybeCaller, Role},
    db::Conn,
    http::{Error, FromParams, Page, Paging, Params, Query, Slice},
    ids::AssessmentId,
    programs::{
        detail_store::may_read,
        store::{ProgramKey, find as find_program},
    },
};

/// Registers the routes.
pub fn configure(config: &mut ServiceConfig) {
    config.service(list_program_assessments).service(list_assessments).service(list_assessment_revisions);
}

/// Query parameters of lists that are only paged.
#[derive(Debug)]
pub struct PagingQuery(Paging);

impl FromParams for PagingQuery {
    fn from_params(params: &mut Params) -> Self {
        Self(Paging::from_params(params))
    }
}

/// Query parameters of the list for those who work on assessments.
#[derive(Debug)]
pub struct AssessmentsQuery {
    paging: Paging,
    status: Option<AssessmentStatus>,
}

impl FromParams for AssessmentsQuery {
    fn from_params(params: &mut Params) -> Self {
        let status = params.parsed("status", "A status of assessments, such as submitted.");
        Self { paging: Paging::from_params(params), status }
    }
}

fn check_staff(caller: &Caller) -> Result<(), Error> {
    match caller.role {
        Role::Admin | Role::Moderator | Role::Assessor => Ok(()),
        _ => Err(Error::InsufficientScope(
            "This operation needs an assessor's, a moderator's or an admin's token.",
            "assessor moderator admin",
        )),
    }
}

fn page(slice: Slice<ItemRow>) -> Result<Page<AssessmentPage>, Error> {
    let Slice { rows, next_cursor, links } = slice;
    let rows = rows.iter().map(AssessmentItem::of).collect::<Result<Vec<_>, _>>()?;
    Ok(AssessmentPage::answer(Slice { rows, next_cursor, links }, |item| item))
}

/// List the assessments of a program
///
/// The one in force and those that were before it, newest first. The program's provider also sees one that has been
/// handed in, which it may answer; assessors, moderators and admins see all of them.
#[utoipa::path(
    tag = "assessments",
    operation_id = "list_program_assessments",
    params(
        ("program" = String, Path, description = "The program's id or slug.", min_length = 3, max_length = 80,
            pattern = "^[a-z0-9]+(-[a-z0-9]+)*$", example = "nursing-observation-kathmandu"),
        ("limit" = Option<i32>, Query, description = "Items on a page; 20 when absent.", minimum = 1, maximum = 100,
            nullable = false, example = 20),
        ("cursor" = Option<String>, Query, description = "`next_cursor` of the page before.", min_length = 1,
            max_length = 1000, pattern = "^[A-Za-z0-9_-]+$", nullable = false),
    ),
    responses((status = 200, description = "A page of assessments.", body = AssessmentPage)),
    security((), ("bearer" = []))
)]
#[get("/v1/programs/{program}/assessments")]
pub async fn list_program_assessments(
    state: Data<State>,
    MaybeCaller(caller): MaybeCaller,
    program: Path<ProgramKey>,
    query: Query<PagingQuery>,
) -> Result<Page<AssessmentPage>, Error> {
    let key = program.into_inner();
    let found = state.db.read(move |conn| find_program(conn, &key)?.ok_or(Error::NotFound("program"))).await?;
    may_read(caller.as_ref(), &found)?;
    let reader = Reader::of(caller.as_ref(), found.provider_id);
    let paging = query.0.0.bound_to(reader.as_str());
    let after = paging.position(&state.cursors)?;
    let fetch = paging.fetch();
    let rows = state.db.read(move |conn| list_store::of_program(conn, found.id, reader, after.as_ref(), fetch)).await?;
    page(paging.page(rows, &state.cursors, ItemRow::position))
}

/// List assessments
///
/// For assessors, moderators and admins: all assessments, oldest first.
#[utoipa::path(
    tag = "assessments",
    operation_id = "list_assessments",
    params(
        ("status" = Option<AssessmentStatus>, Query, description = "Only assessments in this status.",
            nullable = false, example = "submitted"),
        ("limit" = Option<i32>, Query, description = "Items on a page; 20 when absent.", minimum = 1, maximum = 100,
            nullable = false, example = 20),
        ("cursor" = Option<String>, Query, description = "`next_cursor` of the page before.", min_length = 1,
            max_length = 1000, pattern = "^[A-Za-z0-9_-]+$", nullable = false),
    ),
    responses((status = 200, description = "A page of assessments.", body = AssessmentPage)),
    security(("admin" = []), ("moderator" = []), ("assessor" = []))
)]
#[get("/v1/assessments")]
pub async fn list_assessments(
    state: Data<State>,
    caller: Caller,
    query: Query<AssessmentsQuery>,
) -> Result<Page<AssessmentPage>, Error> {
    check_staff(&caller)?;
    let Query(AssessmentsQuery { paging, status }) = query;
    let after = paging.position(&state.cursors)?;
    let fetch = paging.fetch();
    let read = move |conn: &mut Conn| match status {
        Some(status) => list_store::by_status(conn, status, after.as_ref(), fetch),
        None => list_store::all(conn, after.as_ref(), fetch),
    };
    let rows = state.db.read(read).await?;
    page(paging.page(rows, &state.cursors, ItemRow::position))
}

/// List the rulings of an assessment as they were written
///
/// For assessors, moderators and admins: every ruling that was ever written in it, oldest first, the replaced ones too.
#[utoipa::path(
    tag = "assessments",
    operation_id = "list_assessment_revisions",
    params(
        ("assessment" = AssessmentId, Path, description = "The assessment's id.",
            example = "0195f8a0-1c2d-7abc-8def-0123456789ab"),
        ("limit" = Option<i32>, Query, description = "Items on a page; 20 when absent.", minimum = 1, maximum = 100,
            nullable = false, example = 20),
        ("cursor" = Option<String>, Query, description = "`next_cursor` of the page before.", min_length = 1,
            max_length = 1000, pattern = "^[A-Za-z0-9_-]+$", nullable = false),
    ),
    responses((status = 200, description = "A page of rulings.", body = RulingRevisionPage)),
    security(("admin" = []), ("moderator" = []), ("assessor" = []))
)]
#[get("/v1/assessments/{assessment}/revisions")]
pub async fn list_assessment_revisions(
    state: Data<State>,
    caller: Caller,
    assessment: Path<AssessmentId>,
    query: Query<PagingQuery>,
) -> Result<Page<RulingRevisionPage>, Error> {
    check_staff(&caller)?;
    let id = assessment.into_inner();
    let paging = query.0.0;
    let after = paging.position(&state.cursors)?;
    let fetch = paging.fetch();
    let read = move |conn: &mut Conn| {
        let row = store::find(conn, id)?.row;
        let rubric = store::rubric(conn, &row)?.facts(row.rubric_version);
        Ok((list_store::revisions(conn, id, after.as_ref(), fetch)?, rubric))
    };
    let (rows, rubric) = state.db.read(read).await?;
    let Slice { rows, next_cursor, links } = paging.page(rows, &state.cursors, RevisionRow::position);
    let rows = rows.iter().map(|row| RulingRevision::of(row, &rubric)).collect::<Result<Vec<_>, _>>()?;
    Ok(RulingRevisionPage::answer(Slice { rows, next_cursor, links }, |revision| revision))
}
