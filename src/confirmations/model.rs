//! What is asked, what is decided, and how the texts are sealed.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use validator::Validate;

use crate::{
    auth::PurposeKey,
    ids::{ConfirmationId, ProgramId, UniversityId},
    reviews::model::Period,
    rules::TransitionError,
    text_enum::text_enum,
};

/// Most requests of one participant that wait at a time.
pub const PENDING_MAX: i64 = 20;

text_enum! {
    /// State of a request for confirmation.
    pub enum RequestStatus {
        /// The university has not decided yet.
        Pending = "pending",
        /// The university confirmed it.
        Confirmed = "confirmed",
        /// The university did not.
        Refused = "refused",
        /// The participant took it back, or is no longer known.
        Withdrawn = "withdrawn",
    }
}

text_enum! {
    /// What can be done with a request.
    pub enum RequestAction {
        /// The university confirms it.
        Confirm = "confirm",
        /// The university does not.
        Refuse = "refuse",
        /// The participant takes it back.
        Withdraw = "withdraw",
    }
}

impl RequestStatus {
    /// The state after an action; all but `pending` are final.
    pub const fn after(self, action: RequestAction) -> Result<Self, TransitionError> {
        match (self, action) {
            (Self::Pending, RequestAction::Confirm) => Ok(Self::Confirmed),
            (Self::Pending, RequestAction::Refuse) => Ok(Self::Refused),
            (Self::Pending, RequestAction::Withdraw) => Ok(Self::Withdrawn),
            (from, action) => Err(TransitionError { from: from.as_str(), action: action.as_str() }),
        }
    }
}

text_enum! {
    /// What a university decided.
    pub enum Outcome {
        /// The participant took part.
        Confirmed = "confirmed",
        /// The university does not say so.
        Refused = "refused",
    }
}

text_enum! {
    /// What a university can decide about a request.
    pub enum ConfirmationRuling {
        /// The participant took part.
        Confirm = "confirm",
        /// The university does not say so.
        Refuse = "refuse",
    }
}

impl ConfirmationRuling {
    /// The act on the request, and what the participant is told.
    #[must_use]
    pub const fn means(self) -> (RequestAction, Outcome) {
        match self {
            Self::Confirm => (RequestAction::Confirm, Outcome::Confirmed),
            Self::Refuse => (RequestAction::Refuse, Outcome::Refused),
        }
    }
}

/// What a participant asks a university to confirm.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema, Validate)]
#[serde(deny_unknown_fields)]
pub struct ConfirmationInput {
    /// The program's id.
    pub program: ProgramId,
    /// When the participant was there.
    #[validate(nested)]
    pub period: Period,
    /// The university that is asked.
    pub university: UniversityId,
    /// By what the university knows the participant, such as name and student number. For its eyes only, until it decides.
    #[schema(min_length = 10, max_length = 500, example = "Mira Okafor, student number 40172")]
    pub statement: String,
}

/// A university's decision about a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema, Validate)]
#[serde(deny_unknown_fields)]
pub struct ConfirmationDecisionInput {
    /// What is decided.
    pub action: ConfirmationRuling,
    /// Why; the participant reads it.
    #[schema(min_length = 10, max_length = 1000)]
    pub reason: String,
}

/// The key under which statements and reasons are sealed, each for its own row.
pub struct ConfirmationKey(PurposeKey);

impl ConfirmationKey {
    /// Derives the key from the service's secret.
    #[must_use]
    pub fn derive(secret: &[u8]) -> Self {
        Self(PurposeKey::derive(secret, "confirmations v1"))
    }

    /// Seals a text for the row with this id. `None` when the system gives no randomness.
    #[must_use]
    pub fn seal(&self, id: ConfirmationId, text: &str) -> Option<Vec<u8>> {
        self.0.seal(&[id.as_uuid().as_bytes(), text.as_bytes()].concat())
    }

    /// The text; `None` for what was not sealed for this row.
    #[must_use]
    pub fn open(&self, id: ConfirmationId, sealed: &[u8]) -> Option<String> {
        let plain = self.0.open(sealed)?;
        String::from_utf8(plain.strip_prefix(id.as_uuid().as_bytes())?.to_vec()).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_waits_can_be_decided() {
        for status in RequestStatus::ALL {
            for action in RequestAction::ALL {
                assert_eq!(status.after(*action).is_ok(), *status == RequestStatus::Pending, "{status} {action}");
            }
        }
        for ruling in ConfirmationRuling::ALL {
            let (action, outcome) = ruling.means();
            assert_eq!(
                (ruling.as_str(), outcome.as_str()),
                (action.as_str(), RequestStatus::Pending.after(action).unwrap().as_str())
            );
        }
    }

    #[test]
    fn a_text_opens_for_its_own_row_only() {
        let (one, other) = (ConfirmationId::new_v4([1; 16]), ConfirmationId::new_v4([2; 16]));
        let key = ConfirmationKey::derive(b"secret");
        let sealed = key.seal(one, "Mira Okafor, 40172").unwrap();
        assert_eq!(key.open(one, &sealed).as_deref(), Some("Mira Okafor, 40172"));
        assert_eq!(key.open(other, &sealed), None);
        assert_eq!(ConfirmationKey::derive(b"other").open(one, &sealed), None);
    }
}
