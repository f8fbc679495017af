//! The verdict on a program: a pure function of what was found out, so that the same inputs give
//! the same answer offline.
//!
//! Patient safety gates it: a substantiated critical report decides alone until it is remediated.
//! What is not known never reads as safe: without an assessment the verdict is "insufficient
//! evidence". Stars are not an input and so cannot move it.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    ids::ReportId,
    red_flags::model::ReportStatus,
    reference::{CriterionCode, RedFlagKind, Severity},
    text_enum::text_enum,
};

text_enum! {
    /// What is concluded about a program, worst first.
    pub enum Verdict {
        /// A critical failure stands.
        NotRecommended = "not_recommended",
        /// Not enough is known to say that it is safe.
        InsufficientEvidence = "insufficient_evidence",
        /// No critical failure, but not every criterion is met.
        MeetsWithConditions = "meets_with_conditions",
        /// Every criterion is met.
        MeetsStandard = "meets_standard",
    }
}

text_enum! {
    /// What a reader must know besides the verdict.
    pub enum Notice {
        /// A moderator has taken the program from the lists.
        Suspended = "suspended",
    }
}

text_enum! {
    /// Why the verdict is what it is.
    pub enum ReasonCode {
        /// Critical reports were found true and are not remediated.
        CriticalReportStands = "critical_report_stands",
        /// Reports that are not critical were found true and are not remediated.
        ReportStands = "report_stands",
        /// No assessment against the rubric exists.
        NoAssessment = "no_assessment",
    }
}

impl ReasonCode {
    const fn detail(self) -> &'static str {
        match self {
            Self::CriticalReportStands => {
                "At least one report of a critical red flag was found true and has not been remediated."
            }
            Self::ReportStands => "At least one report of a red flag was found true and has not been remediated.",
            Self::NoAssessment => {
                "The program has not been assessed against the rubric, so it is not known to be safe."
            }
        }
    }
}

/// A report as far as the verdict depends on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReportFact {
    /// Public id of the report.
    pub id: ReportId,
    /// Kind of red flag.
    pub kind: RedFlagKind,
    /// Severity found.
    pub severity: Severity,
    /// State; only reports that stand count.
    pub status: ReportStatus,
}

/// Everything the verdict depends on.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Inputs {
    /// The program is suspended.
    pub suspended: bool,
    /// Reports on the program, in any order and state.
    pub reports: Vec<ReportFact>,
}

/// One reason, pointing at what it rests on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Reason {
    /// Machine-readable reason.
    pub code: ReasonCode,
    /// The reason in a sentence.
    #[schema(max_length = 500)]
    pub detail: String,
    /// Ids of the reports it rests on, in ascending order.
    #[schema(max_items = 100_000)]
    pub report_ids: Vec<ReportId>,
    /// Kinds of red flag that those reports are about.
    #[schema(max_items = 35)]
    pub kinds: Vec<RedFlagKind>,
    /// Criteria of the rubric that those kinds speak against.
    #[schema(max_items = 100)]
    pub criteria: Vec<CriterionCode>,
}

/// The verdict with its reasons.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct VerdictOutcome {
    /// The conclusion.
    pub verdict: Verdict,
    /// What a reader must know besides.
    pub notices: Vec<Notice>,
    /// Why, the decisive reason first.
    pub reasons: Vec<Reason>,
}

/// Decides. The order of the reports does not matter.
#[must_use]
pub fn decide(inputs: &Inputs) -> VerdictOutcome {
    let standing = |critical: bool| {
        inputs
            .reports
            .iter()
            .filter(move |report| report.status.stands() && (report.severity == Severity::Critical) == critical)
    };
    let critical = reason(ReasonCode::CriticalReportStands, standing(true));
    let other = reason(ReasonCode::ReportStands, standing(false));
    let verdict = if critical.report_ids.is_empty() { Verdict::InsufficientEvidence } else { Verdict::NotRecommended };
    let no_assessment = reason(ReasonCode::NoAssessment, std::iter::empty());
    let reasons = [critical, no_assessment, other]
        .into_iter()
        .filter(|reason| reason.code == ReasonCode::NoAssessment || !reason.report_ids.is_empty())
        .collect();
    let notices = if inputs.suspended { vec![Notice::Suspended] } else { Vec::new() };
    VerdictOutcome { verdict, notices, reasons }
}

