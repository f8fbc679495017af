//! What a verdict follows from.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    ids::{AssessmentId, EvidenceId, ReportId, ReviewId, TriageEntryId},
    red_flags::model::ReportStatus,
    reference::{CriterionCode, RedFlagKind, Severity, TaskCode, TaskRule, TrainingLevel},
    text_enum::text_enum,
    time::{Day, HalfYear},
};

text_enum! {
    /// What is found about a criterion, worst first.
    pub enum CriterionStatus {
        /// The program fails the standard.
        NotMet = "not_met",
        /// It is not known.
        Unknown = "unknown",
        /// The program keeps a part of the standard.
        PartlyMet = "partly_met",
        /// The program keeps the standard.
        Met = "met",
        /// The standard does not concern the program.
        NotApplicable = "not_applicable",
    }
}

text_enum! {
    /// What moderators have found about a critical signal.
    pub enum TriageStatus {
        /// Nobody has ruled yet.
        Open = "open",
        /// It is true.
        Confirmed = "confirmed",
        /// It is not true, or not what it seems.
        Dismissed = "dismissed",
        /// It was true, and the cause was verifiably removed.
        Remediated = "remediated",
    }
}

/// The rubric, as far as the verdict depends on it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RubricFacts {
    /// Version of the rubric.
    #[schema(format = "int32", minimum = 1, maximum = 2_147_483_647)]
    pub version: i32,
    /// The criteria of which failing one decides the verdict alone.
    #[schema(max_items = 14)]
    pub critical: Vec<CriterionCode>,
}

/// One piece of evidence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EvidenceFact {
    /// Its id.
    pub id: EvidenceId,
    /// How strong it is: 1 the provider's statement, 2 a document on file, 3 confirmed independently.
    #[schema(minimum = 1, maximum = 3)]
    pub level: u8,
    /// The first day on which it counts no longer.
    pub expires_on: Day,
}

/// What an assessment found about one criterion.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RulingFacts {
    /// The criterion.
    pub criterion: CriterionCode,
    /// What was found.
    pub status: CriterionStatus,
    /// What it rests on.
    #[schema(max_items = 20)]
    pub evidence: Vec<EvidenceFact>,
}

impl RulingFacts {
    /// The first day on which none of the evidence that holds today holds any more; `None` when none holds today.
    #[must_use]
    pub fn holds_until(&self, today: Day) -> Option<Day> {
        self.evidence.iter().map(|evidence| evidence.expires_on).filter(|day| *day > today).max()
    }
}

/// The assessment in force.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AssessmentFacts {
    /// Its id.
    pub id: AssessmentId,
    /// The listing has since changed in more than dates, places left and addresses.
    pub listing_changed: bool,
    /// Training levels that the listing has come to accept since: nobody assessed them.
    #[schema(max_items = 5)]
    pub levels_added: Vec<TrainingLevel>,
    /// One entry for each criterion that was ruled on.
    #[schema(max_items = 14)]
    pub rulings: Vec<RulingFacts>,
}

/// A report as far as the verdict depends on it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReportFact {
    /// Public id of the report.
    pub id: ReportId,
    /// Kind of red flag.
    pub kind: RedFlagKind,
    /// The criteria that the kind speaks against.
    #[schema(max_items = 14)]
    pub criteria: Vec<CriterionCode>,
    /// Severity found.
    pub severity: Severity,
    /// State; only reports that stand count.
    pub status: ReportStatus,
}

/// One person's account inside a signal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AccountFact {
    /// The published, verified review.
    pub review_id: ReviewId,
    /// Number of the person among those of this program; two accounts of one person have the same.
    #[schema(format = "int32", minimum = 1, maximum = 2_147_483_647)]
    pub person: i32,
    /// The half-year in which the experience ended.
    pub half_year: HalfYear,
    /// How grave it is by itself.
    pub severity: Severity,
}

