//! The counts that the figures are made of. Each statement reads the rows of the range by an index.

use diesel::{
    QueryableByName, RunQueryDsl, sql_query,
    sql_types::{BigInt, Nullable, Text},
};

use crate::{
    db::Conn,
    http::Error,
    moderation::SubjectKind,
    on_each_backend,
    time::{Month, Timestamp},
};

/// The months that are asked for, both included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Range {
    /// The first month.
    pub from: Month,
    /// The last month.
    pub to: Month,
}

impl Range {
    /// Its first moment, and the first moment after it.
    fn moments(self) -> (Timestamp, Timestamp) {
        let after = Month::from_number(self.to.number() + 1).unwrap_or(self.to);
        (self.from.first_day().start(), after.first_day().start())
    }

    fn months(self, table: &str) -> String {
        let (from, to) = (self.from.number(), self.to.number());
        format!("{table}.public_month IS NOT NULL AND {table}.public_month BETWEEN {from} AND {to}")
    }
}

/// A count under a name, of which `part` are of a kind of their own.
#[derive(Debug, Clone, PartialEq, Eq, QueryableByName)]
pub struct Count {
    /// What is counted.
    #[diesel(sql_type = Text)]
    pub of: String,
    /// How many.
    #[diesel(sql_type = BigInt)]
    pub count: i64,
    /// How many of them are of a kind of their own.
    #[diesel(sql_type = BigInt)]
    pub part: i64,
}

/// How long something waited for its first ruling by a person.
#[derive(Debug, Clone, PartialEq, Eq, QueryableByName)]
pub struct Wait {
    /// The kind of thing.
    #[diesel(sql_type = Text)]
    pub kind: String,
    /// Microseconds; `None` where nobody handed it in.
    #[diesel(sql_type = Nullable<BigInt>)]
    pub waited: Option<i64>,
}

fn counts(conn: &mut Conn, sql: &str) -> Result<Vec<Count>, Error> {
    Ok(on_each_backend!(conn, |c| sql_query(sql).load(c))?)
}

/// How many of a kind came in: programs handed in, triage entries opened, and everything else when it was made.
pub fn received(conn: &mut Conn, kind: SubjectKind, range: Range) -> Result<i64, Error> {
    let (from, until) = range.moments();
    let (from, until) = (from.as_micros(), until.as_micros());
    // The states are named so that the index by state is read and not the table.
    let rows = match kind {
        SubjectKind::Review => "reviews WHERE status IN ('pending', 'held', 'published', 'rejected', 'withdrawn')",
        SubjectKind::RedFlagReport => {
            "red_flag_reports WHERE status IN ('submitted', 'in_triage', 'needs_info', 'substantiated', \
             'unsubstantiated', 'withdrawn', 'remediated')"
        }
        SubjectKind::Assessment => {
            "assessments WHERE status IN ('draft', 'submitted', 'signed_off', 'published', 'superseded', 'withdrawn')"
        }
        SubjectKind::Appeal => "appeals WHERE id IS NOT NULL",
        SubjectKind::Program => {
            "decisions WHERE subject_kind = 'program' AND action IN ('submit', 'open') AND action = 'submit'"
        }
        // Nobody hands these in for a ruling.
        SubjectKind::ReviewReply | SubjectKind::ReviewAnswer => return Ok(0),
        SubjectKind::TriageEntry => {
            "decisions WHERE subject_kind = 'triage_entry' AND action IN ('submit', 'open') AND action = 'open'"
        }
    };
    let sql = format!(
        "SELECT 'received' AS of, count(*) AS count, CAST(0 AS BIGINT) AS part FROM {rows} \
         AND created_at >= {from} AND created_at < {until}"
    );
    Ok(counts(conn, &sql)?.first().map_or(0, |count| count.count))
}

/// How long each thing waited whose first ruling by a person falls into the range.
pub fn waits(conn: &mut Conn, range: Range) -> Result<Vec<Wait>, Error> {
    let begun = |action: &str| {
        format!(
            "(SELECT min(b.created_at) FROM decisions AS b WHERE b.subject_kind = d.subject_kind \
             AND b.subject_id = d.subject_id AND b.action = '{action}')"
        )
    };
    let made = |table: &str| format!("(SELECT m.created_at FROM {table} AS m WHERE m.id = d.subject_id)");
    let sql = format!(
        "SELECT d.subject_kind AS kind, d.created_at - CASE d.subject_kind WHEN 'program' THEN {} \
         WHEN 'triage_entry' THEN {} WHEN 'review' THEN {} WHEN 'red_flag_report' THEN {} WHEN 'assessment' THEN {} \
         WHEN 'appeal' THEN {} END AS waited FROM decisions AS d WHERE {} AND d.actor_role <> 'system' \
         AND NOT EXISTS (SELECT 1 FROM decisions AS e WHERE e.subject_kind = d.subject_kind \
         AND e.subject_id = d.subject_id AND e.public_month IS NOT NULL AND e.actor_role <> 'system' \
         AND (e.created_at < d.created_at OR (e.created_at = d.created_at AND e.id < d.id)))",
        begun("submit"),
        begun("open"),
        made("reviews"),
        made("red_flag_reports"),
        made("assessments"),
        made("appeals"),
        range.months("d")
    );
    Ok(on_each_backend!(conn, |c| sql_query(&sql).load(c))?)
}

/// The rulings of the range by kind, and how many of them the automatic checks took.
pub fn rulings(conn: &mut Conn, range: Range) -> Result<Vec<Count>, Error> {
    let sql = format!(
        "SELECT d.subject_kind AS of, count(*) AS count, \
         CAST(sum(CASE d.actor_role WHEN 'system' THEN 1 ELSE 0 END) AS BIGINT) AS part \
         FROM decisions AS d WHERE {} GROUP BY d.subject_kind",
        range.months("d")
    );
    counts(conn, &sql)
}

/// The rulings on appeals of the range: `count` all, `part` the upheld ones.
pub fn appeals(conn: &mut Conn, range: Range) -> Result<Count, Error> {
    let sql = format!(
        "SELECT 'appeal' AS of, count(*) AS count, \
         CAST(coalesce(sum(CASE d.action WHEN 'uphold' THEN 1 ELSE 0 END), 0) AS BIGINT) AS part \
         FROM decisions AS d WHERE {} AND d.subject_kind = 'appeal'",
        range.months("d")
    );
    counts(conn, &sql)?.pop().ok_or_else(|| Error::internal("a count without a row"))
}

/// The rulings of the range on whether reports are true, by whether the reporter is known to have taken part in the
/// program (`verified_participant`, or else `other`); `part` were found true.
pub fn outcomes(conn: &mut Conn, range: Range) -> Result<Vec<Count>, Error> {
    let sql = format!(
        "SELECT o.of, count(*) AS count, CAST(sum(o.found) AS BIGINT) AS part FROM ( \
         SELECT CASE WHEN EXISTS (SELECT 1 FROM participations AS p JOIN cohorts AS c ON c.id = p.cohort_id \
         WHERE p.principal_id = r.reporter_id AND c.program_id = r.program_id) THEN 'verified_participant' \
         ELSE 'other' END AS of, CASE d.action WHEN 'substantiate' THEN 1 ELSE 0 END AS found \
         FROM decisions AS d JOIN red_flag_reports AS r ON r.id = d.subject_id \
         WHERE {} AND d.subject_kind = 'red_flag_report' AND d.action IN ('substantiate', 'unsubstantiate')) AS o \
         GROUP BY o.of",
        range.months("d")
    );
    counts(conn, &sql)
}
