//! Queries on `self_report_tasks` and `self_report_claims`.

use std::collections::{BTreeMap, BTreeSet};

use diesel::prelude::*;

use super::model::{ClaimTally, SelfReport};
use crate::{
    db::{
        Conn,
        schema::{reviews, self_report_claims, self_report_tasks},
    },
    ids::{PrincipalId, ProgramId, ReviewId},
    on_each_backend,
    reference::{TaskCode, TrainingLevel},
    reviews::model::{ClaimOutcome, PatientConsent, TaskSupervision},
    search_text::sort_key,
    time::HalfYear,
    verdict::ContradictedClaim,
    vetting::signals::ReportedTask,
};

/// Replaces what is kept of a review: nothing, unless it is published and verified.
pub fn replace(conn: &mut Conn, review: ReviewId, report: Option<&SelfReport>) -> QueryResult<()> {
    diesel::delete(self_report_tasks::table.filter(self_report_tasks::review_id.eq(review))).execute(conn)?;
    diesel::delete(self_report_claims::table.filter(self_report_claims::review_id.eq(review))).execute(conn)?;
    let Some(report) = report else { return Ok(()) };
    let tasks: Vec<_> = report
        .tasks
        .iter()
        .map(|done| {
            (
                self_report_tasks::review_id.eq(review),
                self_report_tasks::task.eq(done.task),
                self_report_tasks::program_id.eq(report.program),
                self_report_tasks::training_level.eq(report.training_level),
                self_report_tasks::supervision.eq(done.supervision),
                self_report_tasks::consent.eq(done.consent),
                self_report_tasks::half_year.eq(report.half_year),
            )
        })
        .collect();
    if !tasks.is_empty() {
        on_each_backend!(conn, |c| diesel::insert_into(self_report_tasks::table).values(&tasks).execute(c))?;
    }
    let claims: Vec<_> = (0_i32..)
        .zip(&report.claims)
        .map(|(number, checked)| {
            (
                self_report_claims::review_id.eq(review),
                self_report_claims::number.eq(number),
                self_report_claims::program_id.eq(report.program),
                self_report_claims::claim.eq(&checked.claim),
                self_report_claims::claim_key.eq(sort_key(&checked.claim)),
                self_report_claims::outcome.eq(checked.outcome),
            )
        })
        .collect();
    if !claims.is_empty() {
        on_each_backend!(conn, |c| diesel::insert_into(self_report_claims::table).values(&claims).execute(c))?;
    }
    Ok(())
}

/// Review, author, task, level, supervision, consent, half-year.
type TaskRow = (ReviewId, PrincipalId, TaskCode, TrainingLevel, TaskSupervision, PatientConsent, HalfYear);

/// The tasks that are told of a program.
pub fn tasks(conn: &mut Conn, program: ProgramId) -> QueryResult<Vec<ReportedTask>> {
    let rows: Vec<TaskRow> = self_report_tasks::table
        .inner_join(reviews::table)
        .filter(self_report_tasks::program_id.eq(program))
        .order((self_report_tasks::review_id, self_report_tasks::task))
        .select((
            self_report_tasks::review_id,
            reviews::participant_id,
            self_report_tasks::task,
            self_report_tasks::training_level,
            self_report_tasks::supervision,
            self_report_tasks::consent,
            self_report_tasks::half_year,
        ))
        .load(conn)?;
    let task = |(review, participant, task, training_level, supervision, consent, half_year)| ReportedTask {
        review,
        participant,
        task,
        training_level,
        supervision,
        consent,
        half_year,
    };
    Ok(rows.into_iter().map(task).collect())
}

/// The claims of a listing that are contradicted, in the order of their keys.
pub fn contradicted(conn: &mut Conn, program: ProgramId) -> QueryResult<Vec<ContradictedClaim>> {
    let rows: Vec<(String, String, ReviewId)> = self_report_claims::table
        .filter(self_report_claims::program_id.eq(program))
        .filter(self_report_claims::outcome.eq(ClaimOutcome::Contradicted))
        .order((self_report_claims::claim_key, self_report_claims::review_id, self_report_claims::number))
        .select((self_report_claims::claim_key, self_report_claims::claim, self_report_claims::review_id))
        .load(conn)?;
    let mut claims: BTreeMap<String, ContradictedClaim> = BTreeMap::new();
    for (key, claim, review) in rows {
        let known = claims.entry(key).or_insert(ContradictedClaim { claim, review_ids: Vec::new() });
        if known.review_ids.last() != Some(&review) {
            known.review_ids.push(review);
        }
    }
    Ok(claims.into_values().collect())
}

/// What is said of each claim of a listing, in the order of their keys. A review counts once for each outcome.
pub fn claims(conn: &mut Conn, program: ProgramId) -> QueryResult<Vec<ClaimTally>> {
    let rows: Vec<(String, String, ReviewId, ClaimOutcome)> = self_report_claims::table
        .filter(self_report_claims::program_id.eq(program))
        .order((self_report_claims::claim_key, self_report_claims::review_id, self_report_claims::number))
        .select((
            self_report_claims::claim_key,
            self_report_claims::claim,
            self_report_claims::review_id,
            self_report_claims::outcome,
        ))
        .load(conn)?;
    let mut claims: BTreeMap<String, ClaimTally> = BTreeMap::new();
    let mut counted = BTreeSet::new();
    for (key, claim, review, outcome) in rows {
        let is_new = counted.insert((key.clone(), review, outcome));
        let known = claims.entry(key).or_insert_with(|| ClaimTally { claim, ..ClaimTally::default() });
        match outcome {
            _ if !is_new => {}
            ClaimOutcome::Confirmed => known.confirmed += 1,
            ClaimOutcome::Contradicted => known.contradicting.push(review),
            ClaimOutcome::NotSeen => known.not_seen += 1,
        }
    }
    Ok(claims.into_values().collect())
}
