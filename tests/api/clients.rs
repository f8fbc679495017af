//! Clients: their registration, their secrets, and the end of their rights.

use diesel::connection::SimpleConnection;
use futures_util::future::join_all;
use preceptor::{
    audit::{AuditKey, store::Outcome, store::verify},
    auth::principals,
    db::Conn,
    ids::UniversityId,
    time::Timestamp,
    universities,
};
use serde_json::{Value, json};

use crate::{
    oauth::{ask, open_session, token},
    program_lists::walk,
    support::{Backend, Client, Setup, TestApp, builders, eventually},
};

/// A client of a new provider, its answer as it was made, and an admin.
pub struct Made {
    pub admin: Client,
    pub provider_id: String,
    pub path: String,
    pub id: String,
    pub secret: String,
    pub etag: String,
}

pub fn registration(provider: &str) -> Value {
    json!({"name": "Booking system", "role": "provider", "provider": provider, "scopes": ["provider"]})
}

pub async fn made(app: &TestApp) -> Made {
    let admin = app.admin().await;
    let provider = builders::provider("with a client");
    let provider = admin.post("/v1/providers", &provider).await.expect(201).json();
    let provider_id = provider["id"].as_str().unwrap().to_owned();
    let answer = admin.post("/v1/clients", &registration(&provider_id)).await.expect(201);
    let body = answer.json();
    Made {
        admin,
        provider_id,
        path: answer.header("location").to_owned(),
        id: body["id"].as_str().unwrap().to_owned(),
        secret: body["secret"].as_str().unwrap().to_owned(),
        etag: answer.etag().to_owned(),
    }
}

fn secrets(body: &Value) -> &Vec<Value> {
    body["secrets"].as_array().unwrap()
}

fn university(app: &TestApp) -> UniversityId {
    let mut conn = app.connect();
    universities::import::run(&mut conn, universities::import::SAMPLE, Timestamp::now()).unwrap();
    universities::store::first_registered(&mut conn).unwrap().unwrap()
}

