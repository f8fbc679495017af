//! Access tokens: which are taken and which are not.

use std::{fs, time::Duration};

use aws_lc_rs::{
    digest, hmac, rand,
    signature::{ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair},
};
use base64::{
    Engine,
    prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD},
};
use diesel::connection::SimpleConnection;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use preceptor::{
    auth::{Jwk, Role},
    time::Timestamp,
};
use serde_json::{Value, json};

use crate::support::{
    Backend, Client, TestApp,
    jwt::{encode, new_key, sign, with, without},
    send,
};

/// The private key of a server in PKCS #8, as one who had stolen it would use it.
fn stolen(app: &TestApp) -> Vec<u8> {
    let pem = fs::read_to_string(app.dir().join("data/keys/access-token.pem")).unwrap();
    let der: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
    BASE64_STANDARD.decode(der).unwrap()
}

/// A good token and what it is made of.
struct Valid {
    der: Vec<u8>,
    key: EcdsaKeyPair,
    jwk: Jwk,
    header: Value,
    claims: Value,
    issuer: String,
    now: i64,
    good: String,
}

impl Valid {
    fn of(app: &TestApp, holder: &Client) -> Self {
        let der = stolen(app);
        let key = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &der).unwrap();
        let jwk = app.state.auth.keys().published(Timestamp::now()).remove(0);
        let now = Timestamp::now().as_micros() / 1_000_000;
        let issuer = app.state.config.public_url.clone();
        let header = json!({"alg": "ES256", "typ": "at+jwt", "kid": jwk.kid});
        let claims = json!({
            "iss": issuer, "sub": holder.id.unwrap(), "aud": "preceptor",
            "client_id": "preceptor-cli", "iat": now, "exp": now + 600,
            "jti": "6f2b1b8e-6a53-4c0c-9d0b-0b9f5f1f1f11", "scope": "participant",
        });
        let good = sign(&key, &header, &claims);
        Self { der, key, jwk, header, claims, issuer, now, good }
    }
}

/// Headers that no token of ours has.
fn bad_headers(valid: &Valid) -> Vec<(String, String)> {
    let Valid { key, jwk, header, claims, good, .. } = valid;
    let mut bad = Vec::new();
    let mut add = |what: &str, token: String| bad.push((what.to_owned(), token));
    let body = good.split('.').nth(1).unwrap();
    let none = with(header, "alg", json!("none"));
    add("alg none, unsigned", format!("{}.{body}.", encode(none.to_string())));
    add("alg none, signed", sign(key, &none, claims));
    let point: Vec<u8> =
        [&jwk.x, &jwk.y].iter().flat_map(|half| BASE64_URL_SAFE_NO_PAD.decode(half).unwrap()).collect();
    let jwk_text = serde_json::to_vec(jwk).unwrap();
    for (what, secret) in [("the point", point.as_slice()), ("the JWK", &jwk_text), ("the kid", jwk.kid.as_bytes())] {
        let message = format!("{}.{body}", encode(with(header, "alg", json!("HS256")).to_string()));
        let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), message.as_bytes());
        add(&format!("HS256 with {what}"), format!("{message}.{}", encode(tag)));
    }
    for alg in ["ES384", "RS256", "EdDSA", "es256", ""] {
        add(&format!("alg {alg:?}"), sign(key, with(header, "alg", json!(alg)), claims));
    }
    add("another key under our kid", sign(&new_key(), header, claims));
    add("a wrong kid", sign(key, with(header, "kid", json!("x")), claims));
    add("a kid that is a path", sign(key, with(header, "kid", json!("../../dev/null")), claims));
    for name in ["kid", "typ", "alg"] {
        add(&format!("no {name}"), sign(key, without(header, name), claims));
    }
    for (name, value) in [
        ("jku", json!("https://evil.example.org/jwks.json")),
        ("jwk", serde_json::to_value(jwk).unwrap()),
        ("x5u", json!("https://evil.example.org/x.pem")),
        ("x5c", json!([])),
        ("crit", json!(["exp"])),
        ("b64", json!(false)),
        ("zip", json!("DEF")),
        ("cty", json!("JWT")),
        ("epk", json!({})),
    ] {
        add(&format!("header member {name}"), sign(key, with(header, name, value), claims));
    }
    for typ in ["JWT", "jwt", "id_token+jwt", "AT+JWT "] {
        add(&format!("typ {typ:?}"), sign(key, with(header, "typ", json!(typ)), claims));
    }
    let twice = header.to_string().replacen('{', "{\"alg\":\"none\",", 1);
    add("alg twice", sign(key, twice, claims));
    bad
}

