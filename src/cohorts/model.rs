//! What makes a cohort.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use validator::Validate;

use crate::{ids::ProgramId, participation::model::Voucher, reviews::model::Period};

/// Days for which codes can be redeemed.
pub const DAYS: i64 = 180;
/// The largest cohort of a provider. That of a university is what the schema says.
pub const PROVIDER_MAX: i32 = 200;

/// A cohort to be made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema, Validate)]
#[serde(deny_unknown_fields)]
pub struct CohortInput {
    /// The program's id.
    pub program: ProgramId,
    /// When its participants were there.
    #[validate(nested)]
    pub period: Period,
    /// How many they were; as many codes are made. A provider's cohort has at most 200.
    #[schema(minimum = 1, maximum = 1000, example = 24)]
    pub size: i32,
}

/// Codes to be made anew.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema, Validate)]
#[serde(deny_unknown_fields)]
pub struct ReissueInput {
    /// How many open codes are taken back, and as many new ones made.
    #[schema(minimum = 1, maximum = 1000, example = 2)]
    pub count: i32,
}

/// Whether a cohort of this size can be vouched for.
#[must_use]
pub fn size_fits(size: i32, voucher: Voucher) -> bool {
    voucher != Voucher::Provider || size <= PROVIDER_MAX
}

/// What became of the codes of a cohort.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counts {
    /// Ever made.
    pub issued: i32,
    /// Taken back.
    pub revoked: i32,
    /// Redeemed by the start of a day.
    pub redeemed: i32,
}

impl Counts {
    /// Those that are neither redeemed nor taken back, as far as it is known.
    #[must_use]
    pub const fn left(self) -> i32 {
        let left = self.issued - self.revoked - self.redeemed;
        if left > 0 { left } else { 0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_provider_vouches_for_fewer() {
        for (size, voucher, fits) in [
            (200, Voucher::Provider, true),
            (201, Voucher::Provider, false),
            (201, Voucher::University, true),
            (10_000, Voucher::Service, true),
        ] {
            assert_eq!(size_fits(size, voucher), fits, "{size} {voucher}");
        }
    }

    #[test]
    fn every_code_is_counted_once() {
        assert_eq!(Counts { issued: 12, revoked: 2, redeemed: 3 }.left(), 7);
        assert_eq!(Counts { issued: 2, revoked: 2, redeemed: 0 }.left(), 0);
    }
}
