//! What a review consists of, its states, and what may be done in each.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use validator::{Validate, ValidationError, ValidationErrors};

pub use super::state::{ReviewAction, ReviewDecisionInput, ReviewRuling, ReviewStatus, Verification};
use crate::{
    reference::{TaskCode, TrainingLevel},
    rules::{fault, fault_at, period_is_recent, unique_by},
    text_enum::text_enum,
    time::{Day, HalfYear, Month},
};

/// From which month to which month something lasted. Public answers show only the half-year of the
/// end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema, Validate)]
#[serde(deny_unknown_fields)]
#[validate(schema(function = "months_in_order", skip_on_field_errors = false))]
pub struct Period {
    /// First month.
    pub start_month: Month,
    /// Last month; not before `start_month`, not in the future.
    pub end_month: Month,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "validator passes a reference")]
fn months_in_order(period: &Period) -> Result<(), ValidationError> {
    if period.start_month > period.end_month {
        return Err(fault_at("range_reversed", "end_month may not be before start_month.", "/end_month"));
    }
    Ok(())
}

impl Period {
    /// The half-year in which it ended.
    #[must_use]
    pub const fn half_year(self) -> HalfYear {
        self.end_month.half_year()
    }

    /// Refuses a period that ends after the month of `today` or began over ten years before;
    /// reported on `field`.
    pub fn check(self, field: &'static str, today: Day) -> Result<(), ValidationErrors> {
        period_is_recent(self.start_month, self.end_month, today.month()).map_err(|fault| {
            let mut errors = ValidationErrors::new();
            errors.add(field, fault);
            errors
        })
    }
}

text_enum! {
    /// What a rating is about.
    pub enum Dimension {
        /// Supervision by licensed staff.
        Supervision = "supervision",
        /// How clear it was what one may and may not do.
        ScopeClarity = "scope_clarity",
        /// Preparation before the stay.
        Preparation = "preparation",
        /// Respect for patients.
        PatientRespect = "patient_respect",
        /// Relationship with the host.
        HostRelationship = "host_relationship",
        /// Safety of participants.
        ParticipantSafety = "participant_safety",
        /// Housing.
        Housing = "housing",
        /// Support by the provider.
        Support = "support",
        /// Mentoring.
        Mentorship = "mentorship",
        /// What one learnt.
        Learning = "learning",
        /// Value for the money.
        Value = "value",
    }
}

/// A review's overall rating is kept as a whole number of 27720ths: the least common multiple of 1
/// to 11, so that the mean of any number of the eleven ratings is exact.
pub const OVERALL_UNIT: i64 = 27_720;

/// Ratings from 1 (worst) to 5 (best), each optional. They tell satisfaction and never move the
/// verdict.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Ratings {
    /// Supervision by licensed staff.
    #[schema(minimum = 1, maximum = 5)]
    pub supervision: Option<u8>,
    /// How clear it was what one may and may not do.
    #[schema(minimum = 1, maximum = 5)]
    pub scope_clarity: Option<u8>,
    /// Preparation before the stay.
    #[schema(minimum = 1, maximum = 5)]
    pub preparation: Option<u8>,
    /// Respect for patients.
    #[schema(minimum = 1, maximum = 5)]
    pub patient_respect: Option<u8>,
    /// Relationship with the host.
    #[schema(minimum = 1, maximum = 5)]
    pub host_relationship: Option<u8>,
    /// Safety of participants.
    #[schema(minimum = 1, maximum = 5)]
    pub participant_safety: Option<u8>,
    /// Housing.
    #[schema(minimum = 1, maximum = 5)]
    pub housing: Option<u8>,
    /// Support by the provider.
    #[schema(minimum = 1, maximum = 5)]
    pub support: Option<u8>,
    /// Mentoring.
    #[schema(minimum = 1, maximum = 5)]
    pub mentorship: Option<u8>,
    /// What one learnt.
    #[schema(minimum = 1, maximum = 5)]
    pub learning: Option<u8>,
    /// Value for the money.
    #[schema(minimum = 1, maximum = 5)]
    pub value: Option<u8>,
}

impl Ratings {
    /// The rating of one dimension.
    #[must_use]
    pub const fn of(&self, dimension: Dimension) -> Option<u8> {
        match dimension {
            Dimension::Supervision => self.supervision,
            Dimension::ScopeClarity => self.scope_clarity,
            Dimension::Preparation => self.preparation,
            Dimension::PatientRespect => self.patient_respect,
            Dimension::HostRelationship => self.host_relationship,
            Dimension::ParticipantSafety => self.participant_safety,
            Dimension::Housing => self.housing,
            Dimension::Support => self.support,
            Dimension::Mentorship => self.mentorship,
            Dimension::Learning => self.learning,
            Dimension::Value => self.value,
        }
    }

    /// The ratings that were given, in the order of [`Dimension::ALL`].
    pub fn given(&self) -> impl Iterator<Item = (Dimension, u8)> + '_ {
        Dimension::ALL.iter().filter_map(|dimension| self.of(*dimension).map(|rating| (*dimension, rating)))
    }

    /// Sum of the ratings given; 0 without any.
    #[must_use]
    pub fn sum(&self) -> i32 {
        self.given().map(|(_, rating)| i32::from(rating)).sum()
    }

    /// How many ratings were given, 0 to 11.
    #[must_use]
    pub fn count(&self) -> i32 {
        self.given().map(|_| 1).sum()
    }

    /// The mean of the ratings given in 27720ths, exact; `None` without any.
    #[must_use]
    pub fn overall(&self) -> Option<i64> {
        let count = i64::from(self.count());
        (count > 0).then(|| i64::from(self.sum()) * OVERALL_UNIT / count)
    }

    /// The mean of the ratings given times 10000, rounded half up; 0 without any. The key that
    /// lists are ordered by.
    #[must_use]
    pub fn overall_key(&self) -> i32 {
        let count = self.count();
        if count == 0 { 0 } else { (self.sum() * 20_000 + count) / (2 * count) }
    }
}

