//! Tokens of outside identity providers: which are taken, whom they make, and how often keys are fetched.

use aws_lc_rs::{
    hmac,
    rsa::KeySize,
    signature::{KeyPair, RSA_PKCS1_SHA256, RSA_PSS_SHA256, RsaEncoding, RsaKeyPair},
};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use diesel::{connection::SimpleConnection, prelude::*};
use futures_util::future::join_all;
use preceptor::{
    audit::{AuditKind, store::Outcome},
    auth::outside::Outside,
    db::schema::{audit_events, outside_identities, principals},
    http::Error,
    outbound::{Client as Caller, model::Policy},
    time::Timestamp,
};
use serde_json::json;

use crate::support::{
    Answer, Backend, TestApp,
    issuer::Issuer,
    jwt::{encode, new_key, public, sign, with, without},
};

mod ending;

const MINE: &str = "/v1/me/reviews";

fn app_trusting(backend: Backend, issuers: &[&Issuer]) -> TestApp {
    TestApp::start_with(backend, |config| {
        config.outbound = Policy::Insecure;
        config.oidc_issuers = issuers.iter().map(|issuer| issuer.config()).collect();
    })
}

async fn get(app: &TestApp, token: &str) -> Answer {
    app.client().with_token(token).get(MINE).await
}

fn refused(answer: &Answer, what: &str, token: &str) {
    assert_eq!(answer.status, 401, "{what}: {}", answer.text());
    answer.problem(401, "unauthorized");
    let challenge = answer.header("www-authenticate");
    assert!(challenge.starts_with("Bearer realm=") && challenge.contains("invalid_token"), "{what}: {challenge}");
    // Nothing of the token comes back.
    for part in token.split('.').filter(|part| part.len() > 8) {
        assert!(!answer.text().contains(part) && !challenge.contains(part), "{what}");
    }
}

/// Rows of `outside_identities`, of principals, and of their first sight in the security log.
fn counts(app: &TestApp) -> (i64, i64, i64) {
    let mut conn = app.connect();
    let first = audit_events::table.filter(audit_events::kind.eq(AuditKind::SignedIn));
    (
        outside_identities::table.count().get_result(&mut conn).unwrap(),
        principals::table.count().get_result(&mut conn).unwrap(),
        first.count().get_result(&mut conn).unwrap(),
    )
}

fn bad_tokens(issuer: &Issuer) -> Vec<(&'static str, String)> {
    let (header, claims) = (Issuer::header(), issuer.claims("mallory"));
    let now = claims["iat"].as_i64().unwrap();
    let mut bad = Vec::new();
    let mut add = |what: &'static str, token: String| bad.push((what, token));
    let key = &issuer.key;
    for (what, name, value) in [
        ("another audience", "aud", json!("other")),
        ("audiences without ours", "aud", json!(["other", "preceptor"])),
        ("an issuer with a slash more", "iss", json!(format!("{}/", issuer.url))),
        ("an unknown issuer", "iss", json!("https://id.evil.example")),
        ("a list of issuers", "iss", json!([issuer.url])),
        ("expired", "exp", json!(now - 6)),
        ("an expiry that is a text", "exp", json!("9999999999")),
        ("not valid yet", "nbf", json!(now + 60)),
        ("issued later", "iat", json!(now + 60)),
        ("no subject to speak of", "sub", json!("")),
        ("a long subject", "sub", json!("x".repeat(256))),
        ("a subject that is a number", "sub", json!(7)),
        ("an ID token by its nonce", "nonce", json!("n")),
        ("an ID token by its at_hash", "at_hash", json!("h")),
    ] {
        add(what, sign(key, &header, with(&claims, name, value)));
    }
    for name in ["iss", "sub", "aud", "exp", "iat"] {
        add("a claim is missing", sign(key, &header, without(&claims, name)));
    }
    let twice = claims.to_string().replacen('{', "{\"sub\":\"alice\",", 1);
    add("two subjects", sign(key, &header, twice));
    let plain = with(&header, "typ", json!("JWT"));
    add("an ID token of type JWT", sign(key, &plain, without(&claims, "scope")));
    for (what, name, value) in [
        ("no type", "typ", json!("")),
        ("an ID token's type", "typ", json!("id_token+jwt")),
        ("alg none", "alg", json!("none")),
        ("alg HS256", "alg", json!("HS256")),
        ("an algorithm of another family", "alg", json!("RS256")),
        ("an algorithm that is not allowed here", "alg", json!("EdDSA")),
        ("an unknown algorithm", "alg", json!("ES384")),
        ("another key's id", "kid", json!("two")),
        ("jku", "jku", json!("https://evil.example.org/jwks.json")),
        ("jwk", "jwk", public(key, "one")),
        ("x5u", "x5u", json!("https://evil.example.org/x.pem")),
        ("crit", "crit", json!(["exp"])),
    ] {
        add(what, sign(key, with(&header, name, value), &claims));
    }
    add("no kid", sign(key, without(&header, "kid"), &claims));
    add("another key under the same id", sign(&new_key(), &header, &claims));
    // Key confusion: the public key as the secret of a symmetric algorithm.
    let jwk = public(key, "one");
    let secret = BASE64_URL_SAFE_NO_PAD.decode(jwk["x"].as_str().unwrap()).unwrap();
    for secret in [secret, jwk.to_string().into_bytes()] {
        let message =
            format!("{}.{}", encode(with(&header, "alg", json!("HS256")).to_string()), encode(claims.to_string()));
        let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &secret), message.as_bytes());
        add("HS256 with the public key", format!("{message}.{}", encode(tag)));
    }
    let good = sign(key, &header, &claims);
    let (unsigned, _) = good.rsplit_once('.').unwrap();
    add("no signature", format!("{unsigned}."));
    add("a signature of zeros", format!("{unsigned}.{}", encode([0; 64])));
    add("something behind", format!("{good}.x"));
    add("over 8 KiB", sign(key, &header, with(&claims, "filler", json!("x".repeat(9000)))));
    bad
}

