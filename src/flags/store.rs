//! Queries on `review_flags` and `review_cases`.
//!
//! Whoever changes a case holds the row of its review, so that flags, rulings and withdrawals come one after the other.

use diesel::{dsl::exists, prelude::*};
use uuid::Uuid;

pub use self::{
    erasure::{erase, erase_notes_about},
    precision::{Precision, precision, precision_by_class},
    read::{CaseItemRow, Detail, OwnFlag, detail, of_participant, own, queue},
};
use super::model::{
    CaseDecisionInput, CaseOutcome, CaseStatus, Circumstances, FlaggerClass, Party, ReviewFlagInput, may_hold,
};
use crate::{
    audit::AuditKey,
    auth::{Caller, principals},
    db::{
        Conn,
        schema::{review_cases, review_flag_reasons, review_flags, reviews},
    },
    http::Error,
    ids::{DecisionId, ReviewCaseId, ReviewFlagId, ReviewId},
    moderation::{self, Act, SubjectKind},
    red_flags::measure_store,
    reviews::{
        cohort::CohortRule,
        model::{ReviewDecisionInput, ReviewStatus},
        store::{self as review_store, ReviewRow, Ruled},
    },
    time::Timestamp,
};

mod erasure;
mod precision;
mod read;

/// A row of `review_cases`.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = review_cases)]
#[expect(missing_docs, reason = "the columns are described in schema.rs and the migrations")]
pub struct CaseRow {
    pub id: ReviewCaseId,
    pub review_id: ReviewId,
    pub status: CaseStatus,
    pub version: i32,
    pub held: i32,
    pub grave: i32,
    pub outcome: Option<CaseOutcome>,
    pub reason: Option<String>,
    pub seen_revision: Option<i32>,
    pub opened_at: Timestamp,
    pub closed_at: Timestamp,
}

/// A row of `review_flags`.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = review_flags)]
#[expect(missing_docs, reason = "the columns are described in schema.rs and the migrations")]
pub struct FlagRow {
    pub id: ReviewFlagId,
    pub case_id: ReviewCaseId,
    pub review_id: ReviewId,
    pub party_class: FlaggerClass,
    pub party_id: Option<Vec<u8>>,
    pub note: Option<String>,
    pub held: i32,
    pub created_at: Timestamp,
}

/// A flag that is about to be stored.
#[derive(Debug, Clone)]
pub struct NewFlag {
    /// Its id; random.
    pub id: ReviewFlagId,
    /// The id of the case, if it opens one; random.
    pub case: ReviewCaseId,
    /// The id of the record, if it holds the review.
    pub record: DecisionId,
    /// Who flags.
    pub by: Caller,
    /// For whom.
    pub party: Party,
    /// The review.
    pub review: ReviewId,
    /// What is said.
    pub input: ReviewFlagInput,
}

fn by_party(party: Uuid) -> Vec<u8> {
    party.as_bytes().to_vec()
}

/// Finds a review that anyone may read; others are not flagged.
pub fn find_public(conn: &mut Conn, review: ReviewId) -> Result<ReviewRow, Error> {
    Some(review_store::find(conn, review)?).filter(|row| row.status.is_public()).ok_or(Error::NotFound("review"))
}

/// Finds a review that this party can flag.
///
/// # Errors
/// [`Error::NotFound`] when it is not public, [`Error::Conflict`] when it is the caller's own or the party has flagged it.
fn find_to_flag(conn: &mut Conn, by: &Caller, party: Party, review: ReviewId) -> Result<ReviewRow, Error> {
    let row = find_public(conn, review)?;
    if row.participant_id == by.id {
        return Err(Error::Conflict("Nobody flags a review of their own.".to_owned()));
    }
    let before = review_flags::table
        .filter(review_flags::review_id.eq(review))
        .filter(review_flags::party_id.eq(by_party(party.id)));
    if diesel::select(exists(before)).get_result(conn)? {
        return Err(Error::Conflict("You have flagged this review already.".to_owned()));
    }
    Ok(row)
}

