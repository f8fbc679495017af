//! How these endpoints refuse: the JSON of RFC 6749 section 5.2.

use std::{borrow::Cow, fmt};

use actix_web::{
    HttpResponse, ResponseError,
    body::BoxBody,
    http::{
        StatusCode,
        header::{self, HeaderValue},
    },
};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    http::{Error, floor::OwnErrorForm},
    text_enum::text_enum,
};

text_enum! {
    /// Why a request was refused (RFC 6749 section 5.2; the last two from RFC 6750 section 3.1).
    pub enum RefusalCode {
        /// A parameter is missing, malformed or repeated, or the client is proven in two ways.
        InvalidRequest = "invalid_request",
        /// The client is unknown, or its secret does not hold.
        InvalidClient = "invalid_client",
        /// The refresh token does not hold.
        InvalidGrant = "invalid_grant",
        /// There is no such grant.
        UnsupportedGrantType = "unsupported_grant_type",
        /// A scope does not exist, or the client does not have it.
        InvalidScope = "invalid_scope",
        /// The access token that was sent to prove the caller does not hold.
        InvalidToken = "invalid_token",
        /// The access token that was sent to prove the caller is not an admin's.
        InsufficientScope = "insufficient_scope",
    }
}

/// The body of a refusal of the OAuth 2 endpoints.
#[derive(Debug, Serialize, ToSchema)]
pub struct OAuthError {
    /// Why.
    pub error: RefusalCode,
    /// What to do about it, for people.
    #[schema(max_length = 300, pattern = "^[ !#-\\[\\]-~]*$", example = "`grant_type` is missing.")]
    pub error_description: Cow<'static, str>,
}

/// What a handler of these endpoints ends with when it does not do what was asked.
#[derive(Debug)]
pub enum Refusal {
    /// A refusal in the form of RFC 6749.
    Own(OAuthError),
    /// Everything that other operations answer in the same way.
    Other(Error),
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        Self::Other(error)
    }
}

impl Refusal {
    /// A refusal with a text for people. What may not stand in one is replaced.
    pub fn new(error: RefusalCode, description: impl Into<Cow<'static, str>>) -> Self {
        let description = description.into();
        let error_description = if description.chars().all(fits) && description.len() <= 300 {
            description
        } else {
            description.chars().take(300).map(|c| if fits(c) { c } else { '?' }).collect()
        };
        Self::Own(OAuthError { error, error_description })
    }

    /// The one answer for an unknown client, a wrong secret, and one that no longer holds.
    #[must_use]
    pub fn client() -> Self {
        Self::new(RefusalCode::InvalidClient, "The client is unknown, or the secret is not one that holds.")
    }
}

/// RFC 6749 appendix A.8.
fn fits(c: char) -> bool {
    matches!(c, ' '..='~') && c != '"' && c != '\\'
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Own(own) => f.write_str(own.error.as_str()),
            Self::Other(error) => error.fmt(f),
        }
    }
}

impl ResponseError for Refusal {
    fn status_code(&self) -> StatusCode {
        match self {
            Self::Own(own) => match own.error {
                RefusalCode::InvalidClient | RefusalCode::InvalidToken => StatusCode::UNAUTHORIZED,
                RefusalCode::InsufficientScope => StatusCode::FORBIDDEN,
                _ => StatusCode::BAD_REQUEST,
            },
            Self::Other(error) => error.status_code(),
        }
    }

    fn error_response(&self) -> HttpResponse<BoxBody> {
        let own = match self {
            Self::Own(own) => own,
            Self::Other(error) => return error.error_response(),
        };
        let mut response = HttpResponse::build(self.status_code()).body(serde_json::to_vec(own).unwrap_or_default());
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        let challenge = match own.error {
            RefusalCode::InvalidClient => r#"Basic realm="preceptor", charset="UTF-8""#,
            RefusalCode::InvalidToken => r#"Bearer realm="preceptor", error="invalid_token""#,
            RefusalCode::InsufficientScope => r#"Bearer realm="preceptor", error="insufficient_scope", scope="admin""#,
            _ => "",
        };
        if !challenge.is_empty() {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
        }
        response.extensions_mut().insert(OwnErrorForm);
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_description_has_only_what_the_standard_lets_it_have() {
        let Refusal::Own(own) = Refusal::new(RefusalCode::InvalidRequest, "a \"b\" \\ é\n") else { panic!() };
        assert_eq!(own.error_description, "a ?b? ? ??");
    }
}
