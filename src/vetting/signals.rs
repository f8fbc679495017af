//! Where a task that somebody did, or that a listing offers, goes beyond the task matrix.
//!
//! The kind of red flag follows from the task. Its severity follows from the matrix: critical where the participant's
//! level may never do the task, major where direct supervision is needed and was not there or is not asked for, but for
//! deliveries, which are critical without it at any level. A task that a student did without any supervision is unsupervised patient
//! contact, and a patient who was not asked is a breach by itself, whoever did the task: critical where the participant
//! did more than watch, major otherwise (the level rules of the kinds).

use std::collections::BTreeMap;

use super::rubric::Rubric;
use crate::{
    ids::{PrincipalId, ReviewId},
    programs::model::ProgramInput,
    reference::{RedFlagKind, Severity, TaskCode, TaskRule, TrainingLevel},
    reviews::model::{PatientConsent, TaskSupervision},
    time::HalfYear,
    verdict::{AccountFact, ScopeFinding},
};

/// A task that the author of a published, verified review did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReportedTask {
    /// The review.
    pub review: ReviewId,
    /// Its author; never shown.
    pub participant: PrincipalId,
    /// The task.
    pub task: TaskCode,
    /// The author's training level then.
    pub training_level: TrainingLevel,
    /// How it was supervised.
    pub supervision: TaskSupervision,
    /// Whether the patient was asked.
    pub consent: PatientConsent,
    /// The half-year in which the experience ended.
    pub half_year: HalfYear,
}

/// The kind of red flag that doing a task beyond one's level is.
#[must_use]
pub const fn kind_of(task: TaskCode) -> RedFlagKind {
    match task {
        TaskCode::ObserveWithConsent
        | TaskCode::VitalSigns
        | TaskCode::HistoryTaking
        | TaskCode::PhysicalExamination
        | TaskCode::WoundCare => RedFlagKind::ScopeExceedsTraining,
        TaskCode::NeedleProcedures | TaskCode::SuturingExtraction => RedFlagKind::InvasiveProceduresByStudents,
        TaskCode::Delivery => RedFlagKind::DeliveriesByStudents,
        TaskCode::AssistSurgery => RedFlagKind::SurgicalParticipation,
        TaskCode::PrescribeDispense => RedFlagKind::MedicationHandlingByStudents,
        TaskCode::AloneWithPatients => RedFlagKind::UnsupervisedPatientContact,
    }
}

/// How grave it is to go beyond what the matrix says of a task.
const fn gravity(task: TaskCode, matrix: TaskRule) -> Severity {
    match (task, matrix) {
        (_, TaskRule::Never) | (TaskCode::Delivery, _) => Severity::Critical,
        _ => Severity::Major,
    }
}

/// The kinds of red flag that one reported task shows, each once and with its severity.
#[must_use]
pub fn breaches(rubric: &Rubric, done: &ReportedTask) -> Vec<(RedFlagKind, Severity)> {
    let mut found: BTreeMap<RedFlagKind, Severity> = BTreeMap::new();
    // `Ord` of severities follows their order of declaration, gravest first.
    let mut shows = |kind, severity: Severity| {
        found.entry(kind).and_modify(|known| *known = severity.min(*known)).or_insert(severity);
    };
    let only_watched = done.task == TaskCode::ObserveWithConsent;
    let matrix = rubric.rule_at(done.task, done.training_level);
    match (matrix, done.supervision) {
        (TaskRule::Never, _) | (TaskRule::DirectSupervisionOnly, TaskSupervision::Indirect | TaskSupervision::None) => {
            shows(kind_of(done.task), gravity(done.task, matrix));
        }
        (TaskRule::DirectSupervisionOnly, TaskSupervision::Direct) | (TaskRule::Allowed, _) => {}
    }
    let is_student = done.training_level != TrainingLevel::Licensed;
    if is_student && !only_watched && done.supervision == TaskSupervision::None {
        shows(RedFlagKind::UnsupervisedPatientContact, Severity::Critical);
    }
    if done.consent == PatientConsent::NotAsked {
        shows(RedFlagKind::NoPatientConsent, if only_watched { Severity::Major } else { Severity::Critical });
    }
    found.into_iter().collect()
}

/// The accounts of each kind of red flag, one for each review: the gravest. People are numbered in the order of their
/// reviews' ids, which says nothing about them.
#[must_use]
pub fn accounts(rubric: &Rubric, tasks: &[ReportedTask]) -> BTreeMap<RedFlagKind, Vec<AccountFact>> {
    let mut in_order: Vec<&ReportedTask> = tasks.iter().collect();
    in_order.sort_by_key(|done| (done.review, done.task));
    let mut people: BTreeMap<PrincipalId, i32> = BTreeMap::new();
    let mut found: BTreeMap<RedFlagKind, BTreeMap<ReviewId, AccountFact>> = BTreeMap::new();
    for done in in_order {
        let next = i32::try_from(people.len()).unwrap_or(i32::MAX).saturating_add(1);
        let person = *people.entry(done.participant).or_insert(next);
        for (kind, severity) in breaches(rubric, done) {
            let account = AccountFact { review_id: done.review, person, half_year: done.half_year, severity };
            let kept = found.entry(kind).or_default().entry(done.review).or_insert(account);
            // `Ord` of severities follows their order of declaration, gravest first.
            kept.severity = kept.severity.min(severity);
        }
    }
    found.into_iter().map(|(kind, by_review)| (kind, by_review.into_values().collect())).collect()
}

/// What a listing's own scope offers beyond the matrix, for the levels that it accepts, in fixed order.
#[must_use]
pub fn scope_findings(rubric: &Rubric, listing: &ProgramInput) -> Vec<ScopeFinding> {
    let accepted = listing.scope.iter().filter(|entry| listing.training_levels.contains(&entry.training_level));
    let mut findings: Vec<ScopeFinding> = accepted
        .filter_map(|entry| {
            let matrix = rubric.rule_at(entry.task, entry.training_level);
            // `Ord` of rules follows their order of declaration, most permissive first.
            (entry.rule < matrix).then(|| ScopeFinding {
                task: entry.task,
                training_level: entry.training_level,
                offered: entry.rule,
                matrix,
                kind: kind_of(entry.task),
                severity: gravity(entry.task, matrix),
            })
        })
        .collect();
    findings.sort_unstable();
    findings
}

#[cfg(test)]
mod tests;
