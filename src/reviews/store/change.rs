//! Changes of a review's state, with their effect on the score and their record.

use diesel::prelude::*;

use super::{ReviewRow, report_changed};
use crate::{
    audit::AuditKey,
    auth::Caller,
    db::{Conn, schema::reviews},
    http::Error,
    ids::{DecisionId, ReviewId},
    moderation::{self, Act, SubjectKind},
    programs::derived::review_changed,
    reviews::model::{ReviewAction, ReviewDecisionInput, ReviewStatus, Verification},
    score::RatedReview,
    time::Timestamp,
    vetting::standing_store,
};

/// The columns that a change of state sets.
#[derive(AsChangeset)]
#[diesel(table_name = reviews, treat_none_as_null = true)]
struct State {
    status: ReviewStatus,
    status_reason: Option<String>,
    published_at: Timestamp,
    updated_at: Timestamp,
}

/// Carries out a moderator's decision, records it, and returns the row as it is now.
///
/// # Errors
/// [`Error::NotFound`], [`Error::Forbidden`] when the moderator is linked to the program's provider, or
/// [`Error::Conflict`] when the present state forbids the action.
pub fn decide(
    conn: &mut Conn,
    by: &Caller,
    id: ReviewId,
    decision: &ReviewDecisionInput,
    record: DecisionId,
    now: Timestamp,
    audit: &AuditKey,
) -> Result<ReviewRow, Error> {
    let row: Option<ReviewRow> = diesel::update(reviews::table.find(id))
        .set(reviews::version.eq(reviews::version + 1))
        .returning(reviews::all_columns)
        .get_result(conn)
        .optional()?;
    let row = row.ok_or(Error::NotFound("review"))?;
    moderation::store::permit_ruling_about(conn, by, row.program_id)?;
    let audit = Some(audit);
    Change { by, action: decision.action.into(), reason: &decision.reason, record, now, audit }.carry_out(conn, row)
}

/// Takes a review back for its author, records that, and returns the row as it is now.
///
/// # Errors
/// [`Error::NotFound`] when `by` did not write such a review, or [`Error::Conflict`] when its state
/// is final.
pub fn withdraw(
    conn: &mut Conn,
    by: &Caller,
    id: ReviewId,
    record: DecisionId,
    now: Timestamp,
) -> Result<ReviewRow, Error> {
    let own = reviews::table.find(id).filter(reviews::participant_id.eq(by.id));
    let row = diesel::update(own)
        .set(reviews::version.eq(reviews::version + 1))
        .returning(reviews::all_columns)
        .get_result(conn)
        .optional()?;
    let act = Change { by, action: ReviewAction::Withdraw, reason: "", record, now, audit: None };
    act.carry_out(conn, row.ok_or(Error::NotFound("review"))?)
}

/// Takes back what an address at a university proved for a review, because the address is forgotten: the review counts
/// on as an unverified one. Otherwise one mailbox could vouch for any number of participants, one after the other.
pub fn forget_address(conn: &mut Conn, id: ReviewId, now: Timestamp) -> Result<(), Error> {
    let proven = reviews::table.find(id).filter(reviews::verification.eq(Verification::UniversityEmail));
    let row: Option<ReviewRow> = diesel::update(proven)
        .set((reviews::verification.eq(Verification::None), reviews::version.eq(reviews::version + 1)))
        .returning(reviews::all_columns)
        .get_result(conn)
        .optional()?;
    let Some(row) = row.filter(|row| row.status.is_public()) else { return Ok(()) };
    let after = row.rated()?;
    let before = RatedReview { verification: Verification::UniversityEmail, ..after };
    review_changed(conn, row.program_id, Some(&before), Some(&after), now)?;
    let proven = ReviewRow { verification: Verification::UniversityEmail, ..row };
    report_changed(conn, &proven, proven.reported()?.as_ref(), None, now)?;
    standing_store::agreement_changed(conn, proven.program_id, proven.id, now)
}

/// A change of state.
struct Change<'a> {
    by: &'a Caller,
    action: ReviewAction,
    reason: &'a str,
    record: DecisionId,
    now: Timestamp,
    audit: Option<&'a AuditKey>,
}

impl Change<'_> {
    /// `row` has been read in this transaction by the statement that counted up its version, so it
    /// cannot change before the commit.
    fn carry_out(&self, conn: &mut Conn, row: ReviewRow) -> Result<ReviewRow, Error> {
        let from = row.status;
        let to = from.after(self.action).map_err(|refused| Error::Conflict(refused.to_string()))?;
        // The author reads why a review is not public; why it became public again is in the record.
        let explained = matches!(to, ReviewStatus::Held | ReviewStatus::Rejected);
        let first_published = to.is_public() && row.published_at == Timestamp::EPOCH;
        let state = State {
            status: to,
            status_reason: explained.then(|| self.reason.to_owned()),
            published_at: if first_published { self.now } else { row.published_at },
            updated_at: self.now,
        };
        diesel::update(reviews::table.find(row.id)).set(&state).execute(conn)?;
        if from.is_public() != to.is_public() {
            let counts = row.rated()?;
            let before = from.is_public().then_some(&counts);
            let after = to.is_public().then_some(&counts);
            review_changed(conn, row.program_id, before, after, self.now)?;
        }
        let told = row.reported()?;
        let row = ReviewRow {
            status: to,
            status_reason: state.status_reason,
            published_at: state.published_at,
            updated_at: self.now,
            ..row
        };
        report_changed(conn, &row, told.as_ref(), row.reported()?.as_ref(), self.now)?;
        if from.is_public() != to.is_public() && row.verification.is_verified() {
            standing_store::agreement_changed(conn, row.program_id, row.id, self.now)?;
        }
        let act = Act {
            id: self.record,
            by: *self.by,
            action: self.action.as_str(),
            from: from.as_str(),
            to: to.as_str(),
            reason: self.reason,
            at: self.now,
            audit: self.audit,
        };
        moderation::store::record(conn, SubjectKind::Review, row.id.as_uuid(), &act)?;
        Ok(row)
    }
}
