//! Queries on `review_replies`.

use diesel::{
    prelude::*,
    result::{DatabaseErrorKind, Error as DieselError},
};

use super::{
    erase_store,
    model::{ReplyAction, ReplyDecisionInput, ReplyStatus, ReplyTarget},
};
use crate::{
    audit::AuditKey,
    auth::Caller,
    db::{
        Conn,
        schema::{programs, review_replies, review_reply_revisions},
    },
    http::Error,
    ids::{DecisionId, NoticeId, PrincipalId, ProviderId, ReviewId},
    moderation::{self, Act, DecisionBody, SubjectKind},
    notices::{
        self,
        model::{About, NoticeKind, Recipient},
    },
    reviews::{
        model::ReviewStatus,
        response_store,
        store::{self as review_store, ReviewRow},
    },
    time::Timestamp,
};

/// Most decisions that a history shows.
const HISTORY: i64 = 500;
/// Most edits of one text, so that its history stays readable.
const MAX_REVISIONS: i32 = 100;

/// A row of `review_replies`.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = review_replies, treat_none_as_null = true)]
#[expect(missing_docs, reason = "the columns are described in schema.rs and the migrations")]
pub struct ReplyRow {
    pub review_id: ReviewId,
    pub provider_id: ProviderId,
    pub status: ReplyStatus,
    pub version: i32,
    pub revision: i32,
    pub text: Option<String>,
    pub updated_at: Timestamp,
    pub answer_status: Option<ReplyStatus>,
    pub answer_revision: i32,
    pub answer: Option<String>,
    pub answered_at: Timestamp,
}

/// A former text.
#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = review_reply_revisions)]
#[expect(missing_docs, reason = "the columns are described in schema.rs and the migrations")]
pub struct Former {
    pub review_id: ReviewId,
    pub target: ReplyTarget,
    pub revision: i32,
    pub text: String,
    pub written_at: Timestamp,
}

impl ReplyRow {
    /// The state of one of the two; `None` when the author has not answered.
    #[must_use]
    pub const fn status_of(&self, target: ReplyTarget) -> Option<ReplyStatus> {
        match target {
            ReplyTarget::Reply => Some(self.status),
            ReplyTarget::Answer => self.answer_status,
        }
    }

    /// Text, revision and time of one of the two.
    #[must_use]
    pub fn written(&self, target: ReplyTarget) -> (Option<&str>, i32, Timestamp) {
        match target {
            ReplyTarget::Reply => (self.text.as_deref(), self.revision, self.updated_at),
            ReplyTarget::Answer => (self.answer.as_deref(), self.answer_revision, self.answered_at),
        }
    }

    fn set_status(&mut self, target: ReplyTarget, to: ReplyStatus) {
        match target {
            ReplyTarget::Reply => self.status = to,
            ReplyTarget::Answer => self.answer_status = Some(to),
        }
    }

    fn write(&mut self, target: ReplyTarget, text: String, now: Timestamp) {
        self.set_status(target, ReplyStatus::Published);
        match target {
            ReplyTarget::Reply => {
                (self.text, self.revision, self.updated_at) = (Some(text), self.revision + 1, now);
            }
            ReplyTarget::Answer => {
                (self.answer, self.answer_revision, self.answered_at) = (Some(text), self.answer_revision + 1, now);
            }
        }
    }

    fn erase(&mut self, target: ReplyTarget) {
        self.set_status(target, ReplyStatus::Withdrawn);
        match target {
            ReplyTarget::Reply => self.text = None,
            ReplyTarget::Answer => self.answer = None,
        }
    }
}

const NOT_FOUND: Error = Error::NotFound("reply");

/// Finds the reply to a review, whatever its state.
pub fn find(conn: &mut Conn, review: ReviewId) -> Result<Option<ReplyRow>, Error> {
    Ok(review_replies::table.find(review).select(ReplyRow::as_select()).first(conn).optional()?)
}

/// What was decided about a reply and about the answer to it.
pub fn decisions(conn: &mut Conn, review: ReviewId) -> QueryResult<[Vec<DecisionBody>; 2]> {
    let mut of = |kind| moderation::store::history(conn, kind, review.as_uuid(), HISTORY);
    Ok([of(SubjectKind::ReviewReply)?, of(SubjectKind::ReviewAnswer)?])
}

/// Finds the reply to a review that anyone may read.
pub fn find_public(conn: &mut Conn, review: ReviewId) -> Result<ReplyRow, Error> {
    if !review_store::find(conn, review)?.status.is_public() {
        return Err(Error::NotFound("review"));
    }
    find(conn, review)?.ok_or(NOT_FOUND)
}

