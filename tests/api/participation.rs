//! Participation codes: one proof each, nothing that leads back, and what they do for a review.

use std::process::Command;

use diesel::prelude::*;
use futures_util::future::join_all;
use preceptor::{
    audit::AuditKind,
    auth::{
        Role,
        secrets::{self, RANDOM_BYTES, SecretKind},
    },
    db::schema::{audit_events, participation_codes, participations, principals, sessions},
    ids::{CohortId, PrincipalId},
    participation::{
        model::{CodeStatus, Cohort, RedemptionKey},
        store,
    },
    programs,
    sessions::{
        Door,
        model::SuccessorKey,
        store::{Refreshed, SessionRow, refresh},
    },
    time::Timestamp,
    universities,
};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{
    sign_in::{sign_in, subject, written},
    support::{
        Answer, Backend, Client, TestApp,
        builders::{self, Listed},
        dump::{dump, hex, holding},
    },
};

const PATH: &str = "/v1/participation-codes/redemption";

/// Makes a cohort of March to May 2025 and gives its codes.
fn issued(app: &TestApp, made: &Listed, count: usize) -> Vec<String> {
    let now = Timestamp::now();
    let random = |_| {
        let mut bytes = [0; RANDOM_BYTES];
        aws_lc_rs::rand::fill(&mut bytes).unwrap();
        SecretKind::Participation.format(&bytes)
    };
    let codes: Vec<_> = (0..count).map(random).collect();
    let month = |text: &str| text.parse().unwrap();
    let program = made.program_id.parse().unwrap();
    let cohort = Cohort { program, period_start: month("2025-03"), period_end: month("2025-05") };
    let id = CohortId::from_uuid(Uuid::now_v7());
    store::issue(&mut app.connect(), id, &cohort, &codes, now.plus_seconds(3600), now).unwrap();
    codes
}

async fn redeem(client: &Client, code: &str) -> Answer {
    client.post(PATH, &json!({"code": code})).await
}

/// A client with the tokens of an answer.
fn holder(app: &TestApp, tokens: &Value) -> Client {
    app.client().with_token(tokens["access_token"].as_str().unwrap()).with_id(subject(tokens))
}

fn review_of(start: &str, end: &str) -> Value {
    let mut review = builders::review(4);
    review["period"] = json!({"start_month": start, "end_month": end});
    review
}

/// How many verified reviews the public reads.
async fn verified(app: &TestApp, made: &Listed) -> usize {
    let list = app.client().get(&format!("{}/reviews?verified=true", made.path)).await.expect(200).json();
    list["data"].as_array().unwrap().len()
}

fn status(app: &TestApp, code: &str) -> CodeStatus {
    let row = participation_codes::table.find(secrets::hash(code).to_vec());
    row.select(participation_codes::status).first(&mut app.connect()).unwrap()
}

