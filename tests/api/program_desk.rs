//! The lists of programs for those who work on them.

use serde_json::{Value, json};

use crate::support::{Answer, Backend, TestApp, builders};

fn titles(answer: &Answer) -> Vec<String> {
    let body = answer.json();
    let title = |program: &Value| program["title"].as_str().unwrap().rsplit(' ').next().unwrap().to_owned();
    body["data"].as_array().unwrap().iter().map(title).collect()
}

on_both! {
    async fn a_provider_finds_its_own_programs_in_every_state_and_no_others(backend: Backend) {
        let app = TestApp::start(backend);
        let made = builders::listed(&app, "one").await;
        let other = builders::listed(&app, "other").await;
        made.provider.post("/v1/programs", &builders::program("two")).await.expect(201);
        let third = made.provider.post("/v1/programs", &builders::program("three")).await.expect(201);
        made.provider.act(&format!("{}/submit", third.header("location"))).await.expect(200);

        let own = made.provider.get("/v1/me/programs").await.expect(200);
        assert_eq!(titles(&own), ["one", "two", "three"]);
        let states: Vec<Value> = own.json()["data"].as_array().unwrap().iter().map(|row| row["status"].clone()).collect();
        assert_eq!(states, [json!("listed"), json!("draft"), json!("submitted")]);
        assert_eq!(titles(&made.provider.get("/v1/me/programs?status=draft").await.expect(200)), ["two"]);
        assert_eq!(titles(&other.provider.get("/v1/me/programs").await.expect(200)), ["other"]);

        let first = made.provider.get("/v1/me/programs?limit=2").await.expect(200);
        let cursor = first.json()["next_cursor"].as_str().unwrap().to_owned();
        let rest = made.provider.get(&format!("/v1/me/programs?limit=2&cursor={cursor}")).await.expect(200);
        assert_eq!((titles(&rest), &rest.json()["next_cursor"]), (vec!["three".to_owned()], &Value::Null));
        let stolen = other.provider.get(&format!("/v1/me/programs?limit=2&cursor={cursor}")).await;
        stolen.problem(400, "invalid_cursor");
        made.provider.get("/v1/me/programs?status=lost").await.problem(400, "invalid_parameter");
    }

    async fn a_moderator_finds_what_was_handed_in_oldest_first(backend: Backend) {
        let app = TestApp::start(backend);
        let (moderator, made) = (app.moderator().await, builders::listed(&app, "listed").await);
        assert!(titles(&moderator.get("/v1/submitted-programs").await.expect(200)).is_empty());
        let mut paths = Vec::new();
        for title in ["first", "second", "third"] {
            let draft = made.provider.post("/v1/programs", &builders::program(title)).await.expect(201);
            paths.push(draft.header("location").to_owned());
        }
        for path in [&paths[2], &paths[0]] {
            made.provider.act(&format!("{path}/submit")).await.expect(200);
        }
        assert_eq!(titles(&moderator.get("/v1/submitted-programs").await.expect(200)), ["first", "third"]);
        let decision = json!({"action": "reject", "reason": "The supervisor is not named."});
        moderator.post(&format!("{}/decisions", paths[0]), &decision).await.expect(200);
        assert_eq!(titles(&moderator.get("/v1/submitted-programs").await.expect(200)), ["third"]);
        let own = made.provider.get("/v1/me/programs?status=draft").await.expect(200).json();
        assert_eq!(own["data"][0]["status_reason"], "The supervisor is not named.");
    }
}
