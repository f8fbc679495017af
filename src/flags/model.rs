//! What a flag says, when it holds a review at once, and what follows from a moderator's ruling on the case.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;
use validator::{Validate, ValidationError};

use crate::{
    auth::{Caller, Role},
    reference::Ground,
    reviews::model::{ReviewRuling, ReviewStatus},
    rules::unique,
    text_enum::text_enum,
};

text_enum! {
    /// What is wrong with a review, in the eyes of whoever flags it.
    pub enum FlagReason {
        /// Advertising, or the same text over and over.
        Spam = "spam",
        /// The author did not take part.
        NotAParticipant = "not_a_participant",
        /// It tells who somebody is, or how to reach them.
        PersonalData = "personal_data",
        /// A patient can be recognised.
        IdentifiablePatient = "identifiable_patient",
        /// It attacks people.
        HateOrHarassment = "hate_or_harassment",
        /// What it says may not be said by law.
        IllegalContent = "illegal_content",
        /// The author has an interest that is not disclosed.
        ConflictOfInterest = "conflict_of_interest",
        /// It is not about the program.
        OffTopic = "off_topic",
        /// Something else, which the note says.
        Other = "other",
    }
}

impl FlagReason {
    /// Why the review is held at once, if it can be for this reason; its author reads it.
    #[must_use]
    pub const fn holds(self) -> Option<&'static str> {
        match self {
            Self::IdentifiablePatient => Some(
                "A reader says that a patient can be recognised in the text. Until a moderator has looked at it, it is not \
                 shown; nothing has been decided.",
            ),
            Self::IllegalContent => Some(
                "A reader says that the text holds illegal content. Until a moderator has looked at it, it is not shown; \
                 nothing has been decided.",
            ),
            _ => None,
        }
    }
}

text_enum! {
    /// As what somebody flags.
    pub enum FlaggerClass {
        /// A participant.
        Participant = "participant",
        /// A provider, of this program or of another.
        Provider = "provider",
        /// A university.
        University = "university",
    }
}

/// Who flags: a participant, or the whole provider or university for which somebody acts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Party {
    /// As what.
    pub class: FlaggerClass,
    /// The id of the participant, provider or university.
    pub id: Uuid,
}

impl Party {
    /// For whom somebody flags; `None` for roles that do not.
    #[must_use]
    pub fn of(caller: &Caller) -> Option<Self> {
        let (class, id) = match caller.role {
            Role::Participant => (FlaggerClass::Participant, *caller.id.as_uuid()),
            Role::Provider => (FlaggerClass::Provider, *caller.provider?.as_uuid()),
            Role::University => (FlaggerClass::University, *caller.university?.as_uuid()),
            Role::Admin | Role::Moderator | Role::Assessor | Role::Frontend => return None,
        };
        Some(Self { class, id })
    }
}

/// A flag on a review.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema, Validate)]
#[serde(deny_unknown_fields)]
pub struct ReviewFlagInput {
    /// What is wrong, each reason once.
    #[schema(min_items = 1, max_items = 5)]
    #[validate(custom(function = "once_each"))]
    pub reasons: Vec<FlagReason>,
    /// More about it. Moderators read it without the name of whoever wrote it.
    #[schema(min_length = 10, max_length = 2000, example = "The second paragraph is copied from the provider's site.")]
    pub note: Option<String>,
}

fn once_each(reasons: &[FlagReason]) -> Result<(), ValidationError> {
    unique(reasons)
}

/// What decides whether a flag holds its review at once.
#[derive(Debug, Clone, Copy)]
pub struct Circumstances {
    /// As what somebody flags.
    pub class: FlaggerClass,
    /// How many reviews the party's flags have held today.
    pub held_today: i64,
    /// How many flags have held reviews of the program today, whoever they come from.
    pub held_of_program: i64,
    /// Whether a moderator has looked at this text after such a flag, and kept it.
    pub kept_before: bool,
}

/// Reviews that the flags of one party hold on one day, at the most.
pub const HOLDS_A_DAY: i64 = 3;
/// So many flags at the most hold reviews of one program at once in a day, whoever they come from: whoever makes one
/// account after the other does not empty a program's page.
pub const HOLDS_OF_A_PROGRAM: i64 = 5;

/// The reason for which a flag holds its review at once, if it does. A provider's never does, because of its interest;
/// nobody's does more often than [`HOLDS_A_DAY`], nor against a moderator who has kept the same text.
#[must_use]
pub fn may_hold(reasons: &[FlagReason], of: Circumstances) -> Option<&'static str> {
    let grave = FlagReason::ALL.iter().filter(|reason| reasons.contains(reason)).find_map(|reason| reason.holds())?;
    let may =
        of.class != FlaggerClass::Provider && of.held_today < HOLDS_A_DAY && of.held_of_program < HOLDS_OF_A_PROGRAM;
    let may = may && !of.kept_before;
    may.then_some(grave)
}