/// Finds a published review of a program of this provider, with its reply; others do not exist for it.
pub fn find_to_reply(
    conn: &mut Conn,
    review: ReviewId,
    provider: ProviderId,
) -> Result<(ReviewRow, Option<ReplyRow>), Error> {
    let row = review_store::find(conn, review)?;
    let owner: ProviderId = programs::table.find(row.program_id).select(programs::provider_id).first(conn)?;
    if owner != provider || row.status != ReviewStatus::Published {
        return Err(Error::NotFound("review"));
    }
    Ok((row, find(conn, review)?))
}

/// Finds a review that this participant wrote, with the reply to it.
pub fn find_to_answer(conn: &mut Conn, review: ReviewId, author: PrincipalId) -> Result<(ReviewRow, ReplyRow), Error> {
    let row = review_store::find(conn, review)?;
    if row.participant_id != author {
        return Err(Error::NotFound("review"));
    }
    Ok((row, find(conn, review)?.ok_or(NOT_FOUND)?))
}

/// The former texts of reply and answer, oldest first.
pub fn former(conn: &mut Conn, review: ReviewId) -> QueryResult<Vec<Former>> {
    review_reply_revisions::table
        .filter(review_reply_revisions::review_id.eq(review))
        .order((review_reply_revisions::target, review_reply_revisions::revision))
        .select(Former::as_select())
        .load(conn)
}

/// Adds the provider's reply to a published review.
///
/// # Errors
/// [`Error::NotFound`] when the review is not there for this provider, [`Error::PreconditionFailed`] when there is a
/// reply already, in whatever state.
pub fn create(
    conn: &mut Conn,
    review: ReviewId,
    provider: ProviderId,
    text: &str,
    notice: NoticeId,
    now: Timestamp,
) -> Result<ReplyRow, Error> {
    let (of, _) = find_to_reply(conn, review, provider)?;
    let row = ReplyRow {
        review_id: review,
        provider_id: provider,
        status: ReplyStatus::Published,
        version: 1,
        revision: 1,
        text: Some(text.to_owned()),
        updated_at: now,
        answer_status: None,
        answer_revision: 0,
        answer: None,
        answered_at: Timestamp::EPOCH,
    };
    diesel::insert_into(review_replies::table).values(&row).execute(conn).map_err(|error| match error {
        DieselError::DatabaseError(DatabaseErrorKind::UniqueViolation, _) => Error::PreconditionFailed,
        other => Error::Database(other),
    })?;
    response_store::changed(conn, review, of.program_id)?;
    let to = Recipient::Participant(of.participant_id);
    notices::store::enqueue(
        conn,
        notice,
        to,
        NoticeKind::Reply,
        About::new(SubjectKind::ReviewReply, review.as_uuid()),
        now,
    )?;
    Ok(row)
}

/// Writes the reply or the answer anew, or the answer for the first time, and keeps the former text.
///
/// # Errors
/// [`Error::PreconditionFailed`] when the row is no longer as `before` was read, [`Error::Conflict`] when its state, or
/// that of the review, takes no text.
pub fn write(
    conn: &mut Conn,
    before: &ReplyRow,
    target: ReplyTarget,
    text: &str,
    notice: NoticeId,
    now: Timestamp,
) -> Result<ReplyRow, Error> {
    let review = review_store::find(conn, before.review_id)?;
    if !review.status.is_public() {
        return Err(Error::Conflict(format!("The review is `{}`.", review.status)));
    }
    if before.status != ReplyStatus::Published {
        return Err(Error::Conflict(format!("The reply is `{}`.", before.status)));
    }
    if let Some(status) = before.status_of(target) {
        status.after(ReplyAction::Edit).map_err(|refused| Error::Conflict(refused.to_string()))?;
    }
    let (old, revision, written_at) = before.written(target);
    if revision >= MAX_REVISIONS {
        return Err(Error::Conflict(format!("A text can be written {MAX_REVISIONS} times at the most.")));
    }
    let former =
        old.map(|text| Former { review_id: before.review_id, target, revision, text: text.to_owned(), written_at });
    let mut after = before.clone();
    after.write(target, text.to_owned(), now);
    let after = replace(conn, &review, before, after)?;
    if let Some(former) = former {
        diesel::insert_into(review_reply_revisions::table).values(&former).execute(conn)?;
    }
    if target == ReplyTarget::Answer && revision == 0 {
        let (to, about) =
            (Recipient::Provider(after.provider_id), About::new(SubjectKind::ReviewAnswer, review.id.as_uuid()));
        notices::store::enqueue(conn, notice, to, NoticeKind::Reply, about, now)?;
    }
    Ok(after)
}