/// What the structured self-reports of published, verified reviews tell of one kind of red flag.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SignalFact {
    /// The kind of red flag.
    pub kind: RedFlagKind,
    /// The criteria that the kind speaks against.
    #[schema(max_items = 14)]
    pub criteria: Vec<CriterionCode>,
    /// The moderators' entry; null where no account ever was critical.
    pub triage_entry_id: Option<TriageEntryId>,
    /// What moderators have found; null where no account ever was critical.
    pub triage_status: Option<TriageStatus>,
    /// The accounts, without those that moderators dismissed.
    #[schema(max_items = 100_000)]
    pub accounts: Vec<AccountFact>,
}

impl SignalFact {
    /// Whether two people tell of something critical in different periods. (Where there are two people and two
    /// periods at all, some two accounts differ in both.)
    #[must_use]
    pub fn is_corroborated(&self) -> bool {
        let critical = || self.accounts.iter().filter(|account| account.severity == Severity::Critical);
        let Some(first) = critical().next() else { return false };
        critical().any(|other| other.person != first.person)
            && critical().any(|other| other.half_year != first.half_year)
    }

    /// Whether moderators have still to rule on something critical, even if its accounts are gone since.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.triage_status == Some(TriageStatus::Open)
    }

    /// Whether it makes the criteria `not_met`: confirmed, or corroborated and not yet ruled on.
    #[must_use]
    pub fn stands(&self) -> bool {
        match self.triage_status {
            Some(TriageStatus::Confirmed) => true,
            Some(TriageStatus::Dismissed | TriageStatus::Remediated) => false,
            Some(TriageStatus::Open) | None => self.is_corroborated(),
        }
    }
}

/// Something that the listing's own scope offers beyond the task matrix.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ScopeFinding {
    /// The task.
    pub task: TaskCode,
    /// The training level to which it is offered.
    pub training_level: TrainingLevel,
    /// What the listing says.
    pub offered: TaskRule,
    /// What the task matrix says.
    pub matrix: TaskRule,
    /// The kind of red flag.
    pub kind: RedFlagKind,
    /// How grave it is: critical where the matrix says never, and for deliveries; major where it asks for direct
    /// supervision.
    pub severity: Severity,
}

/// A claim of the listing that published, verified reviews contradict.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ContradictedClaim {
    /// The claim, in a reviewer's words.
    #[schema(max_length = 200, example = "A physician is always present")]
    pub claim: String,
    /// The reviews that contradict it.
    #[schema(max_items = 100_000)]
    pub review_ids: Vec<ReviewId>,
}

/// Everything that the verdict on a program depends on, besides the day.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Inputs {
    /// The rubric that the program is judged by: that of its assessment, or the one in force.
    pub rubric: RubricFacts,
    /// The program is suspended.
    pub suspended: bool,
    /// The assessment in force; null when there is none.
    pub assessment: Option<AssessmentFacts>,
    /// Reports on the program.
    #[schema(max_items = 100_000)]
    pub reports: Vec<ReportFact>,
    /// How many reports of something critical, by people who are known to have taken part, moderators have still to
    /// rule on. They show in a notice and limit nothing.
    #[serde(default)]
    #[schema(format = "int32", minimum = 0, maximum = 2_147_483_647)]
    pub reports_under_review: i32,
    /// What verified reviews tell of tasks.
    #[schema(max_items = 35)]
    pub signals: Vec<SignalFact>,
    /// What the listing offers beyond the task matrix.
    #[schema(max_items = 55)]
    pub scope: Vec<ScopeFinding>,
    /// Claims of the listing that verified reviews contradict.
    #[schema(max_items = 100_000)]
    pub contradicted_claims: Vec<ContradictedClaim>,
}

impl Inputs {
    /// Whether a ruling counts only with evidence that holds. A failure needs none, and what does not concern the
    /// program needs it only where the criterion is critical.
    #[must_use]
    pub fn needs_evidence(&self, ruling: &RulingFacts) -> bool {
        match ruling.status {
            CriterionStatus::Met | CriterionStatus::PartlyMet => true,
            CriterionStatus::NotApplicable => self.rubric.critical.contains(&ruling.criterion),
            CriterionStatus::NotMet | CriterionStatus::Unknown => false,
        }
    }
}
