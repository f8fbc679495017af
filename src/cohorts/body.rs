//! How a cohort is shown.

use serde::Serialize;
use utoipa::ToSchema;

use super::store::CohortRow;
use crate::{
    ids::{CohortId, ProgramId, ProviderId, UniversityId},
    page_type,
    participation::model::Voucher,
    reviews::model::Period,
    time::{Day, Timestamp},
};

/// A cohort, for whoever vouches for it and for admins.
#[derive(Debug, Serialize, ToSchema)]
pub struct CohortBody {
    /// Its id.
    pub id: CohortId,
    /// The program.
    pub program_id: ProgramId,
    /// When its participants were there.
    pub period: Period,
    /// Who vouches for it.
    pub voucher: Voucher,
    /// The university that vouches.
    pub university_id: Option<UniversityId>,
    /// The provider that vouches.
    pub provider_id: Option<ProviderId>,
    /// How many participants it has.
    #[schema(minimum = 1, maximum = 10_000, example = 24)]
    pub size: i32,
    /// Codes ever made; those below add up to it.
    #[schema(minimum = 0, example = 26)]
    pub issued: i32,
    /// Codes that can be redeemed, or that were since `counted_on`.
    #[schema(minimum = 0, example = 9)]
    pub open: i32,
    /// Codes that had been redeemed when the day `counted_on` began. Never which, nor at which moment.
    #[schema(minimum = 0, example = 15)]
    pub redeemed: i32,
    /// Codes that were taken back.
    #[schema(minimum = 0, example = 2)]
    pub revoked: i32,
    /// Codes that nobody redeemed in time.
    #[schema(minimum = 0, example = 0)]
    pub expired: i32,
    /// The day at whose start redeemed codes were counted.
    pub counted_on: Day,
    /// When its codes expire.
    pub expires_at: Timestamp,
    /// When it was made.
    pub created_at: Timestamp,
    /// The codes that this request made. They are shown in this answer and never again.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_items = 1000)]
    pub codes: Option<Vec<Code>>,
}

/// A participation code.
#[derive(Debug, Serialize, ToSchema)]
#[serde(transparent)]
#[schema(
    min_length = 45,
    max_length = 45,
    pattern = "^pct_pc_[0-9a-hjkmnp-tv-z]{38}$",
    example = "pct_pc_000000000000000000000000000000002a93qr"
)]
pub struct Code(String);

impl CohortBody {
    /// The answer at `now`; `codes` are those that were made just now.
    #[must_use]
    pub fn new(row: &CohortRow, codes: Option<Vec<String>>, now: Timestamp) -> Self {
        let left = row.counts().left();
        let expired = row.expires_at <= now;
        Self {
            id: row.id,
            program_id: row.program_id,
            period: Period { start_month: row.period_start, end_month: row.period_end },
            voucher: row.voucher,
            university_id: row.university_id,
            provider_id: row.provider_id,
            size: row.size,
            issued: row.issued,
            open: if expired { 0 } else { left },
            redeemed: row.redeemed,
            revoked: row.revoked,
            expired: if expired { left } else { 0 },
            counted_on: row.counted_on.min(now.day()),
            expires_at: row.expires_at,
            created_at: row.created_at,
            codes: codes.map(|codes| codes.into_iter().map(Code).collect()),
        }
    }
}

page_type! {
    /// A page of cohorts.
    CohortPage of CohortBody
}
