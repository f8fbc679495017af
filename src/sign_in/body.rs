//! What a sign-in answers.

use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::model::CODE_LIFETIME;
use crate::{
    auth::{Scope, Subject, Tokens},
    http::Error,
    sessions::{Grant, model::ACCESS_LIFETIME},
    text_enum::text_enum,
    time::Timestamp,
};

/// The `client_id` of access tokens that belong to a session.
const CLIENT_ID: &str = "preceptor-session";

/// What is known once a code was asked for: the same for every address.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct SignInStarted {
    /// Seconds for which the code holds.
    #[schema(minimum = 1, maximum = 3600, example = 600)]
    pub expires_in: i64,
}

impl SignInStarted {
    /// The answer to every request for a code.
    pub const ANSWER: Self = Self { expires_in: CODE_LIFETIME };
}

text_enum! {
    /// How an access token is used (RFC 6750).
    pub enum TokenType {
        /// In the header `Authorization: Bearer …`.
        Bearer = "Bearer",
    }
}

/// Tokens of a session that has just been opened.
#[derive(Serialize, ToSchema)]
pub struct SignedIn {
    /// The access token, for the header `Authorization: Bearer …`.
    #[schema(max_length = 2000, pattern = "^[A-Za-z0-9._-]+$", example = "example.access.token")]
    pub access_token: String,
    /// How the access token is used.
    pub token_type: TokenType,
    /// Seconds for which the access token holds.
    #[schema(minimum = 1, maximum = 86400, example = 900)]
    pub expires_in: i64,
    /// The refresh token, which gives the next access token, once. Shown here only.
    #[schema(
        max_length = 45,
        pattern = "^pct_rt_[0-9a-hjkmnp-tv-z]{38}$",
        example = "pct_rt_00000000000000000000000000000000000000"
    )]
    pub refresh_token: String,
    /// What the access token may be used for.
    #[schema(example = "participant")]
    pub scope: Scope,
}

impl SignedIn {
    /// Signs the access token of a session; `jti` is random.
    pub fn new(tokens: &Tokens, grant: Grant, now: Timestamp, jti: Uuid) -> Result<Self, Error> {
        let Grant { principal, session, refresh_token } = grant;
        let scope = Scope::Participant;
        let subject = Subject { principal, scope, client_id: CLIENT_ID.to_owned(), session: Some(session) };
        Ok(Self {
            access_token: tokens.issue_for(subject, now, ACCESS_LIFETIME, jti)?,
            token_type: TokenType::Bearer,
            expires_in: i64::try_from(ACCESS_LIFETIME.as_secs()).map_err(Error::internal)?,
            refresh_token,
            scope,
        })
    }
}
