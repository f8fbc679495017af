//! What a review tells of tasks and claims, as far as others may count on it.

use crate::{
    ids::{ProgramId, ReviewId},
    reference::TrainingLevel,
    reviews::model::{ClaimChecked, TaskDone},
    time::HalfYear,
};

/// What published, verified reviews say of one claim of a listing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ClaimTally {
    /// The claim, in the words of the first review that names it.
    pub claim: String,
    /// Reviews that confirm it.
    pub confirmed: u32,
    /// Reviews that contradict it, in ascending order.
    pub contradicting: Vec<ReviewId>,
    /// Reviews whose authors saw nothing of it.
    pub not_seen: u32,
}

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
