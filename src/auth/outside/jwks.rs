//! Reads the documents that an identity provider publishes.

use aws_lc_rs::digest;
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use jsonwebtoken::DecodingKey;
use serde::Deserialize;

use super::model::OutsideAlgorithm;

/// Keys that a set may hold.
const MAX_KEYS: usize = 20;

/// Why a document is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unusable {
    /// It is not of the form.
    #[error("the document is not of the form that is needed")]
    Form,
    /// It speaks for somebody else.
    #[error("the document names another issuer")]
    Issuer,
    /// More than anyone needs.
    #[error("the set holds more than 20 keys")]
    TooMany,
}

#[derive(Deserialize)]
struct Discovery {
    issuer: String,
    jwks_uri: String,
}

/// Where the issuer's keys are, from its discovery document (OpenID Connect Discovery 1.0, section 3). The document has
/// to name the issuer exactly, so that one issuer cannot answer for another.
pub fn keys_address(document: &[u8], issuer: &str) -> Result<String, Unusable> {
    let found: Discovery = serde_json::from_slice(document).map_err(|_| Unusable::Form)?;
    if found.issuer == issuer { Ok(found.jwks_uri) } else { Err(Unusable::Issuer) }
}

/// A public key of an issuer.
#[derive(Clone)]
pub struct OutsideKey {
    /// Its id at the issuer.
    pub kid: String,
    /// SHA-256 of the key itself: a key that was replaced under its old id is another key.
    pub print: [u8; 32],
    /// The algorithms that its type allows, narrowed to the one that it names.
    pub algorithms: Vec<OutsideAlgorithm>,
    /// The key.
    pub verifying: DecodingKey,
}

#[derive(Deserialize)]
struct Set {
    keys: Vec<serde_json::Value>,
}

#[derive(Deserialize)]
struct Member {
    kty: String,
    kid: String,
    alg: Option<String>,
    #[serde(rename = "use")]
    used_for: Option<String>,
    key_ops: Option<Vec<String>>,
    crv: Option<String>,
    n: Option<String>,
    e: Option<String>,
    x: Option<String>,
    y: Option<String>,
}

/// The keys of a set that can verify a signature of ours to know; others are left out, as RFC 7517 section 5 asks.
pub fn read_keys(document: &[u8]) -> Result<Vec<OutsideKey>, Unusable> {
    let set: Set = serde_json::from_slice(document).map_err(|_| Unusable::Form)?;
    if set.keys.len() > MAX_KEYS {
        return Err(Unusable::TooMany);
    }
    let members = set.keys.into_iter().filter_map(|value| serde_json::from_value::<Member>(value).ok());
    Ok(members.filter_map(|member| read_key(&member)).collect())
}

