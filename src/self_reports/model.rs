//! What a review tells of tasks and claims, as far as others may count on it.

use crate::{
    ids::{ProgramId, ReviewId},
    reference::TrainingLevel,
    reviews::model::{ClaimChecked, TaskDone},
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
