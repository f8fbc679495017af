//! The demonstration's assessments, made by the steps that assessors take.

use serde::Deserialize;
use uuid::Uuid;

use super::{DAY, Loader, decision_id};
use crate::{
    assessments::{
        decision_store::{self, Recording},
        model::{AssessmentAction, AssessmentDecisionInput, AssessmentStatus, EvidenceKind},
        ruling::{EvidenceInput, RulingInput},
        store as assessment_store,
    },
    auth::{Caller, Role},
    db::Conn,
    http::Error,
    ids::{AssessmentId, EvidenceId},
    programs::store::{Key, find as find_program},
    reference::CriterionCode,
    time::Timestamp,
    verdict::CriterionStatus,
};

const ASSESSMENTS: &str = include_str!("assessments.json");

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DemoAssessment {
    program: String,
    status: AssessmentStatus,
    days_ago: i64,
    answer: Option<String>,
    rulings: Vec<DemoRuling>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DemoRuling {
    criterion: CriterionCode,
    status: CriterionStatus,
    note: String,
    evidence: Vec<DemoEvidence>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DemoEvidence {
    kind: EvidenceKind,
    description: String,
    sha256: Option<String>,
    obtained_days_ago: i64,
    expires_in_days: Option<i64>,
    confirmed_by: Option<String>,
    #[serde(default)]
    confidential: bool,
}

impl DemoEvidence {
    fn input(&self, now: Timestamp) -> EvidenceInput {
        EvidenceInput {
            kind: self.kind,
            description: self.description.clone(),
            url: None,
            sha256: self.sha256.clone(),
            obtained_on: now.plus_seconds(-DAY * self.obtained_days_ago).day(),
            expires_on: self.expires_in_days.map(|days| now.plus_seconds(DAY * days).day()),
            confirmed_by: self.confirmed_by.clone(),
            review_ids: Vec::new(),
            confidential: self.confidential,
        }
    }
}

/// Makes the assessments: opened and ruled on by one assessor, signed off by another.
pub(super) fn load(conn: &mut Conn, loader: &Loader<'_>) -> Result<(), Error> {
    let assessor = super::new_principal(conn, Role::Assessor, loader.now)?;
    let second = super::new_principal(conn, Role::Assessor, loader.now)?;
    for demo in super::parse::<DemoAssessment>(ASSESSMENTS)? {
        load_one(conn, loader, &demo, &assessor, &second)?;
    }
    Ok(())
}

fn load_one(
    conn: &mut Conn,
    loader: &Loader<'_>,
    demo: &DemoAssessment,
    assessor: &Caller,
    second: &Caller,
) -> Result<(), Error> {
    let after = |days: i64| loader.now.plus_seconds(DAY * (days - demo.days_ago));
    let key = Key::Id(loader.program(&demo.program)?);
    let id = AssessmentId::from_uuid(Uuid::now_v7());
    let mut row = assessment_store::open(conn, assessor, &key, id, after(0))?;
    let months = assessment_store::rubric(conn, &row)?.evidence_months;
    for ruling in &demo.rulings {
        let input = RulingInput {
            status: ruling.status,
            note: ruling.note.clone(),
            evidence: ruling.evidence.iter().map(|item| item.input(loader.now)).collect(),
        };
        if !input.faults(after(0).day(), &months).is_empty() {
            return Err(Error::internal(format!("demo assessment of {}: {}", demo.program, ruling.criterion)));
        }
        let ids = ruling.evidence.iter().map(|_| EvidenceId::from_uuid(Uuid::now_v7())).collect();
        row = assessment_store::rule(conn, assessor, &row, &input.settled(ruling.criterion, &months, ids), after(0))?;
    }
    if demo.status == AssessmentStatus::Draft {
        return Ok(());
    }
    let decide = |conn: &mut Conn, by: &Caller, action, reason: &str, now| {
        let decision = AssessmentDecisionInput { action, reason: reason.to_owned(), ground: None, facts: None };
        let recording = Recording { decision: decision_id(), superseding: decision_id(), now, audit: loader.log };
        decision_store::decide(conn, by, id, &decision, &recording).map(drop)
    };
    decide(conn, assessor, AssessmentAction::Submit, "Every criterion has been ruled on.", after(1))?;
    if let Some(answer) = &demo.answer {
        let program = find_program(conn, &key)?.ok_or(Error::NotFound("program"))?;
        let provider = Caller { role: Role::Provider, provider: Some(program.provider_id), ..*assessor };
        assessment_store::answer(conn, &provider, id, answer, after(4))?;
    }
    if demo.status == AssessmentStatus::Published {
        decide(conn, second, AssessmentAction::SignOff, "Read against the evidence; the rulings hold.", after(5))?;
        decide(conn, assessor, AssessmentAction::Publish, "The provider has answered.", after(6))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_an_assessment_in_each_state_that_the_demonstration_shows() {
        let all = super::super::parse::<DemoAssessment>(ASSESSMENTS).unwrap();
        for status in [AssessmentStatus::Draft, AssessmentStatus::Submitted, AssessmentStatus::Published] {
            assert!(all.iter().any(|demo| demo.status == status), "{status}");
        }
        for demo in all.iter().filter(|demo| demo.status == AssessmentStatus::Published) {
            assert_eq!(demo.rulings.len(), CriterionCode::ALL.len(), "{}", demo.program);
        }
    }
}
