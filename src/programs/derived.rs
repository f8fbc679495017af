//! Columns that follow from reviews, reports and the day: score, counts, verdict, red-flag terms.
//!
//! They are brought up to date in the transaction of whatever changes them, so that lists and details only read
//! indexes. Scores also change with the day, because older experiences weigh less: [`refresh`] recomputes them after
//! midnight UTC, and the day that a score was computed for is shown with it. [`rebuild`] recomputes everything.

use std::collections::BTreeSet;

use diesel::prelude::*;

use super::{
    model::{ProgramStatus, TermKind},
    store::{self, ProgramRow},
};
use crate::{
    db::{
        self, Conn, Db, Sql,
        schema::{program_terms, programs, red_flag_reports, reviews},
    },
    http::Error,
    ids::{ProgramId, ReportId},
    on_each_backend,
    red_flags::model::ReportStatus,
    reference::{RedFlagKind, Severity},
    reviews::model::{ReviewInput, ReviewStatus, Verification},
    score::{RatedReview, Tallies, score_key},
    time::{Day, HalfYear, Timestamp},
    verdict::{self, Inputs, ReportFact, VerdictOutcome},
};

/// Programs recomputed in one transaction by [`refresh`].
const BATCH: i64 = 200;
/// Programs recomputed in one transaction by [`rebuild`].
const REBUILD_BATCH: usize = 200;

/// The columns of `programs` that this module keeps.
#[derive(Debug, Clone, PartialEq, Eq)]
struct FromReviews {
    score_key: i32,
    review_count: i32,
    verified_review_count: i32,
    recommend_count: i32,
    derived_day: Day,
}

