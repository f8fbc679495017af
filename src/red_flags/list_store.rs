//! Queries for the lists of red-flag reports.

use diesel::{dsl::case_when, prelude::*, sql_types::Integer};
use uuid::Uuid;

use super::{
    model::{Confidentiality, ReportStatus},
    store::ReportRow,
};
use crate::{
    auth::principals,
    db::{Conn, schema::red_flag_reports},
    http::{Daily, Error, Position, Reading},
    ids::{PrincipalId, ProgramId, ReportId},
    reference::{RedFlagKind, Severity, TrainingLevel},
    reviews::model::Verification,
    time::{HalfYear, Timestamp},
};

/// The columns that lists for reporters and moderators show.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = red_flag_reports)]
#[expect(missing_docs, reason = "the columns are described in schema.rs and the migrations")]
pub struct ReportItemRow {
    pub id: ReportId,
    pub program_id: ProgramId,
    pub kind: RedFlagKind,
    pub status: ReportStatus,
    pub severity: Severity,
    pub training_level: TrainingLevel,
    pub confidentiality: Confidentiality,
    pub listing_version: i32,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    pub verification: Verification,
    pub queue_key: i64,
    pub half_year: Option<HalfYear>,
}

impl ReportItemRow {
    /// Where this row stands in the list for moderators.
    #[must_use]
    pub fn queue_position(&self) -> Position {
        Position::by_number(self.queue_key, *self.id.as_uuid())
    }

    /// Where this row stands in a list sorted by when the report was made.
    #[must_use]
    pub fn position(&self) -> Position {
        Position::by_number(self.created_at.as_micros(), *self.id.as_uuid())
    }
}

/// What the list for moderators is narrowed by.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Filter {
    /// Only reports in this status.
    pub status: Option<ReportStatus>,
    /// Only reports about this program.
    pub program: Option<ProgramId>,
    /// Only reports of this kind.
    pub kind: Option<RedFlagKind>,
    /// Only reports that cannot wait, or only those that can.
    pub urgent: Option<bool>,
}

/// What is left of the reporter's daily quota once one more report is made.
pub fn left_today(conn: &mut Conn, reporter: PrincipalId, daily: Daily, now: Timestamp) -> QueryResult<Reading> {
    let made: Vec<Timestamp> = red_flag_reports::table
        .filter(red_flag_reports::reporter_id.eq(reporter))
        .filter(red_flag_reports::created_at.gt(daily.since(now)))
        .order(red_flag_reports::created_at.desc())
        .limit(daily.quota())
        .select(red_flag_reports::created_at)
        .load(conn)?;
    Ok(daily.after_one_more(&made, now))
}

/// Refuses one more when the daily quota is used up. The reporter is held until the commit, so that nobody makes two at
/// a time.
pub fn check_quota(conn: &mut Conn, reporter: PrincipalId, daily: Option<Daily>, now: Timestamp) -> Result<(), Error> {
    let Some(daily) = daily else { return Ok(()) };
    principals::hold(conn, reporter)?;
    left_today(conn, reporter, daily, now)?.check()
}

fn report_id(id: Uuid) -> ReportId {
    ReportId::from_uuid(id)
}

/// A cursor's number as the moment that it was made from.
fn moment(position: &Position) -> Result<Timestamp, Error> {
    Timestamp::from_micros(position.number).ok_or(Error::Cursor)
}

/// Reports for moderators, those that cannot wait first, then oldest first, from behind `after`.
pub fn queue(
    conn: &mut Conn,
    filter: Filter,
    after: Option<&Position>,
    limit: i64,
) -> Result<Vec<ReportItemRow>, Error> {
    let mut query = red_flag_reports::table.select(ReportItemRow::as_select()).into_boxed();
    if let Some(status) = filter.status {
        query = query.filter(red_flag_reports::status.eq(status));
    }
    if let Some(program) = filter.program {
        query = query.filter(red_flag_reports::program_id.eq(program));
    }
    if let Some(kind) = filter.kind {
        query = query.filter(red_flag_reports::kind.eq(kind));
    }
    match filter.urgent {
        Some(true) => query = query.filter(red_flag_reports::queue_key.lt(0)),
        Some(false) => query = query.filter(red_flag_reports::queue_key.ge(0)),
        None => {}
    }
    if let Some(position) = after {
        let last = position.number;
        query = query
            .filter(red_flag_reports::queue_key.ge(last))
            .filter(red_flag_reports::queue_key.gt(last).or(red_flag_reports::id.gt(report_id(position.id))));
    }
    let query = query.order((red_flag_reports::queue_key, red_flag_reports::id)).limit(limit);
    Ok(query.load(conn)?)
}

/// The reports of one person, newest first, from behind `after`.
pub fn of_reporter(
    conn: &mut Conn,
    reporter: PrincipalId,
    after: Option<&Position>,
    limit: i64,
) -> Result<Vec<ReportItemRow>, Error> {
    let mut query = red_flag_reports::table
        .filter(red_flag_reports::reporter_id.eq(reporter))
        .select(ReportItemRow::as_select())
        .into_boxed();
    if let Some(position) = after {
        let made = moment(position)?;
        query = query
            .filter(red_flag_reports::created_at.le(made))
            .filter(red_flag_reports::created_at.lt(made).or(red_flag_reports::id.lt(report_id(position.id))));
    }
    // Both columns run the same way, so that the index (reporter_id, created_at, id) is read backwards.
    let query = query.order((red_flag_reports::created_at.desc(), red_flag_reports::id.desc())).limit(limit);
    Ok(query.load(conn)?)
}

/// How grave a report was found to be, gravest first, as the public list is sorted: 0 for critical to 3 for info.
#[must_use]
pub fn gravity(severity: Severity) -> i32 {
    3 - i32::from(severity.rank())
}

/// Where a report stands in the public list.
///
/// Of the severity and the random id only: cursors can be read, so a moment in them would tell when the report was
/// made.
#[must_use]
pub fn public_position(row: &ReportRow) -> Position {
    Position::by_number(gravity(row.severity).into(), *row.id.as_uuid())
}

/// The reports about a program that were found true, remediated ones included; gravest first, from behind `after`.
pub fn found_true(
    conn: &mut Conn,
    program: ProgramId,
    after: Option<&Position>,
    limit: i64,
) -> Result<Vec<ReportRow>, Error> {
    let sort_key = || {
        case_when(red_flag_reports::severity.eq(Severity::Critical), number(gravity(Severity::Critical)))
            .when(red_flag_reports::severity.eq(Severity::Major), number(gravity(Severity::Major)))
            .when(red_flag_reports::severity.eq(Severity::Minor), number(gravity(Severity::Minor)))
            .otherwise(number(gravity(Severity::Info)))
    };
    let mut query = red_flag_reports::table
        .filter(red_flag_reports::program_id.eq(program))
        .filter(red_flag_reports::status.eq_any([ReportStatus::Substantiated, ReportStatus::Remediated]))
        .select(ReportRow::as_select())
        .into_boxed();
    if let Some(position) = after {
        let last = i32::try_from(position.number).map_err(|_| Error::Cursor)?;
        query = query
            .filter(sort_key().ge(last))
            .filter(sort_key().gt(last).or(red_flag_reports::id.gt(report_id(position.id))));
    }
    let query = query.order((sort_key(), red_flag_reports::id)).limit(limit);
    Ok(query.load(conn)?)
}

fn number(value: i32) -> diesel::dsl::AsExprOf<i32, Integer> {
    value.into_sql::<Integer>()
}
