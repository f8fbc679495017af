//! Triage entries: their states, and what may be done in each.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use validator::{Validate, ValidationError};

use crate::{
    reference::Ground,
    rules::{TransitionError, fault_at},
    text_enum::text_enum,
    verdict::TriageStatus,
};

text_enum! {
    /// What can be done with a triage entry.
    pub enum TriageAction {
        /// A moderator finds it true.
        Confirm = "confirm",
        /// A moderator finds that it is not true, or not what it seems.
        Dismiss = "dismiss",
        /// A moderator has proof that the cause was removed.
        Remediate = "remediate",
        /// A new account has come in, or an appeal against what was found was upheld.
        Reopen = "reopen",
    }
}

impl TriageStatus {
    /// The state after an action.
    pub const fn after(self, action: TriageAction) -> Result<Self, TransitionError> {
        match (self, action) {
            (Self::Open, TriageAction::Confirm) => Ok(Self::Confirmed),
            (Self::Open, TriageAction::Dismiss) => Ok(Self::Dismissed),
            (Self::Confirmed, TriageAction::Remediate) => Ok(Self::Remediated),
            (Self::Dismissed | Self::Remediated | Self::Confirmed, TriageAction::Reopen) => Ok(Self::Open),
            (from, action) => Err(TransitionError { from: from.as_str(), action: action.as_str() }),
        }
    }

    /// Whether a moderator has closed it, so that the accounts known by then count no longer.
    #[must_use]
    pub const fn is_closed(self) -> bool {
        matches!(self, Self::Dismissed | Self::Remediated)
    }
}

text_enum! {
    /// What a moderator can decide about a triage entry.
    pub enum TriageRuling {
        /// Find it true.
        Confirm = "confirm",
        /// Find that it is not true, or not what it seems.
        Dismiss = "dismiss",
        /// Accept the proof that the cause was removed.
        Remediate = "remediate",
    }
}

impl From<TriageRuling> for TriageAction {
    fn from(ruling: TriageRuling) -> Self {
        match ruling {
            TriageRuling::Confirm => Self::Confirm,
            TriageRuling::Dismiss => Self::Dismiss,
            TriageRuling::Remediate => Self::Remediate,
        }
    }
}

/// A moderator's decision about a triage entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema, Validate)]
#[serde(deny_unknown_fields)]
#[validate(schema(function = "proof_belongs_to_remediate"))]
pub struct TriageDecisionInput {
    /// What is decided.
    pub action: TriageRuling,
    /// Why.
    #[schema(min_length = 10, max_length = 2000)]
    pub reason: String,
    /// What shows that the cause was removed; needed with `remediate`, refused otherwise.
    #[schema(min_length = 10, max_length = 2000)]
    pub proof: Option<String>,
    /// What it rests on; what is usual for the action when absent. See `/v1/moderation/grounds`.
    pub ground: Option<Ground>,
    /// What was found, for whoever is affected; without personal data of others.
    #[schema(min_length = 10, max_length = 2000)]
    pub facts: Option<String>,
}

fn proof_belongs_to_remediate(decision: &TriageDecisionInput) -> Result<(), ValidationError> {
    match (decision.action, &decision.proof) {
        (TriageRuling::Remediate, None) => Err(fault_at("required", "`remediate` needs proof.", "/proof")),
        (TriageRuling::Remediate, Some(_)) | (_, None) => Ok(()),
        _ => Err(fault_at("not_applicable", "Proof goes with `remediate` only.", "/proof")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pair_of_status_and_action_has_one_answer() {
        use TriageAction as A;
        use TriageStatus as S;
        let allowed = [
            (S::Open, A::Confirm, S::Confirmed),
            (S::Open, A::Dismiss, S::Dismissed),
            (S::Confirmed, A::Remediate, S::Remediated),
            (S::Confirmed, A::Reopen, S::Open),
            (S::Dismissed, A::Reopen, S::Open),
            (S::Remediated, A::Reopen, S::Open),
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
        for ruling in TriageRuling::ALL {
            assert_eq!(TriageAction::from(*ruling).as_str(), ruling.as_str());
        }
    }

    #[test]
    fn proof_goes_with_remediation_and_nothing_else() {
        for action in TriageRuling::ALL {
            for proof in [None, Some("The rosters of three months.".to_owned())] {
                let fits = (*action == TriageRuling::Remediate) == proof.is_some();
                let reason = "It was looked at with care.".to_owned();
                let decision = TriageDecisionInput { action: *action, reason, proof, ground: None, facts: None };
                assert_eq!(decision.validate().is_ok(), fits, "{decision:?}");
            }
        }
    }
}
