//! Principals: seen and removed by admins; nobody rules where they are linked.

use std::process::Command;

use futures_util::future::join_all;
use preceptor::{auth::Role, time::Timestamp, universities::import};
use serde_json::{Value, json};

use crate::{
    program_lists::walk,
    support::{Answer, Backend, Client, Setup, TestApp, builders, eventually},
};

fn reason() -> Value {
    json!({"reason": "No longer with the team."})
}

fn place(client: &Client) -> String {
    format!("/v1/principals/{}", client.id.unwrap())
}

/// Every ruling there is, on one provider's program, review and report.
struct Matters {
    program: String,
    review: String,
    report: String,
}

impl Matters {
    async fn of(app: &TestApp, program: &str) -> Self {
        let author = app.participant().await;
        let placed = |answer: Answer| format!("{}/decisions", answer.expect(201).header("location"));
        let review = placed(author.post(&format!("{program}/reviews"), &builders::review(4)).await);
        let report = placed(author.post(&format!("{program}/red-flag-reports"), &builders::report()).await);
        Self { program: format!("{program}/decisions"), review, report }
    }

    fn rulings(&self) -> [(&str, Value); 3] {
        let why = "It was looked at with care.";
        [
            (&self.program, json!({"action": "suspend", "reason": why})),
            (&self.review, json!({"action": "hold", "reason": why})),
            (&self.report, json!({"action": "start_triage", "reason": why})),
        ]
    }

    async fn refused(&self, moderator: &Client) {
        for (path, ruling) in self.rulings() {
            let problem = moderator.post(path, &ruling).await.problem(403, "forbidden");
            assert!(problem["detail"].as_str().unwrap().contains("conflict of interest"), "{problem}");
            // Before the body is judged.
            moderator.post(path, &json!({})).await.problem(403, "forbidden");
        }
    }

    async fn allowed(&self, moderator: &Client) {
        for (path, ruling) in self.rulings() {
            moderator.post(path, &ruling).await.expect(200);
        }
    }
}