fn reason<'a>(code: ReasonCode, reports: impl Iterator<Item = &'a ReportFact>) -> Reason {
    let (mut report_ids, mut kinds): (Vec<ReportId>, Vec<RedFlagKind>) =
        reports.map(|report| (report.id, report.kind)).unzip();
    report_ids.sort_unstable();
    kinds.sort_unstable();
    kinds.dedup();
    let mut criteria: Vec<CriterionCode> = kinds.iter().copied().flat_map(CriterionCode::touched_by).collect();
    criteria.sort_unstable();
    criteria.dedup();
    Reason { code, detail: code.detail().to_owned(), report_ids, kinds, criteria }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn report(number: u8, kind: RedFlagKind, severity: Severity, status: ReportStatus) -> ReportFact {
        ReportFact { id: ReportId::new_v4([number; 16]), kind, severity, status }
    }

    fn any_report() -> impl Strategy<Value = ReportFact> {
        (
            any::<[u8; 16]>(),
            proptest::sample::select(RedFlagKind::ALL),
            proptest::sample::select(Severity::ALL),
            proptest::sample::select(ReportStatus::ALL),
        )
            .prop_map(|(id, kind, severity, status)| ReportFact {
                id: ReportId::new_v4(id),
                kind,
                severity,
                status,
            })
    }

    fn any_inputs() -> impl Strategy<Value = Inputs> {
        (any::<bool>(), proptest::collection::vec(any_report(), 0..8))
            .prop_map(|(suspended, reports)| Inputs { suspended, reports })
    }

    #[test]
    fn nothing_known_is_insufficient_evidence() {
        let outcome = decide(&Inputs::default());
        assert_eq!(outcome.verdict, Verdict::InsufficientEvidence);
        assert_eq!(outcome.reasons.iter().map(|reason| reason.code).collect::<Vec<_>>(), [ReasonCode::NoAssessment]);
        assert!(outcome.notices.is_empty());
    }

    #[test]
    fn a_standing_critical_report_decides_and_is_pointed_at() {
        let kind = RedFlagKind::UnsupervisedPatientContact;
        let mut inputs = Inputs {
            suspended: true,
            reports: vec![
                report(2, kind, Severity::Critical, ReportStatus::Substantiated),
                report(1, kind, Severity::Critical, ReportStatus::Substantiated),
                report(3, RedFlagKind::VagueRole, Severity::Major, ReportStatus::Substantiated),
            ],
        };
        let outcome = decide(&inputs);
        assert_eq!((outcome.verdict, outcome.notices), (Verdict::NotRecommended, vec![Notice::Suspended]));
        let first = &outcome.reasons[0];
        assert_eq!(first.code, ReasonCode::CriticalReportStands);
        assert_eq!(first.report_ids, [ReportId::new_v4([1; 16]), ReportId::new_v4([2; 16])]);
        assert_eq!((&first.kinds[..], &first.criteria[..]), (&[kind][..], &[CriterionCode::LicensedSupervision][..]));
        assert_eq!(outcome.reasons[2].code, ReasonCode::ReportStands);

        for report in &mut inputs.reports {
            report.status = ReportStatus::Remediated;
        }
        assert_eq!(decide(&inputs).verdict, Verdict::InsufficientEvidence);
    }

    #[test]
    fn only_reports_that_stand_count() {
        for status in ReportStatus::ALL {
            let inputs = Inputs {
                suspended: false,
                reports: vec![report(1, RedFlagKind::DeliveriesByStudents, Severity::Critical, *status)],
            };
            let decided = decide(&inputs).verdict == Verdict::NotRecommended;
            assert_eq!(decided, *status == ReportStatus::Substantiated, "{status}");
        }
    }

    proptest! {
        #[test]
        fn a_further_substantiated_critical_report_never_improves_the_verdict(inputs in any_inputs(), more in any_report()) {
            let mut worse = inputs.clone();
            worse.reports.push(ReportFact { severity: Severity::Critical, status: ReportStatus::Substantiated, ..more });
            prop_assert!(decide(&worse).verdict <= decide(&inputs).verdict);
            prop_assert_eq!(decide(&worse).verdict, Verdict::NotRecommended);
        }

        #[test]
        fn no_further_report_of_any_kind_improves_the_verdict(inputs in any_inputs(), more in any_report()) {
            let mut with = inputs.clone();
            with.reports.push(more);
            prop_assert!(decide(&with).verdict <= decide(&inputs).verdict);
        }

        #[test]
        fn the_order_of_reports_does_not_matter(inputs in any_inputs()) {
            let mut reversed = inputs.clone();
            reversed.reports.reverse();
            prop_assert_eq!(decide(&reversed), decide(&inputs));
        }

        #[test]
        fn without_an_assessment_nothing_reads_as_safe(inputs in any_inputs()) {
            prop_assert!(decide(&inputs).verdict <= Verdict::InsufficientEvidence);
            prop_assert!(!decide(&inputs).reasons.is_empty());
        }
    }
}
