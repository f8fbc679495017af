//! Emptying rows.

use diesel::prelude::*;
use uuid::Uuid;

use crate::{
    account::model::emptied,
    appeals::store as appeals_store,
    db::{
        Conn, Sql,
        schema::{appeals, decisions, red_flag_reports, report_answers, review_replies, review_revisions, reviews},
    },
    flags::store as flag_store,
    http::Error,
    ids::{AppealId, ReportId, ReviewId},
    moderation::{ActorRole, SubjectKind},
    red_flags::{model::ReportStatus, store as report_store},
    replies::{erase_store, model::ReplyTarget},
    reviews::{
        model::{ReviewInput, ReviewStatus},
        store as review_store,
    },
    time::Timestamp,
};

/// Empties up to `most` items that were refused, removed or taken back before a moment, and returns how many.
pub fn purge(conn: &mut Conn, before: Timestamp, most: i64) -> Result<i64, Error> {
    let mut emptied = 0;
    for kind in [
        SubjectKind::Review,
        SubjectKind::RedFlagReport,
        SubjectKind::ReviewReply,
        SubjectKind::ReviewAnswer,
        SubjectKind::Appeal,
    ] {
        for subject in due(conn, kind, before, most - emptied)? {
            emptied += 1;
            let review = ReviewId::from_uuid(subject);
            let done = match kind {
                SubjectKind::RedFlagReport => purge_report(conn, ReportId::from_uuid(subject))?,
                SubjectKind::ReviewReply => erase_store::erase_removed(conn, review, ReplyTarget::Reply)?,
                SubjectKind::ReviewAnswer => erase_store::erase_removed(conn, review, ReplyTarget::Answer)?,
                SubjectKind::Appeal => appeals_store::erase_words_of(conn, AppealId::from_uuid(subject))?,
                _ => purge_review(conn, review)?,
            };
            if done {
                forget_reasons(conn, kind, &subject)?;
            }
        }
    }
    Ok(emptied)
}

/// An appeal that waits keeps what it is about.
fn unappealed(id: &'static str) -> Sql {
    Sql::default()
        .sql("NOT EXISTS (SELECT 1 FROM appeals WHERE appeals.status = 'pending' AND appeals.subject_id = ")
        .sql(id)
        .sql(" AND appeals.subject_kind IN ('review', 'red_flag_report', 'review_reply', 'review_answer'))")
}

/// The items of a kind that still hold something and were decided on before a moment, the oldest first. Whatever keeps
/// an item for longer, such as an open appeal, is a condition of these queries and of nothing else. The states are
/// spelled out as in the partial indexes, which are not used otherwise.
fn due(conn: &mut Conn, kind: SubjectKind, before: Timestamp, most: i64) -> QueryResult<Vec<Uuid>> {
    // The time of an entry is that of its text; when it was removed is in the record.
    let removed_since = |kind: &'static str| {
        Sql::default()
            .sql("NOT EXISTS (SELECT 1 FROM decisions WHERE decisions.subject_kind = ")
            .value(kind)
            .sql(" AND decisions.subject_id = review_replies.review_id AND decisions.created_at >= ")
            .value(before.as_micros())
            .sql(")")
    };
    let uuids = |ids: Vec<ReviewId>| ids.iter().map(|id| *id.as_uuid()).collect();
    match kind {
        SubjectKind::Review => {
            let holding = "reviews.purged = 0 AND reviews.status IN ('rejected', 'withdrawn')";
            let query = reviews::table
                .filter(Sql::default().sql(holding))
                .filter(reviews::updated_at.lt(before))
                .filter(unappealed("reviews.id"))
                .order((reviews::updated_at, reviews::id));
            query.limit(most).select(reviews::id).load(conn).map(uuids)
        }
        SubjectKind::RedFlagReport => {
            let holding = "red_flag_reports.purged = 0 AND red_flag_reports.status IN ('unsubstantiated', 'withdrawn')";
            let query = red_flag_reports::table
                .filter(Sql::default().sql(holding))
                .filter(red_flag_reports::updated_at.lt(before))
                .filter(unappealed("red_flag_reports.id"))
                .order((red_flag_reports::updated_at, red_flag_reports::id));
            let ids: Vec<ReportId> = query.limit(most).select(red_flag_reports::id).load(conn)?;
            Ok(ids.iter().map(|id| *id.as_uuid()).collect())
        }
        SubjectKind::ReviewReply => {
            let holding = "review_replies.status = 'removed' AND review_replies.text IS NOT NULL";
            let query = review_replies::table
                .filter(Sql::default().sql(holding))
                .filter(review_replies::updated_at.lt(before))
                .filter(unappealed("review_replies.review_id"))
                .filter(removed_since(kind.as_str()))
                .order((review_replies::updated_at, review_replies::review_id));
            query.limit(most).select(review_replies::review_id).load(conn).map(uuids)
        }
        SubjectKind::ReviewAnswer => {
            let holding = "review_replies.answer_status = 'removed' AND review_replies.answer IS NOT NULL";
            let query = review_replies::table
                .filter(Sql::default().sql(holding))
                .filter(review_replies::answered_at.lt(before))
                .filter(unappealed("review_replies.review_id"))
                .filter(removed_since(kind.as_str()))
                .order((review_replies::answered_at, review_replies::review_id));
            query.limit(most).select(review_replies::review_id).load(conn).map(uuids)
        }
        SubjectKind::Appeal => {
            let holding = "appeals.status <> 'pending' AND appeals.words IS NOT NULL";
            let query = appeals::table
                .filter(Sql::default().sql(holding))
                .filter(appeals::updated_at.lt(before))
                .order((appeals::updated_at, appeals::id));
            let ids: Vec<AppealId> = query.limit(most).select(appeals::id).load(conn)?;
            Ok(ids.iter().map(|id| *id.as_uuid()).collect())
        }
        SubjectKind::Assessment | SubjectKind::Program | SubjectKind::TriageEntry => Ok(Vec::new()),
    }
}

