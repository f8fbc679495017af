//! What each way of doing a task shows, and how accounts are put together.

use super::*;
use crate::verdict::{SignalFact, TriageStatus};

/// The kinds that a task shows.
type Shown<'a> = &'a [(RedFlagKind, Severity)];
/// Person, half-year and severity of each account.
type Accounts<'a> = &'a [(i32, &'static str, Severity)];

fn done(task: TaskCode, level: TrainingLevel, supervision: TaskSupervision, consent: PatientConsent) -> ReportedTask {
    ReportedTask {
        review: ReviewId::new_v4([1; 16]),
        participant: PrincipalId::new_v4([1; 16]),
        task,
        training_level: level,
        supervision,
        consent,
        half_year: "2025-H1".parse().unwrap(),
    }
}

#[test]
fn each_way_of_doing_a_task_shows_what_the_matrix_makes_of_it() {
    use PatientConsent::{Asked, NotAsked, Unknown};
    use RedFlagKind as K;
    use Severity::{Critical, Major};
    use TaskCode as T;
    use TaskSupervision::{Direct, Indirect, None};
    use TrainingLevel::{Clinical, HighSchool, Licensed, PreHealth, Preclinical};

    const ALONE: (K, Severity) = (K::UnsupervisedPatientContact, Critical);
    let table: &[(T, TrainingLevel, TaskSupervision, PatientConsent, Shown<'_>)] = &[
        // Watching: nothing but consent matters.
        (T::ObserveWithConsent, HighSchool, Direct, Asked, &[]),
        (T::ObserveWithConsent, HighSchool, None, Asked, &[]),
        (T::ObserveWithConsent, HighSchool, None, NotAsked, &[(K::NoPatientConsent, Major)]),
        (T::ObserveWithConsent, Licensed, Direct, NotAsked, &[(K::NoPatientConsent, Major)]),
        // Never allowed: critical however it was supervised.
        (T::VitalSigns, HighSchool, Direct, Asked, &[(K::ScopeExceedsTraining, Critical)]),
        (T::PhysicalExamination, PreHealth, Indirect, Asked, &[(K::ScopeExceedsTraining, Critical)]),
        (T::WoundCare, PreHealth, None, Asked, &[(K::ScopeExceedsTraining, Critical), ALONE]),
        (T::NeedleProcedures, Preclinical, Direct, Asked, &[(K::InvasiveProceduresByStudents, Critical)]),
        (T::SuturingExtraction, PreHealth, Direct, Unknown, &[(K::InvasiveProceduresByStudents, Critical)]),
        (T::Delivery, Preclinical, Direct, Asked, &[(K::DeliveriesByStudents, Critical)]),
        (T::AssistSurgery, PreHealth, Direct, Asked, &[(K::SurgicalParticipation, Critical)]),
        (T::PrescribeDispense, HighSchool, Direct, Asked, &[(K::MedicationHandlingByStudents, Critical)]),
        (T::AloneWithPatients, Clinical, Direct, Asked, &[ALONE]),
        (T::AloneWithPatients, Clinical, None, Asked, &[ALONE]),
        // Direct supervision only.
        (T::VitalSigns, PreHealth, Direct, Asked, &[]),
        (T::VitalSigns, PreHealth, Indirect, Asked, &[(K::ScopeExceedsTraining, Major)]),
        (T::HistoryTaking, Clinical, None, Asked, &[(K::ScopeExceedsTraining, Major), ALONE]),
        (T::NeedleProcedures, Clinical, Direct, Asked, &[]),
        (T::NeedleProcedures, Clinical, Indirect, Asked, &[(K::InvasiveProceduresByStudents, Major)]),
        (T::Delivery, Clinical, Direct, Asked, &[]),
        (T::Delivery, Clinical, Indirect, Asked, &[(K::DeliveriesByStudents, Critical)]),
        // Allowed: a student is still never alone.
        (T::VitalSigns, Clinical, Indirect, Asked, &[]),
        (T::VitalSigns, Clinical, None, Asked, &[ALONE]),
        // A licensed professional answers for themselves, but asks the patient.
        (T::PrescribeDispense, Licensed, None, Asked, &[]),
        (T::AloneWithPatients, Licensed, None, Unknown, &[]),
        (T::PhysicalExamination, Licensed, None, NotAsked, &[(K::NoPatientConsent, Critical)]),
        (T::HistoryTaking, PreHealth, Direct, NotAsked, &[(K::NoPatientConsent, Critical)]),
    ];
    let rubric = Rubric::first();
    for (task, level, supervision, consent, expected) in table {
        let mut expected = expected.to_vec();
        expected.sort_unstable();
        let found = breaches(&rubric, &done(*task, *level, *supervision, *consent));
        assert_eq!(found, expected, "{task} {level} {supervision} {consent}");
    }
}

#[test]
fn more_training_closer_supervision_and_asking_never_make_it_graver() {
    let rubric = Rubric::first();
    // For each kind the gravest is the smallest.
    let graver = |one: &ReportedTask, other: &ReportedTask| {
        let than = breaches(&rubric, other);
        breaches(&rubric, one).into_iter().any(|(kind, severity)| {
            than.iter().find(|(known, _)| *known == kind).is_none_or(|(_, known)| severity < *known)
        })
    };
    for task in TaskCode::ALL {
        for level in TrainingLevel::ALL {
            for supervision in TaskSupervision::ALL {
                let this = done(*task, *level, *supervision, PatientConsent::NotAsked);
                let asked = ReportedTask { consent: PatientConsent::Asked, ..this };
                assert!(!graver(&asked, &this), "{asked:?}");
                for trained in TrainingLevel::ALL.iter().filter(|trained| *trained >= level) {
                    let trained = ReportedTask { training_level: *trained, ..this };
                    assert!(!graver(&trained, &this), "{trained:?}");
                }
                for closer in TaskSupervision::ALL.iter().filter(|closer| *closer <= supervision) {
                    let closer = ReportedTask { supervision: *closer, ..this };
                    assert!(!graver(&closer, &this), "{closer:?}");
                }
            }
        }
    }
}

#[test]
fn a_review_is_one_account_of_a_kind_and_a_person_keeps_their_number() {
    let of = |review: u8, person: u8, task, supervision| ReportedTask {
        review: ReviewId::new_v4([review; 16]),
        participant: PrincipalId::new_v4([person; 16]),
        ..done(task, TrainingLevel::Clinical, supervision, PatientConsent::Asked)
    };
    let tasks = [
        of(3, 8, TaskCode::HistoryTaking, TaskSupervision::None),
        of(1, 9, TaskCode::HistoryTaking, TaskSupervision::Indirect),
        of(1, 9, TaskCode::WoundCare, TaskSupervision::Indirect),
        of(2, 8, TaskCode::ObserveWithConsent, TaskSupervision::Direct),
    ];
    let found = accounts(&Rubric::first(), &tasks);
    let told = |kind| {
        let accounts = found.get(&kind).into_iter().flatten();
        accounts.map(|one| (one.review_id.as_uuid().as_bytes()[0], one.person, one.severity)).collect::<Vec<_>>()
    };
    assert_eq!(told(RedFlagKind::ScopeExceedsTraining), [(1, 1, Severity::Major), (3, 2, Severity::Major)]);
    assert_eq!(told(RedFlagKind::UnsupervisedPatientContact), [(3, 2, Severity::Critical)]);
    assert_eq!(found.len(), 2);
    let mut reversed = tasks;
    reversed.reverse();
    assert_eq!(accounts(&Rubric::first(), &reversed), found);
}

#[test]
fn a_signal_is_corroborated_by_two_people_and_two_half_years_of_critical_accounts() {
    let account = |(person, half_year, severity): (i32, &str, Severity)| AccountFact {
        review_id: ReviewId::new_v4([u8::try_from(person).unwrap(); 16]),
        person,
        half_year: half_year.parse().unwrap(),
        severity,
    };
    let signal = |accounts: &[(i32, &str, Severity)], triage_status| SignalFact {
        kind: RedFlagKind::NoPatientConsent,
        criteria: Vec::new(),
        triage_entry_id: None,
        triage_status,
        accounts: accounts.iter().copied().map(account).collect(),
    };
    let (critical, major) = (Severity::Critical, Severity::Major);
    let table: &[(Accounts<'_>, bool)] = &[
        (&[], false),
        (&[(1, "2024-H1", critical)], false),
        (&[(1, "2024-H1", critical), (1, "2024-H2", critical)], false),
        (&[(1, "2024-H1", critical), (2, "2024-H1", critical)], false),
        (&[(1, "2024-H1", critical), (2, "2024-H2", major)], false),
        (&[(1, "2024-H1", critical), (2, "2024-H2", critical)], true),
        // The first differs from each of the others in one thing only; they differ from one another in both.
        (&[(1, "2024-H1", critical), (2, "2024-H1", critical), (1, "2024-H2", critical)], true),
    ];
    for (accounts, expected) in table {
        assert_eq!(signal(accounts, None).is_corroborated(), *expected, "{accounts:?}");
        let stands = |status| signal(accounts, Some(status)).stands();
        assert_eq!(stands(TriageStatus::Open), *expected, "{accounts:?}");
        assert!(stands(TriageStatus::Confirmed));
        assert!(!stands(TriageStatus::Dismissed) && !stands(TriageStatus::Remediated));
        assert!(signal(accounts, Some(TriageStatus::Open)).is_open(), "it ends with a ruling only");
    }
}

#[test]
fn only_what_is_offered_to_accepted_levels_beyond_the_matrix_is_found() {
    let mut listing: ProgramInput = serde_json::from_value(serde_json::json!({
        "title": "Clinical observation", "summary": "Four weeks on a medical ward with a named consultant.",
        "description": "Students join the ward round each morning and watch, and touch no patient.",
        "places": [{"country": "NP", "city": "Kathmandu"}], "specialties": ["internal_medicine"], "tracks": ["clinical_observation"],
        "training_levels": ["pre_health"], "minimum_age": 18, "weeks_min": 4, "weeks_max": 8, "start_months": [1],
        "supervision": {"roles": [], "licence_check": "none"}, "legal_basis": {}, "safety": {}, "preparation": {},
        "community_benefit": {}, "support": {}, "fees": [{"amount_minor": 1, "currency": "EUR", "covers": "All"}],
        "scope": [
            {"task": "vital_signs", "training_level": "pre_health", "rule": "allowed"},
            {"task": "history_taking", "training_level": "pre_health", "rule": "direct_supervision_only"},
            {"task": "needle_procedures", "training_level": "pre_health", "rule": "direct_supervision_only"},
            {"task": "delivery", "training_level": "high_school", "rule": "allowed"},
            {"task": "wound_care", "training_level": "pre_health", "rule": "never"}
        ]
    }))
    .unwrap();
    let found = |listing: &ProgramInput| {
        let findings = scope_findings(&Rubric::first(), listing);
        findings.iter().map(|one| (one.task, one.matrix, one.severity)).collect::<Vec<_>>()
    };
    let vital_signs = (TaskCode::VitalSigns, TaskRule::DirectSupervisionOnly, Severity::Major);
    let needles = (TaskCode::NeedleProcedures, TaskRule::Never, Severity::Critical);
    assert_eq!(found(&listing), [vital_signs, needles]);
    listing.training_levels = vec![TrainingLevel::HighSchool];
    assert_eq!(found(&listing), [(TaskCode::Delivery, TaskRule::Never, Severity::Critical)]);
    listing.training_levels = vec![TrainingLevel::Licensed];
    assert_eq!(found(&listing), []);
}
