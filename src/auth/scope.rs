//! What an access token may be used for.

use super::Role;
use crate::text_enum::text_enum;

text_enum! {
    /// The scope of an access token: everything that a role may do, or only what it may read.
    pub enum Scope {
        /// All that an admin may do.
        Admin = "admin",
        /// All that a moderator may do.
        Moderator = "moderator",
        /// All that an assessor may do.
        Assessor = "assessor",
        /// All that a participant may do.
        Participant = "participant",
        /// All that a provider may do.
        Provider = "provider",
        /// What a provider may read, its own drafts included.
        ProviderRead = "provider:read",
        /// All that a university may do.
        University = "university",
        /// What a university may read.
        UniversityRead = "university:read",
        /// What anyone may read, under a rate limit of its own.
        Frontend = "frontend",
    }
}

impl Scope {
    /// The role that it belongs to.
    #[must_use]
    pub const fn role(self) -> Role {
        match self {
            Self::Admin => Role::Admin,
            Self::Moderator => Role::Moderator,
            Self::Assessor => Role::Assessor,
            Self::Participant => Role::Participant,
            Self::Provider | Self::ProviderRead => Role::Provider,
            Self::University | Self::UniversityRead => Role::University,
            Self::Frontend => Role::Frontend,
        }
    }

    /// Whether it allows changes.
    #[must_use]
    pub const fn may_write(self) -> bool {
        !matches!(self, Self::ProviderRead | Self::UniversityRead | Self::Frontend)
    }

    /// All that a role may do.
    #[must_use]
    pub const fn whole(role: Role) -> Self {
        match role {
            Role::Admin => Self::Admin,
            Role::Moderator => Self::Moderator,
            Role::Assessor => Self::Assessor,
            Role::Participant => Self::Participant,
            Role::Provider => Self::Provider,
            Role::University => Self::University,
            Role::Frontend => Self::Frontend,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_whole_of_a_role_belongs_to_it_and_has_its_name() {
        for role in Role::ALL {
            assert_eq!(Scope::whole(*role).role(), *role);
            assert_eq!(Scope::whole(*role).as_str(), role.as_str());
        }
    }
}
