//! What a client may ask for, and what its registration consists of.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use validator::{Validate, ValidationError};

use crate::{
    auth::{
        Role, Scope,
        secrets::{self, RANDOM_BYTES, SecretKind},
    },
    ids::{SecretId, UniversityId},
    rules::{fault_at, inside, unique},
    text_enum::text_enum,
    time::Timestamp,
};

/// Secrets of one client that may hold at the same time: the old and the new one while they are exchanged.
pub const ACTIVE_SECRETS: i64 = 2;
/// Days for which a secret holds when nothing else is asked for.
pub const DEFAULT_DAYS: i64 = 365;
/// The use of a secret is written down when this many seconds have passed since the last time.
pub const USE_NOTED_EVERY: i64 = 3600;

text_enum! {
    /// The roles that a client can have.
    pub enum ClientRole {
        /// Acts for a provider.
        Provider = "provider",
        /// Acts for a university.
        University = "university",
        /// Reads what anyone may read, under a rate limit of its own.
        Frontend = "frontend",
    }
}

impl ClientRole {
    /// The role of the client's tokens.
    #[must_use]
    pub const fn role(self) -> Role {
        match self {
            Self::Provider => Role::Provider,
            Self::University => Role::University,
            Self::Frontend => Role::Frontend,
        }
    }

    /// The client's role of a principal's.
    #[must_use]
    pub const fn of(role: Role) -> Option<Self> {
        match role {
            Role::Provider => Some(Self::Provider),
            Role::University => Some(Self::University),
            Role::Frontend => Some(Self::Frontend),
            Role::Admin | Role::Moderator | Role::Assessor | Role::Participant => None,
        }
    }
}

/// A client to be registered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema, Validate)]
#[serde(deny_unknown_fields)]
#[validate(
    schema(function = "provider_belongs_to_role"),
    schema(function = "university_belongs_to_role"),
    schema(function = "scopes_belong_to_role")
)]
pub struct ClientInput {
    /// What people call it.
    #[schema(min_length = 2, max_length = 100, example = "Booking system of Himal Health")]
    pub name: String,
    /// What its tokens are for.
    pub role: ClientRole,
    /// Id or slug of the provider; needed with the role provider, refused otherwise.
    #[schema(min_length = 3, max_length = 80, pattern = "^[a-z0-9-]+$", example = "himal-health-placements")]
    pub provider: Option<String>,
    /// The university; needed with the role university, refused otherwise.
    pub university: Option<UniversityId>,
    /// What its tokens may be used for at the most: scopes of its role, each once.
    #[schema(min_items = 1, max_items = 2)]
    #[validate(custom(function = "unique"))]
    pub scopes: Vec<Scope>,
}

fn provider_belongs_to_role(input: &ClientInput) -> Result<(), ValidationError> {
    match (input.role, &input.provider) {
        (ClientRole::Provider, None) => {
            Err(fault_at("required", "A provider's client names its provider.", "/provider"))
        }
        (ClientRole::Provider, Some(_)) | (_, None) => Ok(()),
        _ => Err(fault_at("not_applicable", "A provider goes with the role provider only.", "/provider")),
    }
}

fn university_belongs_to_role(input: &ClientInput) -> Result<(), ValidationError> {
    match (input.role, input.university) {
        (ClientRole::University, None) => {
            Err(fault_at("required", "A university's client names its university.", "/university"))
        }
        (ClientRole::University, Some(_)) | (_, None) => Ok(()),
        _ => Err(fault_at("not_applicable", "A university goes with the role university only.", "/university")),
    }
}

fn scopes_belong_to_role(input: &ClientInput) -> Result<(), ValidationError> {
    scopes_fit(input.role, &input.scopes).map_err(|error| inside("scopes", error))
}

/// Every scope is one of the role's; reported on the first that is not.
pub fn scopes_fit(role: ClientRole, scopes: &[Scope]) -> Result<(), ValidationError> {
    match scopes.iter().position(|scope| scope.role() != role.role()) {
        Some(index) => Err(fault_at("not_allowed", "Use scopes of the client's role.", &format!("/{index}"))),
        None => Ok(()),
    }
}

/// What of a client can be changed. It is never sent whole, so its schema in the document is that of the patch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema, Validate)]
#[serde(deny_unknown_fields)]
#[schema(as = ClientPatch)]
pub struct ClientEdit {
    /// What people call it.
    #[schema(min_length = 2, max_length = 100, example = "Booking system of Himal Health")]
    pub name: String,
    /// What its tokens may be used for at the most: scopes of its role, each once.
    #[schema(min_items = 1, max_items = 2)]
    #[validate(custom(function = "unique"))]
    pub scopes: Vec<Scope>,
}

/// A secret to be made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema, Validate)]
#[serde(deny_unknown_fields)]
pub struct SecretInput {
    /// Days for which it holds; 365 when absent.
    #[schema(minimum = 1, maximum = 730, format = "int32", example = 365)]
    pub expires_in_days: Option<i32>,
}

impl SecretInput {
    /// When a secret that is made now expires.
    #[must_use]
    pub fn expires_at(&self, now: Timestamp) -> Timestamp {
        now.plus_seconds(86_400 * self.expires_in_days.map_or(DEFAULT_DAYS, i64::from))
    }
}

