//! The handler of measures about reporters.

use actix_web::{
    post,
    web::{Data, Path},
};
use uuid::Uuid;

use super::{full, pseudonyms};
use crate::{
    app::State,
    auth::Moderator,
    db::Conn,
    http::{Answered, Changed, Error, Json, NoQuery, Once},
    ids::{DecisionId, ReportId},
    red_flags::{body::RedFlagReport, measure_store, measures::ReporterMeasureInput, store},
};

/// Take a measure about a reporter
///
/// For moderators, about the reporter of a report that is `unsubstantiated`, whose name they never learn; not about a
/// provider that they are linked to. `warn` comes first. `suspend` takes the right to report and to flag away for a number
/// of days; it needs a warning about an earlier report, after which this one was made. `restore` ends the suspension that
/// this report led to before its time. The reporter reads each measure and its reason.
#[utoipa::path(
    tag = "red-flag-reports",
    operation_id = "take_reporter_measure",
    params(
        ("report" = ReportId, Path, description = "The report's id.",
            example = "6b0c7f3e-52a4-4d1b-9c58-0f2d6c1b7a90"),
    ),
    request_body(content = ReporterMeasureInput, example = json!({
        "action": "suspend", "days": 30,
        "reason": "This is the second account of a ward that the hospital does not have."
    })),
    responses((status = 200, description = "The report as it is now.", body = RedFlagReport)),
    security(("moderator" = []))
)]
#[post("/v1/red-flag-reports/{report}/reporter-measures")]
pub async fn take(
    state: Data<State>,
    caller: Moderator,
    report: Path<ReportId>,
    _: NoQuery,
    once: Once,
    body: Json<ReporterMeasureInput>,
) -> Result<Answered<Changed<RedFlagReport>>, Error> {
    let (id, moderator) = (report.into_inner(), caller.0);
    state.db.read_latest(move |conn| store::find_to_rule(conn, id, &moderator)).await?;
    let measure = body.valid()?;
    let (now, record) = (state.now(), DecisionId::from_uuid(Uuid::new_v4()));
    let (key, log) = (pseudonyms(&state), state.audit_key());
    let change = move |conn: &mut Conn| {
        let row = measure_store::take(conn, &moderator, id, &measure, record, now, &log)?;
        full(conn, row, moderator.role, &key)
    };
    once.write(&state, &moderator, change).await
}
