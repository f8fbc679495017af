//! The OAuth 2 endpoints: tokens for secrets, their renewal, revocation and introspection.

use base64::{Engine, prelude::BASE64_STANDARD};
use diesel::connection::SimpleConnection;
use preceptor::{
    auth::{principals, secrets::SecretKind},
    db::{self, Conn},
    ids::SessionId,
    sessions::{self, Door},
    time::Timestamp,
};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{
    clients::{Made, made},
    support::{Answer, Backend, Client, TestApp, builders, send},
};

mod renewal;

const FORM: &str = "application/x-www-form-urlencoded";

/// Sends a form without any other proof.
pub async fn ask(app: &TestApp, path: &str, form: &str) -> Answer {
    ask_as(&app.client(), path, form).await
}

async fn ask_as(client: &Client, path: &str, form: &str) -> Answer {
    send(client.request("POST", path).header("content-type", FORM).body(form.to_owned())).await
}

/// Sends a form with HTTP Basic.
async fn ask_basic(app: &TestApp, path: &str, (id, secret): (&str, &str), form: &str) -> Answer {
    let proof = format!("Basic {}", BASE64_STANDARD.encode(format!("{id}:{secret}")));
    let request = app.client().request("POST", path).header("content-type", FORM).header("authorization", proof);
    send(request.body(form.to_owned())).await
}

/// Asks for a token by `client_secret_post`; `more` begins with `&`.
pub async fn token(app: &TestApp, id: &str, secret: &str, more: &str) -> Answer {
    let form = format!("grant_type=client_credentials&client_id={id}&client_secret={secret}{more}");
    ask(app, "/oauth/token", &form).await
}

/// A participant's session and its first refresh token.
pub async fn open_session(app: &TestApp) -> (Client, String) {
    let person = app.participant().await;
    let (id, principal) = (SessionId::from_uuid(Uuid::now_v7()), person.id.unwrap());
    let mut random = [0; 20];
    aws_lc_rs::rand::fill(&mut random).unwrap();
    let token = SecretKind::Refresh.format(&random);
    let shown = token.clone();
    let open = move |conn: &mut Conn| sessions::store::open(conn, id, principal, Door::Email, &token, Timestamp::now());
    app.state.db.write(open).await.unwrap();
    (person, shown)
}

async fn refresh(app: &TestApp, token: &str) -> Answer {
    ask(app, "/oauth/token", &format!("grant_type=refresh_token&refresh_token={token}")).await
}

fn text(answer: &Answer, member: &str) -> String {
    answer.json()[member].as_str().unwrap_or_else(|| panic!("{member}: {}", answer.text())).to_owned()
}

/// The holder of the access token that this answer gives.
fn holder(app: &TestApp, answer: &Answer) -> Client {
    app.client().with_token(&text(answer, "access_token"))
}

