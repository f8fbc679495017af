//! States of a review, what may be done in each, and how its author was verified.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use validator::Validate;

use crate::{reference::Ground, rules::TransitionError, text_enum::text_enum};

text_enum! {
    /// State of a review.
    pub enum ReviewStatus {
        /// Waiting for other verified reviews of the same program and half-year, or for a later day.
        Pending = "pending",
        /// Waiting for a moderator, who looks at what the automatic checks found or another moderator saw.
        Held = "held",
        /// Public.
        Published = "published",
        /// Refused by a moderator. An edit submits it again, to a moderator.
        Rejected = "rejected",
        /// Taken back by its author. Final.
        Withdrawn = "withdrawn",
    }
}

text_enum! {
    /// What can be done with a review.
    pub enum ReviewAction {
        /// The checks or a moderator hold it back.
        Hold = "hold",
        /// The checks or a moderator make it public.
        Publish = "publish",
        /// A moderator refuses it.
        Reject = "reject",
        /// Its author edits one that was refused; a moderator looks at it again.
        Resubmit = "resubmit",
        /// Its author takes it back.
        Withdraw = "withdraw",
    }
}

impl ReviewStatus {
    /// The state after an action.
    pub const fn after(self, action: ReviewAction) -> Result<Self, TransitionError> {
        match (self, action) {
            (Self::Pending | Self::Published, ReviewAction::Hold) | (Self::Rejected, ReviewAction::Resubmit) => {
                Ok(Self::Held)
            }
            (Self::Pending | Self::Held, ReviewAction::Publish) => Ok(Self::Published),
            (Self::Held, ReviewAction::Reject) => Ok(Self::Rejected),
            (Self::Pending | Self::Held | Self::Published, ReviewAction::Withdraw) => Ok(Self::Withdrawn),
            (from, action) => Err(TransitionError { from: from.as_str(), action: action.as_str() }),
        }
    }

    /// Whether the author may edit it.
    #[must_use]
    pub const fn is_editable(self) -> bool {
        !matches!(self, Self::Withdrawn)
    }

    /// Whether the author may take it back.
    #[must_use]
    pub const fn is_withdrawable(self) -> bool {
        self.after(ReviewAction::Withdraw).is_ok()
    }

    /// Whether anyone may read it and it counts in the score.
    #[must_use]
    pub const fn is_public(self) -> bool {
        matches!(self, Self::Published)
    }
}

text_enum! {
    /// What a moderator can decide about a review.
    pub enum ReviewRuling {
        /// Hold it back.
        Hold = "hold",
        /// Make it public.
        Publish = "publish",
        /// Refuse it.
        Reject = "reject",
    }
}

impl From<ReviewRuling> for ReviewAction {
    fn from(ruling: ReviewRuling) -> Self {
        match ruling {
            ReviewRuling::Hold => Self::Hold,
            ReviewRuling::Publish => Self::Publish,
            ReviewRuling::Reject => Self::Reject,
        }
    }
}

/// A moderator's decision about a review.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema, Validate)]
#[serde(deny_unknown_fields)]
pub struct ReviewDecisionInput {
    /// What is decided.
    pub action: ReviewRuling,
    /// Why; the author reads it.
    #[schema(min_length = 10, max_length = 2000)]
    pub reason: String,
    /// What it rests on; what is usual for the action when absent. See `/v1/moderation/grounds`.
    pub ground: Option<Ground>,
    /// What was found, for whoever is affected; without personal data of others.
    #[schema(min_length = 10, max_length = 2000)]
    pub facts: Option<String>,
}

text_enum! {
    /// How it was verified that the author took part, strongest first.
    pub enum Verification {
        /// A participation code was redeemed.
        ParticipationCode = "participation_code",
        /// A university confirmed it.
        UniversityConfirmed = "university_confirmed",
        /// The author holds an address at a university.
        UniversityEmail = "university_email",
        /// Not at all.
        None = "none",
    }
}

impl Verification {
    /// Whether the review counts as verified: any way but `none`.
    #[must_use]
    pub const fn is_verified(self) -> bool {
        !matches!(self, Self::None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pair_of_status_and_action_has_one_answer() {
        use ReviewAction as A;
        use ReviewStatus as S;
        let allowed = [
            (S::Pending, A::Hold, S::Held),
            (S::Pending, A::Publish, S::Published),
            (S::Pending, A::Withdraw, S::Withdrawn),
            (S::Held, A::Publish, S::Published),
            (S::Held, A::Reject, S::Rejected),
            (S::Held, A::Withdraw, S::Withdrawn),
            (S::Published, A::Hold, S::Held),
            (S::Rejected, A::Resubmit, S::Held),
            (S::Published, A::Withdraw, S::Withdrawn),
        ];
        for status in S::ALL {
            for action in A::ALL {
                let expected = allowed.iter().find(|row| (row.0, row.1) == (*status, *action)).map(|row| row.2);
                assert_eq!(status.after(*action).ok(), expected, "{status} {action}");
            }
        }
    }

    #[test]
    fn final_states_cannot_be_edited() {
        for status in ReviewStatus::ALL {
            let is_final = ReviewAction::ALL.iter().all(|action| status.after(*action).is_err());
            assert_eq!(status.is_editable(), !is_final, "{status}");
        }
    }

    #[test]
    fn a_ruling_names_the_action_it_causes() {
        for ruling in ReviewRuling::ALL {
            assert_eq!(ReviewAction::from(*ruling).as_str(), ruling.as_str());
        }
    }
}