on_both! {
    async fn a_code_makes_a_participant_whose_review_is_verified(backend: Backend) {
        let app = TestApp::start(backend);
        let made = builders::listed(&app, "codes").await;
        let codes = issued(&app, &made, 2);
        let answer = redeem(&app.client(), &codes[0]).await.expect(200);
        assert_eq!(answer.header("cache-control"), "no-store");
        let body = answer.json();
        assert_eq!((&body["program_id"], &body["period"]), (&json!(made.program_id), &json!("2025-H1")));
        assert_eq!((&body["token_type"], &body["scope"]), (&json!("Bearer"), &json!("participant")));
        let author = holder(&app, &body);
        let review = author.post(&format!("{}/reviews", made.path), &builders::review(5)).await.expect(201).json();
        assert_eq!(review["verification"]["method"], "participation_code");
        assert_eq!(review["verification"]["verified"], true);
        let key = SuccessorKey::derive(app.state.auth.keys().secret());
        let refresh_token = body["refresh_token"].as_str().unwrap();
        let refreshed = refresh(&mut app.connect(), &key, refresh_token, Timestamp::now()).unwrap();
        assert!(matches!(refreshed, Refreshed::Granted(grant) if Some(grant.principal) == author.id));
        let session: SessionRow = sessions::table.select(SessionRow::as_select()).first(&mut app.connect()).unwrap();
        assert_eq!(session.door, Door::ParticipationCode);
        let others = redeem(&app.client(), &codes[1]).await.expect(200).json();
        assert_ne!(subject(&others), subject(&body), "each code makes a participant of its own");
        assert_eq!(verified(&app, &made).await, 1);
    }

    async fn a_participant_adds_a_code_to_what_is_known(backend: Backend) {
        let app = TestApp::start(backend);
        let made = builders::listed(&app, "codes").await;
        let codes = issued(&app, &made, 2);
        let author = holder(&app, &sign_in(&app, "anna@example.org").await);
        redeem(&made.provider, &codes[0]).await.problem(403, "forbidden");
        for role in [Role::Admin, Role::Moderator, Role::Assessor, Role::Frontend] {
            let other = app.principal(role, |_| {}).await;
            redeem(&other, &codes[0]).await.problem(403, "forbidden");
        }
        app.client().with_token("not.a.token").post(PATH, &json!({"code": codes[0]})).await.problem(401, "unauthorized");
        let body = redeem(&author, &codes[0]).await.expect(200).json();
        assert_eq!(Some(subject(&body)), author.id);
        // A second one would prove nothing more, and is left for someone else.
        redeem(&author, &codes[1]).await.problem(409, "conflict");
        assert_eq!((status(&app, &codes[0]), status(&app, &codes[1])), (CodeStatus::Redeemed, CodeStatus::Open));
        let review = author.post(&format!("{}/reviews", made.path), &builders::review(5)).await.expect(201).json();
        assert_eq!(review["verification"]["method"], "participation_code");
    }

    async fn of_many_redemptions_at_once_one_is_made(backend: Backend) {
        let app = TestApp::start(backend);
        let made = builders::listed(&app, "codes").await;
        let code = issued(&app, &made, 1).remove(0);
        let before: i64 = principals::table.count().get_result(&mut app.connect()).unwrap();
        let client = app.client();
        let answers = join_all((0..64).map(|_| redeem(&client, &code))).await;
        let mut tokens: Vec<_> = answers.into_iter().map(|answer| answer.expect(200).json()["refresh_token"].clone()).collect();
        tokens.dedup();
        assert_eq!(tokens.len(), 1, "all are given the same session");
        let conn = &mut app.connect();
        let after: i64 = principals::table.count().get_result(conn).unwrap();
        let rows: i64 = participations::table.count().get_result(conn).unwrap();
        let opened: i64 = sessions::table.count().get_result(conn).unwrap();
        assert_eq!((after - before, rows, opened), (1, 1, 1), "the others leave nothing behind");
        assert_eq!((written(&app, AuditKind::CodeRedeemed), written(&app, AuditKind::SignInFailed)), (1, 0));
    }

    async fn an_answer_that_was_lost_is_given_again_for_a_while(backend: Backend) {
        let app = TestApp::start(backend);
        let made = builders::listed(&app, "codes").await;
        let codes = issued(&app, &made, 4);
        let same = |one: &Value, other: &Value| {
            assert_eq!((subject(one), &one["refresh_token"]), (subject(other), &other["refresh_token"]));
            assert_eq!((&one["program_id"], &one["period"]), (&other["program_id"], &other["period"]));
            assert_ne!(one["access_token"], other["access_token"]);
        };
        let first = redeem(&app.client(), &codes[0]).await.expect(200).json();
        same(&redeem(&app.client(), &codes[0]).await.expect(200).json(), &first);
        // With the tokens that did arrive, too; and for nobody else.
        same(&redeem(&holder(&app, &first), &codes[0]).await.expect(200).json(), &first);
        let member = holder(&app, &sign_in(&app, "anna@example.org").await);
        redeem(&member, &codes[0]).await.problem(410, "gone");
        // Not any more once the answer has shown to have arrived,
        let key = SuccessorKey::derive(app.state.auth.keys().secret());
        let refreshed = refresh(&mut app.connect(), &key, first["refresh_token"].as_str().unwrap(), Timestamp::now());
        assert!(matches!(refreshed, Ok(Refreshed::Granted(_))));
        redeem(&app.client(), &codes[0]).await.problem(410, "gone");
        // nor later,
        redeem(&app.client(), &codes[1]).await.expect(200);
        let earlier = |seconds: i64| {
            let at = Timestamp::now().plus_seconds(-seconds);
            let conn = &mut app.connect();
            diesel::update(sessions::table).set(sessions::created_at.eq(at)).execute(conn).unwrap();
            diesel::update(principals::table).set(principals::created_at.eq(at)).execute(conn).unwrap();
        };
        earlier(590);
        redeem(&app.client(), &codes[1]).await.expect(200);
        earlier(600);
        redeem(&app.client(), &codes[1]).await.problem(410, "gone");
        // nor when the session was ended.
        let third = redeem(&app.client(), &codes[2]).await.expect(200).json();
        holder(&app, &third).delete("/v1/me/sessions").await.expect(204);
        redeem(&app.client(), &codes[2]).await.problem(410, "gone");
        // A code alone gives nobody into an account that was there before it.
        let added = redeem(&member, &codes[3]).await.expect(200).json();
        redeem(&app.client(), &codes[3]).await.problem(410, "gone");
        same(&redeem(&member, &codes[3]).await.expect(200).json(), &added);
        assert_eq!(written(&app, AuditKind::CodeRedeemed), 4);
    }

    async fn what_does_not_hold_is_told_apart_from_what_never_was(backend: Backend) {
        let app = TestApp::start(backend);
        let made = builders::listed(&app, "codes").await;
        let codes = issued(&app, &made, 3);
        let client = app.client();
        let row = |code: &str| participation_codes::table.find(secrets::hash(code).to_vec());
        let conn = &mut app.connect();
        diesel::update(row(&codes[0])).set(participation_codes::expires_at.eq(Timestamp::now())).execute(conn).unwrap();
        diesel::update(row(&codes[1])).set(participation_codes::status.eq(CodeStatus::Revoked)).execute(conn).unwrap();
        let tokens = redeem(&client, &codes[2]).await.expect(200).json();
        holder(&app, &tokens).delete("/v1/me/sessions").await.expect(204);
        for code in &codes {
            let detail = redeem(&client, code).await.problem(410, "gone")["detail"].clone();
            assert_eq!(detail, "The code has been redeemed or revoked, or it has expired.");
        }
        let never = SecretKind::Participation.format(&[7; RANDOM_BYTES]);
        redeem(&client, &never).await.problem(404, "not_found");
        let typed = codes[0].replace(&codes[0][10..11], if &codes[0][10..11] == "0" { "1" } else { "0" });
        let answer = redeem(&client, &typed).await;
        answer.problem(422, "invalid");
        assert_eq!(answer.faults(), [("#/code".to_owned(), "bad_format".to_owned())]);
        for text in ["", "pct_pc_", &codes[0].to_uppercase(), &never.replace("_pc_", "_cs_")] {
            redeem(&client, text).await.problem(422, "invalid");
        }
        assert_eq!(status(&app, &codes[0]), CodeStatus::Open, "what has expired stays as it was");
    }

    async fn nothing_stored_leads_from_a_code_to_a_person(backend: Backend) {
        let app = TestApp::start(backend);
        let made = builders::listed(&app, "codes").await;
        let codes = issued(&app, &made, 3);
        let body = redeem(&app.client(), &codes[1]).await.expect(200).json();
        let rows = dump(&mut app.connect());
        assert_eq!(holding(&rows, &codes[1]), Vec::<String>::new());
        let hashed = hex(secrets::hash(&codes[1]));
        let tables: Vec<_> =
            rows.iter().filter(|(_, rows)| rows.iter().any(|row| row.contains(&hashed))).map(|(table, _)| table).collect();
        assert_eq!(tables, ["participation_codes"]);
        // The refresh token follows from the code, but only with the key: no other row holds a hash of the code.
        let token = body["refresh_token"].as_str().unwrap();
        assert_eq!(holding(&rows, token), Vec::<String>::new());
        let unkeyed = SecretKind::Refresh.format(secrets::hash(&codes[1])[..RANDOM_BYTES].try_into().unwrap());
        let other = RedemptionKey::derive(b"").refresh_token(&codes[1]);
        let found = |token: &str| rows["refresh_tokens"].iter().any(|row| row.contains(&hex(secrets::hash(token))));
        assert_eq!((found(token), found(&unkeyed), found(&other)), (true, false, false));
        // A redeemed code's row differs from an open one's by one word; all else is its own hash and what all share.
        let of = |code: &str| {
            let hash = hex(secrets::hash(code));
            let row = rows["participation_codes"].iter().find(|row| row.contains(&hash)).unwrap();
            row.replace(&hash, "").replace("redeemed", "open")
        };
        assert_eq!(of(&codes[1]), of(&codes[0]));
        assert_eq!(of(&codes[1]), of(&codes[2]));
        // The log knows that it happened.
        let event = audit_events::table.filter(audit_events::kind.eq(AuditKind::CodeRedeemed));
        let (actor, subject_of): (Option<PrincipalId>, String) =
            event.select((audit_events::actor_id, audit_events::subject)).first(&mut app.connect()).unwrap();
        assert_eq!((actor, subject_of.as_str()), (None, "participation_code"));
        assert!(!rows["audit_events"].iter().any(|row| row.contains(&hex(subject(&body).as_uuid().as_bytes()))));
    }

    async fn a_code_verifies_reviews_of_its_own_period(backend: Backend) {
        let app = TestApp::start(backend);
        let (made, elsewhere) = (builders::listed(&app, "codes").await, builders::listed(&app, "elsewhere").await);
        let list = format!("{}/reviews", made.path);
        let codes = issued(&app, &made, 5);
        let method = |body: &Value| body["verification"]["method"].as_str().unwrap().to_owned();
        let table = [
            ("2025-01", "2025-02", "none"),
            ("2025-02", "2025-03", "participation_code"),
            ("2025-05", "2025-07", "participation_code"),
            ("2025-01", "2025-09", "participation_code"),
            ("2025-06", "2025-06", "none"),
        ];
        for ((start, end, expected), code) in table.into_iter().zip(&codes) {
            let author = holder(&app, &redeem(&app.client(), code).await.expect(200).json());
            let review = author.post(&list, &review_of(start, end)).await.expect(201).json();
            assert_eq!(method(&review), expected, "{start} to {end}");
            let other = author.post(&format!("{}/reviews", elsewhere.path), &review_of(start, end)).await.expect(201).json();
            assert_eq!(method(&other), "none", "of another program");
        }
        assert_eq!(programs::rebuild(&mut app.connect(), true, Timestamp::now()).unwrap(), 0);
    }

    async fn an_edit_keeps_the_verification_that_its_period_bears_out(backend: Backend) {
        let app = TestApp::start(backend);
        let made = builders::listed(&app, "codes").await;
        let list = format!("{}/reviews", made.path);
        let codes = issued(&app, &made, 2);
        universities::import::run(&mut app.connect(), universities::import::SAMPLE, Timestamp::now()).unwrap();
        let known = app.client().get("/v1/universities?limit=100").await.expect(200).json();
        let mut domains = known["data"].as_array().unwrap().iter().filter_map(|one| one["domains"][0].as_str());
        let member = holder(&app, &sign_in(&app, &format!("anna@{}", domains.next().unwrap())).await);
        let by_address = member.post(&list, &review_of("2024-03", "2024-04")).await.expect(201).json();
        assert_eq!(by_address["verification"]["method"], "university_email");
        redeem(&member, &codes[0]).await.expect(200);
        let stranger = holder(&app, &redeem(&app.client(), &codes[1]).await.expect(200).json());
        let away = json!({"period": {"start_month": "2023-08", "end_month": "2023-09"}});
        let within = json!({"period": {"start_month": "2025-04", "end_month": "2025-05"}, "weeks": 7});
        for (author, fallback) in [(&member, "university_email"), (&stranger, "none")] {
            let answer = author.post(&list, &review_of("2025-03", "2025-04")).await.expect(201);
            let review = answer.header("location").to_owned();
            for (change, expected) in [
                (&json!({"weeks": 5}), "participation_code"),
                (&within, "participation_code"),
                (&away, fallback),
                // It does not come back: an edit never gains by it.
                (&within, fallback),
            ] {
                let edited = author.patch(&review, "*", change).await.expect(200).json();
                assert_eq!(edited["verification"]["method"], expected, "{change}");
                let read = app.client().get(&review).await.expect(200).json();
                assert_eq!(read["verification"], edited["verification"]);
            }
        }
        assert_eq!(programs::rebuild(&mut app.connect(), true, Timestamp::now()).unwrap(), 0);
        assert_eq!(verified(&app, &made).await, 2);
    }

    async fn the_command_line_takes_back_the_codes_that_are_open(backend: Backend) {
        let app = TestApp::start(backend);
        let made = builders::listed(&app, "codes").await;
        let run = |command: &[&str]| {
            Command::new(env!("CARGO_BIN_EXE_preceptor")).args(command).envs(app.variables()).output().unwrap()
        };
        let program = made.program_id.as_str();
        let issue = ["code", "issue", "--program", program, "--start", "2025-03", "--end", "2025-05", "--count", "2"];
        let cohorts = [run(&issue), run(&issue)].map(|output| {
            let log = String::from_utf8(output.stderr).unwrap();
            let cohort = log.lines().find_map(|line| line.strip_prefix("cohort: ")).unwrap().to_owned();
            let codes: Vec<String> = String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect();
            (cohort, codes)
        });
        let [(cohort, codes), (_, others)] = &cohorts;
        redeem(&app.client(), &codes[0]).await.expect(200);
        let output = run(&["code", "revoke", cohort]);
        assert_eq!(String::from_utf8_lossy(&output.stdout), "1 codes revoked\n");
        let states = [&codes[0], &codes[1], &others[0]].map(|code| status(&app, code));
        assert_eq!(states, [CodeStatus::Redeemed, CodeStatus::Revoked, CodeStatus::Open]);
        redeem(&app.client(), &codes[1]).await.problem(410, "gone");
        assert_eq!(written(&app, AuditKind::CodesRevoked), 1);
        let nowhere = Uuid::now_v7().to_string();
        assert_eq!(run(&["code", "revoke", &nowhere]).status.code(), Some(1));
        assert_eq!(written(&app, AuditKind::CodesRevoked), 1);
    }

    async fn the_command_line_issues_codes(backend: Backend) {
        let app = TestApp::start(backend);
        let made = builders::listed(&app, "codes").await;
        let slug = app.client().get(&made.path).await.expect(200).json()["slug"].as_str().unwrap().to_owned();
        let run = |program: &str, start: &str, end: &str| {
            let command = ["code", "issue", "--program", program, "--start", start, "--end", end, "--count", "3"];
            Command::new(env!("CARGO_BIN_EXE_preceptor")).args(command).envs(app.variables()).output().unwrap()
        };
        for key in [made.program_id.as_str(), &slug] {
            let output = run(key, "2025-03", "2025-08");
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
            let codes = String::from_utf8(output.stdout).unwrap();
            assert_eq!(codes.lines().count(), 3);
            for code in codes.lines() {
                assert_eq!(redeem(&app.client(), code).await.expect(200).json()["period"], "2025-H2");
            }
        }
        assert_eq!(written(&app, AuditKind::CodesIssued), 2);
        for (program, start, end) in [("no-such-program", "2025-03", "2025-03"), (&slug, "2025-04", "2025-03")] {
            let output = run(program, start, end);
            assert_eq!((output.status.code(), output.stdout.len()), (Some(1), 0));
        }
        assert_eq!(written(&app, AuditKind::CodesIssued), 2);
    }
}
