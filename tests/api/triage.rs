//! Triage: what one account does to a program, what two do, and what moderators make of it.

use preceptor::{programs, time::Timestamp};
use serde_json::{Value, json};

use crate::{
    program_lists::walk,
    support::{
        Answer, Backend, Client, TestApp,
        builders::{self, Listed, Told, did, verified_review},
        send,
    },
};

const KIND: &str = "unsupervised_patient_contact";
const PERIODS: [(&str, &str); 3] = [("2024-03", "2024-04"), ("2024-09", "2024-10"), ("2025-03", "2025-04")];

/// Somebody who was left alone.
fn alone(period: (&'static str, &'static str)) -> Told<'static> {
    Told { period, level: "clinical", tasks: json!([did("vital_signs", "none", "asked")]), claims: json!([]) }
}

struct World {
    app: TestApp,
    made: Listed,
    moderator: Client,
}

/// What the public reads of a program: verdict, notices, the first reason.
type Seen = (String, Vec<String>, String);

const ORDINARY: (&str, &[&str], &str) = ("insufficient_evidence", &[], "no_assessment");
const UNDER_REVIEW: (&str, &[&str], &str) = ("insufficient_evidence", &["under_review"], "no_assessment");
const CORROBORATED: (&str, &[&str], &str) = ("not_recommended", &["under_review"], "signal_corroborated");
const CONFIRMED: (&str, &[&str], &str) = ("not_recommended", &[], "signal_confirmed");

impl World {
    async fn make(backend: Backend) -> Self {
        let app = TestApp::start(backend);
        let made = builders::listed(&app, "triage").await;
        let moderator = app.moderator().await;
        Self { app, made, moderator }
    }

    async fn account(&self, period: usize, who: Option<&Client>) -> (Client, String) {
        verified_review(&self.app, &self.made, &alone(PERIODS[period]), who).await
    }

    async fn seen(&self) -> Seen {
        let now = Timestamp::now();
        assert_eq!(programs::rebuild(&mut self.app.connect(), true, now).unwrap(), 0);
        let body = self.app.client().get(&format!("{}/verdict", self.made.path)).await.expect(200).json();
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let notices = body["notices"].as_array().unwrap().iter().map(text).collect();
        (text(&body["verdict"]), notices, text(&body["reasons"][0]["code"]))
    }

    #[track_caller]
    fn is((verdict, notices, reason): Seen, expected: (&str, &[&str], &str)) {
        let notices: Vec<_> = notices.iter().map(String::as_str).collect();
        assert_eq!((verdict.as_str(), notices.as_slice(), reason.as_str()), expected);
    }

    /// The entries in a status, as paths.
    async fn entries(&self, status: &str) -> Vec<String> {
        let path = format!("/v1/triage-entries?status={status}&program={}", self.made.program_id);
        let list = self.moderator.get(&path).await.expect(200).json();
        let ids = list["data"].as_array().unwrap().iter().map(|entry| entry["id"].as_str().unwrap());
        ids.map(|id| format!("/v1/triage-entries/{id}")).collect()
    }

    async fn decide(&self, entry: &str, action: &str) -> Answer {
        let mut body = json!({"action": action, "reason": "It was looked at with care."});
        if action == "remediate" {
            body["proof"] = json!("The duty rosters of three months.");
        }
        let etag = self.moderator.get(entry).await.etag().to_owned();
        self.decide_as_read(entry, &etag, &body).await
    }

    async fn decide_as_read(&self, entry: &str, etag: &str, body: &Value) -> Answer {
        let request = self.moderator.request("POST", &format!("{entry}/decisions"));
        send(request.header("if-match", etag).json(body)).await
    }
}

