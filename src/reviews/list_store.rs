//! Lists of reviews, by keyset.
//!
//! The times of creation and publication are not public, and a cursor can be decoded by whoever
//! holds it. So where a list is ordered by time, its cursors hold only the last review's id, and
//! the time is looked up here.

use diesel::{
    dsl::{exists, not},
    helper_types::IntoBoxed,
    prelude::*,
};

use super::{
    model::{ReviewStatus, Verification},
    response_store::{self, Told},
    store::ReviewRow,
};
use crate::{
    auth::principals,
    db::{
        Backend, Conn,
        schema::{review_responses, reviews},
    },
    http::{Daily, Error, Position, Reading},
    ids::{PrincipalId, ProgramId, ReviewId},
    reference::TrainingLevel,
    text_enum::text_enum,
    time::{HalfYear, Timestamp},
};

text_enum! {
    /// Order of a program's reviews.
    pub enum ReviewSort {
        /// Latest publication first.
        Newest = "newest",
        /// Most helpful votes first; those without votes as in `newest`.
        Helpful = "helpful",
        /// Best mean rating first; those without ratings last.
        Highest = "highest",
        /// Worst mean rating first; those without ratings are left out.
        Lowest = "lowest",
    }
}

impl ReviewSort {
    /// Where in the list `row` stands.
    #[must_use]
    pub fn position(self, told: &Told) -> Position {
        let row = &told.row;
        match self {
            Self::Newest => by_id(row),
            Self::Helpful => Position::by_number(i64::from(told.responses.helpful_count), *row.id.as_uuid()),
            Self::Highest | Self::Lowest => Position::by_number(i64::from(row.overall_key), *row.id.as_uuid()),
        }
    }
}

/// Where `row` stands in a list ordered by time.
#[must_use]
pub fn by_id(row: &ReviewRow) -> Position {
    Position::by_number(0, *row.id.as_uuid())
}

/// What a program's public list is narrowed to.
#[derive(Debug, Clone, Copy)]
pub struct PublicFilter {
    /// Order.
    pub sort: ReviewSort,
    /// Training level of the author at that time.
    pub training_level: Option<TrainingLevel>,
    /// Half-year in which the experience ended.
    pub half_year: Option<HalfYear>,
    /// Whether the author's taking part was verified.
    pub verified: Option<bool>,
    /// Whether the author would recommend the program; those who did not answer match neither.
    pub recommends: Option<bool>,
}

type Published<'a> = IntoBoxed<'a, reviews::table, Backend>;

/// Narrows a boxed query, of reviews alone or joined to others, to the published ones of a program that pass a filter.
macro_rules! published {
    ($query:expr, $program:expr, $filter:expr) => {{
        let filter: &PublicFilter = $filter;
        let mut query =
            $query.filter(reviews::program_id.eq($program)).filter(reviews::status.eq(ReviewStatus::Published));
        if let Some(level) = filter.training_level {
            query = query.filter(reviews::training_level.eq(level));
        }
        if let Some(half_year) = filter.half_year {
            query = query.filter(reviews::half_year.eq(half_year));
        }
        if let Some(verified) = filter.verified {
            let none = Verification::None;
            query = if verified {
                query.filter(reviews::verification.ne(none))
            } else {
                query.filter(reviews::verification.eq(none))
            };
        }
        if let Some(recommends) = filter.recommends {
            query = query.filter(reviews::would_recommend.eq(i32::from(recommends)));
        }
        query
    }};
}

/// Published reviews of a program.
pub fn of_program(
    conn: &mut Conn,
    program: ProgramId,
    filter: &PublicFilter,
    after: Option<&Position>,
    limit: i64,
) -> Result<Vec<Told>, Error> {
    let mut query = published!(reviews::table.into_boxed(), program, filter);
    // `key <= k AND (key < k OR id > i)`: PostgreSQL needs the first half to use the index.
    query = match filter.sort {
        ReviewSort::Helpful => return helpful(conn, program, filter, after, limit),
        ReviewSort::Newest => {
            if let Some(last) = after {
                query = older(conn, query, last)?;
            }
            query.order((reviews::published_at.desc(), reviews::id))
        }
        ReviewSort::Highest => {
            if let Some(last) = after {
                let (key, id) = (key_of(last)?, id_of(last));
                query = query
                    .filter(reviews::overall_key.le(key))
                    .filter(reviews::overall_key.lt(key).or(reviews::id.gt(id)));
            }
            query.order((reviews::overall_key.desc(), reviews::id))
        }
        ReviewSort::Lowest => {
            query = query.filter(reviews::overall_key.gt(0));
            if let Some(last) = after {
                // The index runs the other way, so equal keys come in falling order of ids.
                let (key, id) = (key_of(last)?, id_of(last));
                query = query
                    .filter(reviews::overall_key.ge(key))
                    .filter(reviews::overall_key.gt(key).or(reviews::id.lt(id)));
            }
            query.order((reviews::overall_key, reviews::id.desc()))
        }
    };
    let rows = query.select(ReviewRow::as_select()).limit(limit).load(conn)?;
    Ok(response_store::with(conn, rows)?)
}

fn older<'a>(conn: &mut Conn, query: Published<'a>, last: &Position) -> Result<Published<'a>, Error> {
    let ((_, at), id) = (times_of(conn, last)?, id_of(last));
    Ok(query.filter(reviews::published_at.le(at)).filter(reviews::published_at.lt(at).or(reviews::id.gt(id))))
}