fn read_key(member: &Member) -> Option<OutsideKey> {
    let signs = member.used_for.as_deref().is_none_or(|used_for| used_for == "sig");
    let verifies = member.key_ops.as_ref().is_none_or(|ops| ops.iter().any(|op| op == "verify"));
    if !signs || !verifies {
        return None;
    }
    let (fitting, verifying, parts): (&[_], _, _) = match (member.kty.as_str(), member.crv.as_deref()) {
        ("RSA", _) => {
            let (n, e) = (member.n.as_ref()?, member.e.as_ref()?);
            let modulus = BASE64_URL_SAFE_NO_PAD.decode(n).ok()?;
            let bytes = modulus.iter().skip_while(|byte| **byte == 0).count();
            // 2048 to 4096 bits: less is weak, more costs a verifier time.
            if !(256..=512).contains(&bytes) {
                return None;
            }
            let key = DecodingKey::from_rsa_components(n, e).ok()?;
            (&[OutsideAlgorithm::Rs256, OutsideAlgorithm::Ps256], key, [n, e])
        }
        ("EC", Some("P-256")) => {
            let (x, y) = (member.x.as_ref()?, member.y.as_ref()?);
            (&[OutsideAlgorithm::Es256], DecodingKey::from_ec_components(x, y).ok()?, [x, y])
        }
        ("OKP", Some("Ed25519")) => {
            let x = member.x.as_ref()?;
            (&[OutsideAlgorithm::EdDsa], DecodingKey::from_ed_components(x).ok()?, [x, x])
        }
        _ => return None,
    };
    let named = |one: &&OutsideAlgorithm| member.alg.as_deref().is_none_or(|alg| alg == one.as_str());
    let algorithms: Vec<_> = fitting.iter().filter(named).copied().collect();
    let text = format!("{} {} {}", member.kty, parts[0], parts[1]);
    let mut print = [0; 32];
    print.copy_from_slice(digest::digest(&digest::SHA256, text.as_bytes()).as_ref());
    (!algorithms.is_empty()).then(|| OutsideKey { kid: member.kid.clone(), print, algorithms, verifying })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    const X: &str = "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU";
    const Y: &str = "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0";

    fn read(keys: &Value) -> Vec<OutsideKey> {
        read_keys(json!({ "keys": keys }).to_string().as_bytes()).unwrap()
    }

    fn with(name: &str, value: Value) -> Value {
        let mut key = json!({"kty": "EC", "crv": "P-256", "kid": "a", "x": X, "y": Y});
        key[name] = value;
        key
    }

    #[test]
    fn the_document_of_another_issuer_is_not_taken() {
        let document = json!({"issuer": "https://a.edu", "jwks_uri": "https://keys.a.edu"}).to_string();
        assert_eq!(keys_address(document.as_bytes(), "https://a.edu").unwrap(), "https://keys.a.edu");
        for other in ["https://a.edu/", "https://b.edu", "https://A.edu", ""] {
            assert_eq!(keys_address(document.as_bytes(), other), Err(Unusable::Issuer));
        }
        assert_eq!(keys_address(b"[]", "https://a.edu"), Err(Unusable::Form));
    }

    #[test]
    fn a_key_serves_what_its_type_and_its_own_words_allow() {
        let one = read(&json!([with("use", json!("sig"))]));
        assert_eq!(one[0].algorithms, [OutsideAlgorithm::Es256]);
        assert_ne!(one[0].print, read(&json!([with("y", json!(X))]))[0].print);
        let modulus = |bytes: usize| BASE64_URL_SAFE_NO_PAD.encode(vec![0xc1; bytes]);
        let rsa = |bytes, alg: Value| json!({"kty": "RSA", "kid": "r", "n": modulus(bytes), "e": "AQAB", "alg": alg});
        let both = read(&json!([rsa(256, Value::Null), rsa(256, json!("PS256"))]));
        assert_eq!(both[0].algorithms, [OutsideAlgorithm::Rs256, OutsideAlgorithm::Ps256]);
        assert_eq!(both[1].algorithms, [OutsideAlgorithm::Ps256]);
        let ed = json!([{"kty": "OKP", "crv": "Ed25519", "kid": "e", "x": X}]);
        assert_eq!(read(&ed)[0].algorithms, [OutsideAlgorithm::EdDsa]);
        let unfit = json!([
            with("use", json!("enc")),
            with("key_ops", json!(["sign"])),
            with("alg", json!("RS256")),
            with("alg", json!("HS256")),
            with("crv", json!("P-384")),
            with("kty", json!("oct")),
            with("kid", Value::Null),
            with("x", json!("not base64")),
            rsa(128, Value::Null),
            rsa(1024, Value::Null),
            rsa(256, json!("RS512")),
            {"kty": "oct", "kid": "a", "k": "AAAA"},
            "a text",
        ]);
        assert_eq!(read(&unfit).len(), 0);
    }

    #[test]
    fn a_set_is_bounded() {
        let many = |count| json!({"keys": vec![with("use", json!("sig")); count]}).to_string();
        assert_eq!(read_keys(many(20).as_bytes()).unwrap().len(), 20);
        assert!(matches!(read_keys(many(21).as_bytes()), Err(Unusable::TooMany)));
        assert!(matches!(read_keys(b"{}"), Err(Unusable::Form)));
    }
}