on_both! {
    async fn a_token_of_an_allowed_issuer_makes_one_participant_however_often_it_comes(backend: Backend) {
        let (first, second) = (Issuer::start(), Issuer::start());
        let app = app_trusting(backend, &[&first, &second]);
        let (_, before, _) = counts(&app);
        let alice = first.token("alice");
        // Many at once, at first sight: one fetch of the keys, one participant.
        let answers = join_all((0..20).map(|_| get(&app, &alice))).await;
        assert!(answers.iter().all(|answer| answer.status == 200), "{answers:?}");
        let others: Vec<_> = (0..10).map(|_| first.token("alice")).collect();
        for answer in join_all(others.iter().map(|token| get(&app, token))).await {
            answer.expect(200);
        }
        assert_eq!(counts(&app), (1, before + 1, 1));
        assert_eq!((first.discoveries(), first.sets()), (1, 1));
        // Another subject, and the same subject elsewhere, are other people, whatever their addresses.
        for token in [first.token("bob"), second.token("alice"), first.token("Alice"), first.token("alice ")] {
            get(&app, &token).await.expect(200);
        }
        assert_eq!(counts(&app), (5, before + 5, 5));
        let types = [json!("JWT"), json!("application/at+jwt")];
        for typ in types {
            let token = sign(&first.key, with(&Issuer::header(), "typ", typ), first.claims("alice"));
            get(&app, &token).await.expect(200);
        }
        assert_eq!(counts(&app).0, 5);
        let key = preceptor::audit::AuditKey::derive(app.state.auth.keys().secret());
        let chain = preceptor::audit::store::verify(&mut app.connect(), &key).unwrap();
        assert!(matches!(chain, Outcome::Sound { count: 5, .. }), "{chain:?}");
        // They are participants and nothing more.
        app.client().with_token(&alice).post("/v1/providers", &json!({})).await.problem(403, "forbidden");
    }

    async fn a_token_that_does_not_hold_makes_nobody(backend: Backend) {
        let issuer = Issuer::start();
        let other = Issuer::start();
        let app = app_trusting(backend, &[&issuer, &other]);
        let before = counts(&app);
        for (what, token) in bad_tokens(&issuer) {
            refused(&get(&app, &token).await, what, &token);
        }
        // A sound issuer's key does not speak for another one.
        let token = sign(&other.key, Issuer::header(), issuer.claims("mallory"));
        refused(&get(&app, &token).await, "another issuer's key", &token);
        assert_eq!(counts(&app), before);
        get(&app, &issuer.token("alice")).await.expect(200);
        // Without the setting, nobody is asked.
        let stranger = Issuer::start();
        let token = stranger.token("alice");
        refused(&get(&app, &token).await, "an issuer that is not allowed", &token);
        assert_eq!(stranger.discoveries(), 0);
    }

    async fn a_participant_without_rights_is_refused_from_the_next_request_on(backend: Backend) {
        let issuer = Issuer::start();
        let app = app_trusting(backend, &[&issuer]);
        let now = Timestamp::now().plus_seconds(60).as_micros();
        for (subject, set) in [("alice", "disabled_at = 1".to_owned()), ("bob", format!("tokens_valid_from = {now}"))] {
            let token = issuer.token(subject);
            get(&app, &token).await.expect(200);
            let sql = format!("UPDATE principals SET {set} WHERE tokens_valid_from = 0 AND disabled_at IS NULL");
            app.state.db.write(move |conn| Ok(conn.batch_execute(&sql)?)).await.unwrap();
            refused(&get(&app, &token).await, &set, &token);
            let another = issuer.token(subject);
            refused(&get(&app, &another).await, &set, &another);
        }
    }

    async fn a_thousand_unknown_keys_cause_no_fetch(backend: Backend) {
        let issuer = Issuer::start();
        let app = app_trusting(backend, &[&issuer]);
        let start = std::time::Instant::now();
        get(&app, &issuer.token("alice")).await.expect(200);
        let claims = issuer.claims("mallory");
        for chunk in 0..20 {
            let tokens: Vec<_> = (0..50)
                .map(|one| {
                    let kid = json!(format!("kid-{}", chunk * 50 + one));
                    sign(&issuer.key, with(&Issuer::header(), "kid", kid), &claims)
                })
                .collect();
            for (answer, token) in join_all(tokens.iter().map(|token| get(&app, token))).await.iter().zip(&tokens) {
                refused(answer, "an unknown key", token);
            }
        }
        // One a minute, and the first.
        let allowed = 1 + usize::try_from(start.elapsed().as_secs() / 60).unwrap();
        assert!(issuer.sets() <= allowed && issuer.discoveries() <= allowed, "{} fetches", issuer.sets());
        get(&app, &issuer.token("alice")).await.expect(200);
    }

    async fn an_issuer_that_is_down_ends_no_token_and_one_never_reached_is_503(backend: Backend) {
        let issuer = Issuer::start();
        let app = app_trusting(backend, &[&issuer]);
        let seen = issuer.token("alice");
        get(&app, &seen).await.expect(200);
        issuer.answer_instead(500, "secret");
        get(&app, &seen).await.expect(200);
        get(&app, &issuer.token("bob")).await.expect(200);

        let cold = app_trusting(backend, &[&issuer]);
        let asked = issuer.discoveries();
        for _ in 0..10 {
            let answer = get(&cold, &issuer.token("alice")).await;
            answer.problem(503, "unavailable");
            assert!(!answer.header("retry-after").is_empty() && !answer.text().contains("secret"));
        }
        assert_eq!(issuer.discoveries(), asked + 1, "it is asked once a minute");
        // Our own tokens do not depend on it.
        cold.participant().await.get(MINE).await.expect(200);
    }
}

