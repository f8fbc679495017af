//! Queries on `self_report_tasks` and `self_report_claims`.

use std::collections::BTreeMap;

use diesel::prelude::*;

use super::model::{ReportedClaim, SelfReport};
use crate::{
    db::{
        Conn,
        schema::{reviews, self_report_claims, self_report_tasks},
    },
    ids::{PrincipalId, ProgramId, ReviewId},
    on_each_backend,
    reference::{TaskCode, TrainingLevel},
    reviews::model::{ClaimOutcome, PatientConsent, TaskSupervision},
    search_text::tokens,
    time::HalfYear,
    verdict::ContradictedClaim,
    vetting::signals::ReportedTask,
};

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Queryable, Selectable, Insertable)]
#[diesel(table_name = self_report_tasks)]
struct TaskRow {
    review_id: ReviewId,
    task: TaskCode,
    program_id: ProgramId,
    training_level: TrainingLevel,
    supervision: TaskSupervision,
    consent: PatientConsent,
    half_year: HalfYear,
}

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Queryable, Selectable, Insertable)]
#[diesel(table_name = self_report_claims)]
struct ClaimRow {
    review_id: ReviewId,
    number: i32,
    program_id: ProgramId,
    claim: String,
    claim_key: String,
    outcome: ClaimOutcome,
}

/// The rows of reports, in one order.
fn rows(reports: &[SelfReport]) -> (Vec<TaskRow>, Vec<ClaimRow>) {
    let (mut tasks, mut claims) = (Vec::new(), Vec::new());
    for report in reports {
        tasks.extend(report.tasks.iter().map(|done| TaskRow {
            review_id: report.review,
            task: done.task,
            program_id: report.program,
            training_level: report.training_level,
            supervision: done.supervision,
            consent: done.consent,
            half_year: report.half_year,
        }));
        claims.extend((0..).zip(&report.claims).map(|(number, checked)| ClaimRow {
            review_id: report.review,
            number,
            program_id: report.program,
            claim: checked.claim.clone(),
            claim_key: key(&checked.claim),
            outcome: checked.outcome,
        }));
    }
    tasks.sort_unstable();
    claims.sort_unstable();
    (tasks, claims)
}

/// The words of a claim, so that two spellings are one; a claim without words is its own key.
fn key(claim: &str) -> String {
    let words = tokens(claim).join(" ");
    if words.is_empty() { claim.to_owned() } else { words }
}

/// Replaces what is kept of a review: nothing, unless it is published and verified.
pub fn replace(conn: &mut Conn, review: ReviewId, report: Option<&SelfReport>) -> QueryResult<()> {
    diesel::delete(self_report_tasks::table.filter(self_report_tasks::review_id.eq(review))).execute(conn)?;
    diesel::delete(self_report_claims::table.filter(self_report_claims::review_id.eq(review))).execute(conn)?;
    let Some(report) = report else { return Ok(()) };
    let (tasks, claims) = rows(std::slice::from_ref(report));
    if !tasks.is_empty() {
        on_each_backend!(conn, |c| diesel::insert_into(self_report_tasks::table).values(&tasks).execute(c))?;
    }
    if !claims.is_empty() {
        on_each_backend!(conn, |c| diesel::insert_into(self_report_claims::table).values(&claims).execute(c))?;
    }
    Ok(())
}

/// Replaces what is kept of a program by what its reviews give.
pub fn replace_all(conn: &mut Conn, program: ProgramId, reports: &[SelfReport]) -> QueryResult<()> {
    diesel::delete(self_report_tasks::table.filter(self_report_tasks::program_id.eq(program))).execute(conn)?;
    diesel::delete(self_report_claims::table.filter(self_report_claims::program_id.eq(program))).execute(conn)?;
    reports.iter().try_for_each(|report| replace(conn, report.review, Some(report)))
}

/// Whether exactly these reports are kept of a program.
pub fn is_true_to(conn: &mut Conn, program: ProgramId, reports: &[SelfReport]) -> QueryResult<bool> {
    let mut tasks: Vec<TaskRow> = self_report_tasks::table
        .filter(self_report_tasks::program_id.eq(program))
        .select(TaskRow::as_select())
        .load(conn)?;
    let mut claims: Vec<ClaimRow> = self_report_claims::table
        .filter(self_report_claims::program_id.eq(program))
        .select(ClaimRow::as_select())
        .load(conn)?;
    tasks.sort_unstable();
    claims.sort_unstable();
    Ok((tasks, claims) == rows(reports))
}

/// The tasks that are told of a program, by review and task.
pub fn tasks(conn: &mut Conn, program: ProgramId) -> QueryResult<Vec<ReportedTask>> {
    let rows: Vec<(TaskRow, PrincipalId)> = self_report_tasks::table
        .inner_join(reviews::table)
        .filter(self_report_tasks::program_id.eq(program))
        .order((self_report_tasks::review_id, self_report_tasks::task))
        .select((TaskRow::as_select(), reviews::participant_id))
        .load(conn)?;
    let task = |(row, participant): (TaskRow, _)| ReportedTask {
        review: row.review_id,
        participant,
        task: row.task,
        training_level: row.training_level,
        supervision: row.supervision,
        consent: row.consent,
        half_year: row.half_year,
    };
    Ok(rows.into_iter().map(task).collect())
}

/// What is told of the claims of a listing, by claim and review.
pub fn claims(conn: &mut Conn, program: ProgramId) -> QueryResult<Vec<ReportedClaim>> {
    let rows: Vec<(ClaimRow, PrincipalId)> = self_report_claims::table
        .inner_join(reviews::table)
        .filter(self_report_claims::program_id.eq(program))
        .order((self_report_claims::claim_key, self_report_claims::review_id, self_report_claims::number))
        .select((ClaimRow::as_select(), reviews::participant_id))
        .load(conn)?;
    let claim = |(row, participant): (ClaimRow, _)| ReportedClaim {
        review: row.review_id,
        participant,
        key: row.claim_key,
        claim: row.claim,
        outcome: row.outcome,
    };
    Ok(rows.into_iter().map(claim).collect())
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
        let known =
            claims.entry(key).or_insert_with(|| ContradictedClaim { claim: claim.clone(), review_ids: Vec::new() });
        // Of several spellings the last in bytewise order, which shouts least.
        known.claim = claim.max(std::mem::take(&mut known.claim));
        if known.review_ids.last() != Some(&review) {
            known.review_ids.push(review);
        }
    }
    Ok(claims.into_values().collect())
}
