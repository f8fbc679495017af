//! The rule of [`decide`](super::decide) in words, for whoever reads a verdict or the method.

use super::{Notice, Verdict};

impl Verdict {
    /// When it is given. Read from the worst to the best, the first that fits holds.
    #[must_use]
    pub const fn rule(self) -> &'static str {
        match self {
            Self::NotRecommended => {
                "The assessment found a critical criterion not met; or a report of a critical red flag was found true \
                 and is not remediated; or what verified reviews tell of a critical criterion was confirmed by \
                 moderators, or is corroborated and not refuted; or the listing offers a task that the task matrix \
                 forbids, or deliveries without direct supervision."
            }
            Self::InsufficientEvidence => {
                "There is no assessment; or the listing has come to accept a training level that the assessment did \
                 not look at; or it is unknown whether a critical criterion is met; or what was found about a critical \
                 criterion rests on no evidence, or on evidence that has expired."
            }
            Self::MeetsWithConditions => {
                "A criterion is partly met; or one that is not critical is not met, unknown, or ruled on without \
                 evidence that holds; or a report of a red flag that is not critical was found true and is not \
                 remediated; or what verified reviews tell of a criterion that is not critical was confirmed or is \
                 corroborated; or the listing offers a task without the supervision that the task matrix asks for."
            }
            Self::MeetsStandard => {
                "Nothing of this: every criterion is met with evidence that holds, or does not concern the program."
            }
        }
    }
}

impl Notice {
    /// What it tells.
    #[must_use]
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::Suspended => "A moderator has taken the program from the lists.",
            Self::UnderReview => {
                "A verified review or report tells of something critical, and moderators have not ruled on it yet."
            }
            Self::Stale => {
                "The assessment rests on evidence that has expired, or on a listing that has since changed in \
                 more than dates, places left and addresses."
            }
            Self::ContradictedClaims => "Participants with verified reviews contradict claims of the listing.",
        }
    }
}
