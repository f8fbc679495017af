//! One's own data: read, taken out, erased; sessions seen and ended.

use std::time::Duration;

use diesel::{QueryableByName, RunQueryDsl, sql_query, sql_types::BigInt};
use preceptor::{
    auth::{
        PurposeKey, Role, Scope, Subject,
        secrets::{RANDOM_BYTES, SecretKind},
    },
    db::Conn,
    ids::SessionId,
    sessions::{self, Door},
    time::Timestamp,
    universities,
};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{
    sign_in::sign_in,
    support::{Answer, Backend, Client, TestApp, builders},
};

const ADDRESS: &str = "marker.student@example.edu";

#[derive(QueryableByName)]
struct Number {
    #[diesel(sql_type = BigInt)]
    n: i64,
}

fn count(conn: &mut Conn, of: &str) -> i64 {
    let query = sql_query(format!("SELECT count(*) AS n FROM {of}"));
    let found: Number = preceptor::on_each_backend!(conn, |c| query.get_result(c)).unwrap();
    found.n
}

/// An id as the database writes it in a statement.
fn literal(backend: Backend, bytes: &[u8]) -> String {
    use std::fmt::Write;
    let mut hex = String::new();
    for byte in bytes {
        write!(hex, "{byte:02x}").unwrap();
    }
    if backend == Backend::Sqlite { format!("x'{hex}'") } else { format!("'\\x{hex}'") }
}

fn run(conn: &mut Conn, statement: &str) {
    let query = sql_query(statement);
    preceptor::on_each_backend!(conn, |c| query.execute(c)).unwrap();
}

/// The same principal with the token of a new session.
async fn signed_in(app: &TestApp, client: &Client) -> (Client, String) {
    let (principal, id) = (client.id.unwrap(), SessionId::from_uuid(Uuid::now_v7()));
    let mut random = [0; RANDOM_BYTES];
    aws_lc_rs::rand::fill(&mut random).unwrap();
    let (token, now) = (SecretKind::Refresh.format(&random), Timestamp::now());
    let open = move |conn: &mut Conn| sessions::store::open(conn, id, principal, Door::Email, &token, now);
    app.state.db.write(open).await.unwrap();
    let subject = Subject { principal, scope: Scope::Participant, client_id: "test".to_owned(), session: Some(id) };
    let token = app.state.auth.issue_for(subject, now, Duration::from_hours(1), Uuid::new_v4()).unwrap();
    (client.with_token(&token), id.to_string())
}

/// Stores an address, an outside identity and a participation, as the doors do.
fn furnish(app: &TestApp, backend: Backend, client: &Client, program: &str) {
    let mut conn = app.connect();
    let id = literal(backend, client.id.unwrap().as_uuid().as_bytes());
    let secret = app.state.auth.keys().secret();
    let sealed = PurposeKey::derive(secret, "participant address v1").seal(ADDRESS.as_bytes()).unwrap();
    let hash = PurposeKey::derive(secret, "participant address hash v1").hash(&[ADDRESS.as_bytes()]);
    let (sealed, hash) = (literal(backend, &sealed), literal(backend, &hash));
    let other = literal(backend, client.id.unwrap().as_uuid().as_bytes().repeat(2).as_slice());
    let (program, cohort) = (program.parse::<Uuid>().unwrap(), Uuid::now_v7());
    let (program, cohort) = (literal(backend, program.as_bytes()), literal(backend, cohort.as_bytes()));
    for statement in [
        format!(
            "INSERT INTO participant_addresses (principal_id, address_hash, sealed) VALUES ({id}, {hash}, {sealed})"
        ),
        format!("INSERT INTO sign_in_codes VALUES ({hash}, {hash}, 0, 1, 1, 1, 2)"),
        format!("INSERT INTO outside_identities (identity_hash, principal_id) VALUES ({other}, {id})"),
        // March and April 2025.
        format!(
            "INSERT INTO cohorts (id, program_id, period_start, period_end, created_at) \
             VALUES ({cohort}, {program}, {}, {}, 1)",
            2025 * 12 + 2,
            2025 * 12 + 3
        ),
        format!("INSERT INTO participations (principal_id, cohort_id) VALUES ({id}, {cohort})"),
    ] {
        run(&mut conn, &statement);
    }
}

fn placed(answer: Answer) -> String {
    answer.expect(201).header("location").to_owned()
}

