//! Handlers of what moderators do with reports.

use actix_web::{
    get, post,
    web::{Data, Path},
};
use uuid::Uuid;

use super::{full, pseudonyms};
use crate::{
    app::State,
    auth::Moderator,
    db::Conn,
    http::{Answered, Changed, Error, FromParams, Json, NoQuery, Once, Page, Paging, Params, Query},
    ids::{DecisionId, ProgramId, ReportId},
    red_flags::{
        body::{RedFlagReport, RedFlagReportItem, RedFlagReportPage},
        list_store::{self, Filter},
        model::{ReportDecisionInput, ReportStatus},
        store,
    },
    reference::RedFlagKind,
};

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

/// Rule on a report
///
/// For moderators, never on a report of their own or about a provider that they are linked to. `substantiate` needs a
/// `public_summary` without anything that leads to the reporter, and may set the severity; from then on the report
/// counts in the program's verdict. `remediate` needs `proof` that the cause was removed. To end a critical report that
/// was found true, by `remediate` or `unsubstantiate`, takes two moderators: the first decision only stands in
/// `proposal`, the same by another one carries it out. Every ruling is kept with its reason.
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
    let (now, decision_id) = (state.now(), DecisionId::from_uuid(Uuid::new_v4()));
    let (key, log) = (pseudonyms(&state), state.audit_key());
    let change = move |conn: &mut Conn| {
        let row = store::decide(conn, &moderator, id, &decision, decision_id, now, &log)?;
        full(conn, row, moderator.role, &key)
    };
    once.write(&state, &moderator, change).await
}