on_both! {
    async fn a_client_is_shown_without_its_secret_but_once(backend: Backend) {
        let app = TestApp::start(backend);
        let Made { admin, provider_id, path, id, secret, etag } = made(&app).await;
        assert_eq!(path, format!("/v1/clients/{id}"));
        let read = admin.get(&path).await.expect(200);
        assert_eq!(read.etag(), etag);
        let body = read.json();
        assert!(!read.text().contains(&secret));
        assert_eq!((&body["provider_id"], &body["scopes"]), (&json!(provider_id), &json!(["provider"])));
        let [only] = secrets(&body).as_slice() else { panic!("{body}") };
        assert!(secret.ends_with(only["hint"].as_str().unwrap()));
        assert_eq!((&only["last_used_at"], &only["revoked_at"]), (&Value::Null, &Value::Null));
        // Addresses of nothing.
        let nobody = "0195f8a0-1c2d-7abc-8def-0123456789ab";
        admin.get(&format!("/v1/clients/{nobody}")).await.problem(404, "not_found");
        admin.act(&format!("{path}/secrets/{nobody}/revocation")).await.problem(404, "not_found");
        admin.act(&format!("/v1/clients/{nobody}/revocation")).await.problem(404, "not_found");
        admin.post(&format!("/v1/clients/{nobody}/secrets"), &json!({})).await.problem(404, "not_found");
    }

    async fn a_registration_names_a_party_that_exists_and_scopes_of_its_role(backend: Backend) {
        let app = TestApp::start(backend);
        let Made { admin, provider_id, .. } = made(&app).await;
        let university = university(&app).to_string();
        let good = registration(&provider_id);
        let with = |changes: Value| {
            let mut body = good.clone();
            preceptor::http::strict_json::merge_patch(&mut body, &changes);
            body
        };
        for (changes, pointer, code) in [
            (json!({"provider": "no-such-provider"}), "#/provider", "unknown_reference"),
            (json!({"provider": null}), "#/provider", "required"),
            (json!({"university": university}), "#/university", "not_applicable"),
            (json!({"scopes": ["university"]}), "#/scopes/0", "not_allowed"),
            (json!({"scopes": ["provider", "admin"]}), "#/scopes/1", "not_allowed"),
            (json!({"scopes": ["provider", "provider"]}), "#/scopes/1", "duplicate_item"),
            (json!({"scopes": []}), "#/scopes", "too_few"),
            (json!({"role": "admin"}), "#/role", "not_allowed"),
            (json!({"name": "x"}), "#/name", "too_short"),
        ] {
            let answer = admin.post("/v1/clients", &with(changes.clone())).await;
            answer.problem(422, "invalid");
            assert!(answer.faults().contains(&(pointer.to_owned(), code.to_owned())), "{changes}: {}", answer.text());
        }
        let others = [
            json!({"role": "university", "provider": null, "university": university, "scopes": ["university:read"]}),
            json!({"role": "frontend", "provider": null, "scopes": ["frontend"]}),
        ];
        for changes in others {
            admin.post("/v1/clients", &with(changes)).await.expect(201);
        }
        assert_eq!(walk(&admin, "/v1/clients?limit=1", "role").await, ["provider", "university", "frontend"]);
    }

    async fn a_change_needs_the_present_tag_and_scopes_of_the_role(backend: Backend) {
        let app = TestApp::start(backend);
        let Made { admin, path, etag, .. } = made(&app).await;
        let renamed = admin.patch(&path, &etag, &json!({"name": "Another name"})).await.expect(200);
        assert_eq!(renamed.json()["name"], "Another name");
        admin.patch(&path, &etag, &json!({"name": "Too late"})).await.problem(412, "precondition_failed");
        let wrong = admin.patch(&path, "*", &json!({"scopes": ["frontend"]})).await;
        wrong.problem(422, "invalid");
        assert_eq!(wrong.faults(), [("#/scopes".to_owned(), "not_allowed".to_owned())]);
        admin.patch(&path, "*", &json!({"role": "frontend"})).await.problem(422, "invalid");
        admin.act(&format!("{path}/revocation")).await.expect(200);
        admin.patch(&path, "*", &json!({"name": "Gone"})).await.problem(409, "conflict");
    }

    async fn a_token_asked_for_after_a_scope_was_taken_away_holds_at_once(backend: Backend) {
        let app = TestApp::start(backend);
        let Made { admin, path, id, secret, .. } = made(&app).await;
        admin.patch(&path, "*", &json!({"scopes": ["provider", "provider:read"]})).await.expect(200);
        let before = token(&app, &id, &secret, "").await.expect(200).json();
        admin.patch(&path, "*", &json!({"scopes": ["provider:read"]})).await.expect(200);
        let after = token(&app, &id, &secret, "").await.expect(200).json();
        assert_eq!(after["scope"], "provider:read");
        let as_holder = |tokens: &Value| app.client().with_token(tokens["access_token"].as_str().unwrap());
        as_holder(&before).get("/v1/me").await.problem(401, "unauthorized");
        as_holder(&after).get("/v1/me").await.expect(200);
    }

    async fn a_secret_is_exchanged_without_an_interruption(backend: Backend) {
        let app = TestApp::start(backend);
        let Made { admin, path, id, secret: first, .. } = made(&app).await;
        let more = format!("{path}/secrets");
        let answer = admin.post(&more, &json!({"expires_in_days": 30})).await.expect(201);
        let second = answer.json()["secret"].as_str().unwrap().to_owned();
        assert_eq!(answer.etag(), admin.get(&path).await.etag());
        for secret in [&first, &second] {
            token(&app, &id, secret, "").await.expect(200);
        }
        admin.post(&more, &json!({})).await.problem(409, "conflict");
        let body = admin.get(&path).await.json();
        let old = secrets(&body)[0]["id"].as_str().unwrap();
        let revoked = admin.act(&format!("{more}/{old}/revocation")).await.expect(200).json();
        assert!(secrets(&revoked)[0]["revoked_at"].is_string() && secrets(&revoked)[1]["revoked_at"].is_null());
        admin.act(&format!("{more}/{old}/revocation")).await.expect(200);
        token(&app, &id, &first, "").await.expect(401);
        token(&app, &id, &second, "").await.expect(200);
        admin.post(&more, &json!({})).await.expect(201);
        for days in [0, 731] {
            admin.post(&more, &json!({"expires_in_days": days})).await.problem(422, "invalid");
        }
    }

    async fn of_many_secrets_asked_for_at_once_two_hold(backend: Backend) {
        let app = TestApp::start(backend);
        let Made { admin, path, .. } = made(&app).await;
        let (more, none) = (format!("{path}/secrets"), json!({}));
        let answers = join_all((0..8).map(|_| admin.post(&more, &none))).await;
        let mut statuses: Vec<_> = answers.iter().map(|answer| answer.status).collect();
        statuses.sort_unstable();
        assert_eq!(statuses, [201, 409, 409, 409, 409, 409, 409, 409]);
        assert_eq!(secrets(&admin.get(&path).await.json()).len(), 2);
    }

    async fn an_expired_secret_does_not_hold_and_makes_room(backend: Backend) {
        let app = TestApp::start(backend);
        let Made { admin, path, id, secret, .. } = made(&app).await;
        admin.post(&format!("{path}/secrets"), &json!({})).await.expect(201);
        app.connect().batch_execute("UPDATE client_secrets SET expires_at = created_at + 1").unwrap();
        let refused = token(&app, &id, &secret, "").await.expect(401);
        assert_eq!(refused.json()["error"], "invalid_client");
        let new = admin.post(&format!("{path}/secrets"), &json!({})).await.expect(201).json();
        token(&app, &id, new["secret"].as_str().unwrap(), "").await.expect(200);
    }

    async fn a_revoked_client_is_refused_with_the_next_request(backend: Backend) {
        let app = TestApp::start(backend);
        let Made { admin, provider_id, path, id, secret, .. } = made(&app).await;
        let own = format!("/v1/providers/{provider_id}");
        let holder = holder(&app, &id, &secret).await;
        holder.post("/v1/programs", &builders::program("before")).await.expect(201);
        let revoked = admin.act(&format!("{path}/revocation")).await.expect(200);
        assert!(revoked.json()["revoked_at"].is_string());
        holder.get(&own).await.problem(401, "unauthorized");
        assert_eq!(token(&app, &id, &secret, "").await.expect(401).json()["error"], "invalid_client");
        // Once is enough, and nothing brings it back.
        let again = admin.act(&format!("{path}/revocation")).await.expect(200);
        assert_eq!(again.json()["revoked_at"], revoked.json()["revoked_at"]);
        admin.post(&format!("{path}/secrets"), &json!({})).await.problem(409, "conflict");
    }

    async fn a_client_that_loses_a_scope_loses_its_tokens(backend: Backend) {
        let app = TestApp::start(backend);
        let Made { admin, provider_id, path, id, secret, .. } = made(&app).await;
        let own = format!("/v1/providers/{provider_id}");
        let holder = holder(&app, &id, &secret).await;
        holder.get(&own).await.expect(200);
        admin.patch(&path, "*", &json!({"scopes": ["provider:read"]})).await.expect(200);
        holder.get(&own).await.problem(401, "unauthorized");
        token(&app, &id, &secret, "&scope=provider").await.expect(400);
        let narrow = eventually("a token of the next second", async || {
            let answer = token(&app, &id, &secret, "").await.expect(200).json();
            assert_eq!(answer["scope"], "provider:read");
            let narrow = app.client().with_token(answer["access_token"].as_str().unwrap());
            (narrow.get(&own).await.status == 200).then_some(narrow)
        });
        let refused = narrow.await.post("/v1/programs", &builders::program("refused")).await;
        refused.problem(403, "forbidden");
        assert!(refused.header("www-authenticate").ends_with(r#"error="insufficient_scope", scope="provider""#));
    }

    async fn the_use_of_a_secret_is_written_down_once_an_hour(backend: Backend) {
        let app = TestApp::start(backend);
        let Made { admin, path, id, secret, .. } = made(&app).await;
        let last = async || {
            let body = admin.get(&path).await.json();
            secrets(&body)[0]["last_used_at"].as_str().map(str::to_owned)
        };
        token(&app, &id, &secret, "").await.expect(200);
        let first = last().await;
        assert!(first.is_some());
        token(&app, &id, &secret, "").await.expect(200);
        assert_eq!(last().await, first);
        let hour = "UPDATE client_secrets SET last_used_at = last_used_at - 3600000000";
        app.connect().batch_execute(hour).unwrap();
        let before = last().await;
        token(&app, &id, &secret, "").await.expect(200);
        assert!(last().await > before);
    }

    async fn no_secret_is_in_the_database_and_the_log_is_sound(backend: Backend) {
        let app = TestApp::start(backend);
        let Made { admin, path, id, secret, .. } = made(&app).await;
        let second = admin.post(&format!("{path}/secrets"), &json!({})).await.expect(201).json();
        let second = second["secret"].as_str().unwrap().to_owned();
        let access = token(&app, &id, &secret, "").await.expect(200).json()["access_token"].as_str().unwrap().to_owned();
        let (_, refresh) = open_session(&app).await;
        let form = format!("grant_type=refresh_token&refresh_token={refresh}");
        let next = ask(&app, "/oauth/token", &form).await.expect(200).json();
        let next = next["refresh_token"].as_str().unwrap().to_owned();
        token(&app, &id, "pct_cs_00000000000000000000000000000000000000", "").await.expect(401);
        admin.act(&format!("{path}/revocation")).await.expect(200);
        let dump = dump(&app, backend);
        assert!(dump.contains("Booking system"), "the dump has what is stored");
        let jti = access.rsplit('.').next().unwrap();
        for found in [secret.as_str(), &second, &refresh, &next, jti] {
            let hex = found.bytes().fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"));
            assert!(!dump.contains(&found[7..]) && !dump.contains(&hex[14..]), "a secret is stored");
        }
        let kinds = ["client.created", "secret.created", "sign_in.succeeded", "sign_in.failed", "client.revoked"];
        for kind in kinds {
            assert!(dump.contains(kind), "{kind} is written down");
        }
        let key = AuditKey::derive(app.state.auth.keys().secret());
        assert!(matches!(verify(&mut app.connect(), &key).unwrap(), Outcome::Sound { count, .. } if count >= 5));
    }

    async fn a_client_shares_its_principal_with_nobody(backend: Backend) {
        let app = TestApp::start(backend);
        let Made { admin, provider_id, path, id, secret, .. } = made(&app).await;
        let provider = provider_id.parse().unwrap();
        let mut conn = app.connect();
        // Tokens of the command line are for this one, and outlive the client.
        assert!(principals::of_provider(&mut conn, provider).unwrap().is_none());
        let person = app.provider(&provider_id).await;
        let found = principals::of_provider(&mut conn, provider).unwrap().unwrap();
        assert_eq!(Some(found.id), person.id);
        let second = admin.post("/v1/clients", &registration(&provider_id)).await.expect(201).json();
        admin.act(&format!("{path}/revocation")).await.expect(200);
        token(&app, &id, &secret, "").await.expect(401);
        let (id, secret) = (second["id"].as_str().unwrap(), second["secret"].as_str().unwrap());
        holder(&app, id, secret).await.get(&format!("/v1/providers/{provider_id}")).await.expect(200);
        person.get(&format!("/v1/providers/{provider_id}")).await.expect(200);
    }

    async fn the_command_line_registers_and_revokes(backend: Backend) {
        let setup = Setup::migrated(backend);
        let line = |arguments: &[&str]| {
            let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_preceptor"));
            let output = command.arg("client").args(arguments).envs(setup.variables()).env("PRECEPTOR_LOG", "warn");
            let output = output.output().unwrap();
            (output.status.success(), String::from_utf8(output.stdout).unwrap() + &String::from_utf8(output.stderr).unwrap())
        };
        let (good, made) = line(&["create", "--role", "frontend", "--name", "A site"]);
        assert!(good, "{made}");
        let after = |text: &str, name: &str| text.split(name).nth(1).unwrap().split_whitespace().next().unwrap().to_owned();
        let (id, first) = (after(&made, "client_id:"), after(&made, "client_secret:"));
        let (good, more) = line(&["secret", &id, "--days", "1"]);
        assert!(good, "{more}");
        let second = after(&more, "client_secret:");
        let (good, third) = line(&["secret", &id]);
        assert!(!good && third.contains("two secrets"), "{third}");
        let (_, listed) = line(&["list"]);
        assert!(listed.contains(&id) && listed.contains("holds") && !listed.contains(&first), "{listed}");
        for (wrong, says) in [
            (["create", "--role", "provider", "--name", "Nobody's"].as_slice(), "provider:"),
            (&["create", "--role", "frontend", "--name", "Scopes", "--scope", "admin"], "scopes"),
            (&["create", "--role", "admin", "--name", "No"], "admin"),
            (&["revoke", "0195f8a0-1c2d-7abc-8def-0123456789ab"], "no such client"),
        ] {
            let (good, text) = line(wrong);
            assert!(!good && text.contains(says), "{text}");
        }
        let app = TestApp::on(setup, |_| {});
        for secret in [&first, &second] {
            let answer = token(&app, &id, secret, "").await.expect(200).json();
            assert_eq!(answer["scope"], "frontend");
        }
    }
}

/// A holder of a fresh token of this client.
async fn holder(app: &TestApp, id: &str, secret: &str) -> Client {
    let answer = token(app, id, secret, "").await.expect(200).json();
    app.client().with_token(answer["access_token"].as_str().unwrap())
}

/// Everything that the database holds, as text; binary columns as it is in the file, or in hexadecimal.
fn dump(app: &TestApp, backend: Backend) -> String {
    use diesel::{QueryableByName, RunQueryDsl, sql_query, sql_types::Text};

    #[derive(QueryableByName)]
    struct Line {
        #[diesel(sql_type = Text)]
        line: String,
    }

    if backend == Backend::Sqlite {
        let files = ["test.db", "test.db-wal"].map(|name| std::fs::read(app.dir().join(name)).unwrap_or_default());
        return String::from_utf8_lossy(&files.concat()).into_owned();
    }
    let mut conn = app.connect();
    let Conn::Postgres(conn) = &mut conn else { panic!("another engine") };
    let tables = "SELECT tablename::text AS line FROM pg_tables WHERE schemaname = 'public'";
    let tables: Vec<Line> = sql_query(tables).load(conn).unwrap();
    assert!(tables.len() > 20);
    let rows = tables.iter().flat_map(|table| {
        let rows: Vec<Line> = sql_query(format!("SELECT t::text AS line FROM {} t", table.line)).load(conn).unwrap();
        rows
    });
    rows.map(|row| row.line).collect::<Vec<_>>().join("\n")
}