/// Stores a flag in the open case of its review, which it opens where there is none, and holds the review where
/// [`may_hold`] says so.
///
/// # Errors
/// [`Error::NotFound`] when the review is not public, [`Error::Conflict`] when it is the caller's own or the party has
/// flagged it before, and [`Error::Suspended`].
pub fn flag(conn: &mut Conn, new: &NewFlag, now: Timestamp) -> Result<OwnFlag, Error> {
    // So that what the party has held today is counted once at a time.
    principals::hold(conn, new.by.id)?;
    measure_store::check_may_report(conn, new.by.id, now)?;
    review_store::steady(conn, new.review)?;
    let review = find_to_flag(conn, &new.by, new.party, new.review)?;
    let case = open_case(conn, new, now)?;
    let reasons = &new.input.reasons;
    let grave = reasons.iter().any(|reason| reason.holds().is_some());
    let why = if grave { may_hold(reasons, circumstances(conn, new, &review, now)?) } else { None };
    let flag = FlagRow {
        id: new.id,
        case_id: case,
        review_id: new.review,
        party_class: new.party.class,
        party_id: Some(by_party(new.party.id)),
        note: new.input.note.clone(),
        held: i32::from(why.is_some()),
        created_at: now,
    };
    diesel::insert_into(review_flags::table).values(&flag).execute(conn)?;
    let mut sorted = reasons.clone();
    sorted.sort_unstable();
    for reason in &sorted {
        diesel::insert_into(review_flag_reasons::table)
            .values((review_flag_reasons::flag_id.eq(new.id), review_flag_reasons::reason.eq(*reason)))
            .execute(conn)?;
    }
    if grave {
        let held = why.map(|_| review_cases::held.eq(1));
        diesel::update(review_cases::table.find(case)).set((review_cases::grave.eq(1), held)).execute(conn)?;
    }
    if let Some(why) = why {
        review_store::hold_by_rule(conn, new.review, why, new.record, now)?;
    }
    Ok(OwnFlag { flag, reasons: sorted, status: CaseStatus::Open, outcome: None })
}

/// Counts a flag in the open case of the review, which is made where there is none, and gives the case's id.
fn open_case(conn: &mut Conn, new: &NewFlag, now: Timestamp) -> QueryResult<ReviewCaseId> {
    let open = review_cases::table
        .filter(review_cases::review_id.eq(new.review))
        .filter(review_cases::status.eq(CaseStatus::Open));
    let known: Option<ReviewCaseId> = diesel::update(open)
        .set(review_cases::version.eq(review_cases::version + 1))
        .returning(review_cases::id)
        .get_result(conn)
        .optional()?;
    if let Some(known) = known {
        return Ok(known);
    }
    let row = CaseRow {
        id: new.case,
        review_id: new.review,
        status: CaseStatus::Open,
        version: 1,
        held: 0,
        grave: 0,
        outcome: None,
        reason: None,
        seen_revision: None,
        opened_at: now,
        closed_at: Timestamp::EPOCH,
    };
    diesel::insert_into(review_cases::table).values(&row).execute(conn)?;
    Ok(new.case)
}

fn circumstances(conn: &mut Conn, new: &NewFlag, review: &ReviewRow, now: Timestamp) -> QueryResult<Circumstances> {
    let held_today = review_flags::table
        .filter(review_flags::party_id.eq(by_party(new.party.id)))
        .filter(review_flags::created_at.ge(now.day().start()))
        .filter(review_flags::held.eq(1))
        .count()
        .get_result(conn)?;
    let held_of_program = review_flags::table
        .inner_join(review_cases::table.inner_join(reviews::table))
        .filter(review_flags::held.eq(1))
        .filter(review_flags::created_at.ge(now.day().start()))
        .filter(reviews::program_id.eq(review.program_id))
        .count()
        .get_result(conn)?;
    // An edit makes a text that nobody has looked at.
    let kept = review_cases::table
        .filter(review_cases::review_id.eq(review.id))
        .filter(review_cases::closed_at.gt(Timestamp::EPOCH))
        .filter(review_cases::outcome.eq(CaseOutcome::Kept))
        .filter(review_cases::grave.eq(1))
        .filter(review_cases::seen_revision.eq(review.revision));
    let kept_before = diesel::select(exists(kept)).get_result(conn)?;
    Ok(Circumstances { class: new.party.class, held_today, held_of_program, kept_before })
}

fn find(conn: &mut Conn, id: ReviewCaseId) -> Result<CaseRow, Error> {
    let row = review_cases::table.find(id).select(CaseRow::as_select()).first(conn).optional()?;
    row.ok_or(Error::NotFound("case"))
}

/// Finds a case for a moderator to rule on.
///
/// # Errors
/// [`Error::NotFound`], or [`Error::Forbidden`] when the moderator is linked to the program's provider or wrote the review.
pub fn find_to_rule(conn: &mut Conn, id: ReviewCaseId, by: &Caller) -> Result<CaseRow, Error> {
    let case = find(conn, id)?;
    let review = review_store::find(conn, case.review_id)?;
    moderation::store::permit_ruling_about(conn, by, review.program_id)?;
    moderation::store::permit_ruling_of_another(by, review.participant_id)?;
    Ok(case)
}