/// A secret that has just been made. Its text is for the one answer that shows it.
#[derive(Clone)]
pub struct NewSecret {
    /// Its id.
    pub id: SecretId,
    /// The secret in clear.
    pub text: String,
    /// When it expires.
    pub expires_at: Timestamp,
}

impl NewSecret {
    /// The secret made of these random bytes.
    #[must_use]
    pub fn new(id: SecretId, random: &[u8; RANDOM_BYTES], expires_at: Timestamp) -> Self {
        Self { id, text: SecretKind::Client.format(random), expires_at }
    }

    /// What is stored.
    #[must_use]
    pub fn hash(&self) -> [u8; 32] {
        secrets::hash(&self.text)
    }

    /// The last characters, by which people tell secrets apart: four of the checksum's six, so that they tell nothing
    /// of the rest.
    #[must_use]
    pub fn hint(&self) -> &str {
        self.text.get(self.text.len().saturating_sub(4)..).unwrap_or_default()
    }
}

/// The stored form of scopes: sorted words, one space between.
#[must_use]
pub fn scopes_to_text(scopes: &[Scope]) -> String {
    let mut words: Vec<_> = scopes.iter().map(|scope| scope.as_str()).collect();
    words.sort_unstable();
    words.dedup();
    words.join(" ")
}

/// Reads scopes; `None` when one does not exist, or there is none.
#[must_use]
pub fn scopes_from_text(text: &str) -> Option<Vec<Scope>> {
    let words = text.split(' ').filter(|word| !word.is_empty());
    let scopes: Vec<Scope> = words.map(|word| word.parse().ok()).collect::<Option<_>>()?;
    (!scopes.is_empty()).then_some(scopes)
}

/// The scope of a token for a client that holds `held` and asks for `asked` (for nothing: all that it holds). A token
/// has one scope, the widest of those asked for. `None` when something asked for is not covered by what it holds.
#[must_use]
pub fn granted(held: &[Scope], asked: &[Scope]) -> Option<Scope> {
    let covered = |asked: &Scope| held.contains(asked) || held.contains(&Scope::whole(asked.role()));
    let from = if asked.is_empty() { held } else { asked };
    if !from.iter().all(covered) {
        return None;
    }
    from.iter().find(|scope| **scope == Scope::whole(scope.role())).or(from.first()).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_gets_what_it_asks_for_and_holds_and_nothing_else() {
        use Scope::{Frontend, Provider, ProviderRead, University, UniversityRead};
        let table: [(&[Scope], &[Scope], Option<Scope>); 10] = [
            (&[Provider], &[], Some(Provider)),
            (&[ProviderRead], &[], Some(ProviderRead)),
            (&[ProviderRead, Provider], &[], Some(Provider)),
            (&[Provider], &[ProviderRead], Some(ProviderRead)),
            (&[Provider], &[ProviderRead, Provider], Some(Provider)),
            (&[ProviderRead], &[Provider], None),
            (&[ProviderRead], &[ProviderRead, Provider], None),
            (&[Provider], &[UniversityRead], None),
            (&[University], &[UniversityRead], Some(UniversityRead)),
            (&[Frontend], &[Frontend], Some(Frontend)),
        ];
        for (held, asked, expected) in table {
            assert_eq!(granted(held, asked), expected, "{held:?} asked for {asked:?}");
        }
    }

    #[test]
    fn scopes_are_stored_sorted_and_come_back() {
        let text = scopes_to_text(&[Scope::ProviderRead, Scope::Provider, Scope::Provider]);
        assert_eq!(text, "provider provider:read");
        assert_eq!(scopes_from_text(&text).unwrap(), [Scope::Provider, Scope::ProviderRead]);
        assert_eq!(scopes_from_text("provider all"), None);
        assert_eq!(scopes_from_text(" "), None);
    }

    #[test]
    fn party_and_scopes_go_with_the_role() {
        let frontend = ClientInput {
            name: "A site".to_owned(),
            role: ClientRole::Frontend,
            provider: None,
            university: None,
            scopes: vec![Scope::Frontend],
        };
        frontend.validate().unwrap();
        let provider = Some("himal-health".to_owned());
        let codes = |input: &ClientInput| {
            let errors = input.validate().unwrap_err();
            let all = errors.field_errors()["__all__"].iter().map(|error| error.code.clone().into_owned());
            all.collect::<Vec<_>>()
        };
        assert_eq!(codes(&ClientInput { provider: provider.clone(), ..frontend.clone() }), ["not_applicable"]);
        assert_eq!(codes(&ClientInput { scopes: vec![Scope::Admin], ..frontend.clone() }), ["not_allowed"]);
        assert_eq!(codes(&ClientInput { role: ClientRole::Provider, ..frontend.clone() }), ["required", "not_allowed"]);
        let scopes = vec![Scope::Provider, Scope::ProviderRead];
        ClientInput { role: ClientRole::Provider, provider, scopes, ..frontend }.validate().unwrap();
    }

    #[test]
    fn a_secret_holds_a_year_unless_told_otherwise() {
        let now = Timestamp::EPOCH;
        let days = |expires_in_days| SecretInput { expires_in_days }.expires_at(now);
        assert_eq!(days(None), now.plus_seconds(365 * 86_400));
        assert_eq!(days(Some(1)), now.plus_seconds(86_400));
    }
}
