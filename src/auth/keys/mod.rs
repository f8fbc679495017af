//! The service's secrets: the keys that sign access tokens and the secret from which others are derived.
//!
//! All are files in the data directory, made at first start with owner-only rights, and refused when others may read
//! them. Several nodes on one PostgreSQL database share one directory `keys`. It begins with one signing key in
//! `access-token.pem`; from the first rotation on, `keys.json` lists the keys and their times, and running servers
//! follow it ([`Keys::reload`]).

mod files;
mod model;

use std::{
    fs::File,
    io,
    path::{Path, PathBuf},
    sync::{Arc, PoisonError, RwLock},
};

use aws_lc_rs::{
    digest, rand,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair},
};
use base64::{
    Engine,
    prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD},
};
use files::Stamp;
use jsonwebtoken::{DecodingKey, EncodingKey};
use secrecy::{ExposeSecret, SecretSlice};
use serde::Serialize;
use utoipa::ToSchema;

use crate::time::Timestamp;

pub use files::private_dir;
pub use model::{Entry, Unchanged};

/// The one key of a directory that has never seen a rotation.
const FIRST: &str = "access-token.pem";
/// The secret from which others are derived.
const SECRET: &str = "secret";

/// Why the keys could not be had.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// A file or directory could not be read or made.
    #[error("{path}: {source}")]
    Io {
        /// Which one.
        path: String,
        /// What the system said.
        source: io::Error,
    },
    /// Others than the owner may read a secret.
    #[error("{0} can be read by others than its owner; run `chmod 600` on it, and consider making a new one")]
    Exposed(String),
    /// The file holds something else.
    #[error("{0} does not hold a usable key")]
    Unusable(String),
    /// The system gives no randomness.
    #[error("the system gives no random numbers")]
    Random,
    /// The change is not made.
    #[error("{0}")]
    Unchanged(#[from] Unchanged),
}

/// A public key as RFC 7517 writes it.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Jwk {
    /// Key type.
    #[schema(max_length = 10, example = "EC")]
    pub kty: &'static str,
    /// Curve.
    #[schema(max_length = 10, example = "P-256")]
    pub crv: &'static str,
    /// What the key is for.
    #[serde(rename = "use")]
    #[schema(max_length = 10, example = "sig")]
    pub used_for: &'static str,
    /// Algorithm.
    #[schema(max_length = 10, example = "ES256")]
    pub alg: &'static str,
    /// The key's thumbprint (RFC 7638).
    #[schema(max_length = 64, pattern = "^[A-Za-z0-9_-]+$", example = "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU")]
    pub kid: String,
    /// The point's x, base64url.
    #[schema(max_length = 64, pattern = "^[A-Za-z0-9_-]+$", example = "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU")]
    pub x: String,
    /// The point's y, base64url.
    #[schema(max_length = 64, pattern = "^[A-Za-z0-9_-]+$", example = "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU")]
    pub y: String,
}

/// One signing key, in memory.
pub(super) struct Key {
    pub(super) signing: EncodingKey,
    pub(super) verifying: DecodingKey,
    pub(super) jwk: Jwk,
}

impl Key {
    fn of_pem(pem: &str) -> Option<Self> {
        let der = from_pem(pem)?;
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &der).ok()?;
        let (x, y) = coordinates(pair.public_key().as_ref())?;
        let thumb = format!(r#"{{"crv":"P-256","kty":"EC","x":"{x}","y":"{y}"}}"#);
        let kid = BASE64_URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, thumb.as_bytes()));
        let verifying = DecodingKey::from_ec_components(&x, &y).ok()?;
        let jwk = Jwk { kty: "EC", crv: "P-256", used_for: "sig", alg: "ES256", kid, x, y };
        Some(Self { signing: EncodingKey::from_ec_der(&der), verifying, jwk })
    }
}

/// The keys with their times.
#[derive(Default)]
struct Ring {
    entries: Vec<Entry>,
    /// In the order of `entries`.
    keys: Vec<Arc<Key>>,
    stamp: Option<Stamp>,
}

