//! States of a reply and of the answer to it, and what may be done in each.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use validator::Validate;

use crate::{
    http::{Fault, FaultCode},
    reference::Ground,
    reviews::checks::names_somebody,
    rules::TransitionError,
    text_enum::text_enum,
};

text_enum! {
    /// State of a reply or of an answer.
    pub enum ReplyStatus {
        /// Public.
        Published = "published",
        /// Taken out of public view by a moderator.
        Removed = "removed",
        /// Taken back for good; its texts are erased.
        Withdrawn = "withdrawn",
    }
}

text_enum! {
    /// What can be done with a reply or an answer.
    pub enum ReplyAction {
        /// Whoever wrote it writes it anew.
        Edit = "edit",
        /// A moderator takes it out of public view.
        Remove = "remove",
        /// A moderator puts it back.
        Restore = "restore",
        /// Whoever wrote it takes it back.
        Withdraw = "withdraw",
    }
}

impl ReplyStatus {
    /// The state after an action.
    pub const fn after(self, action: ReplyAction) -> Result<Self, TransitionError> {
        match (self, action) {
            (Self::Published, ReplyAction::Edit) | (Self::Removed, ReplyAction::Restore) => Ok(Self::Published),
            (Self::Published, ReplyAction::Remove) => Ok(Self::Removed),
            (Self::Published | Self::Removed, ReplyAction::Withdraw) => Ok(Self::Withdrawn),
            (from, action) => Err(TransitionError { from: from.as_str(), action: action.as_str() }),
        }
    }
}

text_enum! {
    /// Which of the two texts.
    pub enum ReplyTarget {
        /// What the provider says to the review.
        Reply = "reply",
        /// What the author says to that.
        Answer = "answer",
    }
}

text_enum! {
    /// What a moderator can decide about a reply or an answer.
    pub enum ReplyRuling {
        /// Take it out of public view.
        Remove = "remove",
        /// Put it back.
        Restore = "restore",
    }
}

impl From<ReplyRuling> for ReplyAction {
    fn from(ruling: ReplyRuling) -> Self {
        match ruling {
            ReplyRuling::Remove => Self::Remove,
            ReplyRuling::Restore => Self::Restore,
        }
    }
}

/// The text of a reply or of an answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema, Validate)]
#[serde(deny_unknown_fields)]
pub struct ReplyInput {
    /// The text. It may not name the author of the review.
    #[schema(min_length = 10, max_length = 5000, example = "The absence rule has been written down since.")]
    pub text: String,
}

impl ReplyInput {
    /// What in it leads to a person: it is public at once.
    #[must_use]
    pub fn faults(&self) -> Vec<Fault> {
        let fault = |detail: &String| Fault::at("/text", FaultCode::NotAllowed, detail);
        names_somebody(&self.text).iter().map(fault).collect()
    }
}

/// A moderator's decision about a reply or an answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema, Validate)]
#[serde(deny_unknown_fields)]
pub struct ReplyDecisionInput {
    /// What is decided.
    pub action: ReplyRuling,
    /// Which of the two texts it is about.
    pub target: ReplyTarget,
    /// Why; whoever wrote the text can read it.
    #[schema(min_length = 10, max_length = 2000)]
    pub reason: String,
    /// What it rests on; what is usual for the action when absent. See `/v1/moderation/grounds`.
    pub ground: Option<Ground>,
    /// What was found, for whoever is affected; without personal data of others.
    #[schema(min_length = 10, max_length = 2000)]
    pub facts: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pair_of_status_and_action_has_one_answer() {
        use ReplyAction as A;
        use ReplyStatus as S;
        let allowed = [
            (S::Published, A::Edit, S::Published),
            (S::Published, A::Remove, S::Removed),
            (S::Published, A::Withdraw, S::Withdrawn),
            (S::Removed, A::Restore, S::Published),
            (S::Removed, A::Withdraw, S::Withdrawn),
        ];
        for status in S::ALL {
            for action in A::ALL {
                let expected = allowed.iter().find(|row| (row.0, row.1) == (*status, *action)).map(|row| row.2);
                assert_eq!(status.after(*action).ok(), expected, "{status} {action}");
            }
        }
    }

    #[test]
    fn a_ruling_names_the_action_it_causes() {
        for ruling in ReplyRuling::ALL {
            assert_eq!(ReplyAction::from(*ruling).as_str(), ruling.as_str());
        }
    }
}