on_both! {
    async fn a_ruling_is_about_the_accounts_that_were_read(backend: Backend) {
        let world = World::make(backend).await;
        world.account(0, None).await;
        let entry = world.entries("open").await.remove(0);
        let read = world.moderator.get(&entry).await.expect(200);
        world.account(1, None).await;
        let body = json!({"action": "dismiss", "reason": "It was looked at with care."});
        world.decide_as_read(&entry, read.etag(), &body).await.problem(412, "precondition_failed");
        world.moderator.post(&format!("{entry}/decisions"), &body).await.problem(428, "precondition_required");
        World::is(world.seen().await, CORROBORATED);
    }

    async fn one_account_puts_a_program_under_review_and_two_make_a_criterion_fail(backend: Backend) {
        let world = World::make(backend).await;
        World::is(world.seen().await, ORDINARY);
        let (first, review) = world.account(0, None).await;
        World::is(world.seen().await, UNDER_REVIEW);
        let entries = world.entries("open").await;
        let [entry] = &entries[..] else { panic!("{entries:?}") };
        // The same person again, and somebody else from the same half-year: nothing more is known than before.
        world.account(1, Some(&first)).await;
        World::is(world.seen().await, UNDER_REVIEW);
        let (_, second) = world.account(0, None).await;
        World::is(world.seen().await, CORROBORATED);
        let body = world.app.client().get(&format!("{}/verdict", world.made.path)).await.expect(200).json();
        let reason = &body["reasons"][0];
        assert_eq!(reason["kinds"], json!([KIND]));
        assert_eq!(reason["triage_entry_ids"], json!([entry.rsplit('/').next().unwrap()]));
        let criteria = body["criteria"].as_array().unwrap();
        let touched = criteria.iter().filter(|one| reason["criteria"].as_array().unwrap().contains(&one["criterion"]));
        assert!(touched.map(|one| &one["status"]).all(|status| status == "not_met"));

        let detail = world.moderator.get(entry).await.expect(200);
        let body = detail.json();
        let accounts = body["accounts"].as_array().unwrap();
        let of = |path: &str| accounts.iter().find(|one| path.ends_with(one["review_id"].as_str().unwrap())).unwrap();
        assert_eq!(accounts.len(), 3);
        assert_ne!(of(&review)["person"], of(&second)["person"]);
        let mut people: Vec<_> = accounts.iter().map(|one| one["person"].as_i64().unwrap()).collect();
        people.sort_unstable();
        people.dedup();
        assert_eq!(people, [1, 2]);
        let account = json!({
            "review_id": review.rsplit('/').next().unwrap(), "person": of(&review)["person"], "half_year": "2024-H1",
            "training_level": "clinical", "severity": "critical", "cleared": false,
            "tasks": [did("vital_signs", "none", "asked")]
        });
        assert_eq!(of(&review), &account);
        assert!(!body.to_string().contains(&first.id.unwrap().to_string()));
        assert_eq!((&body["kind"], &body["status"], &body["reason"]), (&json!(KIND), &json!("open"), &Value::Null));
        assert_eq!((&body["history"][0]["action"], &body["history"][0]["actor_role"]), (&json!("open"), &json!("system")));
    }

    async fn two_people_from_one_half_year_do_not_corroborate_each_other(backend: Backend) {
        let world = World::make(backend).await;
        world.account(0, None).await;
        world.account(0, None).await;
        World::is(world.seen().await, UNDER_REVIEW);
        let (_, third) = world.account(1, None).await;
        World::is(world.seen().await, CORROBORATED);
        // What is held counts no longer, and again when it is published.
        for (action, expected) in [("hold", UNDER_REVIEW), ("publish", CORROBORATED)] {
            let body = json!({"action": action, "reason": "It was looked at with care."});
            world.moderator.post(&format!("{third}/decisions"), &body).await.expect(200);
            World::is(world.seen().await, expected);
        }
    }

    async fn what_nobody_verified_tells_nothing(backend: Backend) {
        let world = World::make(backend).await;
        for (start, end) in PERIODS {
            let mut body = builders::review(1);
            body["period"] = json!({"start_month": start, "end_month": end});
            body["tasks_done"] = json!([did("alone_with_patients", "none", "not_asked")]);
            let author = world.app.participant().await;
            author.post(&format!("{}/reviews", world.made.path), &body).await.expect(201);
        }
        World::is(world.seen().await, ORDINARY);
        assert_eq!(world.entries("open").await, [""; 0]);
    }

    async fn a_dismissal_restores_the_verdict_and_a_new_account_reopens_the_entry(backend: Backend) {
        let world = World::make(backend).await;
        world.account(0, None).await;
        let (author, second) = world.account(1, None).await;
        World::is(world.seen().await, CORROBORATED);
        let entry = world.entries("open").await.remove(0);
        let before = world.moderator.get(&entry).await.expect(200).etag().to_owned();
        let answer = world.decide(&entry, "dismiss").await.expect(200);
        assert_ne!(answer.etag(), before);
        assert_eq!(world.moderator.get(&entry).await.expect(200).etag(), answer.etag());
        let body = answer.json();
        assert_eq!((&body["status"], &body["reason"]), (&json!("dismissed"), &json!("It was looked at with care.")));
        assert!(body["accounts"].as_array().unwrap().iter().all(|account| account["cleared"] == true));
        World::is(world.seen().await, ORDINARY);
        world.account(2, None).await;
        // It counts alone: with what was dismissed it would be corroborated.
        World::is(world.seen().await, UNDER_REVIEW);
        let body = world.moderator.get(&entry).await.expect(200).json();
        assert_eq!((&body["status"], &body["reason"]), (&json!("open"), &Value::Null));
        let actions: Vec<_> = body["history"].as_array().unwrap().iter().map(|act| act["action"].as_str().unwrap()).collect();
        assert_eq!(actions, ["open", "dismiss", "reopen"]);
        // An edit of the text is no new account; an edit of what was done is.
        let edit = async |changes: Value| {
            let etag = author.get(&second).await.expect(200).etag().to_owned();
            author.patch(&second, &etag, &changes).await.expect(200);
        };
        edit(json!({"text": {"good": "The consultant explained each case."}})).await;
        World::is(world.seen().await, UNDER_REVIEW);
        edit(json!({"tasks_done": [did("physical_examination", "none", "asked")]})).await;
        World::is(world.seen().await, CORROBORATED);
    }

    async fn a_confirmed_signal_stands_until_it_is_remediated(backend: Backend) {
        let world = World::make(backend).await;
        let (author, review) = world.account(0, None).await;
        let entry = world.entries("open").await.remove(0);
        world.decide(&entry, "remediate").await.problem(409, "conflict");
        world.decide(&entry, "confirm").await.expect(200);
        World::is(world.seen().await, CONFIRMED);
        for action in ["confirm", "dismiss"] {
            world.decide(&entry, action).await.problem(409, "conflict");
        }
        author.act(&format!("{review}/withdraw")).await.expect(200);
        World::is(world.seen().await, CONFIRMED);
        let body = world.app.client().get(&format!("{}/self-reports", world.made.path)).await.expect(200).json();
        assert_eq!((&body["reviews"], &body["signals"][0]["triage_status"]), (&json!(0), &json!("confirmed")));
        let body = world.decide(&entry, "remediate").await.expect(200).json();
        assert_eq!((&body["status"], &body["proof"]), (&json!("remediated"), &json!("The duty rosters of three months.")));
        World::is(world.seen().await, ORDINARY);
        world.account(1, None).await;
        World::is(world.seen().await, UNDER_REVIEW);
        assert_eq!(world.entries("open").await, [entry]);
    }

    async fn an_entry_stays_with_moderators_when_its_accounts_go(backend: Backend) {
        let world = World::make(backend).await;
        let (_, first) = world.account(0, None).await;
        let (author, second) = world.account(1, None).await;
        let entry = world.entries("open").await.remove(0);
        let hold = |action| json!({"action": action, "reason": "It was looked at with care."});
        author.act(&format!("{second}/withdraw")).await.expect(200);
        World::is(world.seen().await, UNDER_REVIEW);
        world.moderator.post(&format!("{first}/decisions"), &hold("hold")).await.expect(200);
        World::is(world.seen().await, UNDER_REVIEW);
        let body = world.moderator.get(&entry).await.expect(200).json();
        assert_eq!((&body["status"], &body["accounts"]), (&json!("open"), &json!([])));
        world.decide(&entry, "dismiss").await.expect(200);
        World::is(world.seen().await, ORDINARY);
        // What was held when the moderator ruled was not ruled on, so it counts when it comes back.
        world.moderator.post(&format!("{first}/decisions"), &hold("publish")).await.expect(200);
        World::is(world.seen().await, UNDER_REVIEW);
        assert_eq!(world.entries("open").await, [entry]);
    }

    async fn nobody_rules_on_a_provider_that_they_are_linked_to(backend: Backend) {
        let world = World::make(backend).await;
        world.account(0, None).await;
        let entry = world.entries("open").await.remove(0);
        let linked = format!("/v1/principals/{}/conflicts", world.moderator.id.unwrap());
        let conflict = json!({"provider": world.made.provider_id});
        world.app.admin().await.post(&linked, &conflict).await.expect(201);
        world.decide(&entry, "dismiss").await.problem(403, "forbidden");
        World::is(world.seen().await, UNDER_REVIEW);
        let nowhere = "/v1/triage-entries/6b0c7f3e-52a4-8d1b-9c58-0f2d6c1b7a90";
        world.decide(nowhere, "dismiss").await.problem(404, "not_found");
        world.moderator.get(nowhere).await.problem(404, "not_found");
    }

    async fn the_queue_shows_each_entry_once_and_the_oldest_first(backend: Backend) {
        let world = World::make(backend).await;
        let told = Told {
            tasks: json!([did("delivery", "none", "not_asked"), did("assist_surgery", "direct", "asked")]),
            level: "pre_health",
            ..alone(PERIODS[0])
        };
        verified_review(&world.app, &world.made, &told, None).await;
        let other = builders::listed(&world.app, "other").await;
        verified_review(&world.app, &other, &alone(PERIODS[0]), None).await;
        let all = world.moderator.get("/v1/triage-entries?limit=100").await.expect(200).json();
        let key = |entry: &Value| ["opened_at", "id"].map(|member| entry[member].as_str().unwrap().to_owned());
        let mut keys: Vec<_> = all["data"].as_array().unwrap().iter().map(key).collect();
        assert!(keys.is_sorted(), "{keys:?}");
        keys.dedup();
        let all: Vec<_> = keys.into_iter().map(|[_, id]| id).collect();
        assert_eq!(all.len(), 5);
        for (query, expected) in [("limit=2", &all[..]), ("status=open&limit=1", &all), ("status=confirmed", &[])] {
            let entries = walk(&world.moderator, &format!("/v1/triage-entries?{query}"), "id").await;
            assert_eq!(entries, expected, "{query}");
        }
        let of_other = format!("/v1/triage-entries?program={}", other.program_id);
        assert_eq!(walk(&world.moderator, &of_other, "kind").await, [KIND]);
    }
}
