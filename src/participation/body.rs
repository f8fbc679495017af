//! What a redemption answers.

use serde::Serialize;
use utoipa::ToSchema;

use crate::{ids::ProgramId, sessions::body::TokenAnswer, time::HalfYear};

/// The tokens of a new session, and what the code proved.
#[derive(Serialize, ToSchema)]
pub struct Redemption {
    /// The tokens.
    #[serde(flatten)]
    pub tokens: TokenAnswer,
    /// The program of the code.
    pub program_id: ProgramId,
    /// The half-year in which the code's period ends.
    pub period: HalfYear,
}