/// Claims that do not hold.
fn bad_claims(valid: &Valid) -> Vec<(String, String)> {
    let Valid { key, header, claims, now, issuer, .. } = valid;
    let mut bad = Vec::new();
    let mut add = |what: &str, token: String| bad.push((what.to_owned(), token));
    for (what, name, value) in [
        ("another issuer", "iss", json!("https://evil.example.org")),
        ("an issuer with a slash more", "iss", json!(format!("{}/", issuer))),
        ("another audience", "aud", json!("other")),
        ("audiences without us", "aud", json!(["other", "another"])),
        ("expired by six seconds", "exp", json!(now - 6)),
        ("expired long ago", "exp", json!(1)),
        ("an expiry that is a text", "exp", json!((now + 600).to_string())),
        ("a negative expiry", "exp", json!(-1)),
        ("valid eight seconds from now", "nbf", json!(now + 8)),
        ("issued eight seconds from now", "iat", json!(now + 8)),
        ("a subject that is no id", "sub", json!("admin")),
        ("a subject that does not exist", "sub", json!("0195f8a0-1c2d-7abc-8def-0123456789ab")),
        ("another role", "scope", json!("moderator")),
        ("two roles", "scope", json!("participant moderator")),
        ("an unknown role", "scope", json!("root")),
        ("no client", "client_id", json!("")),
    ] {
        add(what, sign(key, header, with(claims, name, value)));
    }
    for name in ["iss", "sub", "aud", "exp", "iat", "jti", "client_id", "scope"] {
        add(&format!("no {name}"), sign(key, header, without(claims, name)));
    }
    for name in ["sub", "exp", "scope"] {
        let text = claims.to_string().replacen('{', &format!("{{\"{name}\":{},", claims[name]), 1);
        add(&format!("{name} twice"), sign(key, header, text));
    }
    add("claims that are a list", sign(key, header, json!([claims])));
    add("claims with something behind", sign(key, header, format!("{claims} {{}}")));
    bad
}

/// A good token, damaged.
fn bad_forms(valid: &Valid) -> Vec<(String, String)> {
    let Valid { der, key, header, claims, now, good, .. } = valid;
    let mut bad = Vec::new();
    let mut add = |what: &str, token: String| bad.push((what.to_owned(), token));
    let parts: Vec<&str> = good.split('.').collect();
    let (head, body, mark) = (parts[0], parts[1], parts[2]);
    add("a changed claim", format!("{head}.{}.{mark}", encode(with(claims, "exp", json!(now + 9999)).to_string())));
    add("a signature of zeros", format!("{head}.{body}.{}", encode([0; 64])));
    add("no signature", format!("{head}.{body}."));
    let message = format!("{head}.{body}");
    let asn1 = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, der).unwrap();
    let asn1 = asn1.sign(&rand::SystemRandom::new(), message.as_bytes()).unwrap();
    add("a signature in DER", format!("{message}.{}", encode(asn1)));
    let raw = BASE64_URL_SAFE_NO_PAD.decode(mark).unwrap();
    for length in [1, 32, 63] {
        add(&format!("{length} bytes of the signature"), format!("{message}.{}", encode(&raw[..length])));
    }
    add("a signature with a byte more", format!("{message}.{}", encode([raw.as_slice(), &[0]].concat())));
    add("the halves of the signature changed", format!("{message}.{}", encode([&raw[32..], &raw[..32]].concat())));
    add("another token's signature", {
        let other = sign(key, header, with(claims, "exp", json!(now + 601)));
        format!("{message}.{}", other.rsplit_once('.').unwrap().1)
    });
    add("no header", format!(".{body}.{mark}"));
    add("no claims", format!("{head}..{mark}"));
    add("two parts", format!("{head}.{body}"));
    add("four parts", format!("{good}.x"));
    add("padding", format!("{good}=="));
    add("a padded header", format!("{head}=.{body}.{mark}"));
    add("standard base64", format!("{head}.{body}.{}", mark.replace('-', "+").replace('_', "/") + "+"));
    add("something behind", format!("{good} x"));
    add("over 8 KiB", sign(key, header, with(claims, "filler", json!("x".repeat(8000)))));
    add("9 KiB of anything", "x".repeat(9 * 1024));
    add("not a token", "x".to_owned());
    add("dots", "..".to_owned());
    bad
}