impl Ring {
    fn load(dir: &Path) -> Result<Self, KeyError> {
        // Looked at before the manifest is read: a change in between is then seen as one the next time.
        let stamp = Stamp::of(dir)?;
        let Some(entries) = files::read_manifest(dir)? else {
            let path = dir.join(FIRST);
            let key = Key::of_pem(&files::read_or_create(&path, new_pem)?).ok_or_else(|| files::unusable(&path))?;
            return Ok(Self { entries: vec![first(&key.jwk.kid)], keys: vec![Arc::new(key)], stamp });
        };
        let load = |entry: &Entry| {
            let path = dir.join(&entry.file);
            let key = Key::of_pem(&files::read(&path)?).filter(|key| key.jwk.kid == entry.kid);
            key.map(Arc::new).ok_or_else(|| files::unusable(&path))
        };
        let keys = entries.iter().map(load).collect::<Result<_, _>>()?;
        Ok(Self { entries, keys, stamp })
    }
}

/// The entry of the key that a directory begins with.
fn first(kid: &str) -> Entry {
    let start = Timestamp::EPOCH;
    Entry { kid: kid.to_owned(), file: FIRST.to_owned(), created_at: start, sign_from: start, retire_at: None }
}

/// The service's secrets, in memory.
pub struct Keys {
    dir: PathBuf,
    ring: RwLock<Arc<Ring>>,
    secret: SecretSlice<u8>,
}

impl Keys {
    /// Whether the keys are below `data_dir`, so that [`Keys::load_or_create`] makes none.
    #[must_use]
    pub fn are_in(data_dir: &Path) -> bool {
        let dir = data_dir.join("keys");
        dir.join(SECRET).exists() && (dir.join(files::MANIFEST).exists() || dir.join(FIRST).exists())
    }

    /// Reads the keys below `data_dir`, making those that are not there.
    pub fn load_or_create(data_dir: &Path) -> Result<Self, KeyError> {
        let dir = data_dir.join("keys");
        private_dir(&dir)?;
        let ring = RwLock::new(Arc::new(Ring::load(&dir)?));
        let secret_path = dir.join(SECRET);
        let secret = files::read_or_create(&secret_path, || {
            let mut bytes = [0; 32];
            rand::fill(&mut bytes).ok()?;
            Some(BASE64_STANDARD.encode(bytes))
        })?;
        let secret = BASE64_STANDARD.decode(secret.trim()).map_err(|_| files::unusable(&secret_path))?;
        if secret.len() < 32 {
            return Err(files::unusable(&secret_path));
        }
        Ok(Self { dir, ring, secret: secret.into() })
    }

