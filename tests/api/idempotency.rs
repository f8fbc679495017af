//! A POST that comes again with its Idempotency-Key has one effect and one answer.

use std::{collections::BTreeSet, io::Write, net::TcpStream, time::Duration};

use diesel::prelude::*;
use futures_util::future::join_all;
use preceptor::{
    auth::{Keys, Tokens},
    db::{Conn, schema},
    http::idempotency,
    reference::RedFlagKind,
    time::Timestamp,
};
use serde_json::{Value, json};

use crate::{
    access::World,
    crash::new_people,
    openapi::{assert_foreseen, operations},
    rights::RIGHTS,
    support::{
        Answer, Backend, Client, TestApp, builders, eventually,
        process::{ISSUER, Process},
        send,
    },
};

const KEY: &str = "8e03978e-40d5-43e8-bc93-6894a57f9324";

async fn post(client: &Client, path: &str, key: &str, body: &Value) -> Answer {
    send(client.bare("POST", path).header("idempotency-key", key).json(body)).await
}

fn replayed(answer: &Answer) -> bool {
    answer.header("idempotency-replayed") == "true"
}

/// Fails unless `second` is what `first` was, given again.
#[track_caller]
fn assert_replays(first: &Answer, second: &Answer) {
    assert!(!replayed(first) && replayed(second), "{}", second.text());
    assert_eq!(second.body, first.body, "{}", second.text());
    assert_eq!(second.status, first.status);
    for name in ["location", "etag", "content-type", "cache-control"] {
        assert_eq!(second.header(name), first.header(name), "{name}");
    }
    assert_ne!(second.header("x-request-id"), first.header("x-request-id"));
}

fn reports(conn: &mut Conn) -> i64 {
    schema::red_flag_reports::table.count().get_result(conn).unwrap()
}

fn keys(conn: &mut Conn) -> i64 {
    schema::idempotency_keys::table.count().get_result(conn).unwrap()
}

fn expire(conn: &mut Conn) {
    let expired = schema::idempotency_keys::expires_at.eq(1);
    diesel::update(schema::idempotency_keys::table).set(expired).execute(conn).unwrap();
}

