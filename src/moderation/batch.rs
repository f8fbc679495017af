//! Several decisions at once: only such as can be taken back and are to nobody's disadvantage.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use validator::Validate;

use super::queue::QueueKind;
use crate::{
    http::{Error, Fault, FaultCode},
    ids::QueueItemId,
    text_enum::text_enum,
};

text_enum! {
    /// What can be done to several things at once.
    pub enum BatchAction {
        /// Make a held review public.
        Publish = "publish",
        /// Take a report up.
        StartTriage = "start_triage",
        /// Go on with a report without its reporter's answer.
        ResumeTriage = "resume_triage",
    }
}

impl BatchAction {
    /// What it is done to.
    #[must_use]
    pub const fn kind(self) -> QueueKind {
        match self {
            Self::Publish => QueueKind::Review,
            Self::StartTriage | Self::ResumeTriage => QueueKind::RedFlagReport,
        }
    }
}

/// One decision of several.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BatchItem {
    /// What it is about.
    pub kind: QueueKind,
    /// The id of that.
    pub id: QueueItemId,
    /// What is decided: `publish` for reviews, `start_triage` and `resume_triage` for reports.
    pub action: BatchAction,
}

/// Several decisions for one reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema, Validate)]
#[serde(deny_unknown_fields)]
pub struct ModerationBatchInput {
    /// The decisions, each on another thing.
    #[schema(min_items = 1, max_items = 50)]
    pub items: Vec<BatchItem>,
    /// Why; it is kept with each decision.
    #[schema(min_length = 10, max_length = 2000)]
    pub reason: String,
}

impl ModerationBatchInput {
    /// Everything that no schema can say; empty when the decisions can be tried.
    #[must_use]
    pub fn faults(&self) -> Vec<Fault> {
        let mut faults = Vec::new();
        for (index, item) in self.items.iter().enumerate() {
            if item.action.kind() != item.kind {
                let detail = "`publish` goes with reviews, `start_triage` and `resume_triage` with reports.";
                faults.push(Fault::at(&format!("/items/{index}/action"), FaultCode::NotApplicable, detail));
            }
            if self.items[..index].iter().any(|before| (before.kind, before.id) == (item.kind, item.id)) {
                let detail = "Each thing may occur once.";
                faults.push(Fault::at(&format!("/items/{index}/id"), FaultCode::DuplicateItem, detail));
            }
        }
        faults
    }
}

/// What became of one decision of several.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BatchResult {
    /// What it was about.
    pub kind: QueueKind,
    /// The id of that.
    pub id: QueueItemId,
    /// What was decided.
    pub action: BatchAction,
    /// The status that the same decision by itself would have been answered with; 200 when it was made.
    #[schema(format = "int32", minimum = 200, maximum = 599, example = 200)]
    pub status: u16,
    /// Why it was not made; null when it was.
    #[schema(max_length = 500, example = "Another moderator has claimed this.")]
    pub detail: Option<String>,
}

impl BatchResult {
    /// What became of `item`.
    #[must_use]
    pub fn new(item: BatchItem, outcome: Result<(), Error>) -> Self {
        let problem = outcome.err().map(|error| error.problem());
        Self {
            kind: item.kind,
            id: item.id,
            action: item.action,
            status: problem.as_ref().map_or(200, |problem| problem.status),
            detail: problem.map(|problem| problem.detail),
        }
    }
}

/// What became of several decisions, in the order in which they were sent.
#[derive(Debug, Serialize, ToSchema)]
pub struct ModerationBatchResult {
    /// One result for each.
    #[schema(max_items = 50)]
    pub results: Vec<BatchResult>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(kind: QueueKind, number: u8, action: BatchAction) -> BatchItem {
        BatchItem { kind, id: QueueItemId::new_v4([number; 16]), action }
    }

    #[test]
    fn each_act_goes_with_its_kind_and_each_thing_occurs_once() {
        for kind in QueueKind::ALL {
            for action in BatchAction::ALL {
                let batch =
                    ModerationBatchInput { items: vec![item(*kind, 1, *action)], reason: "As it stands.".to_owned() };
                assert_eq!(batch.faults().is_empty(), action.kind() == *kind, "{kind} {action}");
            }
        }
        let (one, two) =
            (item(QueueKind::Review, 1, BatchAction::Publish), item(QueueKind::Review, 2, BatchAction::Publish));
        let batch = ModerationBatchInput { items: vec![one, two, one], reason: "As it stands.".to_owned() };
        let places: Vec<_> = batch.faults().into_iter().map(|fault| fault.pointer).collect();
        assert_eq!(places, [Some("#/items/2/id".to_owned())]);
    }
}
