//! The life of a session and of its refresh tokens.

use std::time::Duration;

use crate::{
    auth::{
        PurposeKey,
        secrets::{RANDOM_BYTES, SecretKind},
    },
    ids::{PrincipalId, SessionId},
    text_enum::text_enum,
    time::Timestamp,
};

/// How long an access token of a session holds (RFC 9068 advises minutes).
pub const ACCESS_LIFETIME: Duration = Duration::from_mins(15);
/// A refresh token that is not used for so many seconds does not hold any more: 14 days.
pub const IDLE: i64 = 14 * 86_400;
/// However often it is refreshed, a session ends after so many seconds: 90 days.
pub const ABSOLUTE: i64 = 90 * 86_400;
/// For so many seconds after its use a refresh token gives the same successor again.
pub const GRACE: i64 = 10;

/// A session that was ended stays for so many seconds, so that a refresh token of it that comes back is known: a day.
pub const KEPT: i64 = 86_400;

/// The `client_id` of a session's access tokens: it was not opened through a client.
pub const CLIENT_ID: &str = "preceptor-sign-in";

text_enum! {
    /// The door through which a participant came in.
    pub enum Door {
        /// A code sent by e-mail.
        Email = "email",
        /// A participation code.
        ParticipationCode = "participation_code",
    }
}

/// What a sign-in or a refresh gives: the holder of a session, and the refresh token that holds from now on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// Who signed in.
    pub principal: PrincipalId,
    /// The session.
    pub session: SessionId,
    /// The refresh token in clear; shown once, stored as a hash.
    pub refresh_token: String,
}

/// The key from which successors of refresh tokens are computed.
pub struct SuccessorKey(PurposeKey);

impl SuccessorKey {
    /// Derives the key from the service's secret.
    #[must_use]
    pub fn derive(secret: &[u8]) -> Self {
        Self(PurposeKey::derive(secret, "refresh successor v1"))
    }

    /// The token that follows `token`: the same one each time, and unknown to whoever lacks the key.
    #[must_use]
    pub fn successor(&self, token: &str) -> String {
        let tag = self.0.hash(&[token.as_bytes()]);
        let mut random = [0; RANDOM_BYTES];
        random.copy_from_slice(&tag[..RANDOM_BYTES]);
        SecretKind::Refresh.format(&random)
    }
}

/// What the presentation of a refresh token leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Use {
    /// The first use: the token is marked, and its successor stored.
    First,
    /// The answer to the first use may have been lost: the same successor again.
    Again,
    /// Someone else holds it too: the session ends.
    Reused,
    /// It does not hold any more.
    Expired,
}

/// The times that decide on a refresh token.
#[derive(Debug, Clone, Copy)]
pub struct Times {
    /// End of its idle lifetime.
    pub expires_at: Timestamp,
    /// When it was used.
    pub used_at: Option<Timestamp>,
    /// End of the session.
    pub session_expires_at: Timestamp,
    /// When the session was ended.
    pub session_ended_at: Option<Timestamp>,
}

impl Times {
    /// What the token may be used for at `now`.
    #[must_use]
    pub fn at(&self, now: Timestamp) -> Use {
        if self.session_ended_at.is_some() || now >= self.session_expires_at {
            return Use::Expired;
        }
        match self.used_at {
            Some(used) if now < used.plus_seconds(GRACE) => Use::Again,
            Some(_) => Use::Reused,
            None if now >= self.expires_at => Use::Expired,
            None => Use::First,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refresh_token_holds_once_and_a_moment_longer() {
        let at = |seconds: i64| Timestamp::EPOCH.plus_seconds(seconds);
        let fresh = Times { expires_at: at(1000), used_at: None, session_expires_at: at(5000), session_ended_at: None };
        let used = Times { used_at: Some(at(100)), ..fresh };
        let ended = Times { session_ended_at: Some(at(1)), ..fresh };
        let table = [
            (fresh, 999, Use::First),
            (fresh, 1000, Use::Expired),
            (used, 109, Use::Again),
            (used, 110, Use::Reused),
            (used, 4999, Use::Reused),
            (used, 5000, Use::Expired),
            (ended, 2, Use::Expired),
            (Times { used_at: Some(at(100)), ..ended }, 105, Use::Expired),
        ];
        for (times, second, expected) in table {
            assert_eq!(times.at(at(second)), expected, "{times:?} at {second}");
        }
    }

    #[test]
    fn a_successor_is_the_same_each_time_and_another_for_another_key() {
        let key = SuccessorKey::derive(b"secret");
        let token = SecretKind::Refresh.format(&[7; RANDOM_BYTES]);
        let next = key.successor(&token);
        assert_eq!(next, key.successor(&token));
        assert!(SecretKind::Refresh.fits(&next) && next != token);
        assert_ne!(next, SuccessorKey::derive(b"other").successor(&token));
    }
}