/// Reviews with votes come first, along the index of the votes, and then those without, by publication. Each half reads
/// an index, and no list of both is ever sorted.
fn helpful(
    conn: &mut Conn,
    program: ProgramId,
    filter: &PublicFilter,
    after: Option<&Position>,
    limit: i64,
) -> Result<Vec<Told>, Error> {
    let last_votes = after.map(key_of).transpose()?;
    let mut rows = Vec::new();
    if last_votes.is_none_or(|votes| votes > 0) {
        let of_program = review_responses::table
            .inner_join(reviews::table)
            .filter(review_responses::program_id.eq(program))
            .filter(review_responses::helpful_count.gt(0))
            .into_boxed();
        let mut voted = published!(of_program, program, filter);
        if let (Some(votes), Some(last)) = (last_votes, after) {
            voted = voted
                .filter(review_responses::helpful_count.le(votes))
                .filter(review_responses::helpful_count.lt(votes).or(review_responses::review_id.gt(id_of(last))));
        }
        rows = voted
            .order((review_responses::helpful_count.desc(), review_responses::review_id))
            .limit(limit)
            .select(ReviewRow::as_select())
            .load(conn)?;
    }
    let left = limit - i64::try_from(rows.len()).unwrap_or(limit);
    if left > 0 {
        let mut rest = published!(reviews::table.into_boxed(), program, filter);
        if let Some(last) = after.filter(|last| last.number == 0) {
            rest = older(conn, rest, last)?;
        }
        let voted = review_responses::table
            .filter(review_responses::review_id.eq(reviews::id))
            .filter(review_responses::helpful_count.gt(0));
        let rest: Vec<ReviewRow> = rest
            .filter(not(exists(voted)))
            .order((reviews::published_at.desc(), reviews::id))
            .limit(left)
            .select(ReviewRow::as_select())
            .load(conn)?;
        rows.extend(rest);
    }
    Ok(response_store::with(conn, rows)?)
}

/// Reviews in one state, oldest first.
pub fn by_status(
    conn: &mut Conn,
    status: ReviewStatus,
    after: Option<&Position>,
    limit: i64,
) -> Result<Vec<ReviewRow>, Error> {
    let mut query =
        reviews::table.filter(reviews::status.eq(status)).select(ReviewRow::as_select()).limit(limit).into_boxed();
    if let Some(last) = after {
        let ((at, _), id) = (times_of(conn, last)?, id_of(last));
        query = query.filter(reviews::created_at.ge(at)).filter(reviews::created_at.gt(at).or(reviews::id.gt(id)));
    }
    Ok(query.order((reviews::created_at, reviews::id)).load(conn)?)
}

/// Reviews of one program in one state, oldest first. Sorts all of them: there is no index for it.
pub fn of_program_by_status(
    conn: &mut Conn,
    program: ProgramId,
    status: ReviewStatus,
    after: Option<&Position>,
    limit: i64,
) -> Result<Vec<ReviewRow>, Error> {
    // As a sum, the time matches no index. Otherwise SQLite would choose the index of times and walk
    // the reviews of every program to avoid sorting those of one.
    let created_at = || reviews::created_at + 0_i64;
    let mut query = reviews::table
        .filter(reviews::program_id.eq(program))
        .filter(reviews::status.eq(status))
        .select(ReviewRow::as_select())
        .limit(limit)
        .into_boxed();
    if let Some(last) = after {
        let ((at, _), id) = (times_of(conn, last)?, id_of(last));
        query = query.filter(created_at().gt(at).or(created_at().eq(at).and(reviews::id.gt(id))));
    }
    Ok(query.order((created_at(), reviews::id)).load(conn)?)
}

/// Everything that a participant wrote, newest first.
pub fn of_participant(
    conn: &mut Conn,
    participant: PrincipalId,
    after: Option<&Position>,
    limit: i64,
) -> Result<Vec<ReviewRow>, Error> {
    let mut query = reviews::table
        .filter(reviews::participant_id.eq(participant))
        .select(ReviewRow::as_select())
        .limit(limit)
        .into_boxed();
    if let Some(last) = after {
        let ((at, _), id) = (times_of(conn, last)?, id_of(last));
        query = query.filter(reviews::created_at.le(at)).filter(reviews::created_at.lt(at).or(reviews::id.lt(id)));
    }
    Ok(query.order((reviews::created_at.desc(), reviews::id.desc())).load(conn)?)
}

/// What is left of the participant's daily quota once one more review is written.
pub fn left_today(conn: &mut Conn, participant: PrincipalId, daily: Daily, now: Timestamp) -> QueryResult<Reading> {
    let made: Vec<Timestamp> = reviews::table
        .filter(reviews::participant_id.eq(participant))
        .filter(reviews::created_at.gt(daily.since(now)))
        .order(reviews::created_at.desc())
        .limit(daily.quota())
        .select(reviews::created_at)
        .load(conn)?;
    Ok(daily.after_one_more(&made, now))
}

/// Refuses one more when the daily quota is used up. The participant is held until the commit, so that nobody writes two at
/// a time.
pub fn check_quota(
    conn: &mut Conn,
    participant: PrincipalId,
    daily: Option<Daily>,
    now: Timestamp,
) -> Result<(), Error> {
    let Some(daily) = daily else { return Ok(()) };
    principals::hold(conn, participant)?;
    left_today(conn, participant, daily, now)?.check()
}

fn id_of(position: &Position) -> ReviewId {
    ReviewId::from_uuid(position.id)
}

fn key_of(position: &Position) -> Result<i32, Error> {
    i32::try_from(position.number).map_err(|_| Error::Cursor)
}

/// When the review at `position` was created and published. A creation time never changes, nor does
/// a publication time once there is one, and rows are never deleted.
fn times_of(conn: &mut Conn, position: &Position) -> Result<(Timestamp, Timestamp), Error> {
    reviews::table
        .find(id_of(position))
        .select((reviews::created_at, reviews::published_at))
        .first(conn)
        .optional()?
        .ok_or(Error::Cursor)
}
