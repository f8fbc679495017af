//! Handlers of red-flag reports.

mod answers;
mod measures;
mod moderation;

use actix_web::{
    get, post,
    web::{Data, Path},
};
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

use super::{
    answer_store,
    answers::ProviderAnswer,
    body::{Around, PublicRedFlagReport, PublicRedFlagReportPage, RedFlagReport, RedFlagReportItem, RedFlagReportPage},
    group_store::{self, Beside},
    list_store, measure_store,
    model::{InformationInput, RedFlagReportInput},
    store::{self, NewReport, ReportRow},
};
use crate::{
    app::State,
    auth::{Caller, Participant, Role},
    db::Conn,
    http::{
        Answered, Changed, Created, Error, Found, FromParams, Json, NoQuery, Once, Page, Paging, Params, PolicyName,
        Query, RequiredOnce, Seen, Slice, schema::semantic_faults,
    },
    ids::{DecisionId, ReportId},
    moderation::{self as record, proposal_store},
    programs::store::{ProgramKey, find_public},
    reviews::pseudonym::PseudonymKey,
};

/// Registers the routes.
pub fn configure(config: &mut ServiceConfig) {
    config
        .service(list_of_program)
        .service(create)
        .service(moderation::list)
        .service(list_own)
        .service(read)
        .service(withdraw)
        .service(inform)
        .service(moderation::decide)
        .service(answers::ask)
        .service(answers::list_asked)
        .service(answers::answer)
        .service(answers::listing_diff)
        .service(measures::take);
}

/// Query parameters of lists that are only paged.
#[derive(Debug)]
pub struct PagingQuery(Paging);

impl FromParams for PagingQuery {
    fn from_params(params: &mut Params) -> Self {
        Self(Paging::from_params(params))
    }
}

fn pseudonyms(state: &State) -> PseudonymKey {
    PseudonymKey::derive(state.auth.keys().secret())
}

/// The full answer for a role, read in the transaction that read or changed `row`.
fn full(conn: &mut Conn, row: ReportRow, role: Role, key: &PseudonymKey) -> Result<Changed<RedFlagReport>, Error> {
    let limit = RedFlagReport::MAX_HISTORY;
    let history = record::store::history(conn, record::SubjectKind::RedFlagReport, row.id.as_uuid(), limit)?;
    let answer = answer_store::of_report(conn, row.id)?;
    let (mut group, mut proposal) = (None, None);
    if role == Role::Moderator {
        group = Some(group_store::group(conn, row.program_id, row.kind)?);
        let kind = record::SubjectKind::RedFlagReport;
        proposal = proposal_store::find(conn, kind, row.id.as_uuid(), row.version)?;
    }
    let etag = match group {
        // The group changes with other reports than this one.
        Some(group) => {
            let counted = [group.reports, group.people, group.periods, group.verified];
            let [reports, people, periods, verified] = counted;
            format!("\"r{}-{reports}-{people}-{periods}-{verified}\"", row.version)
        }
        None => row.etag(),
    };
    let reporter = key.reporter(row.reporter_id, row.program_id);
    let measures = measure_store::of_report(conn, row.id)?;
    let provider_answer = answer.map(ProviderAnswer::from);
    let around = Around { reporter, history, group, provider_answer, proposal, measures };
    Ok(Changed { body: RedFlagReport::new(row, around)?, etag })
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
            let rows = list_store::found_true(conn, program.id, after.as_ref(), fetch)?;
            let beside = group_store::beside(conn, program.id, &rows)?;
            Ok(rows.into_iter().zip(beside).collect())
        })
        .await?;
    let position = |(row, _): &(ReportRow, Beside)| list_store::public_position(row);
    let Slice { rows, next_cursor, links } = paging.page(rows, &state.cursors, position);
    let public = |(row, beside)| PublicRedFlagReport::new(row, beside);
    let rows = rows.into_iter().map(public).collect::<Result<Vec<_>, _>>()?;
    Ok(PublicRedFlagReportPage::answer(Slice { rows, next_cursor, links }, |report| report))
}

/// Report a red flag
///
/// For participants. The report is kept with the present version of the listing, and only its reporter and moderators
/// can read it. The verdict is unchanged until a moderator has found the report true; but if it tells of a critical
/// kind of red flag and its reporter is known to have taken part, the program shows the notice `under_review` until a
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
        measure_store::check_may_report(conn, reporter, now)?;
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
        let Changed { body, etag } = full(conn, row, Role::Participant, &key)?;
        Ok(Created { location: format!("/v1/red-flag-reports/{}", new.id), etag, body })
    };
    once.write(create).await
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
            let row = store::find_to_read(conn, &caller, id)?;
            full(conn, row, caller.role, &key)
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
    let (now, decision) = (state.now(), DecisionId::from_uuid(Uuid::new_v4()));
    let key = pseudonyms(&state);
    let change = move |conn: &mut Conn| {
        let row = store::withdraw(conn, &caller.0, id, decision, now)?;
        full(conn, row, Role::Participant, &key)
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
    let (now, decision) = (state.now(), DecisionId::from_uuid(Uuid::new_v4()));
    let key = pseudonyms(&state);
    let change = move |conn: &mut Conn| {
        let row = store::inform(conn, &caller.0, id, &input, decision, now)?;
        full(conn, row, Role::Participant, &key)
    };
    once.write(&state, &caller.0, change).await
}