text_enum! {
    /// State of a case.
    pub enum CaseStatus {
        /// A moderator has to look at it.
        Open = "open",
        /// It is over.
        Closed = "closed",
    }
}

text_enum! {
    /// How a case ended.
    pub enum CaseOutcome {
        /// The flags were not upheld.
        Kept = "kept",
        /// Upheld: the review is held until its author changes it.
        Held = "held",
        /// Upheld: the review is refused.
        Rejected = "rejected",
        /// The review was taken back before anybody ruled.
        Lapsed = "lapsed",
    }
}

impl CaseOutcome {
    /// Whether a moderator has found the flags right; `None` where nobody ruled.
    #[must_use]
    pub const fn is_upheld(self) -> Option<bool> {
        match self {
            Self::Kept => Some(false),
            Self::Held | Self::Rejected => Some(true),
            Self::Lapsed => None,
        }
    }
}

text_enum! {
    /// What a moderator can decide about a case.
    pub enum CaseRuling {
        /// Nothing is wrong with the review: it stays, and comes back if a flag had held it.
        Keep = "keep",
        /// It is held until its author changes it.
        Hold = "hold",
        /// It is refused.
        Reject = "reject",
    }
}

impl CaseRuling {
    /// How the case ends.
    #[must_use]
    pub const fn outcome(self) -> CaseOutcome {
        match self {
            Self::Keep => CaseOutcome::Kept,
            Self::Hold => CaseOutcome::Held,
            Self::Reject => CaseOutcome::Rejected,
        }
    }

    /// The rulings on the review that follow, in this order; none where it is already as the moderator wants it.
    /// `held_by_flag`: it is held because of a flag alone. What the checks or a moderator hold is not released by this.
    #[must_use]
    pub const fn steps(self, review: ReviewStatus, held_by_flag: bool) -> &'static [ReviewRuling] {
        use ReviewStatus as S;
        match (self, review) {
            (Self::Keep, S::Held) if held_by_flag => &[ReviewRuling::Publish],
            (Self::Hold, S::Published | S::Pending) => &[ReviewRuling::Hold],
            (Self::Reject, S::Published | S::Pending) => &[ReviewRuling::Hold, ReviewRuling::Reject],
            (Self::Reject, S::Held) => &[ReviewRuling::Reject],
            _ => &[],
        }
    }
}

/// A moderator's decision about a case.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema, Validate)]
#[serde(deny_unknown_fields)]
pub struct CaseDecisionInput {
    /// What is decided.
    pub action: CaseRuling,
    /// Why; the author of the review reads it.
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
    fn only_a_grave_reason_of_somebody_without_interest_holds_within_bounds() {
        for reason in FlagReason::ALL {
            let grave = matches!(reason, FlagReason::IdentifiablePatient | FlagReason::IllegalContent);
            for class in FlaggerClass::ALL {
                for held_today in [0, HOLDS_A_DAY - 1, HOLDS_A_DAY] {
                    for kept_before in [false, true] {
                        for held_of_program in [0, HOLDS_OF_A_PROGRAM] {
                            let of = Circumstances { class: *class, held_today, held_of_program, kept_before };
                            let may = grave && *class != FlaggerClass::Provider && held_today < 3;
                            let may = may && held_of_program < 5 && !kept_before;
                            assert_eq!(may_hold(&[FlagReason::Other, *reason], of).is_some(), may, "{reason} {of:?}");
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn the_steps_of_a_ruling_are_possible_in_each_state_of_the_review() {
        use crate::reviews::model::ReviewAction;
        for ruling in CaseRuling::ALL {
            for status in ReviewStatus::ALL {
                for held_by_flag in [false, true] {
                    let mut at = *status;
                    for step in ruling.steps(*status, held_by_flag) {
                        at = at.after(ReviewAction::from(*step)).unwrap();
                    }
                    let open = matches!(status, ReviewStatus::Pending | ReviewStatus::Held | ReviewStatus::Published);
                    let wanted = match ruling {
                        CaseRuling::Keep if *status == ReviewStatus::Held && held_by_flag => ReviewStatus::Published,
                        CaseRuling::Hold if open => ReviewStatus::Held,
                        CaseRuling::Reject if open => ReviewStatus::Rejected,
                        _ => *status,
                    };
                    assert_eq!(at, wanted, "{ruling} {status} {held_by_flag}");
                }
            }
        }
    }

    #[test]
    fn a_reason_is_given_once() {
        let flag =
            |reasons: &[FlagReason]| ReviewFlagInput { reasons: reasons.to_vec(), note: None }.validate().is_ok();
        assert!(flag(&[FlagReason::Spam, FlagReason::Other]));
        assert!(!flag(&[FlagReason::Spam, FlagReason::Spam]));
    }
}
