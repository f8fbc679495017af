//! Why a verdict is what it is.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Verdict;
use crate::{
    ids::{AssessmentId, EvidenceId, ReportId, ReviewId, TriageEntryId},
    reference::{CriterionCode, RedFlagKind},
    text_enum::text_enum,
    time::Day,
};

text_enum! {
    /// Why the verdict is what it is.
    pub enum ReasonCode {
        /// Critical reports were found true and are not remediated.
        CriticalReportStands = "critical_report_stands",
        /// Moderators confirmed what verified reviews report.
        SignalConfirmed = "signal_confirmed",
        /// Several people report the same kind of critical breach, in different periods.
        SignalCorroborated = "signal_corroborated",
        /// The listing offers tasks that the task matrix forbids, or deliveries without direct supervision.
        ScopeBeyondMatrix = "scope_beyond_matrix",
        /// An assessment found that a critical criterion is not met.
        CriticalCriterionNotMet = "critical_criterion_not_met",
        /// No assessment against the rubric exists.
        NoAssessment = "no_assessment",
        /// The listing has come to accept a training level that the assessment did not look at.
        LevelNotAssessed = "level_not_assessed",
        /// It is not known whether a critical criterion is met.
        CriticalCriterionUnknown = "critical_criterion_unknown",
        /// A critical criterion was ruled on without evidence.
        CriticalEvidenceMissing = "critical_evidence_missing",
        /// All evidence on a critical criterion has expired.
        CriticalEvidenceExpired = "critical_evidence_expired",
        /// A criterion that is not critical is not met.
        CriterionNotMet = "criterion_not_met",
        /// A criterion is partly met.
        CriterionPartlyMet = "criterion_partly_met",
        /// It is not known whether a criterion that is not critical is met.
        CriterionUnknown = "criterion_unknown",
        /// All evidence on a criterion that is not critical has expired.
        EvidenceExpired = "evidence_expired",
        /// A criterion that is not critical was ruled on without evidence.
        EvidenceMissing = "evidence_missing",
        /// Reports that are not critical were found true and are not remediated.
        ReportStands = "report_stands",
        /// The listing offers tasks without the supervision that the task matrix asks for.
        ScopeWithoutSupervision = "scope_without_supervision",
        /// Every criterion is met, with evidence.
        EveryCriterionMet = "every_criterion_met",
    }
}

impl ReasonCode {
    /// The reason in a sentence.
    #[must_use]
    pub const fn detail(self) -> &'static str {
        match self {
            Self::CriticalReportStands => {
                "At least one report of a critical red flag was found true and has not been remediated."
            }
            Self::SignalConfirmed => {
                "Moderators confirmed what participants with verified reviews reported having been given to do."
            }
            Self::SignalCorroborated => {
                "At least two participants with verified reviews report the same kind of critical breach, in different \
                 periods, and moderators have not refuted it."
            }
            Self::ScopeBeyondMatrix => {
                "The listing itself offers tasks that this training level may never do, or deliveries without direct supervision."
            }
            Self::CriticalCriterionNotMet => "The assessment found that a critical criterion is not met.",
            Self::NoAssessment => {
                "The program has not been assessed against the rubric, so it is not known to be safe."
            }
            Self::LevelNotAssessed => {
                "The listing has come to accept a training level since the assessment, so nobody has assessed it."
            }
            Self::CriticalCriterionUnknown => "The assessment could not tell whether a critical criterion is met.",
            Self::CriticalEvidenceMissing => "There is no evidence for what was found about a critical criterion.",
            Self::CriticalEvidenceExpired => "All evidence on a critical criterion has expired.",
            Self::CriterionNotMet => "A criterion that is not critical is not met.",
            Self::CriterionPartlyMet => "A criterion is met only in part.",
            Self::CriterionUnknown => "It is not known whether a criterion that is not critical is met.",
            Self::EvidenceExpired => "All evidence on a criterion that is not critical has expired.",
            Self::EvidenceMissing => "There is no evidence for what was found about a criterion that is not critical.",
            Self::ReportStands => "At least one report of a red flag was found true and has not been remediated.",
            Self::ScopeWithoutSupervision => {
                "The listing offers tasks without the direct supervision that this training level needs for them."
            }
            Self::EveryCriterionMet => "Every criterion that concerns the program is met, with evidence that holds.",
        }
    }

    /// What would make the reason go away; for the best verdict, what would end it.
    #[must_use]
    pub const fn would_change(self) -> &'static str {
        match self {
            Self::CriticalReportStands | Self::ReportStands => {
                "Verified proof that the cause was removed: moderators then mark each report as remediated."
            }
            Self::SignalConfirmed => "Verified proof that the cause was removed, accepted by moderators.",
            Self::SignalCorroborated => "A moderator's ruling that refutes the accounts.",
            Self::ScopeBeyondMatrix | Self::ScopeWithoutSupervision => {
                "An edit of the listing that keeps every offered task within the task matrix."
            }
            Self::NoAssessment => "A published assessment.",
            Self::LevelNotAssessed => "A new assessment, or a listing that accepts only the levels that were assessed.",
            Self::CriticalCriterionNotMet | Self::CriterionNotMet | Self::CriterionPartlyMet => {
                "A new assessment, after the program has changed, that finds the criterion met."
            }
            Self::CriticalCriterionUnknown | Self::CriterionUnknown => {
                "A new assessment with evidence on the criterion."
            }
            Self::CriticalEvidenceMissing
            | Self::EvidenceMissing
            | Self::CriticalEvidenceExpired
            | Self::EvidenceExpired => "A new assessment with evidence that holds.",
            Self::EveryCriterionMet => {
                "Evidence that expires, a report found true, corroborated accounts of participants, or a listing that \
                 offers more than the task matrix allows."
            }
        }
    }
}

