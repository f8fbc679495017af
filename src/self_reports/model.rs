//! What a review tells of tasks and claims, as far as others may count on it.

use crate::{
    ids::{PrincipalId, ProgramId, ReviewId},
    reference::TrainingLevel,
    reviews::model::{ClaimChecked, ClaimOutcome, ReviewInput, TaskDone},
    time::HalfYear,
};

/// The structured part of a published, verified review.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SelfReport {
    /// The review.
    pub review: ReviewId,
    /// The program.
    pub program: ProgramId,
    /// The author's training level then.
    pub training_level: TrainingLevel,
    /// The half-year in which the experience ended.
    pub half_year: HalfYear,
    /// Tasks that the author did.
    pub tasks: Vec<TaskDone>,
    /// Claims of the listing that the author checked.
    pub claims: Vec<ClaimChecked>,
}

impl SelfReport {
    /// The structured part of what was written; `None` without tasks and claims.
    #[must_use]
    pub fn of(review: ReviewId, program: ProgramId, content: &ReviewInput) -> Option<Self> {
        if content.tasks_done.is_empty() && content.claims_checked.is_empty() {
            return None;
        }
        Some(Self {
            review,
            program,
            training_level: content.training_level,
            half_year: content.period.half_year(),
            tasks: content.tasks_done.clone(),
            claims: content.claims_checked.clone(),
        })
    }

    /// Whether an edit changes what a signal follows from, so that what moderators ruled on is not what stands there.
    #[must_use]
    pub fn tells_otherwise(before: &ReviewInput, after: &ReviewInput) -> bool {
        before.tasks_done != after.tasks_done
            || before.training_level != after.training_level
            || before.period.half_year() != after.period.half_year()
    }
}

/// What the author of a published, verified review found about a claim.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReportedClaim {
    /// The review.
    pub review: ReviewId,
    /// Its author; never shown.
    pub participant: PrincipalId,
    /// The claim, folded: two spellings are one claim.
    pub key: String,
    /// The claim, in the author's words.
    pub claim: String,
    /// What became of it.
    pub outcome: ClaimOutcome,
}
