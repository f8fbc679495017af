//! What is stored so that only the holder of the data directory's secret can read or find it again.

use aws_lc_rs::{
    aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey},
    hmac,
};

/// A key derived from the service's secret for one purpose.
pub struct PurposeKey([u8; 32]);

impl PurposeKey {
    /// The key for `purpose`. Keys of different purposes tell nothing of each other.
    #[must_use]
    pub fn derive(secret: &[u8], purpose: &str) -> Self {
        let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), format!("preceptor {purpose}").as_bytes());
        let mut key = [0; 32];
        key.copy_from_slice(tag.as_ref());
        Self(key)
    }

    /// HMAC-SHA256 of the parts. Each part's length enters, so that no two lists of parts are the same text.
    #[must_use]
    pub fn hash(&self, parts: &[&[u8]]) -> [u8; 32] {
        let mut signing = hmac::Context::with_key(&hmac::Key::new(hmac::HMAC_SHA256, &self.0));
        for part in parts {
            signing.update(&(part.len() as u64).to_be_bytes());
            signing.update(part);
        }
        let mut out = [0; 32];
        out.copy_from_slice(signing.sign().as_ref());
        out
    }

    /// Encrypts and authenticates (AES-256-GCM, random nonce first). `None` when the system gives no randomness.
    #[must_use]
    pub fn seal(&self, plain: &[u8]) -> Option<Vec<u8>> {
        let key = RandomizedNonceKey::new(&AES_256_GCM, &self.0).ok()?;
        let mut sealed = plain.to_vec();
        let nonce = key.seal_in_place_append_tag(Aad::empty(), &mut sealed).ok()?;
        Some([nonce.as_ref().as_slice(), &sealed].concat())
    }

    /// What was sealed; `None` for anything else, and under another key.
    #[must_use]
    pub fn open(&self, sealed: &[u8]) -> Option<Vec<u8>> {
        let (nonce, body) = sealed.split_at_checked(NONCE_LEN)?;
        let key = RandomizedNonceKey::new(&AES_256_GCM, &self.0).ok()?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        let mut body = body.to_vec();
        let length = key.open_in_place(nonce, Aad::empty(), &mut body).ok()?.len();
        body.truncate(length);
        Some(body)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_same_key_opens_what_was_sealed_and_each_sealing_differs() {
        let key = PurposeKey::derive(b"secret", "test");
        let (one, two) = (key.seal(b"text").unwrap(), key.seal(b"text").unwrap());
        assert_ne!(one, two);
        assert_eq!(key.open(&one).unwrap(), b"text");
        assert!(PurposeKey::derive(b"secret", "other").open(&one).is_none());
        for at in 0..one.len() {
            let mut broken = one.clone();
            broken[at] ^= 1;
            assert!(key.open(&broken).is_none(), "byte {at}");
        }
        assert!(key.open(b"").is_none());
    }

    #[test]
    fn parts_do_not_run_into_each_other() {
        let key = PurposeKey::derive(b"secret", "test");
        assert_ne!(key.hash(&[b"ab", b"c"]), key.hash(&[b"a", b"bc"]));
        assert_ne!(key.hash(&[b"ab"]), PurposeKey::derive(b"secret", "other").hash(&[b"ab"]));
    }
}
