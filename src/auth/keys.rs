//! The service's secrets: the key that signs access tokens and the secret from which others are derived.
//!
//! Both are files in the data directory, made at first start with owner-only rights, and refused when others may read
//! them. Several nodes on one PostgreSQL database share one copy of the directory `keys`.

use std::{
    fs::{self, DirBuilder, OpenOptions},
    io::{self, Write},
    os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use aws_lc_rs::{
    digest, rand,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair},
};
use base64::{
    Engine,
    prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD},
};
use jsonwebtoken::{DecodingKey, EncodingKey};
use secrecy::{ExposeSecret, SecretSlice};
use serde::Serialize;
use utoipa::ToSchema;

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
}

/// The service's secrets, in memory.
pub struct Keys {
    signing: EncodingKey,
    verifying: DecodingKey,
    jwk: Jwk,
    secret: SecretSlice<u8>,
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

const PEM_BEGIN: &str = "-----BEGIN PRIVATE KEY-----";
const PEM_END: &str = "-----END PRIVATE KEY-----";

impl Keys {
    /// Reads the keys below `data_dir`, making those that are not there.
    pub fn load_or_create(data_dir: &Path) -> Result<Self, KeyError> {
        let dir = data_dir.join("keys");
        private_dir(&dir)?;
        let random = rand::SystemRandom::new();

        let pem_path = dir.join("access-token.pem");
        let pem = read_or_create(&pem_path, || {
            let document = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).ok()?;
            Some(to_pem(document.as_ref()))
        })?;
        let unusable = |path: &PathBuf| KeyError::Unusable(path.display().to_string());
        let der = from_pem(&pem).ok_or_else(|| unusable(&pem_path))?;
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &der).map_err(|_| unusable(&pem_path))?;

        let secret_path = dir.join("secret");
        let secret = read_or_create(&secret_path, || {
            let mut bytes = [0; 32];
            rand::fill(&mut bytes).ok()?;
            Some(BASE64_STANDARD.encode(bytes))
        })?;
        let secret = BASE64_STANDARD.decode(secret.trim()).map_err(|_| unusable(&secret_path))?;
        if secret.len() < 32 {
            return Err(unusable(&secret_path));
        }

        let (x, y) = coordinates(pair.public_key().as_ref()).ok_or_else(|| unusable(&pem_path))?;
        let thumb = format!(r#"{{"crv":"P-256","kty":"EC","x":"{x}","y":"{y}"}}"#);
        let kid = BASE64_URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, thumb.as_bytes()));
        let verifying = DecodingKey::from_ec_components(&x, &y).map_err(|_| unusable(&pem_path))?;
        let jwk = Jwk { kty: "EC", crv: "P-256", used_for: "sig", alg: "ES256", kid, x, y };
        Ok(Self { signing: EncodingKey::from_ec_der(&der), verifying, jwk, secret: secret.into() })
    }

    /// The key that signs.
    pub(super) fn signing(&self) -> &EncodingKey {
        &self.signing
    }

    /// The key with the id `kid`.
    pub(super) fn verifying(&self, kid: &str) -> Option<&DecodingKey> {
        (self.jwk.kid == kid).then_some(&self.verifying)
    }

    /// The public key.
    #[must_use]
    pub fn jwk(&self) -> &Jwk {
        &self.jwk
    }

    /// The secret from which cursor and pseudonym keys are derived.
    #[must_use]
    pub fn secret(&self) -> &[u8] {
        self.secret.expose_secret()
    }
}

/// The two halves of an uncompressed point, base64url.
fn coordinates(point: &[u8]) -> Option<(String, String)> {
    let [4, both @ ..] = point else { return None };
    let (x, y) = both.split_at_checked(32).filter(|(_, y)| y.len() == 32)?;
    Some((BASE64_URL_SAFE_NO_PAD.encode(x), BASE64_URL_SAFE_NO_PAD.encode(y)))
}

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

/// Makes a directory that only its owner may enter, if it is not there.
pub fn private_dir(path: &Path) -> Result<(), KeyError> {
    DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(|source| io_error(path, source))
}

fn io_error(path: &Path, source: io::Error) -> KeyError {
    KeyError::Io { path: path.display().to_string(), source }
}

/// Reads a secret file, or makes it. Written aside and linked into place, so that of two processes that start at once
/// both end up with the same whole file.
fn read_or_create(path: &Path, make: impl FnOnce() -> Option<String>) -> Result<String, KeyError> {
    if !path.exists() {
        let text = make().ok_or_else(|| KeyError::Unusable(path.display().to_string()))?;
        let aside = path.with_extension(format!("new-{}", std::process::id()));
        let write = || {
            let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&aside)?;
            file.write_all(text.as_bytes())?;
            file.sync_all()?;
            match fs::hard_link(&aside, path) {
                Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
                _ => fs::remove_file(&aside),
            }
        };
        write().map_err(|source| io_error(path, source))?;
    }
    let metadata = fs::metadata(path).map_err(|source| io_error(path, source))?;
    if metadata.mode() & 0o077 != 0 {
        return Err(KeyError::Exposed(path.display().to_string()));
    }
    fs::read_to_string(path).map_err(|source| io_error(path, source))
}
