//! What leaves the service so that anyone can recompute a verdict.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{ids::ProgramId, programs::store::ProgramKey, verdict::Inputs};

/// Everything that the verdict on a program follows from, besides the day. It names reviews and reports by the ids that
/// the public reads them by, and their authors only by a number among those of the program, which says no more than the
/// pseudonyms beside the reviews.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct VerdictInputs {
    /// The program.
    pub program_id: ProgramId,
    /// Its readable name in URLs.
    #[schema(min_length = 3, max_length = 80, pattern = "^[a-z0-9]+(-[a-z0-9]+)*$", example = "observation-kathmandu")]
    pub slug: String,
    /// The inputs of the verdict.
    pub inputs: Inputs,
}

impl VerdictInputs {
    /// Whether it is about the program that is named so.
    #[must_use]
    pub fn is_of(&self, key: &ProgramKey) -> bool {
        match key {
            ProgramKey::Id(id) => self.program_id == *id,
            ProgramKey::Slug(slug) => self.slug == *slug,
        }
    }
}
