//! Erasing the texts of replies and answers; their rows stay.

use diesel::prelude::*;

use super::model::{ReplyStatus, ReplyTarget};
use crate::{
    db::{
        Conn,
        schema::{review_replies, review_reply_revisions},
    },
    http::Error,
    ids::ReviewId,
    reviews::{response_store, store as review_store},
};

/// Deletes the former texts of a reply or an answer.
pub(super) fn forget(conn: &mut Conn, review: ReviewId, target: ReplyTarget) -> QueryResult<()> {
    let former = review_reply_revisions::table
        .filter(review_reply_revisions::review_id.eq(review))
        .filter(review_reply_revisions::target.eq(target));
    diesel::delete(former).execute(conn).map(drop)
}

/// Erases what the author of a review answered to its reply, because the author's words are erased.
pub fn erase_answer(conn: &mut Conn, review: ReviewId) -> Result<(), Error> {
    let answered = review_replies::table.find(review).filter(review_replies::answer.is_not_null());
    let erased = diesel::update(answered)
        .set((
            review_replies::answer_status.eq(ReplyStatus::Withdrawn),
            review_replies::answer.eq(None::<String>),
            review_replies::version.eq(review_replies::version + 1),
        ))
        .execute(conn)?;
    if erased == 0 {
        return Ok(());
    }
    forget(conn, review, ReplyTarget::Answer)?;
    let program = review_store::find(conn, review)?.program_id;
    Ok(response_store::changed(conn, review, program)?)
}

/// Erases the texts of the reply to a review that is gone for good, and of the answer to it.
pub fn erase_with_review(conn: &mut Conn, review: ReviewId) -> Result<(), Error> {
    erase_answer(conn, review)?;
    let standing = review_replies::table.find(review).filter(review_replies::text.is_not_null());
    let erased = diesel::update(standing)
        .set((
            review_replies::status.eq(ReplyStatus::Withdrawn),
            review_replies::text.eq(None::<String>),
            review_replies::version.eq(review_replies::version + 1),
        ))
        .execute(conn)?;
    if erased == 0 {
        return Ok(());
    }
    forget(conn, review, ReplyTarget::Reply)?;
    let program = review_store::find(conn, review)?.program_id;
    Ok(response_store::changed(conn, review, program)?)
}

/// Erases a removed text with all its former ones; that it was removed stays. False when it is not removed any more.
pub fn erase_removed(conn: &mut Conn, review: ReviewId, target: ReplyTarget) -> Result<bool, Error> {
    let more = review_replies::version.eq(review_replies::version + 1);
    let row = review_replies::table.find(review);
    let erased = match target {
        ReplyTarget::Reply => diesel::update(row.filter(review_replies::status.eq(ReplyStatus::Removed)))
            .set((review_replies::text.eq(None::<String>), more))
            .execute(conn)?,
        ReplyTarget::Answer => diesel::update(row.filter(review_replies::answer_status.eq(ReplyStatus::Removed)))
            .set((review_replies::answer.eq(None::<String>), more))
            .execute(conn)?,
    };
    if erased == 0 {
        return Ok(false);
    }
    forget(conn, review, target)?;
    let program = review_store::find(conn, review)?.program_id;
    response_store::changed(conn, review, program)?;
    Ok(true)
}
