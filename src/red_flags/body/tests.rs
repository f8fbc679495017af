use serde_json::{Value, json};

use super::*;
use crate::ids::PrincipalId;

const TELLING: [&str; 4] = ["left alone", "Photo of the ward", "the second night", "letter of the hospital"];

fn row(status: ReportStatus, confidentiality: Confidentiality) -> ReportRow {
    let content = json!({
        "input": {
            "kind": "unsupervised_patient_contact", "training_level": "pre_health", "tasks": ["wound_care"],
            "happened": {"start_month": "2025-05", "end_month": "2025-07"}, "confidentiality": confidentiality,
            "narrative": "We were left alone with the ward for two nights.",
            "evidence": [{"description": "Photo of the ward"}]
        },
        "information": [{"text": "It was the second night.", "at": "2025-09-03T08:00:00.000000Z"}],
        "proof": "A letter of the hospital with its new rule"
    });
    ReportRow {
        id: ReportId::new_v4([1; 16]),
        program_id: ProgramId::new_v4([2; 16]),
        reporter_id: PrincipalId::new_v4([3; 16]),
        kind: RedFlagKind::UnsupervisedPatientContact,
        status,
        version: 4,
        severity: Severity::Critical,
        training_level: TrainingLevel::PreHealth,
        confidentiality,
        listing_version: 2,
        content: content.to_string(),
        public_summary: Some("Students were without a supervisor at night.".to_owned()),
        created_at: "2025-08-30T10:11:12.000000Z".parse().unwrap(),
        updated_at: "2025-09-14T01:02:03.000000Z".parse().unwrap(),
        verification: Verification::ParticipationCode,
        queue_key: 1,
        half_year: Some("2025-H2".parse().unwrap()),
        purged: 0,
    }
}

fn public(status: ReportStatus, confidentiality: Confidentiality) -> Value {
    serde_json::to_value(PublicRedFlagReport::new(row(status, confidentiality), Beside::default()).unwrap()).unwrap()
}

#[test]
fn the_public_view_has_nothing_of_the_reporter() {
    for confidentiality in Confidentiality::ALL {
        let body = public(ReportStatus::Remediated, *confidentiality);
        let text = body.to_string();
        assert!(TELLING.iter().all(|part| !text.contains(part)), "{text}");
        let reporter = PrincipalId::new_v4([3; 16]).to_string();
        assert!(!text.contains(&reporter) && !text.contains("2025-08") && !text.contains("2025-07"), "{text}");
        assert_eq!(body["half_year"], "2025-H2");
        assert_eq!(body["decided_on"], "2025-09-01");
    }
    let shown = public(ReportStatus::Substantiated, Confidentiality::PublicSummary);
    assert_eq!(shown["public_summary"], "Students were without a supervisor at night.");
    let hidden = public(ReportStatus::Substantiated, Confidentiality::ModeratorsOnly);
    assert_eq!(hidden["public_summary"], Value::Null);
}

#[test]
fn what_was_not_found_true_is_not_public() {
    for status in ReportStatus::ALL {
        let found_true = matches!(status, ReportStatus::Substantiated | ReportStatus::Remediated);
        let shown = PublicRedFlagReport::new(row(*status, Confidentiality::PublicSummary), Beside::default());
        assert_eq!(shown.is_ok(), found_true, "{status}");
    }
}

#[test]
fn the_full_view_has_the_whole_account_under_a_pseudonym() {
    let row = row(ReportStatus::Remediated, Confidentiality::ModeratorsOnly);
    let reporter = "reporter-00000000".to_owned();
    let around = Around {
        reporter,
        history: Vec::new(),
        group: None,
        provider_answer: None,
        proposal: None,
        measures: Vec::new(),
    };
    let body = RedFlagReport::new(row, around).unwrap();
    let text = serde_json::to_string(&body).unwrap();
    assert!(TELLING.iter().all(|part| text.contains(part)), "{text}");
    assert!(!text.contains(&PrincipalId::new_v4([3; 16]).to_string()));
    assert!(body.listing.ends_with("/versions/2"));
}
