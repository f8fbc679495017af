//! Access tokens of outside identity providers: who their holders are, proven by keys that the provider publishes.
//!
//! An operator names each provider (`PRECEPTOR_OIDC_ISSUERS`). Its keys are found by OpenID Connect Discovery through
//! [`crate::outbound`], kept, and fetched anew at most once a minute, however many tokens name keys that are not there.
//! Whoever such a token names is a participant, known by the pair of issuer and subject alone; addresses of mail in it
//! are not read.

mod jwks;
pub mod model;
pub mod store;

use std::sync::{
    Arc, PoisonError, RwLock,
    atomic::{AtomicBool, Ordering},
};

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use jsonwebtoken::Validation;
use jwks::{OutsideKey, Unusable, keys_address, read_keys};
use model::{Freshness, IssuerConfig, OutsideClaims, OutsideHeader, Plan, is_access_token};
use serde::Deserialize;
use uuid::Uuid;

use super::{
    PurposeKey,
    tokens::{INVALID, LEEWAY, MAX_TOKEN, fingerprint, started},
};
use crate::{
    http::Error,
    outbound::{Client, Failure},
    time::Timestamp,
};

/// Bytes that a discovery document or a key set may have.
const MAX_DOCUMENT: usize = 64 * 1024;
/// Characters that a subject may have (OpenID Connect Core, section 2).
const MAX_SUBJECT: usize = 255;
const UNAVAILABLE: Error = Error::Unavailable("The identity provider's keys cannot be had.");

/// Which key of which issuer signed a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyPrint {
    issuer: usize,
    print: [u8; 32],
}

/// What a verified token proves.
#[derive(Debug, Clone, Copy)]
pub struct Proven {
    /// Keyed hash of issuer and subject.
    pub identity: [u8; 32],
    /// The token's id here: a hash of what is signed. Issuers name their tokens as they like or not at all; and the
    /// signature is left out because there may be several that hold for one token, which anyone can make of each other.
    pub jti: Uuid,
    /// When it was issued, Unix seconds.
    pub issued_at: i64,
    /// When it expires, Unix seconds.
    pub expires_at: i64,
    /// The key that it was signed with.
    pub key: KeyPrint,
}

/// The identity providers whose tokens are taken.
#[derive(Default)]
pub struct Outside {
    issuers: Vec<Arc<Issuer>>,
    identities: Option<PurposeKey>,
}

struct Issuer {
    config: IssuerConfig,
    client: Client,
    known: RwLock<Known>,
    /// Held while the keys are fetched; whoever waits for it has then what it waited for.
    fetching: tokio::sync::Mutex<()>,
    /// Whether somebody fetches the keys beside a request.
    beside: AtomicBool,
}

#[derive(Default, Clone)]
struct Known {
    freshness: Freshness,
    keys: Arc<Vec<OutsideKey>>,
}

impl Outside {
    /// `secret` is the service's. Nothing is fetched yet.
    #[must_use]
    pub fn new(issuers: &[IssuerConfig], client: &Client, secret: &[u8]) -> Self {
        let issuer = |config: &IssuerConfig| {
            Arc::new(Issuer {
                config: config.clone(),
                client: client.clone(),
                known: RwLock::default(),
                fetching: tokio::sync::Mutex::default(),
                beside: AtomicBool::new(false),
            })
        };
        let identities = Some(PurposeKey::derive(secret, "outside identity v1"));
        Self { issuers: issuers.iter().map(issuer).collect(), identities }
    }

    /// Whether the token says that it comes from one of these providers. Nothing in it is proven by that.
    pub(super) fn claims(&self, token: &str) -> bool {
        self.claimed(token).is_some()
    }

    fn claimed(&self, token: &str) -> Option<(usize, &Arc<Issuer>)> {
        #[derive(Deserialize)]
        struct Claimed {
            iss: String,
        }
        if self.issuers.is_empty() || token.len() > MAX_TOKEN {
            return None;
        }
        let body = BASE64_URL_SAFE_NO_PAD.decode(token.split('.').nth(1)?).ok()?;
        let Claimed { iss } = serde_json::from_slice(&body).ok()?;
        self.issuers.iter().enumerate().find(|(_, issuer)| issuer.config.issuer == iss)
    }

    /// Whether tokens of this key are taken at `now`: the issuer still publishes it, as far as is known.
    pub(super) fn holds(&self, key: &KeyPrint, now: Timestamp) -> bool {
        let Some(issuer) = self.issuers.get(key.issuer) else { return false };
        let known = issuer.known();
        let listed = known.keys.iter().any(|one| one.print == key.print);
        match known.freshness.plan(listed, now) {
            Plan::Use => true,
            Plan::UseAndFetch => {
                issuer.fetch_beside(now);
                true
            }
            Plan::Fetch | Plan::Refuse | Plan::Unavailable => false,
        }
    }