on_both! {
    async fn an_account_tells_what_a_token_is_for_and_no_address(backend: Backend) {
        let app = TestApp::start(backend);
        let made = builders::listed(&app, "account").await;
        let author = app.participant().await;
        let before = author.get("/v1/me").await.expect(200).json();
        assert_eq!((&before["role"], &before["scope"]), (&json!("participant"), &json!("participant")));
        assert_eq!((&before["university_email"], &before["participations"]), (&json!(false), &json!([])));
        assert_eq!(before["id"], json!(author.id.unwrap()));
        furnish(&app, backend, &author, &made.program_id);
        let answer = author.get("/v1/me").await.expect(200);
        let shown = json!([{"program_id": made.program_id, "half_year": "2025-H1"}]);
        assert_eq!(answer.json()["participations"], shown);
        assert_eq!(answer.json()["university_email"], json!(false), "no university has the domain");
        assert!(!answer.text().contains("marker"), "{}", answer.text());
        assert_eq!(made.provider.get("/v1/me").await.expect(200).json()["provider"], json!(made.provider_id));
        let reader = Subject {
            principal: made.provider.id.unwrap(), scope: Scope::ProviderRead, client_id: "test".to_owned(), session: None,
        };
        let token = app.state.auth.issue_for(reader, Timestamp::now(), Duration::from_hours(1), Uuid::new_v4()).unwrap();
        let reader = made.provider.with_token(&token);
        assert_eq!(reader.get("/v1/me").await.expect(200).json()["scope"], json!("provider:read"));
        app.client().get("/v1/me").await.problem(401, "unauthorized");
    }

    async fn sessions_are_seen_and_ended_by_their_own_participant_alone(backend: Backend) {
        let app = TestApp::start(backend);
        let person = app.participant().await;
        let (first, first_id) = signed_in(&app, &person).await;
        let (second, second_id) = signed_in(&app, &person).await;
        let (third, _) = signed_in(&app, &person).await;
        let (stranger, stranger_id) = signed_in(&app, &app.participant().await).await;
        let listed = second.get("/v1/me/sessions?limit=2").await.expect(200).json();
        assert_eq!(listed["data"].as_array().unwrap().len(), 2);
        assert_eq!((&listed["data"][1]["id"], &listed["data"][1]["current"]), (&json!(second_id), &json!(true)));
        assert_eq!(listed["data"][0]["current"], json!(false));
        assert_eq!(listed["data"][0]["door"], json!("email"));
        let rest = format!("/v1/me/sessions?limit=2&cursor={}", listed["next_cursor"].as_str().unwrap());
        let last = second.get(&rest).await.expect(200).json();
        assert_eq!(last["data"][0]["id"], json!(first_id));
        stranger.get(&rest).await.problem(400, "invalid_cursor");

        let of = |id: &str| format!("/v1/me/sessions/{id}");
        second.delete(&of(&stranger_id)).await.problem(404, "not_found");
        second.delete(&of(&Uuid::now_v7().to_string())).await.problem(404, "not_found");
        first.get("/v1/me").await.expect(200);
        let ended = second.delete(&of(&first_id)).await.expect(204);
        assert!(ended.body.is_empty());
        first.get("/v1/me").await.problem(401, "unauthorized");
        second.delete(&of(&first_id)).await.problem(404, "not_found");
        assert_eq!(second.get("/v1/me/sessions").await.expect(200).json()["data"].as_array().unwrap().len(), 2);

        third.delete("/v1/me/sessions").await.expect(204);
        for ended in [&second, &third] {
            ended.get("/v1/me").await.problem(401, "unauthorized");
        }
        // A token that was made on the command line belongs to no session.
        person.delete("/v1/me/sessions").await.expect(204);
        assert_eq!(person.get("/v1/me/sessions").await.expect(200).json()["data"], json!([]));
        stranger.get("/v1/me").await.expect(200);
    }

    async fn an_export_holds_all_that_is_stored_and_nothing_of_others(backend: Backend) {
        let app = TestApp::start(backend);
        let made = builders::listed(&app, "export").await;
        let (author, other) = (app.participant().await, app.participant().await);
        let empty = author.get("/v1/me/export").await.expect(200).json();
        assert_eq!((&empty["address"], &empty["reviews"], &empty["events"]), (&Value::Null, &json!([]), &json!([])));
        furnish(&app, backend, &author, &made.program_id);
        let (holder, session) = signed_in(&app, &author).await;
        let review = placed(author.post(&format!("{}/reviews", made.path), &builders::review(4)).await);
        author.patch(&review, "*", &json!({"text": {"good": "The second version of it."}})).await.expect(200);
        let report = placed(author.post(&format!("{}/red-flag-reports", made.path), &builders::report()).await);
        other.post(&format!("{}/reviews", made.path), &builders::review(1)).await.expect(201);
        let data = holder.get("/v1/me/export").await.expect(200).json();
        assert_eq!(data["address"], json!(ADDRESS));
        assert_eq!((&data["id"], &data["outside_identity"]), (&json!(author.id.unwrap()), &json!(true)));
        assert_eq!(data["participations"][0]["program_id"], json!(made.program_id));
        assert_eq!(data["participations"][0]["period_end"], json!("2025-04"));
        assert_eq!(data["sessions"][0]["id"], json!(session));
        assert_eq!(data["reviews"].as_array().unwrap().len(), 1);
        assert!(review.ends_with(data["reviews"][0]["review"]["id"].as_str().unwrap()));
        assert_eq!(data["reviews"][0]["review"]["text"]["good"], json!("The second version of it."));
        assert_eq!(data["reviews"][0]["former"][0]["content"]["text"]["good"], builders::review(4)["text"]["good"]);
        assert_eq!(data["reviews"][0]["former"][0]["revision"], json!(1));
        assert!(report.ends_with(data["reports"][0]["id"].as_str().unwrap()));
        assert_eq!(data["reports"][0]["narrative"], builders::report()["narrative"]);
        assert_eq!(data["events"][0]["kind"], json!("data.exported"), "the first export");
        assert!(!data.to_string().contains(&other.id.unwrap().to_string()));
    }

    async fn erasure_leaves_nothing_that_leads_to_a_person(backend: Backend) {
        for reviews in ["keep", "withdraw"] {
            let app = TestApp::start(backend);
            let made = builders::listed(&app, "erasure").await;
            let (author, other) = (app.participant().await, app.participant().await);
            furnish(&app, backend, &author, &made.program_id);
            let (holder, _) = signed_in(&app, &author).await;
            let (_, _) = signed_in(&app, &other).await;
            let marked = |words: &str, half: &str| {
                let mut body = builders::review(4);
                body["text"] = json!({"good": format!("{words}, the consultant explained.")});
                body["period"] = json!({"start_month": half, "end_month": half});
                body["disclosure"]["details"] = json!(words);
                body["claims_checked"] = json!([{"claim": words, "outcome": "confirmed"}]);
                body
            };
            let under = format!("{}/reviews", made.path);
            let kept = placed(author.post(&under, &marked("marker-first", "2025-03")).await);
            author.patch(&kept, "*", &json!({"text": {"good": "marker-second, the consultant explained."}})).await.expect(200);
            let gone = placed(author.post(&under, &marked("marker-gone", "2024-03")).await);
            author.act(&format!("{gone}/withdraw")).await.expect(200);
            let report = placed(author.post(&format!("{}/red-flag-reports", made.path), &builders::report()).await);
            let shown = app.client().get(&kept).await.expect(200).json();

            other.post(&under, &builders::review(3)).await.expect(201);
            assert!(count(&mut app.connect(), "idempotency_keys") >= 4, "three of the author's, one of the other's");
            author.delete("/v1/me").await.problem(400, "invalid_parameter");
            author.delete("/v1/me?reviews=burn").await.problem(400, "invalid_parameter");
            app.moderator().await.delete("/v1/me?reviews=keep").await.problem(403, "forbidden");
            let erased = holder.delete(&format!("/v1/me?reviews={reviews}")).await.expect(204);
            assert_eq!(erased.header("cache-control"), "no-store");
            for token in [&holder, &author] {
                token.get("/v1/me").await.problem(401, "unauthorized");
                token.delete("/v1/me?reviews=keep").await.problem(401, "unauthorized");
            }

            let mut conn = app.connect();
            for table in ["participant_addresses", "outside_identities", "participations", "sign_in_codes"] {
                assert_eq!(count(&mut conn, table), 0, "{table}");
            }
            assert_eq!(count(&mut conn, "refresh_tokens"), 1, "the other's");
            let own = format!("principal_id = {}", literal(backend, author.id.unwrap().as_uuid().as_bytes()));
            assert_eq!(count(&mut conn, &format!("idempotency_keys WHERE {own}")), 0);
            assert!(count(&mut conn, "idempotency_keys") > 0, "others'");
            assert_eq!(count(&mut conn, "sessions WHERE ended_at IS NULL"), 1, "the other's");
            let words = |conn: &mut Conn, words: &str| {
                count(conn, &format!("reviews WHERE content LIKE '%{words}%'"))
                    + count(conn, &format!("review_revisions WHERE content LIKE '%{words}%'"))
            };
            assert_eq!(words(&mut conn, "marker-gone"), 0, "what was withdrawn before");
            let left = app.client().get(&kept).await;
            if reviews == "keep" {
                assert_eq!(left.expect(200).json(), shown);
                assert_eq!(words(&mut conn, "marker-first"), 2, "the former content stays with the review");
            } else {
                left.problem(404, "not_found");
                assert_eq!(words(&mut conn, "marker"), 0);
                assert_eq!(count(&mut conn, "reviews WHERE status = 'withdrawn'"), 2, "tombstones");
                assert_eq!(app.client().get(&made.path).await.expect(200).json()["review_count"], json!(1));
                let decided = "decisions WHERE action = 'withdraw' AND subject_kind = 'review'";
                assert_eq!(count(&mut conn, decided), 2);
            }
            // Evidence stays readable for those who have to rule on it.
            let evidence = app.moderator().await.get(&report).await.expect(200).json();
            assert_eq!(evidence["narrative"], builders::report()["narrative"]);
            // The same address is a stranger's from now on.
            furnish(&app, backend, &other, &made.program_id);
            other.get("/v1/me/export").await.expect(200);
            assert_eq!(preceptor::programs::rebuild(&mut conn, true, Timestamp::now()).unwrap(), 0);
        }
    }

    async fn a_mailbox_verifies_no_second_review_by_being_erased(backend: Backend) {
        let app = TestApp::start(backend);
        let made = builders::listed(&app, "mailbox").await;
        universities::import::run(&mut app.connect(), universities::import::SAMPLE, Timestamp::now()).unwrap();
        let known = app.client().get("/v1/universities?limit=100").await.expect(200).json();
        let domain = known["data"].as_array().unwrap().iter().find_map(|one| one["domains"][0].as_str()).unwrap();
        let counted = async || {
            let program = app.client().get(&made.path).await.expect(200).json();
            let list = app.client().get(&format!("{}/reviews?verified=true", made.path)).await.expect(200).json();
            (program["review_count"].as_i64().unwrap(), list["data"].as_array().unwrap().len())
        };
        for (before, spelling) in ["sam", "Sam+again"].into_iter().enumerate() {
            let tokens = sign_in(&app, &format!("{spelling}@{domain}")).await;
            let author = app.client().with_token(tokens["access_token"].as_str().unwrap());
            let review = placed(author.post(&format!("{}/reviews", made.path), &builders::review(5)).await);
            let shown = app.client().get(&review).await.expect(200);
            assert_eq!(shown.json()["verification"]["method"], "university_email");
            let before = i64::try_from(before).unwrap();
            assert_eq!(counted().await, (before + 1, 1));
            author.delete("/v1/me?reviews=keep").await.expect(204);
            let left = app.client().get(&review).await.expect(200);
            let verification = &left.json()["verification"];
            assert_eq!((&verification["method"], &verification["verified"]), (&json!("none"), &json!(false)));
            assert_ne!(left.header("etag"), shown.header("etag"));
            assert_eq!(counted().await, (before + 1, 0));
        }
        assert_eq!(preceptor::programs::rebuild(&mut app.connect(), true, Timestamp::now()).unwrap(), 0);
    }

    async fn two_erasures_at_once_are_one(backend: Backend) {
        let app = TestApp::start(backend);
        let made = builders::listed(&app, "twice").await;
        let author = app.participant().await;
        author.post(&format!("{}/reviews", made.path), &builders::review(4)).await.expect(201);
        let both = [author.delete("/v1/me?reviews=withdraw"), author.delete("/v1/me?reviews=withdraw")];
        let mut answers: Vec<u16> =
            futures_util::future::join_all(both).await.iter().map(|answer| answer.status).collect();
        answers.sort_unstable();
        assert_eq!(answers, [204, 401]);
        let mut conn = app.connect();
        assert_eq!(count(&mut conn, "decisions WHERE action = 'withdraw'"), 1);
        assert_eq!(count(&mut conn, "audit_events WHERE kind = 'identity.erased'"), 1);
    }

    async fn what_participants_do_with_their_reviews_is_not_for_admins_to_read(backend: Backend) {
        let app = TestApp::start(backend);
        let made = builders::listed(&app, "log").await;
        let author = app.participant().await;
        let review = placed(author.post(&format!("{}/reviews", made.path), &builders::review(4)).await);
        author.act(&format!("{review}/withdraw")).await.expect(200);
        let log = app.admin().await.get("/v1/audit-events?limit=100").await.expect(200).text();
        assert!(!log.contains(review.rsplit('/').next().unwrap()), "{log}");
        assert!(!log.contains(&author.id.unwrap().to_string()), "{log}");
        let admin = app.admin().await;
        for path in ["", "/conflicts"] {
            let path = format!("/v1/principals/{}{path}", author.id.unwrap());
            admin.get(&path).await.problem(404, "not_found");
        }
        admin.get("/v1/principals?role=participant").await.problem(400, "invalid_parameter");
        assert_eq!(Role::Participant.as_str(), "participant");
    }
}
