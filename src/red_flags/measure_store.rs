//! Queries on `reporter_measures` and `report_rights`.

use diesel::{dsl::exists, prelude::*};

use super::{
    measures::{
        MeasureFacts, ReporterMeasure, ReporterMeasureAction, ReporterMeasureInput, ReportingSuspension, permit,
    },
    store::{ReportRow, lock, unconcerned},
};
use crate::{
    audit::AuditKey,
    auth::{Caller, principals},
    db::{
        Conn,
        schema::{decisions, report_rights, reporter_measures},
    },
    http::Error,
    ids::{DecisionId, PrincipalId, ReportId},
    moderation::{self, Act, SubjectKind},
    time::Timestamp,
};

/// Most measures on one report that are shown.
const SHOWN: i64 = 500;
/// Characters of a reason that a problem document holds beside the rest of its text.
const TOLD: usize = 350;

/// The suspension of somebody's right to report that holds at `now`.
pub fn suspension(conn: &mut Conn, id: PrincipalId, now: Timestamp) -> QueryResult<Option<ReportingSuspension>> {
    let found: Option<(Timestamp, String)> = report_rights::table
        .inner_join(decisions::table.on(decisions::id.eq(report_rights::decision_id)))
        .filter(report_rights::principal_id.eq(id))
        .filter(report_rights::suspended_until.gt(now))
        .select((report_rights::suspended_until, decisions::reason))
        .first(conn)
        .optional()?;
    Ok(found.map(|(until, reason)| ReportingSuspension { until, reason }))
}

/// Refuses a report or flag of somebody whose right is suspended. [`Error::Suspended`] says until when, and why.
pub fn check_may_report(conn: &mut Conn, id: PrincipalId, now: Timestamp) -> Result<(), Error> {
    let Some(ReportingSuspension { until, reason }) = suspension(conn, id, now)? else { return Ok(()) };
    let mut why: String = reason.chars().take(TOLD).collect();
    if why.len() < reason.len() {
        why.push('…');
    }
    Err(Error::Suspended(format!("Your right to report and to flag is suspended until {until}. {why}")))
}

/// What was done about the reporter because of a report, oldest first.
pub fn of_report(conn: &mut Conn, id: ReportId) -> QueryResult<Vec<ReporterMeasure>> {
    let rows: Vec<(ReporterMeasureAction, String, Timestamp, Timestamp)> = reporter_measures::table
        .inner_join(decisions::table.on(decisions::id.eq(reporter_measures::decision_id)))
        .filter(reporter_measures::report_id.eq(id))
        .order((reporter_measures::created_at, reporter_measures::decision_id))
        .limit(SHOWN)
        .select((
            reporter_measures::action,
            decisions::reason,
            reporter_measures::suspended_until,
            reporter_measures::created_at,
        ))
        .load(conn)?;
    let read = |(action, reason, until, created_at)| ReporterMeasure {
        action,
        reason,
        suspended_until: (action == ReporterMeasureAction::Suspend).then_some(until),
        created_at,
    };
    Ok(rows.into_iter().map(read).collect())
}

fn facts(conn: &mut Conn, row: &ReportRow, now: Timestamp) -> QueryResult<MeasureFacts> {
    use ReporterMeasureAction as A;

    let of_this = reporter_measures::table
        .filter(reporter_measures::report_id.eq(row.id))
        .filter(reporter_measures::action.eq_any([A::Warn, A::Suspend]));
    let measured = diesel::select(exists(of_this)).get_result(conn)?;
    let warned = reporter_measures::table
        .filter(reporter_measures::reporter_id.eq(row.reporter_id))
        .filter(reporter_measures::action.eq(A::Warn))
        .filter(reporter_measures::created_at.le(row.created_at))
        .filter(reporter_measures::report_id.ne(row.id));
    let warned_before = diesel::select(exists(warned)).get_result(conn)?;
    let by: Option<ReportId> = report_rights::table
        .inner_join(reporter_measures::table)
        .filter(report_rights::principal_id.eq(row.reporter_id))
        .filter(report_rights::suspended_until.gt(now))
        .select(reporter_measures::report_id)
        .first(conn)
        .optional()?;
    let (suspended, suspended_by_this) = (by.is_some(), by == Some(row.id));
    Ok(MeasureFacts { report: row.status, measured, warned_before, suspended, suspended_by_this })
}

/// Takes a measure about the reporter of a report, records it, and gives the report as it is now.
///
/// # Errors
/// [`Error::NotFound`] when there is no such report, [`Error::Forbidden`] as for a ruling on it, [`Error::Conflict`] where
/// [`permit`] refuses.
pub fn take(
    conn: &mut Conn,
    by: &Caller,
    id: ReportId,
    measure: &ReporterMeasureInput,
    record: DecisionId,
    now: Timestamp,
    audit: &AuditKey,
) -> Result<ReportRow, Error> {
    let row = lock(conn, id)?;
    let row = unconcerned(conn, row, by)?;
    // So that measures about several reports of one person come one after the other.
    principals::hold(conn, row.reporter_id)?;
    let facts = facts(conn, &row, now)?;
    permit(measure.action, facts).map_err(|why| Error::Conflict(why.to_owned()))?;
    let until = measure.until(now);
    diesel::insert_into(reporter_measures::table)
        .values((
            reporter_measures::decision_id.eq(record),
            reporter_measures::report_id.eq(id),
            reporter_measures::reporter_id.eq(row.reporter_id),
            reporter_measures::action.eq(measure.action),
            reporter_measures::suspended_until.eq(until.unwrap_or(Timestamp::EPOCH)),
            reporter_measures::created_at.eq(now),
        ))
        .execute(conn)?;
    if measure.action != ReporterMeasureAction::Warn {
        // One that has run out may still be there.
        forget(conn, row.reporter_id)?;
    }
    if let Some(until) = until {
        diesel::insert_into(report_rights::table)
            .values((
                report_rights::principal_id.eq(row.reporter_id),
                report_rights::suspended_until.eq(until),
                report_rights::decision_id.eq(record),
            ))
            .execute(conn)?;
    }
    let status = row.status.as_str();
    let act = Act {
        id: record,
        by: *by,
        action: measure.action.recorded(),
        from: status,
        to: status,
        reason: &measure.reason,
        at: now,
        audit: Some(audit),
    };
    moderation::store::record(conn, SubjectKind::RedFlagReport, id.as_uuid(), &act)?;
    Ok(row)
}

/// Forgets that somebody's right is suspended.
pub fn forget(conn: &mut Conn, id: PrincipalId) -> QueryResult<()> {
    diesel::delete(report_rights::table.find(id)).execute(conn).map(drop)
}