/// One issuer, asked at moments of the test's choosing.
struct Direct {
    issuer: Issuer,
    outside: Outside,
    start: Timestamp,
}

impl Direct {
    fn new() -> Self {
        let issuer = Issuer::start();
        let client = Caller::new(Policy::Insecure).unwrap();
        let outside = Outside::new(&[issuer.config()], &client, b"a secret of a test");
        Self { issuer, outside, start: Timestamp::now() }
    }

    /// Whether the token holds so many seconds after the start.
    async fn holds(&self, token: &str, after: i64) -> Result<bool, Error> {
        match self.outside.prove(token, self.start.plus_seconds(after)).await {
            Ok(_) => Ok(true),
            Err(Error::Unauthorized(_)) => Ok(false),
            Err(other) => Err(other),
        }
    }
}

#[tokio::test]
async fn a_new_key_of_the_issuer_is_found_a_minute_later_at_the_latest() {
    let direct = Direct::new();
    assert!(direct.holds(&direct.issuer.token("alice"), 0).await.unwrap());
    let next = new_key();
    direct.issuer.set_keys(vec![public(&direct.issuer.key, "one"), public(&next, "two")]);
    let token = sign(&next, with(&Issuer::header(), "kid", json!("two")), direct.issuer.claims("alice"));
    assert!(!direct.holds(&token, 59).await.unwrap());
    assert!(direct.holds(&token, 60).await.unwrap());
    assert_eq!(direct.issuer.sets(), 2);
}

