//! Handlers of what the provider says before a report is found true, and of the listing that a report is about.

use actix_web::{
    get, post,
    web::{Data, Path},
};
use uuid::Uuid;

use super::{PagingQuery, full, pseudonyms};
use crate::{
    app::State,
    auth::{Caller, Moderator, OwnProvider},
    db::Conn,
    http::{Answered, Changed, Error, Found, Json, NoQuery, Once, Page, Query, Slice},
    ids::{DecisionId, ReportId},
    programs::store::{Key, find, listing_text},
    red_flags::{
        answer_store::{self, AskedRow, Question},
        answers::{AnswerRequestInput, AskedReport, AskedReportPage, ReportAnswerInput},
        body::RedFlagReport,
        listing_diff::{ListingDiff, differences},
        store,
    },
};

/// Ask the provider about a report
///
/// For moderators, once, while the report is in triage. The provider reads the kind of red flag, the training level,
/// the half-year and this summary, never the report; it has 14 days to answer, and until then the report cannot be
/// found true. It is not asked about harassment or abuse, where somebody is in danger now, or where the reporter wants
/// moderators only to know.
#[utoipa::path(
    tag = "red-flag-reports",
    operation_id = "ask_provider_about_red_flag_report",
    params(
        ("report" = ReportId, Path, description = "The report's id.",
            example = "6b0c7f3e-52a4-4d1b-9c58-0f2d6c1b7a90"),
    ),
    request_body(content = AnswerRequestInput, example = json!({
        "summary": "Participants are said to have had patients in their care at night, without a clinician on the ward."
    })),
    responses((status = 200, description = "The report as it is now.", body = RedFlagReport)),
    security(("moderator" = []))
)]
#[post("/v1/red-flag-reports/{report}/answer-request")]
pub async fn ask(
    state: Data<State>,
    caller: Moderator,
    report: Path<ReportId>,
    _: NoQuery,
    once: Once,
    body: Json<AnswerRequestInput>,
) -> Result<Answered<Changed<RedFlagReport>>, Error> {
    let id = report.into_inner();
    let moderator = caller.0;
    let row = state.db.read_latest(move |conn| store::find_to_rule(conn, id, &moderator)).await?;
    let input = body.valid()?;
    let faults = input.faults(&row.content()?.input.narrative);
    if !faults.is_empty() {
        return Err(Error::Invalid(faults));
    }
    let (now, decision) = (state.now(), DecisionId::from_uuid(Uuid::new_v4()));
    let (key, log) = (pseudonyms(&state), state.audit_key());
    let change = move |conn: &mut Conn| {
        let question = Question { summary: &input.summary, decision, now, audit: &log };
        let row = answer_store::ask(conn, &moderator, id, &question)?;
        full(conn, row, moderator.role, &key)
    };
    once.write(&state, &moderator, change).await
}

/// List the reports to answer
///
/// For providers: the reports about which they were asked, those with the latest end of the time to answer first.
/// Nothing in them leads to the reporter.
#[utoipa::path(
    tag = "red-flag-reports",
    operation_id = "list_asked_red_flag_reports",
    params(
        ("limit" = Option<i32>, Query, description = "Items on a page; 20 when absent.", minimum = 1, maximum = 100,
            nullable = false, example = 20),
        ("cursor" = Option<String>, Query, description = "`next_cursor` of the page before.", min_length = 1,
            max_length = 1000, pattern = "^[A-Za-z0-9_-]+$", nullable = false),
    ),
    responses((status = 200, description = "A page of reports.", body = AskedReportPage)),
    security(("provider" = []))
)]
#[get("/v1/providers/me/red-flag-reports")]
pub async fn list_asked(
    state: Data<State>,
    own: OwnProvider,
    query: Query<PagingQuery>,
) -> Result<Page<AskedReportPage>, Error> {
    let paging = query.0.0.bound_to(own.provider);
    let after = paging.position(&state.cursors)?;
    let fetch = paging.fetch();
    let today = state.now().day();
    let rows = state.db.read(move |conn| answer_store::of_provider(conn, own.provider, after.as_ref(), fetch)).await?;
    let Slice { rows, next_cursor, links } = paging.page(rows, &state.cursors, AskedRow::position);
    let rows = rows.into_iter().map(|row| AskedReport::new(row, today)).collect();
    Ok(AskedReportPage::answer(Slice { rows, next_cursor, links }, |report| report))
}

