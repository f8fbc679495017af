//! The verdict table, and what must hold for any inputs.

mod table;

use proptest::{
    collection::vec,
    prelude::*,
    sample::{select, subsequence},
};

use super::*;
use crate::{
    ids::{AssessmentId, EvidenceId, ReportId, ReviewId, TriageEntryId},
    red_flags::model::ReportStatus,
    reference::{RedFlagKind, TaskCode, TaskRule, TrainingLevel},
    time::HalfYear,
    vetting::rubric::Rubric,
};

fn day(text: &str) -> Day {
    text.parse().unwrap()
}

fn today() -> Day {
    day("2026-03-01")
}

fn half_year(text: &str) -> HalfYear {
    text.parse().unwrap()
}

fn evidence(number: u8, expires_on: &str) -> EvidenceFact {
    EvidenceFact { id: EvidenceId::new_v4([number; 16]), level: 2, expires_on: day(expires_on) }
}

/// Every criterion met, with evidence until 2027.
fn best() -> Inputs {
    let rulings = (1_u8..).zip(CriterionCode::ALL).map(|(number, criterion)| RulingFacts {
        criterion: *criterion,
        status: CriterionStatus::Met,
        evidence: vec![evidence(number, "2027-01-01")],
    });
    Inputs {
        rubric: Rubric::first().facts(1),
        assessment: Some(AssessmentFacts {
            id: AssessmentId::new_v4([7; 16]),
            listing_changed: false,
            levels_added: Vec::new(),
            rulings: rulings.collect(),
        }),
        ..Inputs::default()
    }
}

fn ruling(inputs: &mut Inputs, criterion: CriterionCode) -> &mut RulingFacts {
    let rulings = &mut inputs.assessment.as_mut().unwrap().rulings;
    rulings.iter_mut().find(|ruling| ruling.criterion == criterion).unwrap()
}

fn ruled(criterion: CriterionCode, status: CriterionStatus) -> Inputs {
    let mut inputs = best();
    ruling(&mut inputs, criterion).status = status;
    inputs
}

fn with_evidence(criterion: CriterionCode, status: CriterionStatus, evidence: Vec<EvidenceFact>) -> Inputs {
    let mut inputs = ruled(criterion, status);
    ruling(&mut inputs, criterion).evidence = evidence;
    inputs
}

fn report(number: u8, kind: RedFlagKind, severity: Severity, status: ReportStatus) -> ReportFact {
    let criteria = Rubric::first().touched_by(kind);
    ReportFact { id: ReportId::new_v4([number; 16]), kind, criteria, severity, status }
}

fn account(number: u8, person: i32, period: &str, severity: Severity) -> AccountFact {
    AccountFact { review_id: ReviewId::new_v4([number; 16]), person, half_year: half_year(period), severity }
}

fn signal(kind: RedFlagKind, status: Option<TriageStatus>, accounts: Vec<AccountFact>) -> SignalFact {
    SignalFact {
        kind,
        criteria: Rubric::first().touched_by(kind),
        triage_entry_id: status.map(|_| TriageEntryId::new_v4([3; 16])),
        triage_status: status,
        accounts,
    }
}

fn with_signal(signal: SignalFact) -> Inputs {
    Inputs { signals: vec![signal], ..best() }
}

fn finding(matrix: TaskRule) -> Inputs {
    let severity = if matrix == TaskRule::Never { Severity::Critical } else { Severity::Major };
    let finding = ScopeFinding {
        task: TaskCode::NeedleProcedures,
        training_level: TrainingLevel::PreHealth,
        offered: TaskRule::Allowed,
        matrix,
        kind: RedFlagKind::InvasiveProceduresByStudents,
        severity,
    };
    Inputs { scope: vec![finding], ..best() }
}

/// A critical criterion, and one that is not.
const CRITICAL: CriterionCode = CriterionCode::LicensedSupervision;
const OTHER: CriterionCode = CriterionCode::FinancialTransparency;

#[test]
fn a_report_shows_in_the_criterion_that_it_speaks_against() {
    let status = |severity| {
        let reports = vec![report(1, RedFlagKind::OpaqueOrUnfairFees, severity, ReportStatus::Substantiated)];
        let outcome = decide(&Inputs { reports, ..best() }, today());
        let standing = outcome.criteria.into_iter().find(|standing| standing.criterion == OTHER).unwrap();
        (standing.ruled, standing.status)
    };
    assert_eq!(status(Severity::Critical), (Some(CriterionStatus::Met), CriterionStatus::NotMet));
    assert_eq!(status(Severity::Major), (Some(CriterionStatus::Met), CriterionStatus::PartlyMet));
}

