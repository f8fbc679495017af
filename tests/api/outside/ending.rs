//! The end of outside tokens: by erasure, by revocation, whoever has seen them before; and what is said of them.

use diesel::prelude::*;
use preceptor::{
    audit::{
        AuditKey,
        store::{Outcome, verify},
    },
    db::schema::revoked_tokens,
    outbound::model::Policy,
};
use serde_json::json;

use super::{MINE, app_trusting, counts, get, refused};
use crate::{
    clients::{Made, made},
    oauth::ask,
    support::{Backend, Setup, TestApp, issuer::Issuer, jwt::encode},
};

/// The order of the group that ES256 signs in.
const ORDER: [u8; 32] = [
    0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xbc, 0xe6, 0xfa, 0xad, 0xa7,
    0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51,
];

/// The same token with the other signature that verifies: (r, n − s).
fn malleated(token: &str) -> String {
    use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
    let (signed, signature) = token.rsplit_once('.').unwrap();
    let mut bytes = BASE64_URL_SAFE_NO_PAD.decode(signature).unwrap();
    let mut borrow = 0;
    for place in (0..32).rev() {
        let digit = i32::from(ORDER[place]) - i32::from(bytes[32 + place]) - borrow;
        borrow = i32::from(digit < 0);
        bytes[32 + place] = u8::try_from(digit.rem_euclid(256)).unwrap();
    }
    assert_eq!(borrow, 0);
    format!("{signed}.{}", encode(bytes))
}

/// A server on the same database that has seen no token yet.
fn again(setup: Setup, issuer: &Issuer) -> TestApp {
    TestApp::on(setup, |config| {
        config.outbound = Policy::Insecure;
        config.oidc_issuers = vec![issuer.config()];
    })
}

async fn revoke(app: &TestApp, token: &str) {
    ask(app, "/oauth/revoke", &format!("token={token}")).await.expect(200);
}

fn revocations(app: &TestApp) -> i64 {
    revoked_tokens::table.count().get_result(&mut app.connect()).unwrap()
}

on_both! {
    async fn the_token_of_an_erased_participant_makes_nobody_after_a_restart(backend: Backend) {
        let issuer = Issuer::start();
        let app = app_trusting(backend, &[&issuer]);
        let token = issuer.token("alice");
        get(&app, &token).await.expect(200);
        let (_, people, _) = counts(&app);
        app.client().with_token(&token).delete("/v1/me?reviews=keep").await.expect(204);
        refused(&get(&app, &token).await, "erased", &token);
        let app = again(app.stop(), &issuer);
        for token in [&token, &malleated(&token)] {
            refused(&get(&app, token).await, "erased, after a restart", token);
        }
        assert_eq!((counts(&app).0, counts(&app).1), (0, people));
        // Who signs in anew at the issuer is somebody new.
        get(&app, &sign_in_anew(&issuer)).await.expect(200);
        assert_eq!((counts(&app).0, counts(&app).1), (1, people + 1));
        let key = AuditKey::derive(app.state.auth.keys().secret());
        assert!(matches!(verify(&mut app.connect(), &key).unwrap(), Outcome::Sound { .. }));
    }

    async fn a_revocation_holds_for_tokens_that_this_server_has_not_seen(backend: Backend) {
        let issuer = Issuer::start();
        let app = app_trusting(backend, &[&issuer]);
        let (known, unknown) = (issuer.token("alice"), issuer.token("bob"));
        get(&app, &known).await.expect(200);
        let app = again(app.stop(), &issuer);
        let before = counts(&app);
        for token in [&known, &unknown] {
            revoke(&app, token).await;
            refused(&get(&app, token).await, "revoked", token);
        }
        assert_eq!(counts(&app), before, "a revocation makes nobody");
        assert_eq!(revocations(&app), 2);
        for unsound in ["a.b.c".to_owned(), format!("{known}x"), Issuer::start().token("alice")] {
            revoke(&app, &unsound).await;
        }
        assert_eq!(revocations(&app), 2, "what is not sound leaves no row");
    }

    async fn no_other_signature_of_a_revoked_token_holds(backend: Backend) {
        let issuer = Issuer::start();
        let app = app_trusting(backend, &[&issuer]);
        let token = issuer.token("alice");
        let other = malleated(&token);
        assert_ne!(token, other);
        for token in [&token, &other] {
            get(&app, token).await.expect(200);
        }
        revoke(&app, &token).await;
        for token in [&token, &other] {
            refused(&get(&app, token).await, "revoked", token);
        }
        revoke(&app, &other).await;
        assert_eq!(revocations(&app), 1);
    }

    async fn a_revocation_that_cannot_be_checked_is_not_called_done(backend: Backend) {
        let issuer = Issuer::start();
        let app = app_trusting(backend, &[&issuer]);
        issuer.answer_instead(500, "");
        let answer = ask(&app, "/oauth/revoke", &format!("token={}", issuer.token("alice"))).await;
        answer.problem(503, "unavailable");
        assert!(!answer.header("retry-after").is_empty());
        assert_eq!(revocations(&app), 0);
    }

    async fn of_outside_tokens_introspection_says_nothing_seen_or_not(backend: Backend) {
        let issuer = Issuer::start();
        let app = app_trusting(backend, &[&issuer]);
        let Made { id, secret, .. } = made(&app).await;
        let token = issuer.token("alice");
        let form = format!("token={token}&client_id={id}&client_secret={secret}");
        let dead = json!({"active": false});
        assert_eq!(ask(&app, "/oauth/introspect", &form).await.expect(200).json(), dead);
        app.client().with_token(&token).get(MINE).await.expect(200);
        assert_eq!(ask(&app, "/oauth/introspect", &form).await.expect(200).json(), dead);
    }
}

/// Another token of the same person.
fn sign_in_anew(issuer: &Issuer) -> String {
    use crate::support::jwt::{sign, with};
    sign(&issuer.key, Issuer::header(), with(&issuer.claims("alice"), "jti", json!("another")))
}