#[tokio::test]
async fn keys_are_kept_five_minutes_and_a_withdrawn_one_is_let_go_after_that() {
    let direct = Direct::new();
    let token = direct.issuer.token("alice");
    assert!(direct.holds(&token, 0).await.unwrap());
    assert!(direct.holds(&token, 300).await.unwrap());
    assert_eq!(direct.issuer.sets(), 1);
    // Withdrawn, and another one put under its id.
    direct.issuer.set_keys(vec![public(&new_key(), "one")]);
    assert!(direct.holds(&token, 301).await.unwrap(), "the request that starts the fetch does not wait for it");
    while direct.issuer.sets() < 2 || direct.holds(&token, 301).await.unwrap() {
        tokio::task::yield_now().await;
    }
    assert_eq!(direct.issuer.sets(), 2);
}

#[tokio::test]
async fn after_an_hour_without_requests_the_keys_are_fetched_first() {
    let direct = Direct::new();
    let token = direct.issuer.token("alice");
    assert!(direct.holds(&token, 0).await.unwrap());
    direct.issuer.set_keys(vec![public(&new_key(), "one")]);
    assert!(!direct.holds(&token, 3601).await.unwrap());
}

#[tokio::test]
async fn keys_of_an_issuer_that_is_down_serve_for_a_day() {
    let direct = Direct::new();
    let token = direct.issuer.token("alice");
    assert!(direct.holds(&token, 0).await.unwrap());
    direct.issuer.answer_instead(503, "");
    let day = 24 * 3600;
    for after in [3601, 3700, day / 2, day] {
        assert!(direct.holds(&token, after).await.unwrap(), "after {after} s");
    }
    assert!(matches!(direct.holds(&token, day + 1).await, Err(Error::Unavailable(_))));
    assert!(matches!(direct.holds(&token, day + 200).await, Err(Error::Unavailable(_))));
    *direct.issuer.answers.instead.lock().unwrap() = None;
    assert!(direct.holds(&token, day + 300).await.unwrap());
}

#[tokio::test]
async fn a_document_that_is_not_sound_gives_no_keys() {
    let big = json!({"issuer": "x", "jwks_uri": "y", "filler": "x".repeat(65 * 1024)}).to_string();
    let redirect = (302, String::new());
    for (status, body) in
        [redirect, (200, big), (200, "{}".to_owned()), (200, "not JSON".to_owned()), (404, String::new())]
    {
        let direct = Direct::new();
        direct.issuer.answer_instead(status, &body);
        let answer = direct.holds(&direct.issuer.token("alice"), 0).await;
        assert!(matches!(answer, Err(Error::Unavailable(_))), "{status}: {answer:?}");
        assert_eq!(direct.issuer.discoveries(), 1);
    }
    // The document of another issuer, as a shared host might serve it.
    let direct = Direct::new();
    direct.issuer.answers.name.lock().unwrap().push_str("/other");
    assert!(matches!(direct.holds(&direct.issuer.token("alice"), 0).await, Err(Error::Unavailable(_))));
    let direct = Direct::new();
    direct.issuer.set_keys(vec![public(&direct.issuer.key, "one"); 21]);
    assert!(matches!(direct.holds(&direct.issuer.token("alice"), 0).await, Err(Error::Unavailable(_))));
}

#[tokio::test]
async fn rsa_keys_verify_what_their_issuer_allows_and_nothing_else() {
    let key = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
    let half = |bytes: &[u8]| encode(bytes.iter().copied().skip_while(|byte| *byte == 0).collect::<Vec<_>>());
    let public_key = key.public_key();
    let jwk = json!({
        "kty": "RSA", "kid": "rsa", "n": half(public_key.modulus().big_endian_without_leading_zero()),
        "e": half(public_key.exponent().big_endian_without_leading_zero()),
    });
    let direct = Direct::new();
    direct.issuer.set_keys(vec![jwk]);
    let token = |alg: &str, padding: &'static dyn RsaEncoding| {
        let header = json!({"alg": alg, "kid": "rsa", "typ": "JWT"});
        let message = format!("{}.{}", encode(header.to_string()), encode(direct.issuer.claims("alice").to_string()));
        let mut signature = vec![0; key.public_modulus_len()];
        let random = aws_lc_rs::rand::SystemRandom::new();
        key.sign(padding, &random, message.as_bytes(), &mut signature).unwrap();
        format!("{message}.{}", encode(signature))
    };
    assert!(direct.holds(&token("RS256", &RSA_PKCS1_SHA256), 0).await.unwrap());
    assert!(!direct.holds(&token("RS256", &RSA_PSS_SHA256), 0).await.unwrap());
    // PS256 is not among the algorithms of this issuer, though the key could do it.
    assert!(!direct.holds(&token("PS256", &RSA_PSS_SHA256), 0).await.unwrap());
    assert!(!direct.holds(&token("ES256", &RSA_PKCS1_SHA256), 0).await.unwrap());
}