/// What a ruling on a case needs beside the decision.
#[derive(Debug, Clone, Copy)]
pub struct CaseRuled<'a> {
    /// The ids of the records: a ruling can take two steps.
    pub records: [DecisionId; 2],
    /// How small cohorts are kept together.
    pub rule: &'a CohortRule,
    /// The key of the security log.
    pub audit: &'a AuditKey,
}

/// Carries out a moderator's decision on the case that they have read: closes it, and changes the review as the ruling
/// says, in the steps that a ruling on the review itself takes. Each step is a record of its own.
///
/// # Errors
/// Those of [`find_to_rule`], [`Error::Conflict`] when the case is closed, and [`Error::PreconditionFailed`] when it or the
/// review has changed since it was read.
pub fn decide(
    conn: &mut Conn,
    by: &Caller,
    seen: &Detail,
    decision: &CaseDecisionInput,
    act: CaseRuled<'_>,
    now: Timestamp,
) -> Result<(), Error> {
    let (id, review) = (seen.case.id, seen.review.id);
    review_store::steady(conn, review)?;
    let case = find_to_rule(conn, id, by)?;
    moderation::claim_store::permit(conn, by, SubjectKind::Review, id.as_uuid(), now)?;
    let row = review_store::find(conn, review)?;
    if case.status == CaseStatus::Closed {
        return Err(Error::Conflict("The case is closed.".to_owned()));
    }
    if (case.version, row.version) != (seen.case.version, seen.review.version) {
        return Err(Error::PreconditionFailed);
    }
    let reason = decision.reason.as_str();
    close(conn, &row, decision.action.outcome(), Some(reason), now)?;
    moderation::claim_store::end(conn, SubjectKind::Review, id.as_uuid())?;
    let steps = decision.action.steps(row.status, case.held != 0);
    for (step, record) in steps.iter().zip(act.records) {
        let (ground, facts) = (decision.ground, decision.facts.clone());
        let ruling = ReviewDecisionInput { action: *step, reason: reason.to_owned(), ground, facts };
        review_store::decide(conn, by, review, &ruling, Ruled { record, rule: act.rule, audit: act.audit }, now)?;
    }
    if !steps.is_empty() {
        return Ok(());
    }
    if decision.action.outcome() == CaseOutcome::Held {
        review_store::give_reason(conn, review, reason)?;
    }
    let (status, action) = (row.status.as_str(), decision.action.as_str());
    let [record, _] = act.records;
    let audit = Some(act.audit);
    let act = Act { id: record, by: *by, action, from: status, to: status, reason, at: now, audit };
    moderation::store::record(conn, SubjectKind::Review, review.as_uuid(), &act)?;
    Ok(moderation::store::explain(conn, record, decision.ground, decision.facts.as_deref())?)
}

/// Closes the open case of a review, if there is one.
fn close(
    conn: &mut Conn,
    review: &ReviewRow,
    outcome: CaseOutcome,
    reason: Option<&str>,
    now: Timestamp,
) -> QueryResult<()> {
    let open = review_cases::table
        .filter(review_cases::review_id.eq(review.id))
        .filter(review_cases::status.eq(CaseStatus::Open));
    diesel::update(open)
        .set((
            review_cases::status.eq(CaseStatus::Closed),
            review_cases::version.eq(review_cases::version + 1),
            review_cases::held.eq(0),
            review_cases::outcome.eq(outcome),
            review_cases::reason.eq(reason),
            review_cases::seen_revision.eq(review.revision),
            review_cases::closed_at.eq(now),
        ))
        .execute(conn)
        .map(drop)
}

/// Accounts for a change of a review's state that no ruling on its case made: the case is over when the review is, and
/// when a moderator publishes what a flag had held. `ruled` is the reason of a moderator's decision. The caller holds
/// the review's row, which is as it is now.
pub fn review_changed(conn: &mut Conn, review: &ReviewRow, ruled: Option<&str>, now: Timestamp) -> QueryResult<()> {
    match (review.status, ruled) {
        (ReviewStatus::Withdrawn, _) => close(conn, review, CaseOutcome::Lapsed, None, now),
        (ReviewStatus::Rejected, ruled) => close(conn, review, CaseOutcome::Rejected, ruled, now),
        (ReviewStatus::Published | ReviewStatus::Pending, Some(reason)) => {
            let held = review_cases::table
                .filter(review_cases::review_id.eq(review.id))
                .filter(review_cases::status.eq(CaseStatus::Open))
                .filter(review_cases::held.eq(1));
            if diesel::select(exists(held)).get_result(conn)? {
                close(conn, review, CaseOutcome::Kept, Some(reason), now)?;
            }
            Ok(())
        }
        _ => Ok(()),
    }
}