async fn assert_refused(client: &Client, what: &str) {
    // An operation that needs a token and one where it is optional.
    for path in ["/v1/me/reviews", "/v1/programs/0195f8a0-1c2d-7abc-8def-0123456789ab"] {
        let answer = client.get(path).await;
        assert_eq!(answer.status, 401, "{what}: {path}: {}", answer.text());
        answer.problem(401, "unauthorized");
        let challenge = answer.header("www-authenticate");
        assert!(challenge.starts_with("Bearer realm=") && challenge.contains("error=\"invalid_token\""), "{challenge}");
        for part in client.token().split('.').filter(|part| part.len() > 8) {
            assert!(!answer.text().contains(part) && !challenge.contains(part), "{what} comes back");
        }
    }
}

on_both! {
    async fn a_token_that_is_not_exactly_ours_is_refused(backend: Backend) {
        let app = TestApp::start(backend);
        let participant = app.participant().await;
        let valid = Valid::of(&app, &participant);
        let Valid { key, header, claims, now, good, .. } = &valid;

        // What must be taken, so that the refusals below are for the reason that they name.
        let within_leeway = json!({"iat": now + 2, "nbf": now + 2});
        let mut young = claims.clone();
        young.as_object_mut().unwrap().extend(within_leeway.as_object().unwrap().clone());
        let old = with(claims, "exp", json!(now - 2));
        let full_type = with(header, "typ", json!("application/at+jwt"));
        for token in [good, &sign(key, header, young), &sign(key, header, old), &sign(key, full_type, claims)] {
            participant.with_token(token).get("/v1/me/reviews").await.expect(200);
        }

        let bad = [bad_headers(&valid), bad_claims(&valid), bad_forms(&valid)].concat();
        assert!(bad.len() >= 80, "{}", bad.len());
        for (what, token) in &bad {
            assert_refused(&participant.with_token(token), what).await;
        }
        let anonymous = app.client();
        for value in ["Bearer", "Bearer ", "Basic dXNlcjpwYXNz", good, &format!("Token {good}")] {
            let request = anonymous.request("GET", "/v1/me/reviews").header("authorization", value);
            send(request).await.problem(401, "unauthorized");
        }
        // Two tokens: a proxy may have looked at the other one.
        let request = participant.request("GET", "/v1/me/reviews").header("authorization", format!("Bearer {good}"));
        send(request).await.problem(401, "unauthorized");
        anonymous.get("/v1/me/reviews").await.problem(401, "unauthorized");
    }

    async fn the_clocks_of_issuer_and_verifier_may_differ_by_five_seconds(backend: Backend) {
        let app = TestApp::start(backend);
        let participant = app.participant().await;
        let Valid { key, header, claims, now, .. } = Valid::of(&app, &participant);
        let at = |seconds: i64| Timestamp::EPOCH.plus_seconds(now + seconds);
        let holds = |claims: &Value, seconds| app.state.auth.verify(&sign(&key, &header, claims), at(seconds)).is_ok();
        let short = with(&claims, "exp", json!(now + 100));
        assert!(holds(&short, 104) && !holds(&short, 105) && !holds(&short, 106));
        assert!(holds(&claims, -5) && !holds(&claims, -6));
        let early = with(&with(&claims, "iat", json!(now - 50)), "nbf", json!(now));
        assert!(holds(&early, -5) && !holds(&early, -6));
        // A remembered token ends like one that is seen for the first time.
        let token = sign(&key, &header, &short);
        assert!(app.state.auth.verify(&token, at(104)).is_ok() && app.state.auth.verify(&token, at(105)).is_err());
    }

    async fn a_change_of_rights_counts_from_the_next_request_on(backend: Backend) {
        let app = TestApp::start(backend);
        let change = async |client: &Client, set: &str| {
            let hex = client.id.unwrap().as_uuid().simple().to_string();
            let id = if backend == Backend::Sqlite { format!("x'{hex}'") } else { format!("'\\x{hex}'") };
            let sql = format!("UPDATE principals SET {set} WHERE id = {id}");
            app.state.db.write(move |conn| Ok(conn.batch_execute(&sql)?)).await.unwrap();
        };
        let future = Timestamp::now().plus_seconds(60).as_micros();
        for set in ["disabled_at = 1", "role = 'moderator'", &format!("tokens_valid_from = {future}")] {
            let client = app.participant().await;
            client.get("/v1/me/reviews").await.expect(200);
            change(&client, set).await;
            assert_refused(&client, set).await;
        }
        // Revoking what was issued does not lock the person out.
        let client = app.participant().await;
        let long_ago = Timestamp::now().plus_seconds(-100);
        let hour = Duration::from_hours(1);
        let old = app.state.auth.issue(client.id.unwrap(), Role::Participant, long_ago, hour, uuid::Uuid::new_v4());
        let old = client.with_token(&old.unwrap());
        assert_refused(&old, "issued before the principal's tokens are valid").await;
        client.get("/v1/me/reviews").await.expect(200);
    }

    async fn anyone_can_verify_a_token_with_the_published_keys(backend: Backend) {
        let app = TestApp::start(backend);
        let answer = app.client().get("/.well-known/jwks.json").await.expect(200);
        assert_eq!(answer.header("cache-control"), "public, max-age=300");
        let set = answer.json();
        let keys = set["keys"].as_array().unwrap();
        assert_eq!(keys.len(), 1);
        let mut members: Vec<_> = keys[0].as_object().unwrap().keys().map(String::as_str).collect();
        members.sort_unstable();
        assert_eq!(members, ["alg", "crv", "kid", "kty", "use", "x", "y"], "only the public half");
        let text = |name: &str| keys[0][name].as_str().unwrap();

        let thumb = format!(r#"{{"crv":"P-256","kty":"EC","x":"{}","y":"{}"}}"#, text("x"), text("y"));
        assert_eq!(text("kid"), encode(digest::digest(&digest::SHA256, thumb.as_bytes())), "RFC 7638");

        let participant = app.participant().await;
        let header = jsonwebtoken::decode_header(participant.token()).unwrap();
        assert_eq!(header.kid.as_deref(), Some(text("kid")));
        let key = DecodingKey::from_ec_components(text("x"), text("y")).unwrap();
        let mut validation = Validation::new(Algorithm::ES256);
        validation.set_audience(&["preceptor"]);
        let token = jsonwebtoken::decode::<Value>(participant.token(), &key, &validation).unwrap();
        assert_eq!(token.claims["sub"], json!(participant.id.unwrap()));
        assert_eq!(token.claims["iss"], app.state.config.public_url.as_str());
    }
}
