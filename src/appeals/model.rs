//! What an appeal consists of, its states, and what upholding one undoes.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use validator::Validate;

use crate::{moderation::SubjectKind, reference::Ground, rules::TransitionError, text_enum::text_enum};

text_enum! {
    /// State of an appeal.
    pub enum AppealStatus {
        /// Waiting for a moderator.
        Pending = "pending",
        /// The decision does not hold. Final.
        Upheld = "upheld",
        /// The decision holds. Final.
        Denied = "denied",
    }
}

text_enum! {
    /// What a moderator can decide about an appeal.
    pub enum AppealAction {
        /// The decision does not hold.
        Uphold = "uphold",
        /// The decision holds.
        Deny = "deny",
    }
}

impl AppealStatus {
    /// The state after an action.
    pub const fn after(self, action: AppealAction) -> Result<Self, TransitionError> {
        match (self, action) {
            (Self::Pending, AppealAction::Uphold) => Ok(Self::Upheld),
            (Self::Pending, AppealAction::Deny) => Ok(Self::Denied),
            (from, action) => Err(TransitionError { from: from.as_str(), action: action.as_str() }),
        }
    }
}

text_enum! {
    /// What became of the decision that an appeal was against.
    pub enum AppealEffect {
        /// It was undone.
        Reversed = "reversed",
        /// Nothing: the appeal was denied, or what the decision was about has changed since, or it cannot be undone.
        None = "none",
    }
}

/// What undoes a ruling.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reversal {
    /// The review is public again, or waits for others of its cohort.
    PublishReview,
    /// The program is in the lists again.
    ReinstateProgram,
    /// The program is handed in again.
    ResubmitProgram,
    /// The report is looked into again.
    ReopenReport,
    /// The triage entry is open again.
    ReopenEntry,
    /// The text of a reply or an answer is public again.
    RestoreText,
    /// The reporter may report again.
    RestoreReporter,
}

/// What undoes a ruling; `None` for what cannot be undone: an archived program has ended, and the place of a published
/// assessment is taken by a new one only.
#[must_use]
pub fn reversal(kind: SubjectKind, action: &str) -> Option<Reversal> {
    match (kind, action) {
        (SubjectKind::Review, "hold" | "reject") => Some(Reversal::PublishReview),
        (SubjectKind::Program, "suspend") => Some(Reversal::ReinstateProgram),
        (SubjectKind::Program, "reject") => Some(Reversal::ResubmitProgram),
        (SubjectKind::RedFlagReport, "substantiate" | "unsubstantiate" | "remediate") => Some(Reversal::ReopenReport),
        (SubjectKind::RedFlagReport, "suspend_reporter") => Some(Reversal::RestoreReporter),
        (SubjectKind::TriageEntry, "confirm") => Some(Reversal::ReopenEntry),
        (SubjectKind::ReviewReply | SubjectKind::ReviewAnswer, "remove") => Some(Reversal::RestoreText),
        _ => None,
    }
}

/// An appeal against a decision.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema, Validate)]
#[serde(deny_unknown_fields)]
pub struct AppealInput {
    /// Why the decision does not hold. Read by whoever appeals and by moderators only.
    #[schema(min_length = 20, max_length = 5000)]
    pub words: String,
}

/// A moderator's decision about an appeal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema, Validate)]
#[serde(deny_unknown_fields)]
pub struct AppealDecisionInput {
    /// What is decided.
    pub action: AppealAction,
    /// Why; whoever appealed reads it.
    #[schema(min_length = 10, max_length = 2000)]
    pub reason: String,
    /// What it rests on; `appeal_founded` or `appeal_unfounded` when absent. See `/v1/moderation/grounds`.
    pub ground: Option<Ground>,
    /// What was found, for whoever appealed; without personal data of others.
    #[schema(min_length = 10, max_length = 2000)]
    pub facts: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::moderation::{ActorRole, statement::affected};

    #[test]
    fn every_pair_of_status_and_action_has_one_answer() {
        use AppealAction as A;
        use AppealStatus as S;
        for status in S::ALL {
            for action in A::ALL {
                let expected = match (status, action) {
                    (S::Pending, A::Uphold) => Some(S::Upheld),
                    (S::Pending, A::Deny) => Some(S::Denied),
                    _ => None,
                };
                assert_eq!(status.after(*action).ok(), expected, "{status} {action}");
            }
        }
    }

    #[test]
    fn only_what_can_be_appealed_is_undone() {
        let actions = ["hold", "reject", "publish", "suspend", "reinstate", "archive", "list", "substantiate"];
        let more = ["unsubstantiate", "remediate", "confirm", "dismiss", "uphold", "deny", "start_triage"];
        for kind in SubjectKind::ALL {
            for action in actions.iter().chain(&more) {
                let appealed = affected(*kind, ActorRole::Moderator, action).is_some();
                assert!(appealed || reversal(*kind, action).is_none(), "{kind} {action}");
            }
        }
    }
}