impl FromReviews {
    fn of(tallies: &Tallies, today: Day) -> Self {
        let count = |n: u32| i32::try_from(n).unwrap_or(i32::MAX);
        Self {
            score_key: score_key(tallies, today),
            review_count: count(tallies.review_count()),
            verified_review_count: count(tallies.verified_review_count()),
            recommend_count: count(tallies.recommendations().yes),
            derived_day: today,
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, AsChangeset)]
#[diesel(table_name = programs)]
struct FromReports {
    verdict: verdict::Verdict,
    report_count: i32,
    critical_report_count: i32,
}

/// What a review's content adds to the tallies.
#[must_use]
pub fn rated(content: &ReviewInput, half_year: HalfYear, verification: Verification) -> RatedReview {
    RatedReview { half_year, verification, ratings: content.ratings, would_recommend: content.would_recommend }
}

/// Accounts for a review that has begun (`after`) or ceased (`before`) to count, or both at an edit.
pub fn review_changed(
    conn: &mut Conn,
    program: ProgramId,
    before: Option<&RatedReview>,
    after: Option<&RatedReview>,
    now: Timestamp,
) -> Result<(), Error> {
    if before.is_none() && after.is_none() {
        return Ok(());
    }
    if let Conn::Postgres(_) = conn {
        // What is read next must not change before it is written back. SQLite has one writer.
        store::lock(conn, program)?;
    }
    let (mut tallies, day) = store::tallies(conn, program)?;
    if let Some(review) = before {
        tallies.remove(review).map_err(Error::internal)?;
    }
    if let Some(review) = after {
        tallies.add(review);
    }
    save_tallies(conn, program, &tallies)?;
    set_from_reviews(conn, program, &tallies, day, now.day())?;
    Ok(())
}

fn save_tallies(conn: &mut Conn, program: ProgramId, tallies: &Tallies) -> Result<(), Error> {
    let text = serde_json::to_string(tallies).map_err(Error::internal)?;
    let update = Sql::default().sql("UPDATE program_tallies SET tallies = ").value(text);
    update.sql(" WHERE program_id = ").value(*program.as_uuid()).execute(conn)?;
    Ok(())
}

/// `day` is the one that the stored score was computed for: written anew, it would cost an entry of its index.
fn set_from_reviews(conn: &mut Conn, id: ProgramId, tallies: &Tallies, day: Day, today: Day) -> QueryResult<()> {
    let new = FromReviews::of(tallies, today);
    let mut update = Sql::default()
        .sql("UPDATE programs SET version = version + 1, score_key = ")
        .value(new.score_key)
        .sql(", review_count = ")
        .value(new.review_count)
        .sql(", verified_review_count = ")
        .value(new.verified_review_count)
        .sql(", recommend_count = ")
        .value(new.recommend_count);
    if day != today {
        update = update.sql(", derived_day = ").value(today.number());
    }
    update.sql(" WHERE id = ").value(*id.as_uuid()).execute(conn).map(drop)
}

/// The reports that the verdict of a program depends on.
pub fn report_facts(conn: &mut Conn, program: ProgramId) -> QueryResult<Vec<ReportFact>> {
    let rows: Vec<(ReportId, RedFlagKind, Severity, ReportStatus)> = red_flag_reports::table
        .filter(red_flag_reports::program_id.eq(program))
        .filter(red_flag_reports::status.eq(ReportStatus::Substantiated))
        .select((red_flag_reports::id, red_flag_reports::kind, red_flag_reports::severity, red_flag_reports::status))
        .load(conn)?;
    Ok(rows.into_iter().map(|(id, kind, severity, status)| ReportFact { id, kind, severity, status }).collect())
}

/// The verdict with its reasons, from what is stored now.
pub fn verdict_of(conn: &mut Conn, row: &ProgramRow) -> QueryResult<VerdictOutcome> {
    let reports = report_facts(conn, row.id)?;
    Ok(verdict::decide(&Inputs { suspended: row.status == ProgramStatus::Suspended, reports }))
}

/// Accounts for a report that has changed its state or severity.
pub fn reports_changed(conn: &mut Conn, program: ProgramId) -> Result<(), Error> {
    store::lock(conn, program)?;
    let facts = report_facts(conn, program)?;
    set_from_reports(conn, program, &facts)?;
    Ok(())
}

fn from_reports(facts: &[ReportFact]) -> FromReports {
    let count = |n: usize| i32::try_from(n).unwrap_or(i32::MAX);
    let critical = facts.iter().filter(|fact| fact.severity == Severity::Critical).count();
    FromReports {
        // Suspension is a notice and does not enter the verdict itself.
        verdict: verdict::decide(&Inputs { suspended: false, reports: facts.to_vec() }).verdict,
        report_count: count(facts.len()),
        critical_report_count: count(critical),
    }
}

fn set_from_reports(conn: &mut Conn, program: ProgramId, facts: &[ReportFact]) -> QueryResult<()> {
    diesel::update(programs::table.find(program)).set(from_reports(facts)).execute(conn)?;
    let flags = program_terms::table
        .filter(program_terms::program_id.eq(program))
        .filter(program_terms::kind.eq(TermKind::RedFlag));
    diesel::delete(flags).execute(conn)?;
    let kinds: BTreeSet<_> = facts.iter().map(|fact| fact.kind).collect();
    let rows: Vec<_> = kinds
        .into_iter()
        .map(|kind| {
            (
                program_terms::kind.eq(TermKind::RedFlag),
                program_terms::term.eq(kind.as_str()),
                program_terms::program_id.eq(program),
            )
        })
        .collect();
    if !rows.is_empty() {
        on_each_backend!(conn, |c| diesel::insert_into(program_terms::table).values(&rows).execute(c))?;
    }
    Ok(())
}

/// Recomputes the scores that were computed for an earlier day, in batches, so that no write waits long.
pub async fn refresh(store: &Db, now: Timestamp) -> Result<(), Error> {
    let today = now.day();
    loop {
        let stale = store.read(move |conn| Ok(stale(conn, today)?)).await?;
        if stale.is_empty() {
            return Ok(());
        }
        store
            .write(move |conn| {
                for id in &stale {
                    store::lock(conn, *id)?;
                    let (tallies, day) = store::tallies(conn, *id)?;
                    set_from_reviews(conn, *id, &tallies, day, today)?;
                }
                Ok(())
            })
            .await?;
    }
}

fn stale(conn: &mut Conn, today: Day) -> QueryResult<Vec<ProgramId>> {
    let query = programs::table.filter(programs::derived_day.lt(today)).order((programs::derived_day, programs::id));
    query.limit(BATCH).select(programs::id).load(conn)
}

/// Recomputes everything derived, program by program, and returns how many differed. With `check`, changes nothing.
pub fn rebuild(conn: &mut Conn, check: bool, now: Timestamp) -> Result<usize, Error> {
    let ids: Vec<ProgramId> = programs::table.order(programs::id).select(programs::id).load(conn)?;
    let mut different = 0;
    for batch in ids.chunks(REBUILD_BATCH) {
        different += db::transaction(conn, &|conn| {
            let mut different = 0;
            for id in batch {
                different += usize::from(rebuild_one(conn, *id, check, now.day())?);
            }
            Ok(different)
        })?;
    }
    Ok(different)
}

fn rebuild_one(conn: &mut Conn, id: ProgramId, check: bool, today: Day) -> Result<bool, Error> {
    let row: ProgramRow = programs::table.find(id).select(ProgramRow::as_select()).first(conn)?;
    let tallies = tallies_from_reviews(conn, id)?;
    let facts = report_facts(conn, id)?;
    // Compared as of the day that the stored values were computed for: the passing of days is not a difference.
    let stored_reviews = FromReviews {
        score_key: row.score_key,
        review_count: row.review_count,
        verified_review_count: row.verified_review_count,
        recommend_count: row.recommend_count,
        derived_day: row.derived_day,
    };
    let stored_reports = FromReports {
        verdict: row.verdict,
        report_count: row.report_count,
        critical_report_count: row.critical_report_count,
    };
    let stored_flags: Vec<String> = program_terms::table
        .filter(program_terms::kind.eq(TermKind::RedFlag))
        .filter(program_terms::program_id.eq(id))
        .order(program_terms::term)
        .select(program_terms::term)
        .load(conn)?;
    let flags: BTreeSet<_> = facts.iter().map(|fact| fact.kind.as_str()).collect();
    let same = stored_reviews == FromReviews::of(&tallies, row.derived_day)
        && stored_reports == from_reports(&facts)
        && store::tallies(conn, id)?.0 == tallies
        && flags.into_iter().eq(stored_flags.iter().map(String::as_str));
    if !same && !check {
        store::lock(conn, id)?;
        save_tallies(conn, id, &tallies)?;
        set_from_reviews(conn, id, &tallies, row.derived_day, today)?;
        set_from_reports(conn, id, &facts)?;
    }
    Ok(!same)
}

fn tallies_from_reviews(conn: &mut Conn, id: ProgramId) -> Result<Tallies, Error> {
    let rows: Vec<(HalfYear, Verification, String)> = reviews::table
        .filter(reviews::program_id.eq(id))
        .filter(reviews::status.eq(ReviewStatus::Published))
        .select((reviews::half_year, reviews::verification, reviews::content))
        .load(conn)?;
    let mut tallies = Tallies::default();
    for (half_year, verification, content) in rows {
        let content: ReviewInput = serde_json::from_str(&content).map_err(Error::internal)?;
        tallies.add(&rated(&content, half_year, verification));
    }
    Ok(tallies)
}