on_both! {
    async fn of_32_equal_requests_at_once_one_has_an_effect(backend: Backend) {
        let app = TestApp::start(backend);
        let made = builders::listed(&app, "many").await;
        let author = app.participant().await;
        let mut conn = app.connect();
        for (last, body) in [("reviews", builders::review(4)), ("red-flag-reports", builders::report())] {
            let before = keys(&mut conn);
            let path = format!("{}/{last}", made.path);
            let answers = join_all((0..32).map(|_| post(&author, &path, KEY, &body))).await;
            let first: Vec<_> = answers.iter().filter(|answer| answer.status == 201 && !replayed(answer)).collect();
            assert_eq!(first.len(), 1, "{last}");
            for answer in answers.iter().filter(|answer| !std::ptr::eq(*answer, first[0])) {
                if answer.status == 409 {
                    answer.problem(409, "idempotency_key_in_use");
                    assert_eq!(answer.header("retry-after"), "1");
                } else {
                    assert_replays(first[0], answer);
                }
            }
            assert_replays(first[0], &post(&author, &path, KEY, &body).await);
            assert_eq!(keys(&mut conn), before + 1, "{last}");
        }
        assert_eq!(reports(&mut conn), 1);
        let own = author.get("/v1/me/reviews").await.expect(200).json();
        assert_eq!(own["data"].as_array().unwrap().len(), 1);
    }

    async fn of_two_servers_on_one_database_one_has_the_effect(backend: Backend) {
        let app = TestApp::start(backend);
        let made = builders::listed(&app, "nodes").await;
        let config = app.state.config.clone();
        let other = TestApp::start_with(backend, |own| {
            own.database = config.database.clone();
            own.data_dir = config.data_dir.clone();
            own.public_url = config.public_url.clone();
        });
        let author = app.participant().await;
        let elsewhere = other.client().with_token(author.token());
        let path = format!("{}/red-flag-reports", made.path);
        for round in 1..=10 {
            let key = format!("round-number-{round:03}");
            let mut body = builders::report();
            body["kind"] = json!(RedFlagKind::ALL[usize::try_from(round).unwrap()]);
            let sent = [&author, &elsewhere, &author, &elsewhere].map(|client| post(client, &path, &key, &body));
            let answers = join_all(sent).await;
            let done: Vec<_> = answers.iter().filter(|answer| answer.status == 201).collect();
            assert_eq!(done.iter().filter(|answer| !replayed(answer)).count(), 1, "round {round}");
            assert!(done.iter().all(|answer| answer.body == done[0].body), "round {round}");
            for answer in answers.iter().filter(|answer| answer.status != 201) {
                answer.problem(409, "idempotency_key_in_use");
            }
            assert!(replayed(&post(&elsewhere, &path, &key, &body).await.expect(201)));
            assert_eq!(reports(&mut app.connect()), round);
        }
    }

    async fn a_replay_is_equal_byte_for_byte_whatever_has_become_of_the_state(backend: Backend) {
        let app = TestApp::start(backend);
        let made = builders::listed(&app, "bytes").await;
        let (author, moderator, admin) = (app.participant().await, app.moderator().await, app.admin().await);
        let (reviews, reports) = (format!("{}/reviews", made.path), format!("{}/red-flag-reports", made.path));
        let review = post(&author, &reviews, KEY, &builders::review(4)).await.expect(201);
        let report = post(&author, &reports, KEY, &builders::report()).await.expect(201);
        let review_path = review.header("location").to_owned();
        let withdraw = format!("{review_path}/withdraw");
        let act = |key| send(author.bare("POST", &withdraw).header("idempotency-key", key));
        let withdrawn = act(KEY).await.expect(200);
        assert_replays(&withdrawn, &act(KEY).await);
        // With another key it is another request.
        act("another-key-than-that").await.problem(409, "conflict");
        let suspend = json!({"action": "suspend", "reason": "It is looked at again."});
        let decisions = format!("{}/decisions", made.path);
        let suspended = post(&moderator, &decisions, KEY, &suspend).await.expect(200);
        assert_replays(&suspended, &post(&moderator, &decisions, KEY, &suspend).await);
        assert_replays(&review, &post(&author, &reviews, KEY, &builders::review(4)).await);
        assert_replays(&report, &post(&author, &reports, KEY, &builders::report()).await);
        author.post(&reviews, &builders::review(4)).await.problem(409, "conflict");
        // The same key, with quotes.
        let quoted = format!("\"{KEY}\"");
        assert_replays(&review, &post(&author, &reviews, &quoted, &builders::review(4)).await);
        let provider = builders::provider("twice");
        let created = post(&admin, "/v1/providers", KEY, &provider).await.expect(201);
        assert_replays(&created, &post(&admin, "/v1/providers", KEY, &provider).await);
    }

    async fn another_request_with_the_key_is_refused(backend: Backend) {
        let app = TestApp::start(backend);
        let (made, other) = (builders::listed(&app, "one").await, builders::listed(&app, "two").await);
        let author = app.participant().await;
        let path = |made: &builders::Listed| format!("{}/red-flag-reports", made.path);
        let body = builders::report();
        let first = post(&author, &path(&made), KEY, &body).await.expect(201);
        let mut changed = body.clone();
        changed["narrative"] = json!("On the third day I was left alone with a patient for an hour.");
        let typed = author.bare("POST", &path(&made)).header("idempotency-key", KEY).body(body.to_string());
        let by_slug = made.provider.get(&made.path).await.expect(200).json()["slug"].as_str().unwrap().to_owned();
        let answers = [
            ("body", post(&author, &path(&made), KEY, &changed).await),
            ("program", post(&author, &path(&other), KEY, &body).await),
            ("path", post(&author, &format!("/v1/programs/{by_slug}/red-flag-reports"), KEY, &body).await),
            ("media type", send(typed.header("content-type", "application/json; charset=utf-8")).await),
        ];
        for (what, answer) in &answers {
            assert_eq!(answer.status, 422, "{what}: {}", answer.text());
            answer.problem(422, "idempotency_key_reused");
        }
        assert_eq!(reports(&mut app.connect()), 1);
        // Others' keys are other keys, and so are those of other operations.
        let stranger = app.participant().await;
        let second = post(&stranger, &path(&made), KEY, &body).await.expect(201);
        assert!(!replayed(&second) && second.json()["id"] != first.json()["id"]);
        assert!(!replayed(&post(&author, &format!("{}/reviews", made.path), KEY, &builders::review(3)).await.expect(201)));
    }

    async fn a_request_that_failed_leaves_its_key_free(backend: Backend) {
        let app = TestApp::start(backend);
        let made = builders::listed(&app, "failed").await;
        let author = app.participant().await;
        let path = format!("{}/reviews", made.path);
        let before = keys(&mut app.connect());
        post(&author, &path, KEY, &json!({})).await.problem(422, "invalid");
        let absent = "/v1/programs/no-such-program/reviews";
        post(&author, absent, KEY, &builders::review(4)).await.problem(404, "not_found");
        assert_eq!(keys(&mut app.connect()), before, "an error is not remembered");
        post(&author, &path, KEY, &builders::review(4)).await.expect(201);
        let second = "another-key-than-that";
        post(&author, &path, second, &builders::review(4)).await.problem(409, "conflict");
        let mut later = builders::review(4);
        later["period"] = json!({"start_month": "2025-07", "end_month": "2025-08"});
        assert!(!replayed(&post(&author, &path, second, &later).await.expect(201)));
        // One without a key is another one each time.
        let provider = builders::provider("free");
        let admin = app.admin().await;
        let bare = || send(admin.bare("POST", "/v1/providers").json(&provider));
        assert_ne!(bare().await.expect(201).json()["id"], bare().await.expect(201).json()["id"]);
    }

    async fn a_key_is_new_again_when_it_has_expired_and_is_then_forgotten(backend: Backend) {
        let app = TestApp::start(backend);
        let made = builders::listed(&app, "expired").await;
        let author = app.participant().await;
        let path = format!("{}/red-flag-reports", made.path);
        let first = post(&author, &path, KEY, &builders::report()).await.expect(201);
        let mut conn = app.connect();
        let before = keys(&mut conn);
        expire(&mut conn);
        send(author.bare("POST", &format!("{}/withdraw", first.header("location")))).await.expect(200);
        let second = post(&author, &path, KEY, &builders::report()).await.expect(201);
        assert!(!replayed(&second) && second.json()["id"] != first.json()["id"]);
        assert_replays(&second, &post(&author, &path, KEY, &builders::report()).await);
        assert_eq!((reports(&mut conn), keys(&mut conn)), (2, before));
        idempotency::purge(&app.state.db, Timestamp::now()).await.unwrap();
        assert_eq!(keys(&mut conn), 1);
        expire(&mut conn);
        idempotency::purge(&app.state.db, Timestamp::now()).await.unwrap();
        assert_eq!(keys(&mut conn), 0);
    }

    async fn what_is_remembered_can_be_read_from_no_table(backend: Backend) {
        let app = TestApp::start(backend);
        let made = builders::listed(&app, "sealed").await;
        let author = app.participant().await;
        post(&author, &format!("{}/red-flag-reports", made.path), KEY, &builders::report()).await.expect(201);
        let rows: Vec<(Vec<u8>, Vec<u8>)> = schema::idempotency_keys::table
            .select((schema::idempotency_keys::key_hash, schema::idempotency_keys::sealed))
            .load(&mut app.connect())
            .unwrap();
        let text: String = rows.iter().map(|(hash, sealed)| String::from_utf8_lossy(&[&hash[..], sealed].concat()).into_owned()).collect();
        assert!(!rows.is_empty() && !text.contains(KEY) && !text.contains("narrative"), "{text}");
    }

    async fn the_document_says_who_takes_a_key_and_who_needs_one(backend: Backend) {
        let app = TestApp::start(backend);
        let world = World::make(&app).await;
        let long = "k".repeat(256);
        let malformed = ["short", "\"8e03978e-40d5-43e8-bc93", "8e03978e 40d5 43e8 bc93", "8e03978e.40d5.43e8.bc93", &long];
        let mut seen = BTreeSet::new();
        for operation in operations() {
            let Some(parameter) = operation.parameters("header").find(|header| header["name"] == "Idempotency-Key") else {
                continue;
            };
            seen.insert(operation.id);
            let client = world.holder(RIGHTS.of(operation.id).roles[0].0);
            let request = || {
                let request = client.bare(&operation.method, &world.path(&operation));
                match operation.examples().first() {
                    Some((_, body)) => request.json(body),
                    None => request,
                }
            };
            for malformed in malformed {
                let answer = send(request().header("idempotency-key", malformed)).await;
                assert_eq!(answer.status, 400, "{} {malformed}: {}", operation.id, answer.text());
                assert_eq!(answer.faults(), [("idempotency-key".to_owned(), "bad_format".to_owned())]);
                assert_foreseen(&operation, &answer);
            }
            let twice = request().header("idempotency-key", KEY).header("idempotency-key", KEY);
            send(twice).await.problem(400, "invalid_parameter");
            if parameter["required"] == true {
                let answer = send(request()).await;
                answer.problem(400, "idempotency_key_required");
                assert_foreseen(&operation, &answer);
            }
        }
        let needed = ["create_red_flag_report", "create_review"];
        assert!(needed.iter().all(|id| seen.contains(id)) && seen.contains("create_provider"), "{seen:?}");
        assert!(!seen.iter().any(|id| id.starts_with("get_") || id.starts_with("update_")), "{seen:?}");
        app.client().get("/problems/idempotency_key_required").await.expect(200);
    }

    async fn kill_9_between_the_commit_and_the_answer_leaves_one_effect(backend: Backend) {
        let app = TestApp::start(backend);
        let made = builders::listed(&app, "killed").await;
        let setup = app.stop();
        let path = format!("{}/red-flag-reports", made.path);
        let tokens = Tokens::new(Keys::load_or_create(&setup.dir.path().join("data")).unwrap(), ISSUER);
        let http = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(10)).build().unwrap();
        let mut conn = setup.connect();
        let before = keys(&mut conn);
        let body = builders::report().to_string();
        for round in 1..=3 {
            let key = format!("{KEY}-{round}");
            let token = new_people(&mut conn, &tokens, 1).remove(0);
            let process = Process::start(&setup, &http).await;
            let mut stream = TcpStream::connect(process.base.trim_start_matches("http://")).unwrap();
            let head = format!(
                "POST {path} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {token}\r\nidempotency-key: {key}\r\n\
                 content-type: application/json\r\ncontent-length: {}\r\n\r\n", body.len()
            );
            stream.write_all(format!("{head}{body}").as_bytes()).unwrap();
            // The answer may be on its way; nobody reads it.
            eventually("the commit", async || {
                (keys(&mut setup.connect()) == before + round).then_some(())
            }).await;
            process.kill();
            drop(stream);
            let process = Process::start(&setup, &http).await;
            let client = Client::new(http.clone(), process.base.clone(), Some(token.clone()));
            let request = || {
                let request = client.bare("POST", &path).header("idempotency-key", &key);
                send(request.header("content-type", "application/json").body(body.clone()))
            };
            let again = request().await.expect(201);
            assert!(replayed(&again));
            assert_eq!(request().await.body, again.body);
            assert_eq!(reports(&mut conn), round);
            client.get(again.header("location")).await.expect(200);
            process.kill();
        }
    }
}
