//! What the request for a code answers.

use serde::Serialize;
use utoipa::ToSchema;

use super::model::CODE_LIFETIME;

/// What is known once a code was asked for: the same for every address.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct SignInStarted {
    /// Seconds for which the code holds.
    #[schema(minimum = 1, maximum = 3600, example = 600)]
    pub expires_in: i64,
}

impl SignInStarted {
    /// The answer to every request for a code.
    pub const ANSWER: Self = Self { expires_in: CODE_LIFETIME };
}
