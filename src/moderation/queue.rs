//! What waits for a moderator, whatever its kind: the kinds, the filters, and how an item is shown.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{SubjectKind, queue_store::Waiting};
use crate::{
    ids::{PrincipalId, ProgramId, QueueItemId},
    page_type,
    text_enum::text_enum,
    time::Timestamp,
};

text_enum! {
    /// What can wait for a moderator. A further kind is a word here, its subject and address below, and its part of the
    /// queue in `queue_store`.
    pub enum QueueKind {
        /// An appeal that nobody has ruled on.
        Appeal = "appeal",
        /// A submitted program.
        Program = "program",
        /// A red-flag report that is submitted or in triage. One that waits for its reporter's answer is not in the queue.
        RedFlagReport = "red_flag_report",
        /// A held review.
        Review = "review",
        /// An open case of a review that was flagged.
        ReviewCase = "review_case",
        /// An open triage entry.
        TriageEntry = "triage_entry",
    }
}

impl QueueKind {
    /// What a decision on such an item is about, and a claim with it. The claim on a case has the case's id, which no
    /// review has.
    #[must_use]
    pub const fn subject(self) -> SubjectKind {
        match self {
            Self::Appeal => SubjectKind::Appeal,
            Self::Program => SubjectKind::Program,
            Self::RedFlagReport => SubjectKind::RedFlagReport,
            Self::Review | Self::ReviewCase => SubjectKind::Review,
            Self::TriageEntry => SubjectKind::TriageEntry,
        }
    }

    const fn collection(self) -> &'static str {
        match self {
            Self::Appeal => "appeals",
            Self::Program => "programs",
            Self::RedFlagReport => "red-flag-reports",
            Self::Review => "reviews",
            Self::ReviewCase => "review-cases",
            Self::TriageEntry => "triage-entries",
        }
    }
}

text_enum! {
    /// Which items, by who is working on them.
    pub enum ClaimFilter {
        /// Claimed by the caller.
        Mine = "mine",
        /// Claimed by nobody.
        Free = "free",
        /// All.
        Any = "any",
    }
}

/// What the queue is narrowed by.
#[derive(Debug, Clone, Copy)]
pub struct QueueFilter {
    /// Only this kind.
    pub kind: Option<QueueKind>,
    /// Only what concerns this program.
    pub program: Option<ProgramId>,
    /// Which, by who is working on them.
    pub claim: ClaimFilter,
    /// Only what is urgent, or only what is not.
    pub urgent: Option<bool>,
}

/// Something that waits for a moderator. Nothing in it leads to who wrote it, or to who works on it.
#[derive(Debug, Serialize, ToSchema)]
pub struct QueueItem {
    /// What it is.
    pub kind: QueueKind,
    /// Its id.
    pub id: QueueItemId,
    /// The program that it concerns.
    pub program_id: ProgramId,
    /// Since when it waits: a report since it was made, all else since it came into its present state.
    pub since: Timestamp,
    /// Whether it is to be looked at first: a report that cannot wait, and every triage entry.
    pub urgent: bool,
    /// Until when a moderator has claimed it; null when it is free.
    pub claimed_until: Option<Timestamp>,
    /// Whether the caller has claimed it.
    pub claimed_by_me: bool,
    /// Path of the thing itself; decisions on it are made at `{href}/decisions`.
    #[schema(
        max_length = 100,
        pattern = "^/v1/[a-z-]+/[0-9a-f-]{36}$",
        example = "/v1/reviews/6f2b1b8e-6a53-4c0c-9d0b-0b9f5f1f1f11"
    )]
    pub href: String,
}

impl QueueItem {
    /// The item as this moderator reads it at `now`.
    #[must_use]
    pub fn new(row: &Waiting, reader: PrincipalId, now: Timestamp) -> Self {
        let claim = row.claim.filter(|(_, until)| *until > now);
        Self {
            kind: row.kind,
            id: row.id,
            program_id: row.program,
            since: row.since,
            urgent: row.urgent,
            claimed_until: claim.map(|(_, until)| until),
            claimed_by_me: claim.is_some_and(|(holder, _)| holder == reader),
            href: format!("/v1/{}/{}", row.kind.collection(), row.id),
        }
    }
}

page_type! {
    /// A page of what waits for moderators.
    QueuePage of QueueItem
}

/// An act that a moderator has proposed, and that another one carries out by deciding the same.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ProposalBody {
    /// What is proposed, as the decision names it.
    #[schema(max_length = 40, pattern = "^[a-z_]+$", example = "remediate")]
    pub action: String,
    /// Why.
    #[schema(min_length = 1, max_length = 2000)]
    pub reason: String,
    /// When it was proposed.
    pub proposed_at: Timestamp,
}
