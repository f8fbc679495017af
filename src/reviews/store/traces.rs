//! What later texts are compared with: sketches of texts, and how many reviews were written when.

use diesel::{
    dsl::{count_star, exists},
    prelude::*,
    upsert::excluded,
};

use super::ReviewRow;
use crate::{
    db::{
        Conn, Sql,
        schema::{programs, review_arrivals, review_sketch_keys, review_sketches, reviews},
    },
    http::Error,
    ids::{PrincipalId, ProgramId, ProviderId, ReviewId},
    on_each_backend,
    reviews::checks::{
        Arrivals, Context,
        near_copy::{Sketch, keys},
    },
    time::Timestamp,
};

/// Bytes of one sketch.
const SKETCH: usize = 256;
/// Reviews of others that a text is compared with: those that share the most values.
const OTHERS: i64 = 60;
/// The author's own reviews that a text is compared with: the latest.
const OWN: i64 = 50;
/// Microseconds of a quarter of a day.
const QUARTER: i64 = 6 * 60 * 60 * 1_000_000;
/// Quarters of the day that ends now.
const DAY: i32 = 4;
/// Days before that tell what is usual.
const USUAL_DAYS: i32 = 28;

/// What is kept of a review beside its row.
#[derive(Debug, Clone)]
pub struct Traces {
    /// Whose program it is about.
    pub provider: ProviderId,
    /// The sketches of its long texts.
    pub sketches: Vec<Sketch>,
}

/// The quarter of a day that holds this moment.
fn quarter(at: Timestamp) -> i32 {
    i32::try_from(at.as_micros().div_euclid(QUARTER)).unwrap_or(i32::MAX)
}

/// Who runs a program.
pub fn provider_of(conn: &mut Conn, program: ProgramId) -> QueryResult<ProviderId> {
    programs::table.find(program).select(programs::provider_id).first(conn)
}

/// How many reviews of the program, and of all programs of the provider, arrived in the day until now, one more
/// included, and how many usually do.
fn arrivals(
    conn: &mut Conn,
    provider: ProviderId,
    program: ProgramId,
    now: Timestamp,
) -> QueryResult<(Arrivals, Arrivals)> {
    let present = quarter(now);
    let rows: Vec<(i32, ProgramId, i32)> = review_arrivals::table
        .filter(review_arrivals::provider_id.eq(provider))
        .filter(review_arrivals::quarter_day.gt(present - DAY * (1 + USUAL_DAYS)))
        .select((review_arrivals::quarter_day, review_arrivals::program_id, review_arrivals::arrived))
        .load(conn)?;
    let of = |only: Option<ProgramId>| {
        let (mut last_day, mut before) = (1, 0);
        for (at, about, arrived) in &rows {
            if only.is_none_or(|only| only == *about) {
                let sum = if *at > present - DAY { &mut last_day } else { &mut before };
                *sum += u32::try_from(*arrived).unwrap_or_default();
            }
        }
        Arrivals { last_day, usual: f64::from(before) / f64::from(USUAL_DAYS) }
    };
    Ok((of(Some(program)), of(None)))
}

/// What a new review is compared with.
pub fn context(
    conn: &mut Conn,
    author: PrincipalId,
    program: ProgramId,
    traces: &Traces,
    now: Timestamp,
) -> Result<Context, Error> {
    let (of_program, of_provider) = arrivals(conn, traces.provider, program, now)?;
    let alike = alike(conn, author, None, traces)?;
    Ok(Context { program: of_program, provider: of_provider, ..alike })
}