/// Puts `after` in the place of `before`, and counts that what is shown with the review has changed.
fn replace(conn: &mut Conn, review: &ReviewRow, before: &ReplyRow, after: ReplyRow) -> Result<ReplyRow, Error> {
    let after = ReplyRow { version: before.version + 1, ..after };
    let same = review_replies::table.find(before.review_id).filter(review_replies::version.eq(before.version));
    if diesel::update(same).set(&after).execute(conn)? == 0 {
        return Err(Error::PreconditionFailed);
    }
    response_store::changed(conn, review.id, review.program_id)?;
    Ok(after)
}

/// Counts a change of the row, which locks it, and gives it as it stood before. `None` without a reply.
fn lock(conn: &mut Conn, review: ReviewId) -> QueryResult<Option<ReplyRow>> {
    let row: Option<ReplyRow> = diesel::update(review_replies::table.find(review))
        .set(review_replies::version.eq(review_replies::version + 1))
        .returning(review_replies::all_columns)
        .get_result(conn)
        .optional()?;
    Ok(row)
}

/// Takes the provider's reply back: its texts are erased, and the answer's with them is no longer shown. Records it.
///
/// # Errors
/// [`Error::NotFound`] when there is none that this provider could take back.
pub fn withdraw(
    conn: &mut Conn,
    by: &Caller,
    provider: ProviderId,
    review: ReviewId,
    record: DecisionId,
    now: Timestamp,
) -> Result<(), Error> {
    let (of, _) = find_to_reply(conn, review, provider)?;
    let before = lock(conn, review)?.ok_or(NOT_FOUND)?;
    let to = before.status.after(ReplyAction::Withdraw).map_err(|_| NOT_FOUND)?;
    let mut after = before.clone();
    after.erase(ReplyTarget::Reply);
    replace(conn, &of, &before, after)?;
    erase_store::forget(conn, review, ReplyTarget::Reply)?;
    let act = Act {
        id: record,
        by: *by,
        action: ReplyAction::Withdraw.as_str(),
        from: before.status.as_str(),
        to: to.as_str(),
        reason: "",
        at: now,
        audit: None,
    };
    moderation::store::record(conn, SubjectKind::ReviewReply, review.as_uuid(), &act)
}

/// Finds the reply to a review for a moderator to rule on, whatever their states.
///
/// # Errors
/// [`Error::NotFound`], or [`Error::Forbidden`] when the moderator is linked to the provider or wrote the review.
pub fn find_to_rule(conn: &mut Conn, review: ReviewId, by: &Caller) -> Result<(ReviewRow, ReplyRow), Error> {
    let row = review_store::find(conn, review)?;
    moderation::store::permit_ruling_about(conn, by, row.program_id)?;
    moderation::store::permit_ruling_of_another(by, row.participant_id)?;
    let reply = find(conn, review)?.ok_or(NOT_FOUND)?;
    Ok((row, reply))
}

/// Carries out a moderator's decision about a reply or an answer, records it, and returns the row as it is now.
///
/// # Errors
/// Those of [`find_to_rule`], and [`Error::Conflict`] when the present state forbids the action.
pub fn decide(
    conn: &mut Conn,
    by: &Caller,
    review: ReviewId,
    decision: &ReplyDecisionInput,
    record: DecisionId,
    now: Timestamp,
    audit: &AuditKey,
) -> Result<ReplyRow, Error> {
    let (of, _) = find_to_rule(conn, review, by)?;
    let before = lock(conn, review)?.ok_or(NOT_FOUND)?;
    let target = decision.target;
    let from = before.status_of(target).ok_or_else(|| Error::Conflict("The reply has no answer.".to_owned()))?;
    let action = ReplyAction::from(decision.action);
    if action == ReplyAction::Restore && before.written(target).0.is_none() {
        return Err(Error::Conflict("The text was erased when its time was over.".to_owned()));
    }
    let to = from.after(action).map_err(|refused| Error::Conflict(refused.to_string()))?;
    let mut after = before.clone();
    after.set_status(target, to);
    let after = replace(conn, &of, &before, after)?;
    let act = Act {
        id: record,
        by: *by,
        action: action.as_str(),
        from: from.as_str(),
        to: to.as_str(),
        reason: &decision.reason,
        at: now,
        audit: Some(audit),
    };
    let subject = match target {
        ReplyTarget::Reply => SubjectKind::ReviewReply,
        ReplyTarget::Answer => SubjectKind::ReviewAnswer,
    };
    moderation::store::record(conn, subject, review.as_uuid(), &act)?;
    moderation::store::explain(conn, record, decision.ground, decision.facts.as_deref())?;
    Ok(after)
}
