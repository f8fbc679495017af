//! What is asked of the OAuth 2 endpoints, and how it is read.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{auth::Scope, text_enum::text_enum};

text_enum! {
    /// The grants that exist.
    pub enum GrantType {
        /// A client proves itself by its secret.
        ClientCredentials = "client_credentials",
        /// A session exchanges its refresh token.
        RefreshToken = "refresh_token",
    }
}

/// What asks for an access token. A parameter that stands twice is an error, one that is not listed is ignored, and an
/// empty one counts as absent (RFC 6749 section 3.2).
#[derive(Clone, Serialize, Deserialize, ToSchema)]
pub struct TokenRequest {
    /// How the right to a token is proven.
    pub grant_type: GrantType,
    /// With `client_credentials`: scopes, separated by one space, out of those that the client has. All of them when
    /// absent. The token gets the widest.
    #[schema(nullable = false, max_length = 500, pattern = "^[!#-\\[\\]-~]*( [!#-\\[\\]-~]+)*$", example = "provider")]
    pub scope: Option<String>,
    /// The client's id, when it is not sent by HTTP Basic.
    #[schema(
        nullable = false,
        max_length = 500,
        pattern = "^[ -~]*$",
        example = "0195f8a0-1c2d-7abc-8def-0123456789ab"
    )]
    pub client_id: Option<String>,
    /// The client's secret, when it is not sent by HTTP Basic.
    #[schema(
        nullable = false,
        max_length = 500,
        pattern = "^[ -~]*$",
        example = "pct_cs_00000000000000000000000000000000000000"
    )]
    pub client_secret: Option<String>,
    /// With `refresh_token`: the token.
    #[schema(
        nullable = false,
        max_length = 500,
        pattern = "^[ -~]*$",
        example = "pct_rt_00000000000000000000000000000000000000"
    )]
    pub refresh_token: Option<String>,
}

/// A token to be revoked or looked at. Parameters are read as those of a token request.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
pub struct TokenInspection {
    /// The token.
    #[schema(
        min_length = 1,
        max_length = 8192,
        pattern = "^[ -~]+$",
        example = "pct_rt_00000000000000000000000000000000000000"
    )]
    pub token: String,
    /// What kind of token it is. It is not needed: the token tells.
    #[schema(nullable = false, max_length = 100, pattern = "^[ -~]*$", example = "refresh_token")]
    pub token_type_hint: Option<String>,
    /// The client's id, when it is not sent by HTTP Basic.
    #[schema(
        nullable = false,
        max_length = 500,
        pattern = "^[ -~]*$",
        example = "0195f8a0-1c2d-7abc-8def-0123456789ab"
    )]
    pub client_id: Option<String>,
    /// The client's secret, when it is not sent by HTTP Basic.
    #[schema(
        nullable = false,
        max_length = 500,
        pattern = "^[ -~]*$",
        example = "pct_cs_00000000000000000000000000000000000000"
    )]
    pub client_secret: Option<String>,
}

/// A type of request, whose body may prove a client.
pub trait WithClient {
    /// `client_id` and `client_secret`.
    fn client(&self) -> (Option<&str>, Option<&str>);
}

impl WithClient for TokenRequest {
    fn client(&self) -> (Option<&str>, Option<&str>) {
        (self.client_id.as_deref(), self.client_secret.as_deref())
    }
}

impl WithClient for TokenInspection {
    fn client(&self) -> (Option<&str>, Option<&str>) {
        (self.client_id.as_deref(), self.client_secret.as_deref())
    }
}

/// Reads a `scope` parameter: nothing for an absent one, `None` when it names what does not exist.
#[must_use]
pub fn asked_scopes(text: Option<&str>) -> Option<Vec<Scope>> {
    text.unwrap_or_default().split(' ').filter(|word| !word.is_empty()).map(|word| word.parse().ok()).collect()
}

/// The `client_id` of an access token that has been verified.
#[must_use]
pub fn client_of(verified: &str) -> Option<String> {
    let payload = BASE64_URL_SAFE_NO_PAD.decode(verified.split('.').nth(1)?).ok()?;
    let claims: serde_json::Value = serde_json::from_slice(&payload).ok()?;
    claims["client_id"].as_str().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_are_words_between_spaces() {
        assert_eq!(asked_scopes(None), Some(vec![]));
        assert_eq!(asked_scopes(Some("provider provider:read")), Some(vec![Scope::Provider, Scope::ProviderRead]));
        assert_eq!(asked_scopes(Some("provider openid")), None);
    }

    #[test]
    fn the_client_is_read_from_the_claims() {
        let payload = BASE64_URL_SAFE_NO_PAD.encode(r#"{"client_id": "abc"}"#);
        assert_eq!(client_of(&format!("x.{payload}.y")).as_deref(), Some("abc"));
        assert_eq!(client_of("x"), None);
    }
}
