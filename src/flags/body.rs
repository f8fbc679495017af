//! Flags as whoever made them reads them, and cases as moderators read them.

use serde::Serialize;
use utoipa::ToSchema;

use super::{
    model::{CaseOutcome, CaseStatus, FlagReason, FlaggerClass},
    store::{CaseItemRow, Detail, OwnFlag},
};
use crate::{
    ids::{ProgramId, ReviewCaseId, ReviewId},
    page_type,
    reviews::model::ReviewStatus,
    time::Timestamp,
};

/// One's own flag on a review.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct ReviewFlag {
    /// The review.
    pub review_id: ReviewId,
    /// What is wrong with it.
    #[schema(min_items = 1, max_items = 5)]
    pub reasons: Vec<FlagReason>,
    /// More about it; null without a note.
    #[schema(min_length = 10, max_length = 2000)]
    pub note: Option<String>,
    /// Whether moderators are still to look at it.
    pub status: CaseStatus,
    /// How it ended; null until then.
    pub outcome: Option<CaseOutcome>,
    /// When it was made.
    pub created_at: Timestamp,
}

impl From<OwnFlag> for ReviewFlag {
    fn from(own: OwnFlag) -> Self {
        Self {
            review_id: own.flag.review_id,
            reasons: own.reasons,
            note: own.flag.note,
            status: own.status,
            outcome: own.outcome,
            created_at: own.flag.created_at,
        }
    }
}

/// A case in the list.
#[derive(Debug, Serialize, ToSchema)]
pub struct ReviewCaseItem {
    /// The case's id.
    pub id: ReviewCaseId,
    /// The review.
    pub review_id: ReviewId,
    /// The program that the review is about.
    pub program_id: ProgramId,
    /// State of the case.
    pub status: CaseStatus,
    /// How it ended; null while it is open.
    pub outcome: Option<CaseOutcome>,
    /// Whether a flag has taken the review out of public view, and nobody has ruled on that.
    pub held: bool,
    /// When the first flag came.
    pub opened_at: Timestamp,
    /// When it was closed; null while it is open.
    pub closed_at: Option<Timestamp>,
}

impl From<CaseItemRow> for ReviewCaseItem {
    fn from(item: CaseItemRow) -> Self {
        let row = item.case;
        Self {
            id: row.id,
            review_id: row.review_id,
            program_id: item.program,
            status: row.status,
            outcome: row.outcome,
            held: row.held != 0,
            opened_at: row.opened_at,
            closed_at: (row.status == CaseStatus::Closed).then_some(row.closed_at),
        }
    }
}

page_type! {
    /// A page of cases.
    ReviewCasePage of ReviewCaseItem
}

/// How many of each class.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct FlaggerCounts {
    /// Participants.
    #[schema(minimum = 0, format = "int32", example = 2)]
    pub participant: i32,
    /// Providers.
    #[schema(minimum = 0, format = "int32", example = 1)]
    pub provider: i32,
    /// Universities.
    #[schema(minimum = 0, format = "int32", example = 0)]
    pub university: i32,
}

impl FlaggerCounts {
    fn of(counts: impl Iterator<Item = (FlaggerClass, i64)>) -> Self {
        let mut all = Self::default();
        for (class, count) in counts {
            let count = i32::try_from(count).unwrap_or(i32::MAX);
            let place = match class {
                FlaggerClass::Participant => &mut all.participant,
                FlaggerClass::Provider => &mut all.provider,
                FlaggerClass::University => &mut all.university,
            };
            *place = place.saturating_add(count);
        }
        all
    }
}

/// Who gave a reason, as counts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct ReasonCounts {
    /// The reason.
    pub reason: FlagReason,
    /// How many gave it.
    pub given_by: FlaggerCounts,
}

/// What moderators look at when a review is flagged. Nothing in it tells who flagged.
#[derive(Debug, Serialize, ToSchema)]
pub struct ReviewCase {
    /// The case's id.
    pub id: ReviewCaseId,
    /// The review.
    pub review_id: ReviewId,
    /// The program that the review is about.
    pub program_id: ProgramId,
    /// The review's state.
    pub review_status: ReviewStatus,
    /// State of the case.
    pub status: CaseStatus,
    /// How it ended; null while it is open.
    pub outcome: Option<CaseOutcome>,
    /// Whether a flag has taken the review out of public view, and nobody has ruled on that.
    pub held: bool,
    /// How many flagged the review.
    pub flags: FlaggerCounts,
    /// The reasons that were given, each with how many gave it.
    #[schema(max_items = 9)]
    pub reasons: Vec<ReasonCounts>,
    /// What was written with the flags, in no order, at most 500.
    #[schema(max_items = 500)]
    pub notes: Vec<String>,
    /// Why the moderator decided so; null without a ruling.
    #[schema(min_length = 10, max_length = 2000)]
    pub reason: Option<String>,
    /// When the first flag came.
    pub opened_at: Timestamp,
    /// When it was closed; null while it is open.
    pub closed_at: Option<Timestamp>,
}

impl ReviewCase {
    /// The quoted entity tag: it changes with every flag, and with the review.
    #[must_use]
    pub fn etag(detail: &Detail) -> String {
        format!("\"c{}-{}\"", detail.case.version, detail.review.version)
    }

    /// Puts the answer together.
    #[must_use]
    pub fn new(detail: Detail) -> Self {
        let Detail { case, review, flags, reasons, notes } = detail;
        let counts = |reason: &FlagReason| {
            let given = reasons.iter().filter(|(given, ..)| given == reason).map(|(_, class, count)| (*class, *count));
            let given_by = FlaggerCounts::of(given);
            (given_by != FlaggerCounts::default()).then_some(ReasonCounts { reason: *reason, given_by })
        };
        Self {
            id: case.id,
            review_id: review.id,
            program_id: review.program_id,
            review_status: review.status,
            status: case.status,
            outcome: case.outcome,
            held: case.held != 0,
            reasons: FlagReason::ALL.iter().filter_map(counts).collect(),
            flags: FlaggerCounts::of(flags.into_iter()),
            notes,
            reason: case.reason,
            opened_at: case.opened_at,
            closed_at: (case.status == CaseStatus::Closed).then_some(case.closed_at),
        }
    }
}