#[test]
fn notices_tell_what_a_verdict_does_not() {
    let accounts = vec![account(1, 1, "2025-H1", Severity::Critical)];
    let kind = RedFlagKind::NoPatientConsent;
    let mut inputs = with_signal(signal(kind, Some(TriageStatus::Open), accounts));
    let review_ids = vec![ReviewId::new_v4([1; 16])];
    inputs.contradicted_claims.push(ContradictedClaim { claim: "Always supervised".to_owned(), review_ids });
    inputs.suspended = true;
    inputs.assessment.as_mut().unwrap().listing_changed = true;
    let all = [Notice::Suspended, Notice::UnderReview, Notice::Stale, Notice::ContradictedClaims];
    assert_eq!(decide(&inputs, today()).notices, all);
    assert!(decide(&best(), today()).notices.is_empty());
    assert_eq!(decide(&best(), day("2027-01-01")).notices, [Notice::Stale]);
}

#[test]
fn a_verdict_holds_until_the_next_piece_of_evidence_that_carries_it_expires() {
    let mut inputs = best();
    ruling(&mut inputs, OTHER).evidence[0].expires_on = day("2026-05-01");
    ruling(&mut inputs, CRITICAL).evidence[0].expires_on = day("2026-07-01");
    let outlook = Outlook::of(&inputs, today());
    assert_eq!(
        (outlook.conditions_from, outlook.insufficient_from, outlook.stale_from),
        (day("2026-05-01"), day("2026-07-01"), day("2026-05-01"))
    );
    assert_eq!(decide(&inputs, today()).holds_until, Some(day("2026-05-01")));
    assert_eq!(decide(&inputs, today()).reasons[0].until, Some(day("2026-05-01")));
    for (on, verdict) in [
        ("2026-04-30", Verdict::MeetsStandard),
        ("2026-05-01", Verdict::MeetsWithConditions),
        ("2026-06-30", Verdict::MeetsWithConditions),
        ("2026-07-01", Verdict::InsufficientEvidence),
    ] {
        assert_eq!((decide(&inputs, day(on)).verdict, outlook.on(day(on))), (verdict, verdict), "{on}");
    }
}

fn any_day() -> impl Strategy<Value = Day> {
    (20_400..21_400_i32).prop_map(|number| Day::from_number(number).unwrap())
}

fn any_ruling() -> impl Strategy<Value = (CriterionStatus, Vec<EvidenceFact>)> {
    let item = (any::<[u8; 16]>(), 1..=3_u8, any_day());
    let item = item.prop_map(|(id, level, expires_on)| EvidenceFact { id: EvidenceId::new_v4(id), level, expires_on });
    // Mostly met: otherwise hardly any inputs would give one of the better verdicts.
    let status = prop_oneof![8 => Just(CriterionStatus::Met), 1 => select(CriterionStatus::ALL)];
    (status, vec(item, 0..4))
}

fn any_assessment() -> impl Strategy<Value = AssessmentFacts> {
    let rulings = vec(any_ruling(), CriterionCode::ALL.len());
    let which = subsequence(CriterionCode::ALL.to_vec(), 10..=14);
    (any::<[u8; 16]>(), any::<bool>(), rulings, which).prop_map(|(id, listing_changed, rulings, which)| {
        let rulings = which.into_iter().zip(rulings);
        AssessmentFacts {
            id: AssessmentId::new_v4(id),
            listing_changed,
            levels_added: Vec::new(),
            rulings: rulings
                .map(|(criterion, (status, evidence))| RulingFacts { criterion, status, evidence })
                .collect(),
        }
    })
}

fn any_report() -> impl Strategy<Value = ReportFact> {
    (any::<u8>(), select(RedFlagKind::ALL), select(Severity::ALL), select(ReportStatus::ALL))
        .prop_map(|(number, kind, severity, status)| report(number, kind, severity, status))
}

fn any_signal() -> impl Strategy<Value = SignalFact> {
    let one = (any::<u8>(), 1..4_i32, select(vec!["2023-H2", "2024-H1", "2024-H2"]), select(Severity::ALL));
    let one = one.prop_map(|(number, person, period, severity)| account(number, person, period, severity));
    (select(RedFlagKind::ALL), proptest::option::of(select(TriageStatus::ALL)), vec(one, 0..4))
        .prop_map(|(kind, status, accounts)| signal(kind, status, accounts))
}

fn any_inputs() -> impl Strategy<Value = Inputs> {
    let found = (any::<bool>(), proptest::option::weighted(0.9, any_assessment()));
    let told = (vec(any_report(), 0..3), 0..3_i32, vec(any_signal(), 0..3), any::<bool>());
    (found, told).prop_map(|((suspended, assessment), (reports, reports_under_review, signals, beyond))| Inputs {
        suspended,
        assessment,
        reports,
        reports_under_review,
        signals,
        scope: if beyond { finding(TaskRule::DirectSupervisionOnly).scope } else { Vec::new() },
        ..best()
    })
}

