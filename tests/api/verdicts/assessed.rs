//! Assessments in force, put there as if they had been published.

use diesel::prelude::*;
use preceptor::{
    assessments::model::{AssessmentStatus, Content, Evidence, EvidenceKind, Ruling},
    auth::Role,
    db::{Conn, schema::assessments},
    ids::{AssessmentId, EvidenceId, PrincipalId, ProgramId},
    reference::CriterionCode,
    time::{Day, Timestamp},
    vetting::{rubric::Rubric, standing_store},
};
use uuid::Uuid;

use crate::support::TestApp;

/// So many days from today on.
pub fn after(days: i32) -> Day {
    Day::from_number(Timestamp::now().day().number() + days).unwrap()
}

/// A criterion that decides alone, and one that does not.
pub fn two_criteria() -> (CriterionCode, CriterionCode) {
    let critical = Rubric::first().facts(1).critical;
    let is_critical = |code: &&CriterionCode| critical.contains(code);
    let find = |wanted: bool| *CriterionCode::ALL.iter().find(|code| is_critical(code) == wanted).unwrap();
    (find(true), find(false))
}

/// Puts an assessment in force that finds every criterion met, with evidence until a day.
pub fn assess(
    conn: &mut Conn,
    program: &str,
    author: PrincipalId,
    until: impl Fn(CriterionCode) -> Day,
    now: Timestamp,
) {
    let program: ProgramId = program.parse().unwrap();
    let ruling = |criterion: &CriterionCode| Ruling {
        criterion: *criterion,
        status: preceptor::verdict::CriterionStatus::Met,
        note: "The document says so.".to_owned(),
        evidence: vec![Evidence {
            id: EvidenceId::from_uuid(Uuid::now_v7()),
            kind: EvidenceKind::DocumentOnFile,
            description: "A policy.".to_owned(),
            url: None,
            sha256: None,
            obtained_on: "2025-01-01".parse().unwrap(),
            expires_on: until(*criterion),
            confirmed_by: None,
            review_ids: Vec::new(),
            confidential: false,
        }],
    };
    let content = Content { rulings: CriterionCode::ALL.iter().map(ruling).collect() };
    diesel::insert_into(assessments::table)
        .values((
            assessments::id.eq(AssessmentId::from_uuid(Uuid::now_v7())),
            assessments::program_id.eq(program),
            assessments::rubric_version.eq(1),
            assessments::listing_version.eq(1),
            assessments::status.eq(AssessmentStatus::Published),
            assessments::version.eq(1),
            assessments::author_id.eq(author),
            assessments::content.eq(serde_json::to_string(&content).unwrap()),
            assessments::submitted_at.eq(now),
            assessments::published_at.eq(now),
            assessments::created_at.eq(now),
            assessments::updated_at.eq(now),
        ))
        .execute(conn)
        .unwrap();
    standing_store::refresh(conn, program, now).unwrap();
}

/// Puts one in force of which the evidence on one criterion that is not critical expires on a day, and that on a
/// critical one on another. Gives its author.
pub async fn expiring(app: &TestApp, program: &str, conditions: Day, insufficient: Day) -> PrincipalId {
    let author = app.principal(Role::Assessor, |_| {}).await.id.unwrap();
    let (critical, other) = two_criteria();
    let until = |criterion| match criterion {
        _ if criterion == critical => insufficient,
        _ if criterion == other => conditions,
        _ => after(1000),
    };
    assess(&mut app.connect(), program, author, until, Timestamp::now());
    author
}
