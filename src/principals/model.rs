//! What admins send about principals, and whom it may concern.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use validator::{Validate, ValidationError};

use crate::{
    auth::Role,
    ids::{ProviderId, UniversityId},
    rules::fault,
};

/// Why a principal is removed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema, Validate)]
#[serde(deny_unknown_fields)]
pub struct RemovalInput {
    /// Why; admins read it.
    #[schema(min_length = 10, max_length = 2000)]
    pub reason: String,
}

/// The party that a moderator or assessor is linked to: exactly one of both.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema, Validate)]
#[serde(deny_unknown_fields)]
#[validate(schema(function = "one_party", skip_on_field_errors = false))]
pub struct ConflictInput {
    /// The provider.
    pub provider: Option<ProviderId>,
    /// The university. It binds in rulings to which a university is a party; there are none yet.
    pub university: Option<UniversityId>,
}

fn one_party(input: &ConflictInput) -> Result<(), ValidationError> {
    match (input.provider, input.university) {
        (Some(_), None) | (None, Some(_)) => Ok(()),
        _ => Err(fault("inconsistent", "Name either a provider or a university.")),
    }
}

/// Whether principals of this role are shown to admins.
#[must_use]
pub const fn is_shown(role: Role) -> bool {
    !matches!(role, Role::Participant)
}

/// Whether principals of this role rule on others, so that their conflicts of interest matter.
#[must_use]
pub const fn rules(role: Role) -> bool {
    matches!(role, Role::Moderator | Role::Assessor)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_conflict_names_exactly_one_party() {
        let provider = Some(ProviderId::new_v4([1; 16]));
        let university = Some(UniversityId::new_v4([2; 16]));
        for (input, good) in [
            (ConflictInput { provider, university: None }, true),
            (ConflictInput { provider: None, university }, true),
            (ConflictInput { provider, university }, false),
            (ConflictInput { provider: None, university: None }, false),
        ] {
            assert_eq!(input.validate().is_ok(), good, "{input:?}");
        }
    }

    #[test]
    fn whoever_rules_is_shown() {
        for role in Role::ALL {
            assert!(!rules(*role) || is_shown(*role), "{role}");
        }
        assert!(!is_shown(Role::Participant));
    }
}
