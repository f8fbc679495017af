//! What others add to reviews: the reply, and helpful votes. Counted in `review_responses`, so that the hot table of
//! reviews is left alone.

use std::collections::HashMap;

use diesel::prelude::*;

use super::store::{self, ReviewRow};
use crate::{
    db::{
        Conn,
        schema::{review_replies, review_responses, review_votes},
    },
    http::Error,
    ids::{PrincipalId, ProgramId, ReviewId},
    on_each_backend,
    replies::store::ReplyRow,
};

/// What is shown with a review and written by others.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Responses {
    /// Rises with every change of it; 0 before the first.
    pub version: i32,
    /// Participants who found the review helpful.
    pub helpful_count: i32,
    /// The provider's reply, in whatever state.
    pub reply: Option<ReplyRow>,
}

/// A review with what others add to it.
#[derive(Debug, Clone)]
pub struct Told {
    /// The review.
    pub row: ReviewRow,
    /// What others add.
    pub responses: Responses,
}

/// What others add to one review.
pub fn of(conn: &mut Conn, review: ReviewId) -> QueryResult<Responses> {
    Ok(of_all(conn, &[review])?.remove(&review).unwrap_or_default())
}

fn of_all(conn: &mut Conn, reviews: &[ReviewId]) -> QueryResult<HashMap<ReviewId, Responses>> {
    let rows: Vec<(ReviewId, i32, i32, Option<ReplyRow>)> = review_responses::table
        .left_join(review_replies::table.on(review_replies::review_id.eq(review_responses::review_id)))
        .filter(review_responses::review_id.eq_any(reviews))
        .select((
            review_responses::review_id,
            review_responses::version,
            review_responses::helpful_count,
            Option::<ReplyRow>::as_select(),
        ))
        .load(conn)?;
    let read = |(id, version, helpful_count, reply)| (id, Responses { version, helpful_count, reply });
    Ok(rows.into_iter().map(read).collect())
}

/// Reads what others add to these reviews, in one statement.
pub fn with(conn: &mut Conn, rows: Vec<ReviewRow>) -> QueryResult<Vec<Told>> {
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    let ids: Vec<ReviewId> = rows.iter().map(|row| row.id).collect();
    let mut responses = of_all(conn, &ids)?;
    let told = |row: ReviewRow| Told { responses: responses.remove(&row.id).unwrap_or_default(), row };
    Ok(rows.into_iter().map(told).collect())
}

/// Finds a review with what others add to it, whatever its status.
pub fn find(conn: &mut Conn, id: ReviewId) -> Result<Told, Error> {
    let row = store::find(conn, id)?;
    let responses = of(conn, id)?;
    Ok(Told { row, responses })
}

/// Counts that what is shown with a review has changed.
pub fn changed(conn: &mut Conn, review: ReviewId, program: ProgramId) -> QueryResult<()> {
    count(conn, review, program, 0)
}

fn count(conn: &mut Conn, review: ReviewId, program: ProgramId, votes: i32) -> QueryResult<()> {
    let first = (
        review_responses::review_id.eq(review),
        review_responses::program_id.eq(program),
        review_responses::version.eq(1),
        // Checked by the database even where the row is there already.
        review_responses::helpful_count.eq(votes.max(0)),
    );
    on_each_backend!(conn, |c| diesel::insert_into(review_responses::table)
        .values(first)
        .on_conflict(review_responses::review_id)
        .do_update()
        .set((
            review_responses::version.eq(review_responses::version + 1),
            review_responses::helpful_count.eq(review_responses::helpful_count + votes),
        ))
        .execute(c))
    .map(drop)
}

/// Counts a participant's vote for a published review of somebody else; a second one changes nothing.
///
/// # Errors
/// [`Error::NotFound`] when the review is not public, [`Error::Conflict`] when it is the voter's own.
pub fn vote(conn: &mut Conn, voter: PrincipalId, review: ReviewId) -> Result<(), Error> {
    let row = store::find(conn, review)?;
    if !row.status.is_public() {
        return Err(Error::NotFound("review"));
    }
    if row.participant_id == voter {
        return Err(Error::Conflict("Nobody votes for a review of their own.".to_owned()));
    }
    let values = (review_votes::review_id.eq(review), review_votes::voter_id.eq(voter));
    let added = on_each_backend!(conn, |c| diesel::insert_into(review_votes::table)
        .values(values)
        .on_conflict_do_nothing()
        .execute(c))?;
    if added == 1 {
        count(conn, review, row.program_id, 1)?;
    }
    Ok(())
}

/// Takes a vote back, whatever has become of the review; without one nothing changes.
pub fn unvote(conn: &mut Conn, voter: PrincipalId, review: ReviewId) -> Result<(), Error> {
    let row = store::find(conn, review)?;
    if diesel::delete(review_votes::table.find((review, voter))).execute(conn)? == 1 {
        count(conn, review, row.program_id, -1)?;
    } else if !row.status.is_public() {
        return Err(Error::NotFound("review"));
    }
    Ok(())
}

/// The reviews that somebody voted for.
pub fn votes_of(conn: &mut Conn, voter: PrincipalId) -> QueryResult<Vec<ReviewId>> {
    review_votes::table
        .filter(review_votes::voter_id.eq(voter))
        .order(review_votes::review_id)
        .select(review_votes::review_id)
        .load(conn)
}

/// Forgets who cast these votes; they still count.
pub fn erase_votes(conn: &mut Conn, voter: PrincipalId) -> QueryResult<()> {
    for review in votes_of(conn, voter)? {
        diesel::update(review_responses::table.find(review))
            .set(review_responses::erased_votes.eq(review_responses::erased_votes + 1))
            .execute(conn)?;
    }
    diesel::delete(review_votes::table.filter(review_votes::voter_id.eq(voter))).execute(conn).map(drop)
}

/// The reviews of a program whose votes are counted wrongly, with the right number.
pub fn miscounted(conn: &mut Conn, program: ProgramId) -> QueryResult<Vec<(ReviewId, i32)>> {
    let stored: Vec<(ReviewId, i32, i32)> = review_responses::table
        .filter(review_responses::program_id.eq(program))
        .order(review_responses::review_id)
        .select((review_responses::review_id, review_responses::helpful_count, review_responses::erased_votes))
        .load(conn)?;
    let mut wrong = Vec::new();
    for (review, helpful_count, erased) in stored {
        let cast: i64 = review_votes::table.filter(review_votes::review_id.eq(review)).count().get_result(conn)?;
        let right = erased.saturating_add(i32::try_from(cast).unwrap_or(i32::MAX));
        if right != helpful_count {
            wrong.push((review, right));
        }
    }
    Ok(wrong)
}

/// Corrects what [`miscounted`] gave.
pub fn set_counts(conn: &mut Conn, counts: &[(ReviewId, i32)]) -> QueryResult<()> {
    for (review, right) in counts {
        diesel::update(review_responses::table.find(review))
            .set((
                review_responses::helpful_count.eq(right),
                review_responses::version.eq(review_responses::version + 1),
            ))
            .execute(conn)?;
    }
    Ok(())
}
