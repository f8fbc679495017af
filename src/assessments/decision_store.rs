//! Decisions about assessments as a whole: their states, who may take them further, and what that does to the verdict.

use diesel::{dsl::exists, prelude::*};

use super::{
    model::{AssessmentAction, AssessmentDecisionInput, AssessmentStatus, answer_until},
    store::{AssessmentRow, FoundAssessment, is_answered, lock, rubric, save},
};
use crate::{
    audit::AuditKey,
    auth::Caller,
    db::{
        Conn,
        schema::{assessment_revisions, assessments, decisions},
    },
    http::Error,
    ids::{AssessmentId, DecisionId, ProgramId},
    moderation::{self, Act, SubjectKind},
    time::Timestamp,
    verdict::RubricFacts,
    vetting::{rubric_store, standing_store},
};

/// What makes the records of a decision.
#[derive(Debug)]
pub struct Recording<'a> {
    /// The id of the decision's record.
    pub decision: DecisionId,
    /// The id of the record of the assessment that a published one takes the place of.
    pub superseding: DecisionId,
    /// When.
    pub now: Timestamp,
    /// The key of the security log.
    pub audit: &'a AuditKey,
}

/// Decides about an assessment, writes the decision down, and brings the program's verdict up to date.
///
/// [`Error::NotFound`] when there is none, [`Error::Forbidden`] when the assessor is linked to the provider or would
/// sign off their own work, [`Error::Conflict`] when the state does not allow the action.
pub fn decide(
    conn: &mut Conn,
    assessor: &Caller,
    id: AssessmentId,
    decision: &AssessmentDecisionInput,
    recording: &Recording<'_>,
) -> Result<AssessmentRow, Error> {
    let FoundAssessment { mut row, provider, .. } = lock(conn, id)?;
    moderation::store::permit_ruling(conn, assessor, provider)?;
    let (from, now) = (row.status, recording.now);
    row.status = from.after(decision.action).map_err(|refused| Error::Conflict(refused.to_string()))?;
    row.updated_at = now;
    let mut superseded = None;
    match decision.action {
        AssessmentAction::Submit => {
            check_complete(&row)?;
            row.submitted_at = now;
        }
        // What is given back is for nobody to read, and signed off by nobody, until it is handed in again.
        AssessmentAction::Return => (row.submitted_at, row.signed_off_by) = (Timestamp::EPOCH, None),
        AssessmentAction::SignOff => {
            check_uninvolved(conn, &row, assessor)?;
            row.signed_off_by = Some(assessor.id);
        }
        AssessmentAction::Publish => {
            let rubric = rubric(conn, &row)?.facts(row.rubric_version);
            check_publishable(conn, &row, &rubric, now)?;
            row.published_at = now;
            superseded = supersede(conn, row.program_id, now)?;
        }
        AssessmentAction::Withdraw => {}
    }
    save(conn, &row)?;
    if row.status == AssessmentStatus::Published {
        standing_store::refresh(conn, row.program_id, now)?;
    }
    let act = Act {
        id: recording.decision,
        by: *assessor,
        action: decision.action.as_str(),
        from: from.as_str(),
        to: row.status.as_str(),
        reason: &decision.reason,
        at: now,
        audit: Some(recording.audit),
    };
    moderation::store::record(conn, SubjectKind::Assessment, id.as_uuid(), &act)?;
    moderation::store::explain(conn, act.id, decision.ground, decision.facts.as_deref())?;
    if let Some(former) = superseded {
        let act = Act {
            id: recording.superseding,
            action: "supersede",
            from: AssessmentStatus::Published.as_str(),
            to: AssessmentStatus::Superseded.as_str(),
            reason: "A later assessment was published.",
            ..act
        };
        moderation::store::record(conn, SubjectKind::Assessment, former.as_uuid(), &act)?;
    }
    Ok(row)
}

/// Takes the assessment in force out of force, and names it.
fn supersede(conn: &mut Conn, program: ProgramId, now: Timestamp) -> QueryResult<Option<AssessmentId>> {
    let in_force = assessments::table
        .filter(assessments::program_id.eq(program))
        .filter(assessments::status.eq(AssessmentStatus::Published));
    let Some(former) = in_force.select(assessments::id).first(conn).optional()? else { return Ok(None) };
    diesel::update(assessments::table.find(former))
        .set((
            assessments::status.eq(AssessmentStatus::Superseded),
            assessments::version.eq(assessments::version + 1),
            assessments::updated_at.eq(now),
        ))
        .execute(conn)?;
    Ok(Some(former))
}

fn check_complete(row: &AssessmentRow) -> Result<(), Error> {
    let missing = row.content()?.missing();
    if missing.is_empty() {
        return Ok(());
    }
    let names: Vec<_> = missing.iter().map(|criterion| criterion.as_str()).collect();
    Err(Error::Conflict(format!("Nobody has ruled on: {}.", names.join(", "))))
}

fn check_uninvolved(conn: &mut Conn, row: &AssessmentRow, assessor: &Caller) -> Result<(), Error> {
    let ruled = assessment_revisions::table
        .filter(assessment_revisions::assessment_id.eq(row.id))
        .filter(assessment_revisions::editor_id.eq(assessor.id));
    let submitted = decisions::table
        .filter(decisions::subject_kind.eq(SubjectKind::Assessment))
        .filter(decisions::subject_id.eq(row.id.as_uuid().as_bytes().to_vec()))
        .filter(decisions::action.eq(AssessmentAction::Submit.as_str()))
        .filter(decisions::actor_id.eq(assessor.id));
    if row.author_id == assessor.id
        || diesel::select(exists(ruled)).get_result(conn)?
        || diesel::select(exists(submitted)).get_result(conn)?
    {
        return Err(Error::Forbidden(
            "An assessment is signed off by somebody who has neither opened it, nor ruled in it, nor submitted it.",
        ));
    }
    Ok(())
}

/// Whether the assessment in force found a critical criterion not met: one person alone does not lift that.
fn lifts_a_failure(conn: &mut Conn, program: ProgramId) -> Result<bool, Error> {
    let in_force = assessments::table
        .filter(assessments::program_id.eq(program))
        .filter(assessments::status.eq(AssessmentStatus::Published));
    let Some(former) = in_force.select(AssessmentRow::as_select()).first(conn).optional()? else { return Ok(false) };
    let rubric = rubric(conn, &former)?.facts(former.rubric_version);
    Ok(former.content()?.is_urgent(&rubric))
}

fn check_publishable(conn: &mut Conn, row: &AssessmentRow, rubric: &RubricFacts, now: Timestamp) -> Result<(), Error> {
    if row.rubric_version != rubric_store::current_version(conn)? {
        let detail = "The rubric was replaced after it was opened. Withdraw it and open a new one.";
        return Err(Error::Conflict(detail.to_owned()));
    }
    let content = row.content()?;
    let two_people = content.needs_sign_off(rubric) || lifts_a_failure(conn, row.program_id)?;
    if two_people && row.signed_off_by.is_none() {
        return Err(Error::Conflict("A second assessor has to sign it off first.".to_owned()));
    }
    let until = answer_until(row.submitted_at);
    if !content.is_urgent(rubric) && !is_answered(row) && now < until {
        return Err(Error::Conflict(format!("The provider has until {until} to answer.")));
    }
    Ok(())
}