/// The text of a review, in five optional parts.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReviewText {
    /// What the participant did.
    #[schema(min_length = 10, max_length = 5000)]
    pub what_i_did: Option<String>,
    /// How they were supervised.
    #[schema(min_length = 10, max_length = 5000)]
    pub supervision: Option<String>,
    /// What was good.
    #[schema(min_length = 10, max_length = 5000)]
    pub good: Option<String>,
    /// What was not.
    #[schema(min_length = 10, max_length = 5000)]
    pub problems: Option<String>,
    /// Advice for others.
    #[schema(min_length = 10, max_length = 5000)]
    pub advice: Option<String>,
}

impl ReviewText {
    /// The parts that were written, in order.
    pub fn parts(&self) -> impl Iterator<Item = &str> {
        [&self.what_i_did, &self.supervision, &self.good, &self.problems, &self.advice]
            .into_iter()
            .filter_map(|part| part.as_deref())
    }
}

text_enum! {
    /// How a task was supervised.
    pub enum TaskSupervision {
        /// A licensed supervisor was present.
        Direct = "direct",
        /// A supervisor could be reached.
        Indirect = "indirect",
        /// There was none.
        None = "none",
    }
}

text_enum! {
    /// Whether the patient was asked.
    pub enum PatientConsent {
        /// The patient was asked.
        Asked = "asked",
        /// The patient was not asked.
        NotAsked = "not_asked",
        /// The participant does not know.
        Unknown = "unknown",
    }
}

/// A task the participant did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TaskDone {
    /// The task.
    pub task: TaskCode,
    /// How it was supervised.
    pub supervision: TaskSupervision,
    /// Whether patients were asked.
    pub consent: PatientConsent,
}

text_enum! {
    /// What became of a claim of the listing.
    pub enum ClaimOutcome {
        /// It was so.
        Confirmed = "confirmed",
        /// It was not so.
        Contradicted = "contradicted",
        /// The participant could not tell.
        NotSeen = "not_seen",
    }
}

/// A claim of the listing and what became of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ClaimChecked {
    /// The claim, in the reviewer's words.
    #[schema(min_length = 3, max_length = 200, example = "A physician is always present")]
    pub claim: String,
    /// What became of it.
    pub outcome: ClaimOutcome,
}

text_enum! {
    /// What the reviewer got for the review.
    pub enum Incentive {
        /// Nothing.
        None = "none",
        /// A discount.
        Discount = "discount",
        /// Money.
        Payment = "payment",
        /// A gift.
        Gift = "gift",
        /// Something else.
        Other = "other",
    }
}

text_enum! {
    /// What ties the reviewer to the provider.
    pub enum Relationship {
        /// Nothing but having taken part.
        None = "none",
        /// Works or worked for it.
        Employee = "employee",
        /// Is related to someone there.
        Family = "family",
        /// Works for a competitor.
        Competitor = "competitor",
        /// Something else.
        Other = "other",
    }
}

/// What a reader must know about the reviewer's interests.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Disclosure {
    /// What the reviewer got for the review.
    pub incentive: Incentive,
    /// What ties the reviewer to the provider.
    pub relationship: Relationship,
    /// More about either.
    #[schema(min_length = 3, max_length = 500)]
    pub details: Option<String>,
}

/// A review as its author writes it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema, Validate)]
#[serde(deny_unknown_fields)]
#[validate(schema(function = "says_something", skip_on_field_errors = false))]
pub struct ReviewInput {
    /// When the participant was there. Shown to others as a half-year only.
    #[validate(nested)]
    pub period: Period,
    /// For how many weeks.
    #[schema(minimum = 1, maximum = 104, example = 6)]
    pub weeks: i32,
    /// Training level at that time.
    pub training_level: TrainingLevel,
    /// Ratings; at least one rating or one text is needed.
    #[serde(default)]
    pub ratings: Ratings,
    /// Whether the participant would recommend the program.
    pub would_recommend: Option<bool>,
    /// Text; at least one rating or one text is needed.
    #[serde(default)]
    pub text: ReviewText,
    /// Tasks the participant did, each once.
    #[serde(default)]
    #[schema(max_items = 11)]
    #[validate(custom(function = "each_task_once"))]
    pub tasks_done: Vec<TaskDone>,
    /// Claims of the listing that the participant could check.
    #[serde(default)]
    #[schema(max_items = 20)]
    pub claims_checked: Vec<ClaimChecked>,
    /// What a reader must know about the reviewer's interests.
    pub disclosure: Disclosure,
}

fn says_something(review: &ReviewInput) -> Result<(), ValidationError> {
    if review.ratings.count() == 0 && review.text.parts().next().is_none() {
        return Err(fault("empty_review", "Give at least one rating or one text."));
    }
    Ok(())
}

fn each_task_once(tasks: &[TaskDone]) -> Result<(), ValidationError> {
    unique_by(tasks, |done| done.task)
}

impl ReviewInput {
    /// Refuses a period in the future or more than ten years back. `today` comes from the clock.
    pub fn check_period(&self, today: Day) -> Result<(), ValidationErrors> {
        self.period.check("period", today)
    }
}

#[cfg(test)]
mod tests;