on_both! {
    async fn admins_see_everyone_but_participants(backend: Backend) {
        let app = TestApp::start(backend);
        let admin = app.admin().await;
        let mut moderators = Vec::new();
        for _ in 0..3 {
            moderators.push(app.moderator().await.id.unwrap().to_string());
        }
        app.participant().await;
        let walked = walk(&admin, "/v1/principals?role=moderator&limit=2", "id").await;
        assert_eq!(walked, moderators);
        let listed = builders::listed(&app, "seen").await;
        let shown = admin.get(&place(&listed.provider)).await.expect(200);
        assert_eq!(shown.json()["provider"], json!(listed.provider_id));
        assert_eq!((&shown.json()["role"], &shown.json()["removed_at"]), (&json!("provider"), &Value::Null));
        admin.get("/v1/principals").await.problem(400, "invalid_parameter");
        admin.get("/v1/principals?role=participant").await.problem(400, "invalid_parameter");
        admin.get(&place(&app.participant().await)).await.problem(404, "not_found");
        let all = admin.get("/v1/principals?role=admin").await.expect(200).json();
        assert!(all["data"].as_array().unwrap().iter().all(|one| one["role"] == "admin"), "{all}");
    }

    async fn a_removal_counts_from_the_next_request_on(backend: Backend) {
        let app = TestApp::start(backend);
        let admin = app.admin().await;
        let listed = builders::listed(&app, "removal").await;
        for gone in [app.moderator().await, listed.provider.clone(), app.principal(Role::Frontend, |_| {}).await] {
            // Verified and remembered.
            gone.get("/v1/me").await.expect(200);
            let path = format!("{}/removal", place(&gone));
            let etag = admin.get(&place(&gone)).await.expect(200).etag().to_owned();
            let answer = admin.post(&path, &reason()).await.expect(200);
            assert_eq!(answer.json()["removal_reason"], reason()["reason"]);
            assert!(answer.json()["removed_at"].is_string());
            assert_ne!(answer.etag(), etag);
            assert_eq!(admin.get(&place(&gone)).await.expect(200).etag(), answer.etag());
            gone.get("/v1/me").await.problem(401, "unauthorized");
            gone.get(&listed.path).await.problem(401, "unauthorized");
            admin.post(&path, &reason()).await.problem(409, "conflict");
        }
        // Participants are shown to nobody, and yet whoever abuses the service can be stopped.
        let participant = app.participant().await;
        participant.get("/v1/me").await.expect(200);
        admin.get(&place(&participant)).await.problem(404, "not_found");
        admin.post(&format!("{}/removal", place(&participant)), &reason()).await.expect(200);
        participant.get("/v1/me").await.problem(401, "unauthorized");
        admin.post(&format!("{}/removal", place(&admin)), &json!({})).await.problem(422, "invalid");
    }

    async fn an_admin_is_left_whoever_removes_whom(backend: Backend) {
        let app = TestApp::start(backend);
        let admin = app.admin().await;
        admin.post(&format!("{}/removal", place(&admin)), &reason()).await.problem(409, "conflict");
        admin.get("/v1/me").await.expect(200);
        for _ in 0..5 {
            let other = app.admin().await;
            let (one, two) = (format!("{}/removal", place(&admin)), format!("{}/removal", place(&other)));
            let why = reason();
            let answers = join_all([admin.post(&two, &why), other.post(&one, &why)]).await;
            let done = answers.iter().filter(|answer| answer.status == 200).count();
            assert_eq!(done, 1, "{:?}", answers.iter().map(Answer::text).collect::<Vec<_>>());
            let left = [&admin, &other];
            let mut active = 0;
            for one in left {
                active += u32::from(one.get("/v1/me").await.status == 200);
            }
            assert_eq!(active, 1);
            if admin.get("/v1/me").await.status != 200 {
                break;
            }
        }
    }

    async fn whoever_is_linked_to_a_provider_rules_on_nothing_of_it(backend: Backend) {
        let app = TestApp::start(backend);
        let (here, there) = (builders::listed(&app, "here").await, builders::listed(&app, "there").await);
        let (matters, elsewhere) = (Matters::of(&app, &here.path).await, Matters::of(&app, &there.path).await);
        let provider = here.provider_id.parse().unwrap();
        let born = app.principal(Role::Moderator, |row| row.provider_id = Some(provider)).await;
        matters.refused(&born).await;
        elsewhere.allowed(&born).await;

        let (admin, moderator) = (app.admin().await, app.moderator().await);
        let conflicts = format!("{}/conflicts", place(&moderator));
        let link = json!({"provider": here.provider_id});
        let made = admin.post(&conflicts, &link).await.expect(201);
        let conflict = made.header("location").to_owned();
        assert_eq!(admin.get(&conflict).await.expect(200).json(), made.json());
        matters.refused(&moderator).await;
        // Nothing was changed by what was refused.
        assert_eq!(app.client().get(&here.path).await.expect(200).json()["status"], "listed");

        for resource in ["programs/{program}", "reviews/{review}", "red-flag-reports/{report}"] {
            let subject = json!(format!("operation:POST /v1/{resource}/decisions"));
            // Refusals are written down beside the request.
            eventually("both refusals", async || {
                let log = admin.get("/v1/audit-events?limit=100").await.expect(200).json();
                let own = |event: &&Value| event["actor"] == json!(moderator.id.unwrap()) && event["subject"] == subject;
                let denied = log["data"].as_array().unwrap().iter().filter(own).count();
                (denied == 2).then_some(())
            })
            .await;
        }

        admin.act(&format!("{conflict}/removal")).await.expect(204);
        admin.get(&conflict).await.problem(404, "not_found");
        admin.act(&format!("{conflict}/removal")).await.problem(404, "not_found");
        matters.allowed(&moderator).await;
        let log = admin.get("/v1/audit-events?limit=100").await.expect(200).text();
        assert!(log.contains("conflict.added") && log.contains("conflict.removed"), "{log}");
    }

    async fn conflicts_name_one_party_that_exists_once(backend: Backend) {
        let app = TestApp::start(backend);
        let (admin, moderator) = (app.admin().await, app.moderator().await);
        let listed = builders::listed(&app, "party").await;
        let mut conn = app.connect();
        import::run(&mut conn, import::SAMPLE, Timestamp::now()).unwrap();
        let all = app.client().get("/v1/universities?limit=1").await.expect(200).json();
        let (provider, university) = (json!(listed.provider_id), all["data"][0]["id"].clone());
        let path = format!("{}/conflicts", place(&moderator));
        let nobody = json!("0195f8a0-1c2d-7abc-8def-0123456789ab");
        for bad in [
            json!({}), json!({"provider": provider, "university": university}), json!({"provider": nobody}),
            json!({"university": nobody}), json!({"provider": provider, "principal": nobody}),
        ] {
            admin.post(&path, &bad).await.problem(422, "invalid");
        }
        admin.post(&path, &json!({"provider": provider})).await.expect(201);
        admin.post(&path, &json!({"provider": provider})).await.problem(409, "conflict");
        admin.post(&path, &json!({"university": university})).await.expect(201);
        let listed_ones = admin.get(&format!("{path}?limit=1")).await.expect(200).json();
        assert_eq!(listed_ones["data"][0]["provider"], provider);
        assert_eq!(walk(&admin, &format!("{path}?limit=1"), "id").await.len(), 2);
        let assessor = app.principal(Role::Assessor, |_| {}).await;
        admin.post(&format!("{}/conflicts", place(&assessor)), &json!({"provider": provider})).await.expect(201);
        for other in [&listed.provider, &admin] {
            let path = format!("{}/conflicts", place(other));
            admin.post(&path, &json!({"provider": provider})).await.problem(409, "conflict");
        }
        // A conflict is found below its own principal only.
        let id = listed_ones["data"][0]["id"].as_str().unwrap();
        admin.get(&format!("{}/conflicts/{id}", place(&assessor))).await.problem(404, "not_found");
        admin.act(&format!("{}/conflicts/{id}/removal", place(&assessor))).await.problem(404, "not_found");
    }

    async fn the_command_line_removes_principals_too(backend: Backend) {
        let setup = Setup::migrated(backend);
        let run = |arguments: &[&str]| {
            let mut command = Command::new(env!("CARGO_BIN_EXE_preceptor"));
            let output = command.args(arguments).envs(setup.variables()).output().unwrap();
            let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
            (output.status.success(), text(output.stdout), text(output.stderr))
        };
        let (_, token, _) = run(&["token", "issue", "--role", "moderator"]);
        let claims = jsonwebtoken::dangerous::insecure_decode::<Value>(token.trim()).unwrap().claims;
        let id = claims["sub"].as_str().unwrap().to_owned();
        let (done, said, _) = run(&["principal", "remove", &id, "--reason", "Left the team of moderators."]);
        assert!(done && said.contains(&id), "{said}");
        let (again, _, complaint) = run(&["principal", "remove", &id]);
        assert!(!again && complaint.contains("removed before"), "{complaint}");
        let (made, token, complaint) = run(&["token", "issue", "--role", "moderator", "--subject", &id]);
        assert!(!made && token.is_empty() && complaint.contains("no rights any more"), "{complaint}");
        assert!(!run(&["token", "issue", "--role", "admin"]).1.is_empty());
        let (sound, said, _) = run(&["audit", "verify"]);
        assert!(sound && said.starts_with("3 entries"), "two tokens and a removal: {said}");
    }
}
