//! Changes of a review's state, with their effect on the score and their record.

use diesel::prelude::*;

use super::{NO_FINDINGS, ReviewRow, cohort, find, report_changed, traces};
use crate::{
    audit::AuditKey,
    auth::{Caller, Role},
    db::{Conn, schema::reviews},
    flags::store as flag_store,
    http::Error,
    ids::{DecisionId, ReviewId},
    moderation::{self, Act, OwnAct, SubjectKind},
    programs::derived::review_changed,
    reviews::{
        cohort::CohortRule,
        model::{ReviewAction, ReviewDecisionInput, ReviewRuling, ReviewStatus},
    },
    time::Timestamp,
    vetting::standing_store,
};

/// The columns that a change of state sets.
#[derive(AsChangeset)]
#[diesel(table_name = reviews, treat_none_as_null = true)]
struct State {
    status: ReviewStatus,
    status_reason: Option<String>,
    findings: String,
    release_at: Timestamp,
    published_at: Timestamp,
    updated_at: Timestamp,
}

/// What a ruling needs beside the decision.
#[derive(Debug, Clone, Copy)]
pub struct Ruled<'a> {
    /// The id of its record.
    pub record: DecisionId,
    /// How small cohorts are kept together.
    pub rule: &'a CohortRule,
    /// The key of the security log.
    pub audit: &'a AuditKey,
}

/// Carries out a moderator's decision, records it, and returns the row as it is now.
///
/// # Errors
/// [`Error::NotFound`], [`Error::Forbidden`] as for [`permit`], or [`Error::Conflict`] when the present state forbids the
/// action or another moderator has claimed the review. What waits for its cohort no moderator publishes.
pub fn decide(
    conn: &mut Conn,
    by: &Caller,
    id: ReviewId,
    decision: &ReviewDecisionInput,
    act: Ruled<'_>,
    now: Timestamp,
) -> Result<ReviewRow, Error> {
    let row = lock(conn, id)?;
    permit(conn, by, &row)?;
    moderation::claim_store::permit(conn, by, SubjectKind::Review, id.as_uuid(), now)?;
    let action = ReviewAction::from(decision.action);
    let waits = match (row.status, action) {
        (ReviewStatus::Pending, ReviewAction::Publish) => {
            return Err(Error::Conflict("The review waits for others, and becomes public by itself.".to_owned()));
        }
        (ReviewStatus::Held, ReviewAction::Publish) => cohort::waits(conn, &row, act.rule, now)?,
        _ => None,
    };
    let waits = waits.map(|until| (until, act.rule.explained(until)));
    let (reason, record, audit) = (decision.reason.as_str(), act.record, Some(act.audit));
    let row = Change { by: Some(*by), action, waits, reason, record, now, audit }.carry_out(conn, row)?;
    moderation::store::explain(conn, record, decision.ground, decision.facts.as_deref())?;
    Ok(row)
}

/// Makes a review public again that was held or refused, because an appeal was upheld, or lets it wait for others of its
/// cohort. `resubmitted` is the id of the record that a refused one is held again, on its way.
///
/// # Errors
/// As for [`decide`].
pub fn reinstate(
    conn: &mut Conn,
    by: &Caller,
    id: ReviewId,
    reason: &str,
    resubmitted: DecisionId,
    act: Ruled<'_>,
    now: Timestamp,
) -> Result<ReviewRow, Error> {
    let row = find(conn, id)?;
    if row.status == ReviewStatus::Rejected {
        let row = lock(conn, id)?;
        moderation::store::permit_ruling_about(conn, by, row.program_id)?;
        let (action, record, audit) = (ReviewAction::Resubmit, resubmitted, Some(act.audit));
        Change { by: Some(*by), action, waits: None, reason, record, now, audit }.carry_out(conn, row)?;
    }
    let reason = reason.to_owned();
    let decision = ReviewDecisionInput { action: ReviewRuling::Publish, reason, ground: None, facts: None };
    decide(conn, by, id, &decision, act, now)
}

/// Counts a change of the review, which locks its row for the rest of the transaction, and reads it.
fn lock(conn: &mut Conn, id: ReviewId) -> Result<ReviewRow, Error> {
    let row: Option<ReviewRow> = diesel::update(reviews::table.find(id))
        .set(reviews::version.eq(reviews::version + 1))
        .returning(reviews::all_columns)
        .get_result(conn)
        .optional()?;
    row.ok_or(Error::NotFound("review"))
}

/// Refuses a ruling by whoever wrote the review or is linked to the program's provider.
pub fn permit(conn: &mut Conn, by: &Caller, row: &ReviewRow) -> Result<(), Error> {
    if row.participant_id == by.id {
        return Err(Error::Forbidden("Nobody rules on their own review."));
    }
    moderation::store::permit_ruling_about(conn, by, row.program_id)
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
    let action = ReviewAction::Withdraw;
    let act = Change { by: Some(*by), action, waits: None, reason: "", record, now, audit: None };
    let row = act.carry_out(conn, row.ok_or(Error::NotFound("review"))?)?;
    // The author may write anew what was withdrawn.
    traces::forget(conn, id)?;
    Ok(row)
}

