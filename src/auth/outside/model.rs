//! Rules for tokens of outside identity providers, without I/O.

use std::collections::BTreeSet;

use jsonwebtoken::Algorithm;
use serde::{Deserialize, de::IgnoredAny};
use serde_json::Value;

use crate::{
    outbound::model::{Policy, check_url},
    text_enum::text_enum,
    time::Timestamp,
};

text_enum! {
    /// A signature algorithm that an outside identity provider may use. None of them is symmetric, so that no public
    /// key can ever be taken for a secret.
    pub enum OutsideAlgorithm {
        /// RSA with PKCS #1 v1.5 padding and SHA-256.
        Rs256 = "RS256",
        /// RSA with PSS padding and SHA-256.
        Ps256 = "PS256",
        /// ECDSA on P-256 with SHA-256.
        Es256 = "ES256",
        /// Ed25519.
        EdDsa = "EdDSA",
    }
}

impl OutsideAlgorithm {
    pub(super) const fn jwa(self) -> Algorithm {
        match self {
            Self::Rs256 => Algorithm::RS256,
            Self::Ps256 => Algorithm::PS256,
            Self::Es256 => Algorithm::ES256,
            Self::EdDsa => Algorithm::EdDSA,
        }
    }
}

/// An identity provider whose access tokens are taken.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IssuerConfig {
    /// Its `iss`, exactly.
    pub issuer: String,
    /// What `aud` must hold.
    pub audience: String,
    /// The algorithms that its tokens may be signed with.
    pub algorithms: BTreeSet<OutsideAlgorithm>,
}

/// Issuers that may be configured.
const MAX_ISSUERS: usize = 20;

/// Reads the setting: a JSON list of issuers; nothing stands for none.
pub fn parse_issuers(text: &str, policy: Policy) -> Result<Vec<IssuerConfig>, String> {
    if text.trim().is_empty() {
        return Ok(Vec::new());
    }
    let issuers: Vec<IssuerConfig> = serde_json::from_str(text).map_err(|error| error.to_string())?;
    if issuers.len() > MAX_ISSUERS {
        return Err(format!("at most {MAX_ISSUERS} issuers"));
    }
    let mut seen = BTreeSet::new();
    for one in &issuers {
        let url = check_url(&one.issuer, policy).map_err(|refused| format!("{}: {refused}", one.issuer))?;
        if url.query().is_some() {
            return Err(format!("{}: an issuer holds no query", one.issuer));
        }
        if one.audience.is_empty() || one.algorithms.is_empty() {
            return Err(format!("{}: audience and algorithms are needed", one.issuer));
        }
        if !seen.insert(&one.issuer) {
            return Err(format!("{}: an issuer stands once", one.issuer));
        }
    }
    Ok(issuers)
}

/// The header of a token. Whatever is not listed refuses the token: `crit`, `jku`, `jwk`, `x5u`, `x5c`, `b64`, `zip`.
/// Fingerprints of certificates are let through unread, because widespread issuers send them.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OutsideHeader {
    /// The algorithm.
    pub alg: OutsideAlgorithm,
    /// The key.
    pub kid: String,
    /// The kind of token.
    pub typ: String,
    #[serde(rename = "x5t")]
    _x5t: Option<IgnoredAny>,
    #[serde(rename = "x5t#S256")]
    _x5t_s256: Option<IgnoredAny>,
}

/// The claims that are looked at. Signature, `iss` and `aud` are checked when this is read.
#[derive(Debug, Deserialize)]
pub struct OutsideClaims {
    /// Whom it names, at its issuer.
    pub sub: String,
    /// When it expires, Unix seconds.
    pub exp: i64,
    /// When it was issued, Unix seconds.
    pub iat: i64,
    /// From when on it holds, Unix seconds.
    pub nbf: Option<i64>,
    scope: Option<Value>,
    scp: Option<Value>,
    nonce: Option<IgnoredAny>,
    at_hash: Option<IgnoredAny>,
    c_hash: Option<IgnoredAny>,
    s_hash: Option<IgnoredAny>,
}

/// Whether the token is an access token, and not an ID token that was sent in its place.
///
/// One with a claim that only ID tokens have is none, whatever it calls itself. Beyond that, type `at+jwt` says so
/// (RFC 9068); one of the type `JWT`, which says nothing, has to carry what it was granted: `scope`, or `scp`.
#[must_use]
pub fn is_access_token(header: &OutsideHeader, claims: &OutsideClaims) -> bool {
    let of_id_tokens = [&claims.nonce, &claims.at_hash, &claims.c_hash, &claims.s_hash];
    if of_id_tokens.iter().any(|claim| claim.is_some()) {
        return false;
    }
    let granted = |claim: &Option<Value>| match claim {
        Some(Value::String(words)) => !words.trim().is_empty(),
        Some(Value::Array(words)) => !words.is_empty(),
        _ => false,
    };
    match header.typ.to_ascii_lowercase().as_str() {
        "at+jwt" | "application/at+jwt" => true,
        "jwt" => granted(&claims.scope) || granted(&claims.scp),
        _ => false,
    }
}

/// Seconds for which keys are used without asking whether they are still the issuer's.
const FRESH: i64 = 300;
/// Seconds after which a request waits for newer keys; before, they are fetched beside it.
const AGED: i64 = 3600;
/// Seconds for which keys are used while the issuer does not answer.
const STALE: i64 = 24 * 3600;
/// Seconds between two attempts to fetch an issuer's keys.
const PAUSE: i64 = 60;

/// When keys were fetched, and when that was tried.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Freshness {
    /// The last success.
    pub fetched: Option<Timestamp>,
    /// The last attempt.
    pub tried: Option<Timestamp>,
}

/// What to do with a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Plan {
    /// Use the key.
    Use,
    /// Use the key, and fetch the keys beside it.
    UseAndFetch,
    /// Fetch the keys first.
    Fetch,
    /// There is no such key.
    Refuse,
    /// Whether there is such a key cannot be known.
    Unavailable,
}

impl Freshness {
    /// Whether keys may be fetched: not within a minute of the last attempt, whoever asks for whatever key.
    #[must_use]
    pub fn may_fetch(&self, now: Timestamp) -> bool {
        // Requests that come at once reach this in another order than they read the clock in, so a moment before the
        // attempt is within the minute too. A clock that was set back by more does not stop fetching.
        self.tried.is_none_or(|tried| now >= tried.plus_seconds(PAUSE) || now.plus_seconds(PAUSE) <= tried)
    }

    /// Whether the keys may be used.
    #[must_use]
    pub fn is_usable(&self, now: Timestamp) -> bool {
        self.fetched.is_some_and(|fetched| now <= fetched.plus_seconds(STALE))
    }

    /// What to do with a token whose key is among the present ones (`known`) or not.
    #[must_use]
    pub fn plan(&self, known: bool, now: Timestamp) -> Plan {
        let within = |seconds| self.fetched.is_some_and(|fetched| now <= fetched.plus_seconds(seconds));
        match (self.is_usable(now), known, self.may_fetch(now)) {
            (true, true, false) => Plan::Use,
            (true, true, true) if within(FRESH) => Plan::Use,
            // While the issuer does not answer, nobody waits for it.
            (true, true, true) if within(AGED) || self.tried > self.fetched => Plan::UseAndFetch,
            (_, _, true) => Plan::Fetch,
            (true, false, false) => Plan::Refuse,
            (false, _, false) => Plan::Unavailable,
        }
    }
}

#[cfg(test)]
mod tests;
