//! Handlers of red-flag reports.

use actix_web::{
    get, post,
    web::{Data, Path},
};
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

use super::{
    body::{PublicRedFlagReport, PublicRedFlagReportPage, RedFlagReport, RedFlagReportItem, RedFlagReportPage},
    list_store::{self, Filter},
    model::{InformationInput, RedFlagReportInput, ReportDecisionInput, ReportStatus},
    store::{self, NewReport, ReportRow},
};
use crate::{
    app::State,
    auth::{Caller, Moderator, Participant, Role},
    db::Conn,
    http::{
        Answered, Changed, Created, Error, Found, FromParams, Json, NoQuery, Once, Page, Paging, Params, PolicyName,
        Query, RequiredOnce, Seen, Slice, schema::semantic_faults,
    },
    ids::{DecisionId, ProgramId, ReportId},
    moderation::{self, SubjectKind},
    programs::store::{ProgramKey, find_public},
    reference::RedFlagKind,
    reviews::pseudonym::PseudonymKey,
};

/// Registers the routes.
pub fn configure(config: &mut ServiceConfig) {
    config
        .service(list_of_program)
        .service(create)
        .service(list)
        .service(list_own)
        .service(read)
        .service(withdraw)
        .service(inform)
        .service(decide);
}

/// Query parameters of lists that are only paged.
#[derive(Debug)]
pub struct PagingQuery(Paging);

impl FromParams for PagingQuery {
    fn from_params(params: &mut Params) -> Self {
        Self(Paging::from_params(params))
    }
}

/// Query parameters of the list for moderators.
#[derive(Debug)]
pub struct ReportsQuery {
    paging: Paging,
    filter: Filter,
}

impl FromParams for ReportsQuery {
    fn from_params(params: &mut Params) -> Self {
        let filter = Filter {
            status: params.parsed::<ReportStatus>("status", "A status of reports, such as submitted."),
            program: params.parsed::<ProgramId>("program", "A program's id."),
            kind: params.parsed::<RedFlagKind>("kind", "A kind; see /v1/reference/red-flag-kinds."),
            urgent: params.flag("urgent"),
        };
        Self { paging: Paging::from_params(params), filter }
    }
}

fn pseudonyms(state: &State) -> PseudonymKey {
    PseudonymKey::derive(state.auth.keys().secret())
}

/// The full answer, read in the transaction that read or changed `row`.
fn full(conn: &mut Conn, row: ReportRow, key: &PseudonymKey) -> Result<Changed<RedFlagReport>, Error> {
    let limit = RedFlagReport::MAX_HISTORY;
    let history = moderation::store::history(conn, SubjectKind::RedFlagReport, row.id.as_uuid(), limit)?;
    let reporter = key.reporter(row.reporter_id, row.program_id);
    let etag = row.etag();
    Ok(Changed { body: RedFlagReport::new(row, reporter, history)?, etag })
}

/// List the reports of a program
///
/// The reports that moderators found true, gravest first; those whose cause was removed are `remediated`. Each shows
/// a summary by a moderator, never the report's own text or who made it. Reports in any other status are not public.
#[utoipa::path(
    tag = "red-flag-reports",
    operation_id = "list_program_red_flag_reports",
    params(
        ("program" = String, Path, description = "The program's id or slug.", min_length = 3, max_length = 80,
            pattern = "^[a-z0-9]+(-[a-z0-9]+)*$", example = "nursing-observation-kathmandu"),
        ("limit" = Option<i32>, Query, description = "Items on a page; 20 when absent.", minimum = 1, maximum = 100,
            nullable = false, example = 20),
        ("cursor" = Option<String>, Query, description = "`next_cursor` of the page before.", min_length = 1,
            max_length = 1000, pattern = "^[A-Za-z0-9_-]+$", nullable = false),
    ),
    responses((status = 200, description = "A page of reports.", body = PublicRedFlagReportPage)),
    security(())
)]
#[get("/v1/programs/{program}/red-flag-reports")]
pub async fn list_of_program(
    state: Data<State>,
    program: Path<ProgramKey>,
    query: Query<PagingQuery>,
) -> Result<Page<PublicRedFlagReportPage>, Error> {
    let program = program.into_inner();
    let paging = query.0.0;
    let after = paging.position(&state.cursors)?;
    let fetch = paging.fetch();
    let rows = state
        .db
        .read(move |conn| {
            let program = find_public(conn, &program)?;
            list_store::found_true(conn, program.id, after.as_ref(), fetch)
        })
        .await?;
    let Slice { rows, next_cursor, links } = paging.page(rows, &state.cursors, list_store::public_position);
    let rows = rows.into_iter().map(PublicRedFlagReport::new).collect::<Result<Vec<_>, _>>()?;
    Ok(PublicRedFlagReportPage::answer(Slice { rows, next_cursor, links }, |report| report))
}