/// Holds a review's row until the commit, without a trace in its version, so that what others do about it comes before
/// or after. `SQLite` has one writer at a time anyway.
pub fn steady(conn: &mut Conn, id: ReviewId) -> QueryResult<()> {
    match conn {
        Conn::Sqlite(_) => Ok(()),
        Conn::Postgres(c) => {
            let row = reviews::table.find(id).select(reviews::id);
            row.for_no_key_update().first::<ReviewId>(c).optional().map(drop)
        }
    }
}

/// Takes a public review out of public view in nobody's name, and records that.
///
/// # Errors
/// [`Error::NotFound`], or [`Error::Conflict`] when its state forbids it.
pub fn hold_by_rule(
    conn: &mut Conn,
    id: ReviewId,
    reason: &str,
    record: DecisionId,
    now: Timestamp,
) -> Result<ReviewRow, Error> {
    let row = diesel::update(reviews::table.find(id))
        .set(reviews::version.eq(reviews::version + 1))
        .returning(reviews::all_columns)
        .get_result(conn)
        .optional()?;
    let act = Change { by: None, action: ReviewAction::Hold, waits: None, reason, record, now, audit: None };
    act.carry_out(conn, row.ok_or(Error::NotFound("review"))?)
}

/// Gives the author of a held review another reason, because a moderator has looked at it.
pub fn give_reason(conn: &mut Conn, id: ReviewId, reason: &str) -> QueryResult<()> {
    let held = reviews::table.find(id).filter(reviews::status.eq(ReviewStatus::Held));
    diesel::update(held)
        .set((reviews::status_reason.eq(reason), reviews::version.eq(reviews::version + 1)))
        .execute(conn)
        .map(drop)
}

/// A change of state.
pub(super) struct Change<'a> {
    /// Who acts; `None` for what the service does by rule.
    pub by: Option<Caller>,
    pub action: ReviewAction,
    /// Until when the review waits for others instead of being public at once, and how that is explained.
    pub waits: Option<(Timestamp, String)>,
    /// Why.
    pub reason: &'a str,
    pub record: DecisionId,
    pub now: Timestamp,
    pub audit: Option<&'a AuditKey>,
}

impl Change<'_> {
    /// `row` has been read in this transaction by the statement that counted up its version, so it
    /// cannot change before the commit.
    pub fn carry_out(&self, conn: &mut Conn, row: ReviewRow) -> Result<ReviewRow, Error> {
        let from = row.status;
        let allowed = from.after(self.action).map_err(|refused| Error::Conflict(refused.to_string()))?;
        let waits = self.waits.as_ref().filter(|_| allowed.is_public());
        let to = if waits.is_some() { ReviewStatus::Pending } else { allowed };
        // The author reads why a review is not public; why it became public again is in the record.
        let explained = matches!(to, ReviewStatus::Held | ReviewStatus::Rejected).then(|| self.reason.to_owned());
        let first_published = to.is_public() && row.published_at == Timestamp::EPOCH;
        // The hour at which a verified review becomes public would tell which others it came with.
        let moment = if row.verification.is_verified() { self.now.day().start() } else { self.now };
        let state = State {
            status: to,
            status_reason: waits.map(|(_, why)| why.clone()).or(explained),
            findings: if to == ReviewStatus::Held { row.findings.clone() } else { NO_FINDINGS.to_owned() },
            release_at: waits.map_or(Timestamp::EPOCH, |(until, _)| *until),
            published_at: if first_published { moment } else { row.published_at },
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
        let State { status, status_reason, findings, release_at, published_at, updated_at } = state;
        let row = ReviewRow { status, status_reason, updated_at, published_at, findings, release_at, ..row };
        report_changed(conn, &row, told.as_ref(), row.reported()?.as_ref(), self.now)?;
        if from.is_public() != to.is_public() && row.verification.is_verified() {
            standing_store::agreement_changed(conn, row.program_id, row.id, self.now)?;
        }
        let ruled = self.by.filter(|by| by.role == Role::Moderator).map(|_| self.reason);
        flag_store::review_changed(conn, &row, ruled, self.now)?;
        self.write_down(conn, row.id, from, to)?;
        Ok(row)
    }

    fn write_down(&self, conn: &mut Conn, id: ReviewId, from: ReviewStatus, to: ReviewStatus) -> Result<(), Error> {
        let (action, from, to, reason) = (self.action.as_str(), from.as_str(), to.as_str(), self.reason);
        let (record, at) = (self.record, self.now);
        if let Some(by) = self.by {
            let act = Act { id: record, by, action, from, to, reason, at, audit: self.audit };
            moderation::store::record(conn, SubjectKind::Review, id.as_uuid(), &act)
        } else {
            let act = OwnAct { id: record, action, from, to, reason, at };
            Ok(moderation::store::record_own(conn, SubjectKind::Review, id.as_uuid(), &act)?)
        }
    }
}