/// Fails the test unless this is a refusal in the form of RFC 6749 section 5.2.
#[track_caller]
fn refused(answer: &Answer, status: u16, error: &str) {
    assert_eq!((answer.status, text(answer, "error").as_str()), (status, error), "{}", answer.text());
    assert_eq!(answer.header("content-type"), "application/json");
    assert_eq!(answer.header("cache-control"), "no-store");
    assert!(!text(answer, "error_description").is_empty());
    let challenge = answer.header("www-authenticate");
    match error {
        "invalid_client" => assert!(challenge.starts_with("Basic realm="), "{challenge}"),
        "invalid_token" => assert!(challenge.starts_with("Bearer realm="), "{challenge}"),
        "insufficient_scope" => assert!(challenge.ends_with(r#"scope="admin""#), "{challenge}"),
        _ => assert_eq!(challenge, ""),
    }
}

on_both! {
    async fn a_secret_gives_a_token_by_header_and_by_form(backend: Backend) {
        let app = TestApp::start(backend);
        let Made { id, secret, .. } = made(&app).await;
        let grant = "grant_type=client_credentials";
        let escaped = secret.replace('_', "%5F");
        let answers = [
            token(&app, &id, &secret, "").await,
            ask_basic(&app, "/oauth/token", (&id, &secret), grant).await,
            ask_basic(&app, "/oauth/token", (&id.replace('-', "%2d"), &escaped), grant).await,
            ask_basic(&app, "/oauth/token", (&id, &secret), &format!("{grant}&client_id={id}")).await,
            ask_basic(&app, "/oauth/token", (&id, &secret), &format!("{grant}&scope=&unknown=1&client_secret=")).await,
        ];
        for (number, answer) in answers.into_iter().enumerate() {
            let answer = answer.expect(200);
            assert_eq!(answer.header("cache-control"), "no-store");
            assert_eq!(answer.header("content-type"), "application/json");
            let body = answer.json();
            assert_eq!((&body["token_type"], &body["expires_in"]), (&json!("Bearer"), &json!(900)));
            assert_eq!(body["scope"], "provider");
            assert!(body.get("refresh_token").is_none());
            let program = builders::program(&format!("number {number}"));
            holder(&app, &answer).post("/v1/programs", &program).await.expect(201);
        }
    }

    async fn a_token_has_at_most_the_scopes_of_its_client(backend: Backend) {
        let app = TestApp::start(backend);
        let Made { id, secret, .. } = made(&app).await;
        for (asked, given) in
            [("provider:read", "provider:read"), ("provider", "provider"), ("provider:read+provider", "provider")]
        {
            let answer = token(&app, &id, &secret, &format!("&scope={asked}")).await.expect(200);
            assert_eq!(text(&answer, "scope"), given);
        }
        for wrong in ["admin", "provider+admin", "openid", "university:read", "PROVIDER"] {
            refused(&token(&app, &id, &secret, &format!("&scope={wrong}")).await, 400, "invalid_scope");
        }
        let writer = holder(&app, &token(&app, &id, &secret, "").await);
        let draft = writer.post("/v1/programs", &builders::program("own")).await.expect(201);
        let reader = holder(&app, &token(&app, &id, &secret, "&scope=provider:read").await);
        reader.get(draft.header("location")).await.expect(200);
        let answer = reader.post("/v1/programs", &builders::program("refused")).await;
        answer.problem(403, "forbidden");
        let challenge = r#"Bearer realm="preceptor", error="insufficient_scope", scope="provider""#;
        assert_eq!(answer.header("www-authenticate"), challenge);
        let other = writer.get("/v1/reviews").await;
        other.problem(403, "forbidden");
        assert!(other.header("www-authenticate").ends_with(r#"scope="moderator""#));
    }

    async fn what_is_refused_is_refused_as_the_standard_says(backend: Backend) {
        let app = TestApp::start(backend);
        let Made { id, secret, .. } = made(&app).await;
        let grant = "grant_type=client_credentials";
        let whole = format!("{grant}&client_id={id}&client_secret={secret}");
        let table = [
            (String::new(), 400, "invalid_request"),
            ("grant_type=".to_owned(), 400, "invalid_request"),
            (format!("grant_type=password&client_id={id}&username=a&password=b"), 400, "unsupported_grant_type"),
            ("grant_type=authorization_code&code=1".to_owned(), 400, "unsupported_grant_type"),
            ("grant_type=refresh_token".to_owned(), 400, "invalid_request"),
            ("grant_type=refresh_token&refresh_token=nonsense".to_owned(), 400, "invalid_grant"),
            (grant.to_owned(), 401, "invalid_client"),
            (format!("{grant}&client_id={id}"), 401, "invalid_client"),
            (format!("{grant}&client_secret={secret}"), 400, "invalid_request"),
            (format!("{grant}&client_id={id}&client_secret=wrong"), 401, "invalid_client"),
            (format!("{grant}&client_id=nobody&client_secret={secret}"), 401, "invalid_client"),
            (format!("{whole}&client_secret={secret}"), 400, "invalid_request"),
            (format!("{whole}&scope=provider&scope=provider"), 400, "invalid_request"),
            (format!("{whole}&unknown=1&unknown=2"), 400, "invalid_request"),
            (format!("{whole}&scope=%zz"), 400, "invalid_request"),
            (format!("{whole}&scope=a%0Ab"), 400, "invalid_request"),
            (format!("{whole}&scope={}", "x".repeat(501)), 400, "invalid_request"),
        ];
        for (form, status, error) in table {
            let answer = ask(&app, "/oauth/token", &form).await;
            refused(&answer, status, error);
            assert!(!answer.text().contains(&secret), "{}", answer.text());
        }
        let (id, secret) = (id.as_str(), secret.as_str());
        let both = ask_basic(&app, "/oauth/token", (id, secret), &whole).await;
        refused(&both, 400, "invalid_request");
        let another = ask_basic(&app, "/oauth/token", (id, secret), &format!("{grant}&client_id=another")).await;
        refused(&another, 400, "invalid_request");
        refused(&ask_basic(&app, "/oauth/token", (id, "wrong"), grant).await, 401, "invalid_client");
        refused(&ask_as(&app.admin().await, "/oauth/token", grant).await, 401, "invalid_client");
        refused(&ask(&app, &format!("/oauth/token?{grant}"), &whole).await, 400, "invalid_request");
        let json = app.client().post("/oauth/token", &json!({"grant_type": "client_credentials"})).await;
        json.problem(415, "unsupported_media_type");
        assert_eq!(json.header("accept"), FORM);
        let large = format!("{whole}&x={}", "x".repeat(70_000));
        ask(&app, "/oauth/token", &large).await.problem(413, "content_too_large");
        app.client().get("/oauth/token").await.problem(405, "method_not_allowed");
    }

    async fn an_unknown_client_and_a_wrong_secret_are_not_told_apart(backend: Backend) {
        let app = TestApp::start(backend);
        let Made { admin, path, id, secret, .. } = made(&app).await;
        let right = secret.clone();
        let unknown = "0195f8a0-1c2d-7abc-8def-0123456789ab";
        let wrong = SecretKind::Client.format(&[7; 20]);
        let first = token(&app, unknown, &wrong, "").await.expect(401);
        let mut others = vec![token(&app, &id, &wrong, "").await, token(&app, unknown, &right, "").await];
        admin.act(&format!("{path}/revocation")).await.expect(200);
        others.push(token(&app, &id, &right, "").await);
        let names = |answer: &Answer| answer.headers.keys().map(ToString::to_string).collect::<Vec<_>>();
        for other in others {
            assert_eq!((other.status, &other.body), (first.status, &first.body));
            assert_eq!(names(&other), names(&first));
        }
    }

    async fn a_revoked_token_is_refused_with_the_next_request(backend: Backend) {
        let app = TestApp::start(backend);
        let Made { provider_id, id, secret, .. } = made(&app).await;
        let own = format!("/v1/providers/{provider_id}");
        let granted = token(&app, &id, &secret, "").await;
        let (first, second) = (holder(&app, &granted), holder(&app, &token(&app, &id, &secret, "").await));
        for _ in 0..2 {
            let answer = ask(&app, "/oauth/revoke", &format!("token={}", first.token())).await.expect(200);
            assert!(answer.body.is_empty());
        }
        first.get(&own).await.problem(401, "unauthorized");
        second.get(&own).await.expect(200);
        // The same by header, with a hint that is wrong.
        let form = format!("token={}&token_type_hint=refresh_token", second.token());
        ask_basic(&app, "/oauth/revoke", (&id, &secret), &form).await.expect(200);
        second.get(&own).await.problem(401, "unauthorized");

        let (_, opened) = open_session(&app).await;
        let answer = refresh(&app, &opened).await.expect(200);
        let person = holder(&app, &answer);
        person.get("/v1/me/reviews").await.expect(200);
        ask(&app, "/oauth/revoke", &format!("token={}", text(&answer, "refresh_token"))).await.expect(200);
        person.get("/v1/me/reviews").await.problem(401, "unauthorized");
        refused(&refresh(&app, &text(&answer, "refresh_token")).await, 400, "invalid_grant");

        for unknown in ["nonsense".to_owned(), SecretKind::Refresh.format(&[3; 20])] {
            ask(&app, "/oauth/revoke", &format!("token={unknown}")).await.expect(200);
        }
        refused(&ask(&app, "/oauth/revoke", "").await, 400, "invalid_request");
        refused(&ask_basic(&app, "/oauth/revoke", (&id, "wrong"), "token=x").await, 401, "invalid_client");
        let mut conn = app.connect();
        assert_eq!(count(&mut conn, "SELECT count(*) AS count FROM audit_events WHERE kind = 'token.revoked'"), 3);
    }

    async fn introspection_tells_what_holds_and_nothing_of_the_rest(backend: Backend) {
        let app = TestApp::start(backend);
        let Made { admin, path, id, secret, .. } = made(&app).await;
        let proof = (id.as_str(), secret.as_str());
        let inspect = async |token: &str| {
            ask_basic(&app, "/oauth/introspect", proof, &format!("token={token}")).await.expect(200)
        };
        let access = text(&token(&app, &id, &secret, "&scope=provider:read").await, "access_token");
        let answer = inspect(&access).await;
        assert_eq!(answer.header("cache-control"), "no-store");
        let body = answer.json();
        assert_eq!((&body["active"], &body["scope"], &body["client_id"]), (&json!(true), &json!("provider:read"), &json!(id)));
        assert_eq!(body["exp"].as_i64().unwrap() - body["iat"].as_i64().unwrap(), 900);
        assert_eq!((&body["token_type"], &body["aud"]), (&json!("Bearer"), &json!("preceptor")));
        let (_, opened) = open_session(&app).await;
        assert_eq!(inspect(&opened).await.json()["active"], true);
        let next = text(&refresh(&app, &opened).await, "refresh_token");
        assert_eq!(inspect(&next).await.json()["active"], true);

        let dead = json!({"active": false});
        for token in [opened.as_str(), "nonsense", &access[..access.len() - 4], &SecretKind::Refresh.format(&[5; 20])] {
            assert_eq!(inspect(token).await.json(), dead);
        }
        ask(&app, "/oauth/revoke", &format!("token={access}")).await.expect(200);
        ask(&app, "/oauth/revoke", &format!("token={next}")).await.expect(200);
        for token in [&access, &next] {
            assert_eq!(inspect(token).await.json(), dead);
        }
        // Of a revoked client, no token holds; and it cannot ask any more.
        let another = text(&token(&app, &id, &secret, "").await, "access_token");
        let form = format!("token={another}");
        assert_eq!(ask_as(&admin, "/oauth/introspect", &form).await.expect(200).json()["active"], true);
        admin.act(&format!("{path}/revocation")).await.expect(200);
        assert_eq!(ask_as(&admin, "/oauth/introspect", &form).await.expect(200).json(), dead);
        refused(&ask_basic(&app, "/oauth/introspect", proof, &form).await, 401, "invalid_client");
        refused(&ask(&app, "/oauth/introspect", &form).await, 401, "invalid_client");
        refused(&ask_as(&app.moderator().await, "/oauth/introspect", &form).await, 403, "insufficient_scope");
        refused(&ask_as(&admin.with_token("a.b.c"), "/oauth/introspect", &form).await, 401, "invalid_token");
    }

    async fn the_metadata_lead_to_what_there_is(backend: Backend) {
        let app = TestApp::start(backend);
        let Made { id, secret, .. } = made(&app).await;
        let base = app.state.config.public_url.clone();
        let server = app.client().get("/.well-known/oauth-authorization-server").await.expect(200).json();
        assert_eq!(server["issuer"], base);
        assert!(server.get("response_types_supported").is_none());
        let path = |member: &str| server[member].as_str().unwrap().strip_prefix(&base).unwrap().to_owned();
        app.client().get(&path("jwks_uri")).await.expect(200);
        app.client().get(&path("service_documentation")).await.expect(200);
        let form = format!("grant_type=client_credentials&client_id={id}&client_secret={secret}");
        let granted = ask(&app, &path("token_endpoint"), &form).await.expect(200);
        let form = format!("token={}&client_id={id}&client_secret={secret}", text(&granted, "access_token"));
        let inspected = ask(&app, &path("introspection_endpoint"), &form).await.expect(200).json();
        assert_eq!((&inspected["active"], &inspected["iss"]), (&json!(true), &server["issuer"]));
        ask(&app, &path("revocation_endpoint"), &form).await.expect(200);
        for grant in server["grant_types_supported"].as_array().unwrap() {
            let answer = ask(&app, "/oauth/token", &format!("grant_type={}", grant.as_str().unwrap())).await;
            assert_ne!(answer.json()["error"], "unsupported_grant_type");
        }
        let has = |member: &str, value: &str| server[member].as_array().unwrap().contains(&json!(value));
        for endpoint in ["token", "revocation", "introspection"] {
            let member = format!("{endpoint}_endpoint_auth_methods_supported");
            assert!(has(&member, "client_secret_basic") && has(&member, "client_secret_post"), "{member}");
        }
        let resource = app.client().get("/.well-known/oauth-protected-resource").await.expect(200).json();
        assert_eq!(resource["resource"], base);
        assert_eq!(resource["authorization_servers"], json!([server["issuer"]]));
        assert_eq!(resource["scopes_supported"], server["scopes_supported"]);
    }

    async fn revocations_are_forgotten_some_at_a_time_once_their_tokens_are_dead(backend: Backend) {
        let app = TestApp::start(backend);
        for _ in 0..3 {
            let person = app.participant().await;
            ask(&app, "/oauth/revoke", &format!("token={}", person.token())).await.expect(200);
        }
        let mut conn = app.connect();
        let now = Timestamp::now();
        let mut purge = |most| db::transaction(&mut conn, &|conn| Ok(principals::purge_revoked(conn, now, most)?)).unwrap();
        assert_eq!(purge(10), 0);
        app.connect().batch_execute("UPDATE revoked_tokens SET expires_at = 1").unwrap();
        assert_eq!([purge(2), purge(2), purge(2)], [2, 1, 0]);
    }
}

fn count(conn: &mut Conn, query: &str) -> i64 {
    use diesel::{QueryableByName, RunQueryDsl, sql_query, sql_types::BigInt};

    #[derive(QueryableByName)]
    struct Count {
        #[diesel(sql_type = BigInt)]
        count: i64,
    }

    let rows: Vec<Count> = preceptor::on_each_backend!(conn, |c| sql_query(query).load(c)).unwrap();
    rows[0].count
}

#[test]
fn refusals_are_documented_in_their_own_form() {
    let paths = &preceptor::openapi::document()["paths"];
    for path in ["/oauth/token", "/oauth/revoke", "/oauth/introspect"] {
        let operation = &paths[path]["post"];
        let taken: Vec<_> = operation["requestBody"]["content"].as_object().unwrap().keys().collect();
        assert_eq!(taken, [FORM]);
        for (status, name) in [("400", "oauth_bad_request"), ("401", "oauth_unauthorized")] {
            assert_eq!(operation["responses"][status]["$ref"], format!("#/components/responses/{name}"));
            let shared = &preceptor::openapi::document()["components"]["responses"][name];
            let schema = &shared["content"]["application/json"]["schema"]["$ref"];
            assert_eq!(*schema, Value::from("#/components/schemas/OAuthError"));
        }
        assert!(operation["responses"].get("422").is_none());
    }
}