/// Empties a review that is refused or taken back, and what was replied to it. False when it is so no more.
fn purge_review(conn: &mut Conn, id: ReviewId) -> Result<bool, Error> {
    let gone = reviews::status.eq(ReviewStatus::Rejected).or(reviews::status.eq(ReviewStatus::Withdrawn));
    // Counted before it is read, so that an edit meanwhile is seen, or sees this.
    let locked = diesel::update(reviews::table.find(id).filter(gone)).set(reviews::purged.eq(1)).execute(conn)?;
    if locked == 0 {
        return Ok(false);
    }
    empty_review(conn, id)?;
    erase_store::erase_with_review(conn, id)?;
    for kind in [SubjectKind::ReviewReply, SubjectKind::ReviewAnswer] {
        forget_reasons(conn, kind, id.as_uuid())?;
    }
    Ok(true)
}

/// Takes the author's words out of a review and deletes its former contents. The row stays: a tombstone.
pub fn empty_review(conn: &mut Conn, id: ReviewId) -> Result<(), Error> {
    let content: String = reviews::table.find(id).select(reviews::content).first(conn)?;
    let content: ReviewInput = serde_json::from_str(&content).map_err(Error::internal)?;
    let left = serde_json::to_string(&emptied(content)).map_err(Error::internal)?;
    diesel::update(reviews::table.find(id))
        .set((
            reviews::content.eq(left),
            reviews::status_reason.eq(None::<String>),
            reviews::findings.eq(review_store::NO_FINDINGS),
            reviews::purged.eq(1),
            reviews::version.eq(reviews::version + 1),
        ))
        .execute(conn)?;
    diesel::delete(review_revisions::table.filter(review_revisions::review_id.eq(id))).execute(conn)?;
    review_store::traces::forget(conn, id)?;
    flag_store::erase_notes_about(conn, id)?;
    Ok(())
}

/// Takes the account, the evidence and the dialogue out of a report that was not found true or taken back, and deletes
/// what its provider was asked and said. Its states are final, so nobody changes it meanwhile.
fn purge_report(conn: &mut Conn, id: ReportId) -> Result<bool, Error> {
    let row = report_store::lock(conn, id)?;
    if !matches!(row.status, ReportStatus::Unsubstantiated | ReportStatus::Withdrawn) {
        return Ok(false);
    }
    let mut content = row.content()?;
    content.input.narrative.clear();
    content.input.evidence.clear();
    content.information.clear();
    let left = serde_json::to_string(&content).map_err(Error::internal)?;
    diesel::update(red_flag_reports::table.find(id))
        .set((red_flag_reports::content.eq(left), red_flag_reports::purged.eq(1)))
        .execute(conn)?;
    diesel::delete(report_answers::table.find(id)).execute(conn)?;
    Ok(true)
}

/// What people wrote as reasons may quote what is gone. Acts, states, roles and times stay, and what the service gives
/// as its own reason: that is one of a few fixed sentences.
fn forget_reasons(conn: &mut Conn, kind: SubjectKind, subject: &Uuid) -> QueryResult<()> {
    let of_people = decisions::table
        .filter(decisions::subject_kind.eq(kind))
        .filter(decisions::subject_id.eq(subject.as_bytes().to_vec()))
        .filter(decisions::actor_role.ne(ActorRole::System));
    let emptied = (decisions::reason.eq(""), decisions::facts.eq(None::<String>));
    diesel::update(of_people).set(emptied).execute(conn).map(drop)
}
