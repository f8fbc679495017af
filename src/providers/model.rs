//! A provider as it describes itself.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use validator::Validate;

use crate::{
    rules::{country, slug_of},
    search_text::sort_key,
};

/// The organisation that runs programs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema, Validate)]
#[serde(deny_unknown_fields)]
pub struct ProviderInput {
    /// Name of the organisation.
    #[schema(min_length = 2, max_length = 140, example = "Himal Health Placements")]
    pub name: String,
    /// Readable name in URLs. Made from the name when absent.
    #[schema(
        min_length = 3,
        max_length = 80,
        pattern = "^[a-z0-9]+(-[a-z0-9]+)*$",
        example = "himal-health-placements"
    )]
    pub slug: Option<String>,
    /// ISO 3166-1 alpha-2 code of the country where it is registered.
    #[schema(min_length = 2, max_length = 2, pattern = "^[A-Z]{2}$", example = "NP")]
    #[validate(custom(function = "country"))]
    pub country: String,
    /// Page of the organisation.
    #[schema(
        min_length = 10,
        max_length = 500,
        pattern = "^https?://[A-Za-z0-9.:-]+([/?#][!-~]*)?$",
        format = "uri",
        example = "https://example.org"
    )]
    #[validate(url(code = "invalid_url", message = "Use a complete http or https address."))]
    pub website: Option<String>,
    /// Who they are and what they do.
    #[schema(min_length = 20, max_length = 5000)]
    pub description: String,
    /// Address for messages from moderators. Never public.
    #[schema(min_length = 3, max_length = 254, format = "email", example = "office@example.org")]
    #[validate(email(code = "invalid_email", message = "Use a complete e-mail address."))]
    pub contact_email: Option<String>,
}

impl ProviderInput {
    /// The slug asked for, or else one made from the name.
    #[must_use]
    pub fn slug_or_derived(&self) -> String {
        self.slug.clone().unwrap_or_else(|| slug_of(&self.name, "provider"))
    }

    /// The key that lists are ordered by.
    #[must_use]
    pub fn name_key(&self) -> String {
        sort_key(&self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn example() -> ProviderInput {
        ProviderInput {
            name: "Clínica Andes".to_owned(),
            slug: None,
            country: "PE".to_owned(),
            website: Some("https://example.org/pe".to_owned()),
            description: "Places students in two clinics in Cusco.".to_owned(),
            contact_email: Some("office@example.org".to_owned()),
        }
    }

    #[test]
    fn slug_and_key_are_folded() {
        assert_eq!(example().slug_or_derived(), "clinica-andes");
        assert_eq!(example().name_key(), "clinica andes");
        assert_eq!(ProviderInput { slug: Some("andes".to_owned()), ..example() }.slug_or_derived(), "andes");
    }

    #[test]
    fn codes_and_addresses_must_be_real() {
        example().validate().unwrap();
        let wrong = ProviderInput {
            country: "XX".to_owned(),
            website: Some("https://".to_owned()),
            contact_email: Some("office@".to_owned()),
            ..example()
        };
        assert_eq!(wrong.validate().unwrap_err().errors().len(), 3);
    }
}