    /// Verifies a token that says it comes from one of the providers.
    pub async fn prove(&self, token: &str, now: Timestamp) -> Result<Proven, Error> {
        let (place, issuer) = self.claimed(token).ok_or(INVALID)?;
        let identities = self.identities.as_ref().ok_or(INVALID)?;
        let header = token.split('.').next().unwrap_or_default();
        let header = BASE64_URL_SAFE_NO_PAD.decode(header).map_err(|_| INVALID)?;
        let header: OutsideHeader = serde_json::from_slice(&header).map_err(|_| INVALID)?;
        if !issuer.config.algorithms.contains(&header.alg) {
            return Err(INVALID);
        }
        let key = issuer.key(&header, now).await?;
        let decoded =
            jsonwebtoken::decode::<OutsideClaims>(token, &key.verifying, &validation(&issuer.config, &header));
        let claims = decoded.map_err(|_| INVALID)?.claims;
        let live = claims.exp.saturating_add(LEEWAY.cast_signed()) > now.as_micros() / 1_000_000;
        if !live
            || !started(claims.iat, now)
            || !claims.nbf.is_none_or(|from| started(from, now))
            || claims.sub.is_empty()
            || claims.sub.len() > MAX_SUBJECT
            || !is_access_token(&header, &claims)
        {
            return Err(INVALID);
        }
        Ok(Proven {
            jti: id_of(token),
            identity: identities.hash(&[issuer.config.issuer.as_bytes(), claims.sub.as_bytes()]),
            issued_at: claims.iat,
            expires_at: claims.exp,
            key: KeyPrint { issuer: place, print: key.print },
        })
    }
}

fn id_of(token: &str) -> Uuid {
    let (signed, _) = token.rsplit_once('.').unwrap_or_default();
    let mut jti = [0; 16];
    jti.copy_from_slice(&fingerprint(signed)[..16]);
    Uuid::from_bytes(jti)
}

fn validation(config: &IssuerConfig, header: &OutsideHeader) -> Validation {
    let mut validation = Validation::new(header.alg.jwa());
    validation.set_issuer(&[&config.issuer]);
    validation.set_audience(&[&config.audience]);
    validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
    validation.validate_nbf = true;
    validation.leeway = LEEWAY;
    validation
}

/// Why keys could not be fetched; for the log.
#[derive(Debug, thiserror::Error)]
enum FetchError {
    #[error("{0}: {1}")]
    Call(&'static str, Failure),
    #[error("{0}: {1}")]
    Document(&'static str, Unusable),
}

impl Issuer {
    fn known(&self) -> Known {
        self.known.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The key that the header names, if it fits the header's algorithm.
    async fn key(self: &Arc<Self>, header: &OutsideHeader, now: Timestamp) -> Result<OutsideKey, Error> {
        let fits = |key: &&OutsideKey| key.kid == header.kid && key.algorithms.contains(&header.alg);
        let mut waited = false;
        loop {
            let known = self.known();
            let found = known.keys.iter().find(fits);
            match (known.freshness.plan(found.is_some(), now), found) {
                (Plan::Use, Some(key)) => return Ok(key.clone()),
                (Plan::UseAndFetch, Some(key)) => {
                    self.fetch_beside(now);
                    return Ok(key.clone());
                }
                (Plan::Fetch, _) if !waited => {
                    waited = true;
                    // A task of its own: the fetch is everyone's, and ends even if this request does not wait for it.
                    let fetch = tokio::spawn(self.clone().fetch(now));
                    fetch.await.map_err(|_| Error::internal("fetching an issuer's keys was cancelled"))?;
                }
                (Plan::Fetch | Plan::Unavailable, _) => return Err(UNAVAILABLE),
                _ => return Err(INVALID),
            }
        }
    }

    fn fetch_beside(self: &Arc<Self>, now: Timestamp) {
        if !self.beside.swap(true, Ordering::AcqRel) {
            let this = self.clone();
            tokio::spawn(async move {
                this.clone().fetch(now).await;
                this.beside.store(false, Ordering::Release);
            });
        }
    }

    /// Fetches the keys, unless somebody else just did. All who ask at once share one fetch.
    async fn fetch(self: Arc<Self>, now: Timestamp) {
        let _guard = self.fetching.lock().await;
        if !self.known().freshness.may_fetch(now) {
            return;
        }
        let fetched = self.fetched().await;
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        known.freshness.tried = Some(now);
        match fetched {
            Ok(keys) => {
                known.freshness.fetched = Some(now);
                known.keys = Arc::new(keys);
            }
            Err(error) => {
                tracing::warn!(issuer = self.config.issuer, %error, "an identity provider's keys could not be fetched");
            }
        }
    }

    async fn fetched(&self) -> Result<Vec<OutsideKey>, FetchError> {
        let issuer = self.config.issuer.as_str();
        let address = format!("{}/.well-known/openid-configuration", issuer.trim_end_matches('/'));
        let (discovery, key_set) = ("discovery", "key set");
        let document = self.client.get_json(&address, MAX_DOCUMENT).await;
        let document = document.map_err(|failure| FetchError::Call(discovery, failure))?;
        let address = keys_address(&document, issuer).map_err(|fault| FetchError::Document(discovery, fault))?;
        let set = self.client.get_json(&address, MAX_DOCUMENT).await;
        let set = set.map_err(|failure| FetchError::Call(key_set, failure))?;
        read_keys(&set).map_err(|fault| FetchError::Document(key_set, fault))
    }
}