/// Answer a report
///
/// For the provider that was asked about it, once, within 14 days and before a moderator has ruled. The answer is
/// public beside the moderator's summary if the report is found true.
#[utoipa::path(
    tag = "red-flag-reports",
    operation_id = "answer_red_flag_report",
    params(
        ("report" = ReportId, Path, description = "The report's id.",
            example = "6b0c7f3e-52a4-4d1b-9c58-0f2d6c1b7a90"),
    ),
    request_body(content = ReportAnswerInput, example = json!({
        "text": "The night roster was short for two months. Since then a physician has been on the ward every night."
    })),
    responses((status = 200, description = "What the provider was asked, with its answer.", body = AskedReport)),
    security(("provider" = []))
)]
#[post("/v1/red-flag-reports/{report}/answer")]
pub async fn answer(
    state: Data<State>,
    own: OwnProvider,
    report: Path<ReportId>,
    _: NoQuery,
    once: Once,
    body: Json<ReportAnswerInput>,
) -> Result<Answered<Changed<AskedReport>>, Error> {
    let id = report.into_inner();
    state.db.read_latest(move |conn| answer_store::find_asked(conn, id, own.provider)).await?;
    let input = body.valid()?;
    let faults = input.faults();
    if !faults.is_empty() {
        return Err(Error::Invalid(faults));
    }
    let (now, decision) = (state.now(), DecisionId::from_uuid(Uuid::new_v4()));
    let change = move |conn: &mut Conn| {
        let row = answer_store::answer(conn, &own, id, &input.text, decision, now)?;
        // An answer is given once. The report's own version would tell what its reporter and moderators do.
        Ok(Changed { body: AskedReport::new(row, now.day()), etag: "\"a1\"".to_owned() })
    };
    once.write(&state, &own.caller, change).await
}

/// Compare a report's listing with today's
///
/// For its reporter and for moderators: every place in which the listing that the report was made against differs from
/// the present one.
#[utoipa::path(
    tag = "red-flag-reports",
    operation_id = "get_red_flag_report_listing_diff",
    params(
        ("report" = ReportId, Path, description = "The report's id.",
            example = "6b0c7f3e-52a4-4d1b-9c58-0f2d6c1b7a90"),
    ),
    responses((status = 200, description = "The differences.", body = ListingDiff)),
    security(("participant" = []), ("moderator" = []))
)]
#[get("/v1/red-flag-reports/{report}/listing-diff")]
pub async fn listing_diff(
    state: Data<State>,
    caller: Caller,
    report: Path<ReportId>,
    _: NoQuery,
) -> Result<Found<ListingDiff>, Error> {
    let id = report.into_inner();
    let diff = state.db.read(move |conn| compare(conn, &caller, id)).await?;
    Ok(Found::computed(diff))
}

fn compare(conn: &mut Conn, caller: &Caller, id: ReportId) -> Result<ListingDiff, Error> {
    let row = store::find_to_read(conn, caller, id)?;
    let program = find(conn, &Key::Id(row.program_id))?.ok_or(Error::NotFound("program"))?;
    let mut listing = |version: i32| {
        let (text, _) = listing_text(conn, row.program_id, version)?.ok_or(Error::NotFound("version"))?;
        serde_json::from_str(&text).map_err(Error::internal)
    };
    let (before, after) = (listing(row.listing_version)?, listing(program.listing_version)?);
    Ok(ListingDiff {
        report_id: row.id,
        program_id: row.program_id,
        before_version: row.listing_version,
        after_version: program.listing_version,
        differences: differences(&before, &after),
    })
}
