//! Replies as they are shown.

use serde::Serialize;
use utoipa::ToSchema;

use super::{
    model::{ReplyStatus, ReplyTarget},
    store::{Former, ReplyRow},
};
use crate::{ids::ReviewId, moderation::DecisionBody, time::Month};

/// Who reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reader {
    /// Anyone.
    Public,
    /// A moderator, who also reads what was removed.
    Moderator,
}

/// The author's answer to a reply.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct ReplyAnswer {
    /// The text; null unless it is published.
    #[schema(min_length = 10, max_length = 5000)]
    pub text: Option<String>,
    /// Its state.
    pub status: ReplyStatus,
    /// Whether it has been edited.
    pub edited: bool,
    /// The month in which it was last written.
    pub updated_month: Month,
}

/// The provider's reply to a review.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Reply {
    /// The text; null unless it is published.
    #[schema(min_length = 10, max_length = 5000)]
    pub text: Option<String>,
    /// Its state.
    pub status: ReplyStatus,
    /// Rises with every change of the reply and of the answer to it: the entity tag is `"p` and this and `"`.
    #[schema(minimum = 1, format = "int32", example = 1)]
    pub version: i32,
    /// Whether it has been edited.
    pub edited: bool,
    /// The month in which it was last written.
    pub updated_month: Month,
    /// What the author says to it; null unless there is an answer and the reply is published.
    pub answer: Option<ReplyAnswer>,
}

impl Reply {
    /// The quoted entity tag of what this reader sees.
    #[must_use]
    pub fn etag(row: &ReplyRow, reader: Reader) -> String {
        match reader {
            Reader::Public => format!("\"p{}\"", row.version),
            Reader::Moderator => format!("\"p{}-all\"", row.version),
        }
    }

    /// The reply as this reader sees it.
    #[must_use]
    pub fn new(row: &ReplyRow, reader: Reader) -> Self {
        let public = |status: ReplyStatus, text: &Option<String>| {
            text.clone().filter(|_| status == ReplyStatus::Published || reader == Reader::Moderator)
        };
        let answer = row
            .answer_status
            .filter(|_| row.status == ReplyStatus::Published || reader == Reader::Moderator)
            .map(|status| ReplyAnswer {
                text: public(status, &row.answer),
                status,
                edited: row.answer_revision > 1,
                updated_month: row.answered_at.day().month(),
            });
        Self {
            text: public(row.status, &row.text),
            status: row.status,
            version: row.version,
            edited: row.revision > 1,
            updated_month: row.updated_at.day().month(),
            answer,
        }
    }
}

/// One text of a reply or an answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct ReplyRevision {
    /// Which of the two it belongs to.
    pub target: ReplyTarget,
    /// Counts the texts; 1 is the first.
    #[schema(minimum = 1, format = "int32", example = 1)]
    pub revision: i32,
    /// The text.
    #[schema(min_length = 10, max_length = 5000)]
    pub text: String,
    /// The month in which it was written.
    pub written_month: Month,
}

/// All texts that a reply and the answer to it have had.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ReplyHistory {
    /// The review.
    pub review_id: ReviewId,
    /// The texts, oldest first, those of the reply before those of the answer. What was removed or withdrawn is not
    /// among them.
    #[schema(max_items = 1000)]
    pub revisions: Vec<ReplyRevision>,
    /// What was decided about the reply, oldest first.
    #[schema(max_items = 500)]
    pub reply_decisions: Vec<DecisionBody>,
    /// What was decided about the answer, oldest first.
    #[schema(max_items = 500)]
    pub answer_decisions: Vec<DecisionBody>,
}

impl ReplyHistory {
    /// Puts former and present texts together.
    #[must_use]
    pub fn new(row: &ReplyRow, former: &[Former], [reply_decisions, answer_decisions]: [Vec<DecisionBody>; 2]) -> Self {
        let mut revisions = Vec::with_capacity(former.len() + 2);
        for target in [ReplyTarget::Reply, ReplyTarget::Answer] {
            // An answer to what nobody can read is not shown either.
            if row.status != ReplyStatus::Published || row.status_of(target) != Some(ReplyStatus::Published) {
                continue;
            }
            let earlier = former.iter().filter(|old| old.target == target).map(|old| ReplyRevision {
                target,
                revision: old.revision,
                text: old.text.clone(),
                written_month: old.written_at.day().month(),
            });
            revisions.extend(earlier);
            let (text, revision, written_at) = row.written(target);
            let now = text.map(|text| ReplyRevision {
                target,
                revision,
                text: text.to_owned(),
                written_month: written_at.day().month(),
            });
            revisions.extend(now);
        }
        Self { review_id: row.review_id, revisions, reply_decisions, answer_decisions }
    }
}