proptest! {
    #[test]
    fn a_further_substantiated_critical_report_never_improves_the_verdict(
        inputs in any_inputs(), more in any_report(), on in any_day()
    ) {
        let mut worse = inputs.clone();
        worse.reports.push(ReportFact { severity: Severity::Critical, status: ReportStatus::Substantiated, ..more });
        prop_assert!(decide(&worse, on).verdict <= decide(&inputs, on).verdict);
        prop_assert_eq!(decide(&worse, on).verdict, Verdict::NotRecommended);
    }

    #[test]
    fn no_further_report_signal_or_finding_improves_the_verdict(
        inputs in any_inputs(), report in any_report(), signal in any_signal(), on in any_day()
    ) {
        let before = decide(&inputs, on).verdict;
        let mut with = inputs;
        with.reports.push(report);
        prop_assert!(decide(&with, on).verdict <= before);
        with.signals.push(signal);
        prop_assert!(decide(&with, on).verdict <= before);
        with.scope.extend(finding(TaskRule::Never).scope);
        prop_assert!(decide(&with, on).verdict <= before);
    }

    #[test]
    fn a_report_under_review_gives_a_notice_and_changes_nothing_else(
        inputs in any_inputs(), more in 1..5_i32, on in any_day()
    ) {
        let without = Inputs { reports_under_review: 0, ..inputs };
        let with = Inputs { reports_under_review: more, ..without.clone() };
        let (before, mut after) = (decide(&without, on), decide(&with, on));
        prop_assert!(after.notices.contains(&Notice::UnderReview));
        prop_assert_eq!(Outlook::of(&with, on), Outlook::of(&without, on));
        let open = without.signals.iter().any(SignalFact::is_open);
        after.notices.retain(|notice| *notice != Notice::UnderReview || open);
        prop_assert_eq!(after, before);
    }

    #[test]
    fn the_passing_of_days_never_improves_the_verdict(inputs in any_inputs(), one in any_day(), other in any_day()) {
        let (earlier, later) = (one.min(other), one.max(other));
        prop_assert!(decide(&inputs, later).verdict <= decide(&inputs, earlier).verdict);
        prop_assert_eq!(Outlook::of(&inputs, earlier).on(later), decide(&inputs, later).verdict);
    }

    #[test]
    fn losing_evidence_never_improves_the_verdict(
        inputs in any_inputs(), place in any::<prop::sample::Index>(), on in any_day()
    ) {
        let before = decide(&inputs, on).verdict;
        let mut without = inputs.clone();
        if let Some(assessment) = &mut without.assessment {
            let place = place.index(assessment.rulings.len());
            assessment.rulings[place].evidence.pop();
            prop_assert!(decide(&without, on).verdict <= before);
            without.assessment.as_mut().unwrap().rulings[place].evidence.clear();
            prop_assert!(decide(&without, on).verdict <= before);
        }
        // A failure that was found is not evidence for the program: without it the verdict may be better.
        let failed = |inputs: &Inputs| inputs.assessment.iter().flat_map(|assessment| &assessment.rulings)
            .any(|ruling| ruling.status == CriterionStatus::NotMet);
        if !failed(&inputs) {
            let unassessed = Inputs { assessment: None, ..inputs };
            prop_assert!(decide(&unassessed, on).verdict <= before);
        }
    }

    #[test]
    fn the_order_of_the_inputs_does_not_matter(inputs in any_inputs(), on in any_day()) {
        let mut reversed = inputs.clone();
        reversed.reports.reverse();
        reversed.signals.reverse();
        reversed.signals.iter_mut().for_each(|signal| signal.accounts.reverse());
        if let Some(assessment) = &mut reversed.assessment {
            assessment.rulings.reverse();
            assessment.rulings.iter_mut().for_each(|ruling| ruling.evidence.reverse());
        }
        prop_assert_eq!(decide(&reversed, on), decide(&inputs, on));
    }

    #[test]
    fn every_verdict_has_a_reason_and_every_reason_rests_on_what_there_is(inputs in any_inputs(), on in any_day()) {
        let outcome = decide(&inputs, on);
        prop_assert_eq!(outcome.reasons[0].limits_to, outcome.verdict);
        prop_assert!(outcome.reasons.iter().all(|reason| reason.limits_to >= outcome.verdict));
        let rulings: Vec<_> = inputs.assessment.iter().flat_map(|assessment| &assessment.rulings).collect();
        for reason in &outcome.reasons {
            prop_assert!(reason.until.is_none_or(|until| until > on));
            prop_assert!(reason.report_ids.iter().all(|id| inputs.reports.iter().any(|report| report.id == *id)));
            prop_assert!(reason.evidence_ids.iter()
                .all(|id| rulings.iter().any(|ruling| ruling.evidence.iter().any(|item| item.id == *id))));
            prop_assert!(reason.review_ids.iter()
                .all(|id| inputs.signals.iter().flat_map(|signal| &signal.accounts).any(|one| one.review_id == *id)));
            prop_assert!(reason.assessment_id.is_none_or(|id| inputs.assessment.as_ref().is_some_and(|it| it.id == id)));
        }
        prop_assert_eq!(outcome.criteria.len(), CriterionCode::ALL.len());
    }

    #[test]
    fn inputs_survive_their_export(inputs in any_inputs()) {
        let text = serde_json::to_string(&inputs).unwrap();
        prop_assert_eq!(serde_json::from_str::<Inputs>(&text).unwrap(), inputs);
    }
}
