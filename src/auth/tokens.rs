//! Access tokens: RFC 9068 JWTs, ES256, verified strictly and remembered until they expire.

use std::{sync::Arc, time::Duration};

use actix_web::http::header::{self, HeaderMap};
use aws_lc_rs::digest;
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, Header, Validation};
use quick_cache::sync::Cache;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{
    Keys, Role, Scope,
    outside::{KeyPrint, Outside},
};
use crate::{
    http::{Error, strict_json},
    ids::{PrincipalId, SessionId},
    time::Timestamp,
};

/// Characters that a token may have.
pub(super) const MAX_TOKEN: usize = 8192;
/// Clock difference between nodes that is forgiven, in seconds.
pub(super) const LEEWAY: u64 = 5;
/// Verified tokens remembered. An entry takes about 200 bytes.
const REMEMBERED: usize = 50_000;
/// The `aud` of access tokens.
pub const AUDIENCE: &str = "preceptor";

/// The `client_id` of tokens made on the command line.
const COMMAND_LINE: &str = "preceptor-cli";

/// The claims of an access token (RFC 9068 section 2.2); `sid` names the session, if it has one.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Claims {
    iss: String,
    sub: PrincipalId,
    aud: String,
    client_id: String,
    iat: i64,
    exp: i64,
    jti: Uuid,
    scope: Scope,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    nbf: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sid: Option<SessionId>,
}

/// Whom a token is for and what for.
#[derive(Debug, Clone)]
pub struct Subject {
    /// The principal.
    pub principal: PrincipalId,
    /// What it may be used for.
    pub scope: Scope,
    /// Through what the principal asked for it.
    pub client_id: String,
    /// The session that it ends with.
    pub session: Option<SessionId>,
}

/// What a verified token says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verified {
    /// Whom it names.
    pub principal: PrincipalId,
    /// What it may be used for.
    pub scope: Scope,
    /// Its id.
    pub jti: Uuid,
    /// The session that it ends with.
    pub session: Option<SessionId>,
    /// When it was issued, Unix seconds.
    pub issued_at: i64,
    /// When it expires, Unix seconds.
    pub expires_at: i64,
}

/// Whose key signed a token.
#[derive(Debug, Clone)]
pub(super) enum Signer {
    /// Ours: its id.
    Own(Arc<str>),
    /// An outside identity provider's.
    Outside(KeyPrint),
}

#[derive(Clone)]
struct Remembered {
    verified: Verified,
    signer: Signer,
}

/// Issues and verifies access tokens.
pub struct Tokens {
    keys: Keys,
    issuer: String,
    validation: Validation,
    outside: Outside,
    /// By SHA-256, so that no usable token stays in memory.
    known: Cache<[u8; 32], Remembered>,
}

impl Tokens {
    /// `issuer` is the public address of this service.
    #[must_use]
    pub fn new(keys: Keys, issuer: &str) -> Self {
        let mut validation = Validation::new(Algorithm::ES256);
        validation.set_issuer(&[issuer]);
        validation.set_audience(&[AUDIENCE]);
        validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        validation.validate_nbf = true;
        validation.leeway = LEEWAY;
        Self { keys, issuer: issuer.to_owned(), validation, outside: Outside::default(), known: Cache::new(REMEMBERED) }
    }

    /// Takes tokens of these identity providers too.
    #[must_use]
    pub fn trusting(self, outside: Outside) -> Self {
        Self { outside, ..self }
    }

    /// The identity providers whose tokens are taken.
    #[must_use]
    pub fn outside(&self) -> &Outside {
        &self.outside
    }

    /// The service's keys.
    #[must_use]
    pub fn keys(&self) -> &Keys {
        &self.keys
    }

    /// Signs a token for all that `role` may do, valid from `now` for `lifetime`, as the command line asks for it.
    pub fn issue(
        &self,
        principal: PrincipalId,
        role: Role,
        now: Timestamp,
        lifetime: Duration,
        jti: Uuid,
    ) -> Result<String, Error> {
        let client_id = COMMAND_LINE.to_owned();
        let subject = Subject { principal, scope: Scope::whole(role), client_id, session: None };
        self.issue_for(subject, now, lifetime, jti)
    }

    /// Signs a token, valid from `now` for `lifetime`.
    pub fn issue_for(&self, subject: Subject, now: Timestamp, lifetime: Duration, jti: Uuid) -> Result<String, Error> {
        let iat = now.as_micros() / 1_000_000;
        let lifetime = i64::try_from(lifetime.as_secs()).map_err(Error::internal)?;
        let claims = Claims {
            iss: self.issuer.clone(),
            sub: subject.principal,
            aud: AUDIENCE.to_owned(),
            client_id: subject.client_id,
            iat,
            exp: iat + lifetime,
            jti,
            scope: subject.scope,
            nbf: None,
            sid: subject.session,
        };
        let key = self.keys.signer(now).ok_or_else(|| Error::internal("no key signs now"))?;
        let mut header = Header::new(Algorithm::ES256);
        header.typ = Some("at+jwt".to_owned());
        header.kid = Some(key.jwk.kid.clone());
        jsonwebtoken::encode(&header, &claims, &key.signing).map_err(Error::internal)
    }

    /// Signs and verifies once, so that a process whose keys or cryptography do not work never begins to serve.
    pub fn self_test(&self, now: Timestamp) -> Result<(), Error> {
        let nobody = PrincipalId::from_uuid(Uuid::nil());
        let token = self.issue(nobody, Role::Participant, now, Duration::from_secs(1), Uuid::nil())?;
        self.verify_anew(&token, now).map(drop).map_err(|_| Error::internal("a token of our own does not verify"))
    }

