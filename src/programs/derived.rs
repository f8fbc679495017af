//! Columns that follow from reviews, reports, codes and the day: score, counts, verdict, red-flag terms. With them go
//! the rows of what verified reviews tell of tasks and claims.
//!
//! They are brought up to date in the transaction of whatever changes them, so that lists and details only read
//! indexes. Scores also change with the day, because older experiences weigh less: [`refresh`] recomputes them after
//! midnight UTC, and the day that a score was computed for is shown with it. [`rebuild`] recomputes everything.

use std::collections::BTreeSet;

use diesel::prelude::*;

use super::{
    model::TermKind,
    store::{self, ProgramRow},
};
use crate::{
    db::{
        self, Conn, Db, Sql,
        schema::{program_terms, programs, red_flag_reports, reviews},
    },
    http::Error,
    ids::{ProgramId, ReviewId},
    on_each_backend, participation,
    red_flags::model::ReportStatus,
    reference::RedFlagKind,
    reviews::{
        model::{ReviewInput, ReviewStatus, Verification},
        response_store,
    },
    score::{RatedReview, Tallies, score_key},
    self_reports::{self, model::SelfReport},
    time::{Day, HalfYear, Timestamp},
    vetting::standing_store,
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

/// Accounts for a report that has changed its state or severity: the terms that lists filter by, and the verdict.
pub fn reports_changed(conn: &mut Conn, program: ProgramId, now: Timestamp) -> Result<(), Error> {
    store::lock(conn, program)?;
    set_terms(conn, program)?;
    standing_store::refresh(conn, program, now)
}

/// The kinds of red flag with a report that stands.
fn flagged(conn: &mut Conn, program: ProgramId) -> QueryResult<BTreeSet<RedFlagKind>> {
    let kinds: Vec<RedFlagKind> = red_flag_reports::table
        .filter(red_flag_reports::program_id.eq(program))
        .filter(red_flag_reports::status.eq(ReportStatus::Substantiated))
        .select(red_flag_reports::kind)
        .load(conn)?;
    Ok(kinds.into_iter().collect())
}

fn set_terms(conn: &mut Conn, program: ProgramId) -> QueryResult<()> {
    let flags = program_terms::table
        .filter(program_terms::program_id.eq(program))
        .filter(program_terms::kind.eq(TermKind::RedFlag));
    diesel::delete(flags).execute(conn)?;
    let rows: Vec<_> = flagged(conn, program)?
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
                different += usize::from(rebuild_one(conn, *id, check, now)?);
            }
            Ok(different)
        })?;
    }
    Ok(different)
}

fn rebuild_one(conn: &mut Conn, id: ProgramId, check: bool, now: Timestamp) -> Result<bool, Error> {
    let row: ProgramRow = programs::table.find(id).select(ProgramRow::as_select()).first(conn)?;
    let (tallies, reports) = from_reviews(conn, id)?;
    // Compared as of the day that the stored values were computed for: the passing of days is not a difference.
    let stored_reviews = FromReviews {
        score_key: row.score_key,
        review_count: row.review_count,
        verified_review_count: row.verified_review_count,
        recommend_count: row.recommend_count,
        derived_day: row.derived_day,
    };
    let stored_flags: Vec<String> = program_terms::table
        .filter(program_terms::kind.eq(TermKind::RedFlag))
        .filter(program_terms::program_id.eq(id))
        .order(program_terms::term)
        .select(program_terms::term)
        .load(conn)?;
    let flags: BTreeSet<_> = flagged(conn, id)?.into_iter().map(RedFlagKind::as_str).collect();
    let codes_issued = participation::store::codes_issued(conn, id)?;
    let votes = response_store::miscounted(conn, id)?;
    let same = row.codes_issued == codes_issued
        && votes.is_empty()
        && stored_reviews == FromReviews::of(&tallies, row.derived_day)
        && self_reports::store::is_true_to(conn, id, &reports)?
        && standing_store::is_true_to_tables(conn, &row, now.day())?
        && store::tallies(conn, id)?.0 == tallies
        && flags.into_iter().eq(stored_flags.iter().map(String::as_str));
    if !same && !check {
        store::lock(conn, id)?;
        response_store::set_counts(conn, &votes)?;
        save_tallies(conn, id, &tallies)?;
        set_from_reviews(conn, id, &tallies, row.derived_day, now.day())?;
        diesel::update(programs::table.find(id)).set(programs::codes_issued.eq(codes_issued)).execute(conn)?;
        set_terms(conn, id)?;
        self_reports::store::replace_all(conn, id, &reports)?;
        standing_store::refresh(conn, id, now)?;
    }
    Ok(!same)
}

/// What the published reviews of a program give: its tallies, and what the verified ones tell of tasks and claims.
fn from_reviews(conn: &mut Conn, id: ProgramId) -> Result<(Tallies, Vec<SelfReport>), Error> {
    let rows: Vec<(ReviewId, HalfYear, Verification, String)> = reviews::table
        .filter(reviews::program_id.eq(id))
        .filter(reviews::status.eq(ReviewStatus::Published))
        .select((reviews::id, reviews::half_year, reviews::verification, reviews::content))
        .load(conn)?;
    let (mut tallies, mut reports) = (Tallies::default(), Vec::new());
    for (review, half_year, verification, content) in rows {
        let content: ReviewInput = serde_json::from_str(&content).map_err(Error::internal)?;
        tallies.add(&rated(&content, half_year, verification));
        if verification.is_verified() {
            reports.extend(SelfReport::of(review, id, &content));
        }
    }
    Ok((tallies, reports))
}
