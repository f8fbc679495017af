//! Which verified reviews wait for others, and their release.

use diesel::prelude::*;

use super::{ReviewRow, change::Change};
use crate::{
    db::{Conn, Db, Sql, schema::reviews},
    http::Error,
    ids::{DecisionId, ProgramId, ReviewId},
    participation::model::Voucher,
    programs::store as program_store,
    reviews::{
        cohort::CohortRule,
        model::{ReviewAction, ReviewStatus, Verification},
    },
    time::Timestamp,
};

/// Reviews that one round of the upkeep releases.
const ROUND: i64 = 500;
/// Moments of release that are looked at: each is a day of the next four weeks.
const MOMENTS: i64 = 30;

const TOGETHER: &str = "Enough verified reviews of this program and half-year had been written.";
const IN_TIME: &str = "The time had passed for which a verified review waits for others.";

/// Whether a review that is not stored as a public one and against which nothing speaks has to wait, and until when at the latest.
/// `None`: it may be public now, and those that have waited for it have just become so.
pub fn waits(conn: &mut Conn, row: &ReviewRow, rule: &CohortRule, now: Timestamp) -> Result<Option<Timestamp>, Error> {
    // What everybody has read once need not wait again.
    let was_public = row.published_at != Timestamp::EPOCH && row.status != ReviewStatus::Published;
    if rule.small <= 1 || !row.verification.is_verified() || was_public {
        return Ok(None);
    }
    // Two that are written at once must count each other.
    program_store::steady(conn, row.program_id)?;
    let limit = i64::try_from(rule.records.len()).unwrap_or(i64::MAX);
    let others = others(conn, row, limit)?;
    let known = public(conn, row, limit)?.saturating_add(u32::try_from(others.len()).unwrap_or(u32::MAX));
    // A provider can write reviews with its own codes until the one that it wants to see stands alone, so time alone
    // releases what it vouches for.
    if row.vouched_by != Some(Voucher::Provider) && known.saturating_add(1) >= rule.small {
        let at = now.day().start();
        for (other, record) in others.iter().zip(&rule.records) {
            release(conn, *other, *record, TOGETHER, at)?;
        }
        return Ok(None);
    }
    let shared = moments(conn, row.program_id)?;
    Ok(Some(rule.release(&shared, now)))
}

/// Other reviews of the program and half-year that wait and have the same kind of voucher, which everybody sees.
pub fn others(conn: &mut Conn, row: &ReviewRow, limit: i64) -> QueryResult<Vec<ReviewId>> {
    reviews::table
        .filter(reviews::program_id.eq(row.program_id))
        .filter(reviews::half_year.eq(row.half_year))
        .filter(waiting())
        .filter(reviews::id.ne(row.id))
        .filter(vouched_by(row))
        .order(reviews::id)
        .limit(limit)
        .select(reviews::id)
        .load(conn)
}

/// How many verified reviews of the program and half-year with the same kind of voucher are public, up to a limit.
pub fn public(conn: &mut Conn, row: &ReviewRow, limit: i64) -> QueryResult<u32> {
    let public = reviews::table
        .filter(reviews::program_id.eq(row.program_id))
        .filter(reviews::status.eq(ReviewStatus::Published))
        .filter(reviews::half_year.eq(row.half_year))
        .filter(reviews::verification.ne(Verification::None))
        .filter(vouched_by(row))
        .limit(limit);
    let found: Vec<ReviewId> = public.select(reviews::id).load(conn)?;
    Ok(u32::try_from(found.len()).unwrap_or(u32::MAX))
}

/// The same kind of voucher as this review has, or none like it.
fn vouched_by(row: &ReviewRow) -> Sql {
    match row.vouched_by {
        Some(voucher) => Sql::default().sql("reviews.vouched_by = ").value(voucher.as_str()),
        None => Sql::default().sql("reviews.vouched_by IS NULL"),
    }
}

/// When waiting reviews of the program become public at the latest.
pub fn moments(conn: &mut Conn, program: ProgramId) -> QueryResult<Vec<Timestamp>> {
    reviews::table
        .filter(reviews::program_id.eq(program))
        .filter(waiting())
        .select(reviews::release_at)
        .distinct()
        .order(reviews::release_at)
        .limit(MOMENTS)
        .load(conn)
}

/// SQLite uses the indexes of waiting reviews where a query says the same as they do.
fn waiting() -> Sql {
    Sql::default().sql("reviews.release_at > 0")
}

/// Makes a waiting review public. Published at the start of a day, like those beside it, so that no time tells them apart.
fn release(conn: &mut Conn, id: ReviewId, record: DecisionId, reason: &str, at: Timestamp) -> Result<(), Error> {
    let row: Option<ReviewRow> =
        diesel::update(reviews::table.find(id).filter(reviews::release_at.gt(Timestamp::EPOCH)))
            .set(reviews::version.eq(reviews::version + 1))
            .returning(reviews::all_columns)
            .get_result(conn)
            .optional()?;
    // Another node was quicker, or the author has withdrawn it.
    let Some(row) = row else { return Ok(()) };
    let by_rule = Change { by: None, action: ReviewAction::Publish, waits: None, reason, record, now: at, audit: None };
    by_rule.carry_out(conn, row).map(drop)
}

/// Makes public what has waited long enough, each review in a transaction of its own, a bounded number; `record` makes
/// the ids of the records. Says how many.
pub async fn release_due(db: &Db, record: impl Fn() -> DecisionId, now: Timestamp) -> Result<usize, Error> {
    let due = db.read_latest(move |conn| Ok(due(conn, now, ROUND)?)).await?;
    for (id, at) in &due {
        let (id, at, record) = (*id, *at, record());
        db.write(move |conn| release(conn, id, record, IN_TIME, at)).await?;
    }
    Ok(due.len())
}

/// Waiting reviews whose time has come, earliest first.
pub fn due(conn: &mut Conn, now: Timestamp, limit: i64) -> QueryResult<Vec<(ReviewId, Timestamp)>> {
    reviews::table
        .filter(waiting())
        .filter(reviews::release_at.le(now))
        .order((reviews::release_at, reviews::id))
        .limit(limit)
        .select((reviews::id, reviews::release_at))
        .load(conn)
}
