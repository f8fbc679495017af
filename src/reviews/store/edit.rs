//! An edit of a review, after which it goes through the checks again.

use diesel::prelude::*;

use super::{HELD, NO_FINDINGS, ReviewRow, Traces, change::Change, cohort, traces};
use crate::{
    db::{
        Conn,
        schema::{review_revisions, reviews},
    },
    http::Error,
    ids::DecisionId,
    participation,
    programs::derived::{rated, review_changed},
    reviews::{
        checks::Finding,
        cohort::CohortRule,
        model::{ReviewAction, ReviewInput, ReviewStatus, Verification},
    },
    self_reports::{model::SelfReport, triage_store},
    time::Timestamp,
    vetting::standing_store,
};

const RESUBMITTED: &str = "The author has changed the review after it was refused; a moderator looks at it again.";
const CLEAN: &str = "The author has changed what the automatic checks had found.";
const MOVED: &str = "The author has changed the period that the review is about.";

/// What is written anew.
#[derive(Debug, Clone)]
pub struct Edit {
    /// The new content.
    pub content: ReviewInput,
    /// What the checks found in it, and its sketches; `None` when the text is the same as before, of which all is known.
    pub checked: Option<(Vec<Finding>, Traces)>,
    /// How small cohorts are kept together.
    pub rule: CohortRule,
    /// The id of the record, if the state changes.
    pub record: DecisionId,
}

/// Replaces the content of the review as `before` was read, keeps the former content as a revision,
/// and returns the row as it is now. The verification stays unless a new period takes it away. The state follows from
/// what the checks found.
///
/// # Errors
/// [`Error::PreconditionFailed`] when the row has changed since it was read, [`Error::Conflict`]
/// when the state forbids edits or the new half-year has a review of the same participant already.
pub fn edit(conn: &mut Conn, before: &ReviewRow, edit: &Edit, now: Timestamp) -> Result<ReviewRow, Error> {
    let content = &edit.content;
    if !before.status.is_editable() {
        return Err(Error::Conflict(format!("A review cannot be edited while its status is `{}`.", before.status)));
    }
    // A code and a confirmation prove a stay in their own period and no other.
    let period = (content.period.start_month, content.period.end_month);
    let moved = period != (before.period_start, before.period_end);
    let (verification, vouched_by, vouched_month) = match before.verification {
        Verification::ParticipationCode | Verification::UniversityConfirmed if moved => {
            let found = participation::store::evidence(conn, before.participant_id, before.program_id, period)?;
            let vouched = found.vouched();
            (found.verification(), vouched.map(|by| by.by), vouched.map(|by| by.month))
        }
        kept => (kept, before.vouched_by, before.vouched_month),
    };
    let findings = match &edit.checked {
        Some((findings, _)) => serde_json::to_string(findings).map_err(Error::internal)?,
        None => before.findings.clone(),
    };
    let after: ReviewRow = diesel::update(reviews::table.find(before.id).filter(reviews::version.eq(before.version)))
        .set((
            super::Contents::of(content, now)?,
            reviews::verification.eq(verification),
            reviews::vouched_by.eq(vouched_by),
            reviews::vouched_month.eq(vouched_month),
            reviews::findings.eq(findings),
            reviews::version.eq(before.version + 1),
            reviews::revision.eq(before.revision + 1),
            reviews::purged.eq(0),
        ))
        .returning(reviews::all_columns)
        .get_result(conn)
        .optional()
        .map_err(super::one_per_period)?
        .ok_or(Error::PreconditionFailed)?;
    diesel::insert_into(review_revisions::table)
        .values((
            review_revisions::review_id.eq(before.id),
            review_revisions::revision.eq(before.revision),
            review_revisions::content.eq(&before.content),
            review_revisions::period_start.eq(before.period_start),
            review_revisions::period_end.eq(before.period_end),
            review_revisions::created_at.eq(now),
        ))
        .execute(conn)?;
    let former = before.input()?;
    if before.status.is_public() {
        let counted = rated(&former, before.half_year, before.verification);
        let counts = rated(content, after.half_year, after.verification);
        // An edit of the text alone leaves score and counts as they are.
        if counted != counts {
            let (counted, counts) = (Some(&counted), Some(&counts));
            review_changed(conn, before.program_id, counted, counts, now)?;
        }
    }
    if SelfReport::tells_otherwise(&former, content) {
        triage_store::forget_ruling(conn, before.program_id, before.id)?;
    }
    let (told, tells) = (before.self_report(&former), after.self_report(content));
    super::report_changed(conn, &after, told.as_ref(), tells.as_ref(), now)?;
    if before.verification != after.verification {
        standing_store::agreement_changed(conn, after.program_id, after.id, now)?;
    }
    if let Some((_, traces)) = &edit.checked {
        traces::forget(conn, before.id)?;
        traces::keep(conn, before.id, traces)?;
    }
    settle(conn, before, after, edit, now)
}

/// Brings the state in line with what was found in the new content. What the checks found holds a review. What they had
/// held becomes public once they find nothing any more. What a moderator holds stays so, and what one refused goes back
/// to a moderator, whatever the checks say.
fn settle(
    conn: &mut Conn,
    before: &ReviewRow,
    after: ReviewRow,
    edit: &Edit,
    now: Timestamp,
) -> Result<ReviewRow, Error> {
    use ReviewStatus as S;

    let found = after.findings != NO_FINDINGS;
    // A moderator gives another reason.
    let by_checks = before.status_reason.as_deref() == Some(HELD);
    let moved = (before.half_year, before.verification) != (after.half_year, after.verification);
    let (action, reason) = match before.status {
        S::Published | S::Pending if found => (ReviewAction::Hold, HELD),
        S::Rejected => (ReviewAction::Resubmit, RESUBMITTED),
        S::Held if by_checks && !found => (ReviewAction::Publish, CLEAN),
        S::Pending if moved => (ReviewAction::Publish, MOVED),
        _ => return Ok(after),
    };
    let waits = if action == ReviewAction::Publish { cohort::waits(conn, &after, &edit.rule, now)? } else { None };
    let waits = waits.map(|until| (until, edit.rule.explained(until)));
    let record = edit.record;
    Change { by: None, action, waits, reason, record, now, audit: None }.carry_out(conn, after)
}