/// Report a red flag
///
/// For participants. The report is kept with the present version of the listing, and only its reporter and moderators
/// can read it. The verdict is unchanged until a moderator has found the report true; but if it tells of a critical kind
/// of red flag and its reporter is known to have taken part, the program shows the notice `under_review` until a
/// moderator has ruled. One person has one open report on one kind of red flag in one program.
#[utoipa::path(
    tag = "red-flag-reports",
    operation_id = "create_red_flag_report",
    params(
        ("program" = String, Path, description = "The program's id or slug.", min_length = 3, max_length = 80,
            pattern = "^[a-z0-9]+(-[a-z0-9]+)*$", example = "nursing-observation-kathmandu"),
    ),
    request_body(content = RedFlagReportInput, example = json!({
        "kind": "unsupervised_patient_contact",
        "training_level": "pre_health",
        "tasks": ["wound_care"],
        "happened": {"start_month": "2025-07", "end_month": "2025-07"},
        "narrative": "On two nights a week the two of us were the only people on the ward, without any clinician.",
        "evidence": [{"description": "Photo of the duty roster that names only the two of us"}],
        "confidentiality": "public_summary"
    })),
    responses((status = 201, description = "The report.", body = RedFlagReport)),
    security(("participant" = []))
)]
#[post("/v1/programs/{program}/red-flag-reports")]
pub async fn create(
    state: Data<State>,
    caller: Participant,
    program: Path<ProgramKey>,
    _: NoQuery,
    RequiredOnce(once): RequiredOnce,
    body: Json<RedFlagReportInput>,
) -> Result<Answered<Created<RedFlagReport>>, Error> {
    let (program, reporter, now) = (program.into_inner(), caller.0.id, state.now());
    let daily = state.limits.daily(PolicyName::Report);
    let mut once = once.begin(&state, &caller.0)?;
    let found = once.read(move |conn| {
        let left = daily.map(|daily| list_store::left_today(conn, reporter, daily, now)).transpose()?;
        Ok((find_public(conn, &program)?.id, left))
    });
    let (program, left) = match found.await? {
        Seen::New(found) => found,
        Seen::Answered(answer) => return Ok(answer),
    };
    once.within(left)?;
    let input = body.valid()?;
    input.check_period(now.day()).map_err(|errors| Error::Invalid(semantic_faults(&errors)))?;
    let new = NewReport { id: ReportId::from_uuid(Uuid::new_v4()), program, reporter, input };
    let key = pseudonyms(&state);
    let create = move |conn: &mut Conn| {
        list_store::check_quota(conn, reporter, daily, now)?;
        let row = store::create(conn, new.clone(), now)?;
        let Changed { body, etag } = full(conn, row, &key)?;
        Ok(Created { location: format!("/v1/red-flag-reports/{}", new.id), etag, body })
    };
    once.write(create).await
}