    /// Verifies a token of our own, from memory if it was seen before. One of an outside identity provider is refused,
    /// seen before or not.
    pub fn verify(&self, token: &str, now: Timestamp) -> Result<Verified, Error> {
        match self.recall(token, now) {
            Some((known, Signer::Own(_))) => return known,
            Some((_, Signer::Outside(_))) => return Err(INVALID),
            None => {}
        }
        let (verified, kid) = self.verify_anew(token, now)?;
        self.remember(token, verified, Signer::Own(kid.into()));
        Ok(verified)
    }

    /// What a token says that was verified before, ours or not; `None` for one that was not, and for one whose key is
    /// no longer taken.
    pub(super) fn remembered(&self, token: &str, now: Timestamp) -> Option<Result<Verified, Error>> {
        self.recall(token, now).map(|(known, _)| known)
    }

    fn recall(&self, token: &str, now: Timestamp) -> Option<(Result<Verified, Error>, Signer)> {
        let Remembered { verified, signer } = self.known.get(&fingerprint(token))?;
        let holds = match &signer {
            Signer::Own(kid) => self.keys.holds(kid, now),
            Signer::Outside(key) => self.outside.holds(key, now),
        };
        holds.then(|| (if live(&verified, now) { Ok(verified) } else { Err(EXPIRED) }, signer))
    }

    /// Keeps what a verified token says.
    pub(super) fn remember(&self, token: &str, verified: Verified, signer: Signer) {
        self.known.insert(fingerprint(token), Remembered { verified, signer });
    }

    /// Whose token the headers hold, if it has been verified before.
    #[must_use]
    pub fn cached_principal(&self, headers: &HeaderMap) -> Option<PrincipalId> {
        let token = bearer(headers).ok()??;
        self.known.get(&fingerprint(token)).map(|known| known.verified.principal)
    }

    /// What the token says, and the id of its key.
    fn verify_anew(&self, token: &str, now: Timestamp) -> Result<(Verified, String), Error> {
        if token.len() > MAX_TOKEN {
            return Err(INVALID);
        }
        let kid = checked_kid(token)?;
        let key = self.keys.verifying(&kid, now).ok_or(INVALID)?;
        let decoded = jsonwebtoken::decode::<Claims>(token, &key.verifying, &self.validation);
        let claims = decoded.map_err(|_| INVALID)?.claims;
        let verified = Verified {
            principal: claims.sub,
            scope: claims.scope,
            jti: claims.jti,
            session: claims.sid,
            issued_at: claims.iat,
            expires_at: claims.exp,
        };
        if !started(claims.iat, now)
            || !claims.nbf.is_none_or(|from| started(from, now))
            || claims.client_id.is_empty()
            || !live(&verified, now)
        {
            return Err(INVALID);
        }
        Ok((verified, kid))
    }
}

pub(super) const INVALID: Error = Error::Unauthorized("The access token is not valid.");
const EXPIRED: Error = Error::Unauthorized("The access token has expired.");

/// Whether the moment, in Unix seconds, has come.
pub(super) fn started(from: i64, now: Timestamp) -> bool {
    from <= now.as_micros() / 1_000_000 + LEEWAY.cast_signed()
}

/// Whether the token has not expired.
pub(super) fn live(verified: &Verified, now: Timestamp) -> bool {
    verified.expires_at.saturating_add(LEEWAY.cast_signed()) > now.as_micros() / 1_000_000
}

/// SHA-256.
pub(super) fn fingerprint(token: &str) -> [u8; 32] {
    let mut out = [0; 32];
    out.copy_from_slice(digest::digest(&digest::SHA256, token.as_bytes()).as_ref());
    out
}

/// The header's `kid`, if the header holds exactly what ours hold. A closed list of members refuses `crit`, `jku`,
/// `jwk`, `x5u` and whatever else could lead a verifier astray, now and later.
fn checked_kid(token: &str) -> Result<String, Error> {
    let encoded = token.split('.').next().unwrap_or_default();
    let bytes = BASE64_URL_SAFE_NO_PAD.decode(encoded).map_err(|_| INVALID)?;
    let header = strict_json::parse(&bytes).map_err(|_| INVALID)?;
    let members = header.as_object().filter(|members| members.len() == 3).ok_or(INVALID)?;
    let text = |name: &str| members.get(name).and_then(serde_json::Value::as_str).ok_or(INVALID);
    let typ = text("typ")?;
    if text("alg")? != "ES256" || !(typ == "at+jwt" || typ == "application/at+jwt") {
        return Err(INVALID);
    }
    text("kid").map(str::to_owned)
}

/// The bearer token of a request; `None` without an Authorization header. Two are refused: something in front of this
/// service may have looked at the other one.
pub fn bearer(headers: &HeaderMap) -> Result<Option<&str>, Error> {
    let mut sent = headers.get_all(header::AUTHORIZATION);
    let Some(value) = sent.next() else { return Ok(None) };
    if sent.next().is_some() {
        return Err(Error::Unauthorized("The Authorization header stands twice."));
    }
    let text = value.to_str().map_err(|_| INVALID)?;
    match text.split_once(' ') {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") && !token.trim().is_empty() => {
            Ok(Some(token.trim()))
        }
        _ => Err(Error::Unauthorized("The Authorization header is not of the form `Bearer …`.")),
    }
}