    fn ring(&self) -> Arc<Ring> {
        self.ring.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Reads the signing keys again if they were changed, and says whether they were. After an error the keys are
    /// those from before, and the next call tries again.
    pub fn reload(&self) -> Result<bool, KeyError> {
        if Stamp::of(&self.dir)? == self.ring().stamp {
            return Ok(false);
        }
        let fresh = Arc::new(Ring::load(&self.dir)?);
        *self.ring.write().unwrap_or_else(PoisonError::into_inner) = fresh;
        Ok(true)
    }

    /// The key that signs at `now`.
    pub(super) fn signer(&self, now: Timestamp) -> Option<Arc<Key>> {
        let ring = self.ring();
        model::signer(&ring.entries, now).and_then(|at| ring.keys.get(at).cloned())
    }

    /// The key with the id `kid`, if its tokens are taken at `now`.
    pub(super) fn verifying(&self, kid: &str, now: Timestamp) -> Option<Arc<Key>> {
        let ring = self.ring();
        let at = ring.entries.iter().position(|entry| entry.kid == kid && entry.holds(now))?;
        ring.keys.get(at).cloned()
    }

    /// Whether tokens of the key with the id `kid` are taken at `now`.
    pub(super) fn holds(&self, kid: &str, now: Timestamp) -> bool {
        let ring = self.ring.read().unwrap_or_else(PoisonError::into_inner);
        ring.entries.iter().any(|entry| entry.kid == kid && entry.holds(now))
    }

    /// The public keys for all whose tokens are taken at `now`, and for the one that will sign next.
    #[must_use]
    pub fn published(&self, now: Timestamp) -> Vec<Jwk> {
        let ring = self.ring();
        let both = ring.entries.iter().zip(&ring.keys);
        both.filter(|(entry, _)| entry.holds(now)).map(|(_, key)| key.jwk.clone()).collect()
    }

    /// The signing keys and their times.
    #[must_use]
    pub fn entries(&self) -> Vec<Entry> {
        self.ring().entries.clone()
    }

    /// The place of the key that signs at `now` among [`Keys::entries`].
    #[must_use]
    pub fn signing_place(&self, now: Timestamp) -> Option<usize> {
        model::signer(&self.ring().entries, now)
    }

    /// Prepares a key that signs from `sign_from` on; [`Change::commit`] publishes it.
    pub fn rotate(&self, now: Timestamp, sign_from: Timestamp) -> Result<Change, KeyError> {
        let (lock, present) = self.begin()?;
        let (pem, next) = new_entry(now, sign_from)?;
        let (kid, made) = (next.kid.clone(), Some((next.file.clone(), pem)));
        let entries = model::with_next(&present, next, now)?;
        let gone = gone(&present, &entries);
        Ok(Change { dir: self.dir.clone(), kid, made, entries, gone, _lock: lock })
    }

    /// Prepares the end of the key with the id `kid`, whose tokens are then refused; [`Change::commit`] ends it. When
    /// no other key is left to sign, the next one begins at once.
    pub fn retire(&self, kid: &str, now: Timestamp) -> Result<Change, KeyError> {
        let (lock, present) = self.begin()?;
        let (pem, successor) = new_entry(now, now)?;
        let file = successor.file.clone();
        let entries = model::without(&present, kid, successor, now)?;
        let made = entries.iter().any(|entry| entry.file == file).then_some((file, pem));
        let gone = gone(&present, &entries);
        Ok(Change { dir: self.dir.clone(), kid: kid.to_owned(), made, entries, gone, _lock: lock })
    }

    /// The lock, and the keys as they are under it.
    fn begin(&self) -> Result<(File, Vec<Entry>), KeyError> {
        let lock = files::lock(&self.dir)?;
        let entries = Ring::load(&self.dir)?.entries;
        Ok((lock, entries))
    }

    /// The secret from which cursor and pseudonym keys are derived.
    #[must_use]
    pub fn secret(&self) -> &[u8] {
        self.secret.expose_secret()
    }
}

/// A change of the signing keys that is prepared and not made yet. Nobody else changes them while it is there.
pub struct Change {
    dir: PathBuf,
    kid: String,
    made: Option<(String, String)>,
    entries: Vec<Entry>,
    gone: Vec<String>,
    _lock: File,
}

impl Change {
    /// The key that is made or ended.
    #[must_use]
    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// Writes it down: the new key before the list that names it, the removal of a key after the list that does not.
    pub fn commit(self) -> Result<(), KeyError> {
        if let Some((file, pem)) = &self.made {
            files::write(&self.dir.join(file), pem)?;
        }
        files::write_manifest(&self.dir, self.entries)?;
        self.gone.iter().try_for_each(|file| files::remove(&self.dir.join(file)))
    }
}

/// The files of keys that are no longer listed.
fn gone(before: &[Entry], after: &[Entry]) -> Vec<String> {
    let listed = |file: &str| after.iter().any(|entry| entry.file == file);
    before.iter().map(|entry| entry.file.clone()).filter(|file| !listed(file)).collect()
}

fn new_pem() -> Option<String> {
    let random = rand::SystemRandom::new();
    let document = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).ok()?;
    Some(to_pem(document.as_ref()))
}

fn new_entry(now: Timestamp, sign_from: Timestamp) -> Result<(String, Entry), KeyError> {
    let pem = new_pem().ok_or(KeyError::Random)?;
    let kid = Key::of_pem(&pem).ok_or(KeyError::Random)?.jwk.kid;
    let file = format!("{kid}.pem");
    Ok((pem, Entry { kid, file, created_at: now, sign_from, retire_at: None }))
}

/// The two halves of an uncompressed point, base64url.
fn coordinates(point: &[u8]) -> Option<(String, String)> {
    let [4, both @ ..] = point else { return None };
    let (x, y) = both.split_at_checked(32).filter(|(_, y)| y.len() == 32)?;
    Some((BASE64_URL_SAFE_NO_PAD.encode(x), BASE64_URL_SAFE_NO_PAD.encode(y)))
}

const PEM_BEGIN: &str = "-----BEGIN PRIVATE KEY-----";
const PEM_END: &str = "-----END PRIVATE KEY-----";

fn to_pem(der: &[u8]) -> String {
    let encoded = BASE64_STANDARD.encode(der);
    let lines: Vec<_> = encoded.as_bytes().chunks(64).map(String::from_utf8_lossy).collect();
    format!("{PEM_BEGIN}\n{}\n{PEM_END}\n", lines.join("\n"))
}

fn from_pem(pem: &str) -> Option<Vec<u8>> {
    let inner = pem.trim().strip_prefix(PEM_BEGIN)?.strip_suffix(PEM_END)?;
    let encoded: String = inner.chars().filter(|c| !c.is_whitespace()).collect();
    BASE64_STANDARD.decode(encoded).ok()
}