/// One reason, pointing at what it rests on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Reason {
    /// Machine-readable reason.
    pub code: ReasonCode,
    /// The best verdict that is possible while this reason stands.
    pub limits_to: Verdict,
    /// The reason in a sentence.
    #[schema(max_length = 500)]
    pub detail: String,
    /// What would make it go away.
    #[schema(max_length = 500)]
    pub would_change: String,
    /// The first day on which what it rests on changes by the clock alone: the next expiry of its evidence; null when
    /// no day does that.
    pub until: Option<Day>,
    /// Criteria of the rubric that it is about.
    #[schema(max_items = 14)]
    pub criteria: Vec<CriterionCode>,
    /// Kinds of red flag that it is about.
    #[schema(max_items = 35)]
    pub kinds: Vec<RedFlagKind>,
    /// The assessment that it rests on.
    pub assessment_id: Option<AssessmentId>,
    /// The evidence that it rests on, in ascending order.
    #[schema(max_items = 1000)]
    pub evidence_ids: Vec<EvidenceId>,
    /// The reports that it rests on, in ascending order.
    #[schema(max_items = 100_000)]
    pub report_ids: Vec<ReportId>,
    /// The reviews that it rests on, in ascending order.
    #[schema(max_items = 100_000)]
    pub review_ids: Vec<ReviewId>,
    /// The moderators' entries that it rests on, in ascending order.
    #[schema(max_items = 35)]
    pub triage_entry_ids: Vec<TriageEntryId>,
}

impl Reason {
    /// A reason that rests on nothing yet.
    #[must_use]
    pub fn new(code: ReasonCode, limits_to: Verdict) -> Self {
        Self {
            code,
            limits_to,
            detail: code.detail().to_owned(),
            would_change: code.would_change().to_owned(),
            until: None,
            criteria: Vec::new(),
            kinds: Vec::new(),
            assessment_id: None,
            evidence_ids: Vec::new(),
            report_ids: Vec::new(),
            review_ids: Vec::new(),
            triage_entry_ids: Vec::new(),
        }
    }

    /// Puts everything in ascending order, each once: what came first does not matter.
    #[must_use]
    pub fn in_order(mut self) -> Self {
        fn tidy<T: Ord>(values: &mut Vec<T>) {
            values.sort_unstable();
            values.dedup();
        }
        tidy(&mut self.criteria);
        tidy(&mut self.kinds);
        tidy(&mut self.evidence_ids);
        tidy(&mut self.report_ids);
        tidy(&mut self.review_ids);
        tidy(&mut self.triage_entry_ids);
        self
    }
}
