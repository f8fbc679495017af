//! The verdict of every combination that the rule distinguishes, by name.

use super::*;

fn level_added() -> Inputs {
    let mut inputs = best();
    inputs.assessment.as_mut().unwrap().levels_added.push(TrainingLevel::HighSchool);
    inputs
}

#[expect(clippy::too_many_lines, reason = "a table")]
#[test]
fn the_verdict_of_every_combination_that_the_rule_distinguishes() {
    use CriterionStatus as S;
    use ReasonCode as R;
    use Verdict::{InsufficientEvidence, MeetsStandard, MeetsWithConditions, NotRecommended};

    let two = |first: i32, then: i32, periods: [&str; 2]| {
        let accounts =
            vec![account(1, first, periods[0], Severity::Critical), account(2, then, periods[1], Severity::Critical)];
        let kind = RedFlagKind::UnsupervisedPatientContact;
        with_signal(signal(kind, Some(TriageStatus::Open), accounts))
    };
    let one = |severity, status: Option<TriageStatus>| {
        let accounts = vec![account(1, 1, "2025-H1", severity)];
        with_signal(signal(RedFlagKind::UnsupervisedPatientContact, status, accounts))
    };
    let reported = |severity, status| Inputs {
        reports: vec![report(1, RedFlagKind::OpaqueOrUnfairFees, severity, status)],
        ..best()
    };
    let on_other = |status| {
        let accounts = vec![account(1, 1, "2024-H1", Severity::Critical), account(2, 2, "2025-H1", Severity::Critical)];
        with_signal(signal(RedFlagKind::MinorsInClinicalRoles, Some(status), accounts))
    };
    let past = || vec![evidence(1, "2026-03-01")];
    let table: Vec<(&str, Inputs, Verdict, R)> = vec![
        ("every criterion met", best(), MeetsStandard, R::EveryCriterionMet),
        ("critical not met", ruled(CRITICAL, S::NotMet), NotRecommended, R::CriticalCriterionNotMet),
        ("critical unknown", ruled(CRITICAL, S::Unknown), InsufficientEvidence, R::CriticalCriterionUnknown),
        ("critical partly met", ruled(CRITICAL, S::PartlyMet), MeetsWithConditions, R::CriterionPartlyMet),
        ("critical not applicable", ruled(CRITICAL, S::NotApplicable), MeetsStandard, R::EveryCriterionMet),
        ("other not met", ruled(OTHER, S::NotMet), MeetsWithConditions, R::CriterionNotMet),
        ("other unknown", ruled(OTHER, S::Unknown), MeetsWithConditions, R::CriterionUnknown),
        ("other partly met", ruled(OTHER, S::PartlyMet), MeetsWithConditions, R::CriterionPartlyMet),
        ("other not applicable", ruled(OTHER, S::NotApplicable), MeetsStandard, R::EveryCriterionMet),
        (
            "critical met without evidence",
            with_evidence(CRITICAL, S::Met, vec![]),
            InsufficientEvidence,
            R::CriticalEvidenceMissing,
        ),
        (
            "critical partly met without evidence",
            with_evidence(CRITICAL, S::PartlyMet, vec![]),
            InsufficientEvidence,
            R::CriticalEvidenceMissing,
        ),
        (
            "critical not applicable without evidence",
            with_evidence(CRITICAL, S::NotApplicable, vec![]),
            InsufficientEvidence,
            R::CriticalEvidenceMissing,
        ),
        (
            "critical not met without evidence",
            with_evidence(CRITICAL, S::NotMet, vec![]),
            NotRecommended,
            R::CriticalCriterionNotMet,
        ),
        (
            "critical met, evidence expires today",
            with_evidence(CRITICAL, S::Met, past()),
            InsufficientEvidence,
            R::CriticalEvidenceExpired,
        ),
        (
            "critical not met, evidence expired",
            with_evidence(CRITICAL, S::NotMet, past()),
            NotRecommended,
            R::CriticalCriterionNotMet,
        ),
        (
            "critical met, one of two pieces expired",
            with_evidence(CRITICAL, S::Met, vec![evidence(1, "2025-01-01"), evidence(2, "2026-03-02")]),
            MeetsStandard,
            R::EveryCriterionMet,
        ),
        ("other met without evidence", with_evidence(OTHER, S::Met, vec![]), MeetsWithConditions, R::EvidenceMissing),
        ("other met, evidence expired", with_evidence(OTHER, S::Met, past()), MeetsWithConditions, R::EvidenceExpired),
        (
            "other not applicable without evidence",
            with_evidence(OTHER, S::NotApplicable, vec![]),
            MeetsStandard,
            R::EveryCriterionMet,
        ),
        ("a level was added to the listing", level_added(), InsufficientEvidence, R::LevelNotAssessed),
        ("no assessment", Inputs { assessment: None, ..best() }, InsufficientEvidence, R::NoAssessment),
        (
            "critical report stands",
            reported(Severity::Critical, ReportStatus::Substantiated),
            NotRecommended,
            R::CriticalReportStands,
        ),
        (
            "critical report remediated",
            reported(Severity::Critical, ReportStatus::Remediated),
            MeetsStandard,
            R::EveryCriterionMet,
        ),
        (
            "major report stands",
            reported(Severity::Major, ReportStatus::Substantiated),
            MeetsWithConditions,
            R::ReportStands,
        ),
        (
            "minor report stands",
            reported(Severity::Minor, ReportStatus::Substantiated),
            MeetsWithConditions,
            R::ReportStands,
        ),
        (
            "critical report in triage",
            reported(Severity::Critical, ReportStatus::InTriage),
            MeetsStandard,
            R::EveryCriterionMet,
        ),
        (
            "one critical account",
            one(Severity::Critical, Some(TriageStatus::Open)),
            MeetsStandard,
            R::EveryCriterionMet,
        ),
        ("one major account", one(Severity::Major, None), MeetsStandard, R::EveryCriterionMet),
        (
            "one critical account, confirmed",
            one(Severity::Critical, Some(TriageStatus::Confirmed)),
            NotRecommended,
            R::SignalConfirmed,
        ),
        ("two people, two periods", two(1, 2, ["2024-H1", "2025-H1"]), NotRecommended, R::SignalCorroborated),
        ("two people, one period", two(1, 2, ["2025-H1", "2025-H1"]), MeetsStandard, R::EveryCriterionMet),
        ("one person, two periods", two(1, 1, ["2024-H1", "2025-H1"]), MeetsStandard, R::EveryCriterionMet),
        ("corroborated on another criterion", on_other(TriageStatus::Open), MeetsWithConditions, R::SignalCorroborated),
        ("corroborated but dismissed", on_other(TriageStatus::Dismissed), MeetsStandard, R::EveryCriterionMet),
        ("corroborated but remediated", on_other(TriageStatus::Remediated), MeetsStandard, R::EveryCriterionMet),
        ("listing offers what is forbidden", finding(TaskRule::Never), NotRecommended, R::ScopeBeyondMatrix),
        (
            "listing offers without supervision",
            finding(TaskRule::DirectSupervisionOnly),
            MeetsWithConditions,
            R::ScopeWithoutSupervision,
        ),
    ];
    for (name, inputs, verdict, first) in table {
        let outcome = decide(&inputs, today());
        assert_eq!((outcome.verdict, outcome.reasons[0].code), (verdict, first), "{name}");
    }
}