/// List reports
///
/// For moderators: all reports; first those that cannot wait, because somebody is in danger or because they tell of
/// harassment or abuse; each part oldest first, so that whoever works through them begins with the one that has waited
/// longest.
#[utoipa::path(
    tag = "red-flag-reports",
    operation_id = "list_red_flag_reports",
    params(
        ("status" = Option<ReportStatus>, Query, description = "Only reports in this status.", nullable = false,
            example = "submitted"),
        ("program" = Option<ProgramId>, Query, description = "Only reports about the program with this id.",
            nullable = false, example = "0195f8a0-1c2d-7abc-8def-0123456789ab"),
        ("kind" = Option<RedFlagKind>, Query, description = "Only reports of this kind.", nullable = false,
            example = "unsupervised_patient_contact"),
        ("urgent" = Option<bool>, Query, description = "Only reports that cannot wait, or only those that can.",
            nullable = false, example = true),
        ("limit" = Option<i32>, Query, description = "Items on a page; 20 when absent.", minimum = 1, maximum = 100,
            nullable = false, example = 20),
        ("cursor" = Option<String>, Query, description = "`next_cursor` of the page before.", min_length = 1,
            max_length = 1000, pattern = "^[A-Za-z0-9_-]+$", nullable = false),
    ),
    responses((status = 200, description = "A page of reports.", body = RedFlagReportPage)),
    security(("moderator" = []))
)]
#[get("/v1/red-flag-reports")]
pub async fn list(
    state: Data<State>,
    _: Moderator,
    query: Query<ReportsQuery>,
) -> Result<Page<RedFlagReportPage>, Error> {
    let Query(ReportsQuery { paging, filter }) = query;
    let after = paging.position(&state.cursors)?;
    let fetch = paging.fetch();
    // With another filter than the status, every report may be read.
    let rows = state.db.scan(move |conn| list_store::queue(conn, filter, after.as_ref(), fetch)).await?;
    let slice = paging.page(rows, &state.cursors, list_store::ReportItemRow::queue_position);
    Ok(RedFlagReportPage::answer(slice, RedFlagReportItem::from))
}

/// List own reports
///
/// For participants: the reports that the caller has made, newest first.
#[utoipa::path(
    tag = "red-flag-reports",
    operation_id = "list_own_red_flag_reports",
    params(
        ("limit" = Option<i32>, Query, description = "Items on a page; 20 when absent.", minimum = 1, maximum = 100,
            nullable = false, example = 20),
        ("cursor" = Option<String>, Query, description = "`next_cursor` of the page before.", min_length = 1,
            max_length = 1000, pattern = "^[A-Za-z0-9_-]+$", nullable = false),
    ),
    responses((status = 200, description = "A page of reports.", body = RedFlagReportPage)),
    security(("participant" = []))
)]
#[get("/v1/me/red-flag-reports")]
pub async fn list_own(
    state: Data<State>,
    caller: Participant,
    query: Query<PagingQuery>,
) -> Result<Page<RedFlagReportPage>, Error> {
    let reporter = caller.0.id;
    let paging = query.0.0.bound_to(reporter);
    let after = paging.position(&state.cursors)?;
    let fetch = paging.fetch();
    let rows = state.db.read(move |conn| list_store::of_reporter(conn, reporter, after.as_ref(), fetch)).await?;
    let slice = paging.page(rows, &state.cursors, list_store::ReportItemRow::position);
    Ok(RedFlagReportPage::answer(slice, RedFlagReportItem::from))
}

/// Read a report
///
/// For its reporter and for moderators. For everybody else there is no such report. Its reporter is named by a
/// pseudonym only.
#[utoipa::path(
    tag = "red-flag-reports",
    operation_id = "get_red_flag_report",
    params(
        ("report" = ReportId, Path, description = "The report's id.",
            example = "6b0c7f3e-52a4-4d1b-9c58-0f2d6c1b7a90"),
    ),
    responses((status = 200, description = "The report.", body = RedFlagReport)),
    security(("participant" = []), ("moderator" = []))
)]
#[get("/v1/red-flag-reports/{report}")]
pub async fn read(
    state: Data<State>,
    caller: Caller,
    report: Path<ReportId>,
    _: NoQuery,
) -> Result<Found<RedFlagReport>, Error> {
    let id = report.into_inner();
    let key = pseudonyms(&state);
    let Changed { body, etag } = state
        .db
        .read(move |conn| {
            let row = match caller.role {
                Role::Moderator => store::find(conn, id)?.ok_or(Error::NotFound("report"))?,
                _ => store::find_own(conn, id, caller.id)?,
            };
            full(conn, row, &key)
        })
        .await?;
    Ok(Found::versioned(body, etag))
}

