//! What whoever asks for a token gets, by whichever door.

use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{
    Grant,
    model::{ACCESS_LIFETIME, CLIENT_ID},
};
use crate::{
    auth::{Scope, Subject, Tokens},
    http::Error,
    text_enum::text_enum,
    time::Timestamp,
};

text_enum! {
    /// How an access token is used (RFC 6750).
    pub enum TokenType {
        /// In the header `Authorization: Bearer …`.
        Bearer = "Bearer",
    }
}

/// An access token, and with a session its refresh token (RFC 6749 section 5.1).
#[derive(Serialize, ToSchema)]
pub struct TokenAnswer {
    /// The access token, for the header `Authorization: Bearer …`.
    #[schema(
        max_length = 8192,
        pattern = "^[A-Za-z0-9_-]+\\.[A-Za-z0-9_-]+\\.[A-Za-z0-9_-]+$",
        example = "eyJ.eyJ.c2ln"
    )]
    pub access_token: String,
    /// How the access token is used.
    pub token_type: TokenType,
    /// Seconds for which the access token holds.
    #[schema(format = "int32", minimum = 1, maximum = 900, example = 900)]
    pub expires_in: u64,
    /// The refresh token, which gives the next access token, once; one that was sent for it does not hold any more.
    /// Shown here only, and only where there is a session.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(
        max_length = 45,
        pattern = "^pct_rt_[0-9a-hjkmnp-tv-z]{38}$",
        example = "pct_rt_00000000000000000000000000000000000000"
    )]
    pub refresh_token: Option<String>,
    /// What the access token may be used for.
    #[schema(example = "participant")]
    pub scope: Scope,
}

impl TokenAnswer {
    /// Signs an access token for `subject`; `jti` is random.
    pub fn new(
        tokens: &Tokens,
        subject: Subject,
        refresh_token: Option<String>,
        now: Timestamp,
        jti: Uuid,
    ) -> Result<Self, Error> {
        let scope = subject.scope;
        Ok(Self {
            access_token: tokens.issue_for(subject, now, ACCESS_LIFETIME, jti)?,
            token_type: TokenType::Bearer,
            expires_in: ACCESS_LIFETIME.as_secs(),
            refresh_token,
            scope,
        })
    }

    /// Signs the access token of a session that a participant has opened without a client; `jti` is random.
    pub fn of_session(tokens: &Tokens, grant: Grant, now: Timestamp, jti: Uuid) -> Result<Self, Error> {
        let Grant { principal, session, refresh_token } = grant;
        let (scope, client_id) = (Scope::Participant, CLIENT_ID.to_owned());
        let subject = Subject { principal, scope, client_id, session: Some(session) };
        Self::new(tokens, subject, Some(refresh_token), now, jti)
    }
}