/// The texts that may be nearly those of `traces`: of the same author, and of others who write about the same provider.
/// `but` is the review itself when it is edited.
pub fn alike(conn: &mut Conn, author: PrincipalId, but: Option<ReviewId>, traces: &Traces) -> Result<Context, Error> {
    let keys = keys(&traces.sketches);
    if keys.is_empty() {
        return Ok(Context::default());
    }
    let mut own: Vec<(ReviewId, Vec<u8>)> = reviews::table
        .inner_join(review_sketches::table)
        .filter(reviews::participant_id.eq(author))
        .order((reviews::created_at.desc(), reviews::id.desc()))
        .limit(OWN)
        .select((reviews::id, review_sketches::sketches))
        .load(conn)?;
    own.retain(|(id, _)| Some(*id) != but);
    let nearest: Vec<ReviewId> = review_sketch_keys::table
        .filter(review_sketch_keys::provider_id.eq(traces.provider))
        .filter(Sql::one_of("sketch_key", keys).uncached())
        .group_by(review_sketch_keys::review_id)
        .order((count_star().desc(), review_sketch_keys::review_id))
        .limit(OTHERS)
        .select(review_sketch_keys::review_id)
        .load(conn)?;
    let others = if nearest.is_empty() { Vec::new() } else { by_others(conn, author, &nearest)? };
    Ok(Context {
        own: own.iter().flat_map(|(_, bytes)| read(bytes)).collect(),
        others: others.iter().flat_map(|bytes| read(bytes)).collect(),
        ..Context::default()
    })
}

/// The sketches of these reviews, of which there is one, as far as others wrote them.
pub fn by_others(conn: &mut Conn, author: PrincipalId, ids: &[ReviewId]) -> QueryResult<Vec<Vec<u8>>> {
    review_sketches::table
        .inner_join(reviews::table)
        .filter(Sql::one_of("review_sketches.review_id", ids.iter().map(|id| *id.as_uuid())).uncached())
        .filter(reviews::participant_id.ne(author))
        .select(review_sketches::sketches)
        .load(conn)
}

fn read(bytes: &[u8]) -> impl Iterator<Item = Sketch> {
    bytes.chunks(SKETCH).filter_map(Sketch::from_bytes)
}

/// Counts a review that was written now, if its author has written no other one about this provider within a day: one
/// person makes no burst, however often they write and withdraw.
pub fn arrived(conn: &mut Conn, provider: ProviderId, review: &ReviewRow, now: Timestamp) -> QueryResult<()> {
    let others = reviews::table
        .inner_join(programs::table)
        .filter(reviews::participant_id.eq(review.participant_id))
        .filter(reviews::created_at.gt(now.plus_seconds(-86_400)))
        .filter(reviews::id.ne(review.id))
        .filter(programs::provider_id.eq(provider));
    if diesel::select(exists(others)).get_result(conn)? {
        return Ok(());
    }
    let program = review.program_id;
    let row = (
        review_arrivals::provider_id.eq(provider),
        review_arrivals::quarter_day.eq(quarter(now)),
        review_arrivals::program_id.eq(program),
        review_arrivals::arrived.eq(1),
    );
    let key = (review_arrivals::provider_id, review_arrivals::quarter_day, review_arrivals::program_id);
    on_each_backend!(conn, |c| diesel::insert_into(review_arrivals::table)
        .values(row)
        .on_conflict(key)
        .do_update()
        .set(review_arrivals::arrived.eq(review_arrivals::arrived + excluded(review_arrivals::arrived)))
        .execute(c))
    .map(drop)
}

/// Keeps the sketches of a review that had none.
pub fn keep(conn: &mut Conn, review: ReviewId, traces: &Traces) -> QueryResult<()> {
    if traces.sketches.is_empty() {
        return Ok(());
    }
    let bytes: Vec<u8> = traces.sketches.iter().flat_map(Sketch::to_bytes).collect();
    diesel::insert_into(review_sketches::table)
        .values((review_sketches::review_id.eq(review), review_sketches::sketches.eq(bytes)))
        .execute(conn)?;
    let rows: Vec<_> = keys(&traces.sketches)
        .into_iter()
        .map(|key| {
            (
                review_sketch_keys::provider_id.eq(traces.provider),
                review_sketch_keys::sketch_key.eq(key),
                review_sketch_keys::review_id.eq(review),
            )
        })
        .collect();
    on_each_backend!(conn, |c| diesel::insert_into(review_sketch_keys::table).values(rows).execute(c)).map(drop)
}

/// Forgets the sketches of a review: when it is withdrawn, and before new ones are kept.
pub fn forget(conn: &mut Conn, review: ReviewId) -> QueryResult<()> {
    diesel::delete(review_sketch_keys::table.filter(review_sketch_keys::review_id.eq(review))).execute(conn)?;
    diesel::delete(review_sketches::table.find(review)).execute(conn).map(drop)
}