/// Withdraw a report
///
/// For its reporter, as long as no moderator has ruled. A withdrawn report stays readable for moderators.
#[utoipa::path(
    tag = "red-flag-reports",
    operation_id = "withdraw_red_flag_report",
    params(
        ("report" = ReportId, Path, description = "The report's id.",
            example = "6b0c7f3e-52a4-4d1b-9c58-0f2d6c1b7a90"),
    ),
    responses((status = 200, description = "The report as it is now.", body = RedFlagReport)),
    security(("participant" = []))
)]
#[post("/v1/red-flag-reports/{report}/withdraw")]
pub async fn withdraw(
    state: Data<State>,
    caller: Participant,
    report: Path<ReportId>,
    _: NoQuery,
    once: Once,
) -> Result<Answered<Changed<RedFlagReport>>, Error> {
    let id = report.into_inner();
    let (now, decision) = (state.now(), DecisionId::from_uuid(Uuid::now_v7()));
    let key = pseudonyms(&state);
    let change = move |conn: &mut Conn| {
        let row = store::withdraw(conn, &caller.0, id, decision, now)?;
        full(conn, row, &key)
    };
    once.write(&state, &caller.0, change).await
}

/// Answer a moderator's question
///
/// For its reporter, while the report is in `needs_info`; the report goes back to `in_triage`. The answer is read by
/// moderators only, as the account itself.
#[utoipa::path(
    tag = "red-flag-reports",
    operation_id = "add_red_flag_report_information",
    params(
        ("report" = ReportId, Path, description = "The report's id.",
            example = "6b0c7f3e-52a4-4d1b-9c58-0f2d6c1b7a90"),
    ),
    request_body(content = InformationInput, example = json!({
        "text": "It happened on four nights. The supervisor was in the building on one of them."
    })),
    responses((status = 200, description = "The report as it is now.", body = RedFlagReport)),
    security(("participant" = []))
)]
#[post("/v1/red-flag-reports/{report}/information")]
pub async fn inform(
    state: Data<State>,
    caller: Participant,
    report: Path<ReportId>,
    _: NoQuery,
    once: Once,
    body: Json<InformationInput>,
) -> Result<Answered<Changed<RedFlagReport>>, Error> {
    let id = report.into_inner();
    let reporter = caller.0.id;
    state.db.read_latest(move |conn| store::find_own(conn, id, reporter)).await?;
    let input = body.valid()?;
    let (now, decision) = (state.now(), DecisionId::from_uuid(Uuid::now_v7()));
    let key = pseudonyms(&state);
    let change = move |conn: &mut Conn| {
        let row = store::inform(conn, &caller.0, id, &input, decision, now)?;
        full(conn, row, &key)
    };
    once.write(&state, &caller.0, change).await
}

/// Rule on a report
///
/// For moderators, never on a report of their own or about a provider that they are linked to. `substantiate` needs a `public_summary` without anything that leads
/// to the reporter, and may set the severity; from then on the report counts in the program's verdict. `remediate`
/// needs `proof` that the cause was removed. Every ruling is kept with its reason.
#[utoipa::path(
    tag = "red-flag-reports",
    operation_id = "decide_red_flag_report",
    params(
        ("report" = ReportId, Path, description = "The report's id.",
            example = "6b0c7f3e-52a4-4d1b-9c58-0f2d6c1b7a90"),
    ),
    request_body(content = ReportDecisionInput, example = json!({
        "action": "substantiate",
        "reason": "The duty roster and two accounts from different periods agree.",
        "severity": "critical",
        "public_summary": "Students were on a ward at night without any clinician, on more than one occasion."
    })),
    responses((status = 200, description = "The report as it is now.", body = RedFlagReport)),
    security(("moderator" = []))
)]
#[post("/v1/red-flag-reports/{report}/decisions")]
pub async fn decide(
    state: Data<State>,
    caller: Moderator,
    report: Path<ReportId>,
    _: NoQuery,
    once: Once,
    body: Json<ReportDecisionInput>,
) -> Result<Answered<Changed<RedFlagReport>>, Error> {
    let id = report.into_inner();
    let moderator = caller.0;
    state.db.read_latest(move |conn| store::find_to_rule(conn, id, &moderator)).await?;
    let decision = body.valid()?;
    let (now, decision_id) = (state.now(), DecisionId::from_uuid(Uuid::now_v7()));
    let (key, log) = (pseudonyms(&state), state.audit_key());
    let change = move |conn: &mut Conn| {
        let row = store::decide(conn, &moderator, id, &decision, decision_id, now, &log)?;
        full(conn, row, &key)
    };
    once.write(&state, &moderator, change).await
}
