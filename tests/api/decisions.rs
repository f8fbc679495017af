//! The public record of decisions, and statements of reasons.

use preceptor::auth::Role;
use serde_json::{Value, json};

use crate::{
    appeals::{REASON, World, id},
    program_lists::walk,
    support::{Backend, Client, TestApp, builders},
};

const FACTS: &str = "The second sentence gives a room number and a day.";

async fn record(app: &TestApp, query: &str) -> Vec<Value> {
    let body = app.client().get(&format!("/v1/decisions?limit=100{query}")).await.expect(200).json();
    body["data"].as_array().unwrap().clone()
}

async fn read(client: &Client, decision: &str) -> Value {
    client.get(&format!("/v1/decisions/{decision}")).await.expect(200).json()
}

on_both! {
    async fn a_ruling_says_what_it_rests_on(backend: Backend) {
        let world = World::make(backend).await;
        let hold = world.last(&world.review);
        let body = read(&world.author, &hold).await;
        for (member, value) in [
            ("subject_kind", "review"), ("action", "hold"), ("restriction", "visibility"), ("ground", "second_look"),
            ("decision_visibility", "content_disabled"), ("decision_ground", "incompatible_content"),
            ("category", "other_violation_tc"), ("content_type", "content_type_text"),
            ("automated_decision", "not_automated"), ("subject_id", id(&world.review)),
        ] {
            assert_eq!(body[member], value, "{member}");
        }
        assert_eq!(body["automated_detection"], false);
        let statement = &body["statement"];
        assert_eq!((&statement["reason"], &statement["facts"]), (&json!(REASON), &Value::Null));
        assert_eq!(statement["redress"]["appeals"], format!("/v1/decisions/{hold}/appeals"));

        let ruling = json!({"action": "reject", "reason": REASON, "ground": "personal_data", "facts": FACTS});
        world.decider.post(&format!("{}/decisions", world.review), &ruling).await.expect(200);
        let reject = world.last(&world.review);
        for reader in [&world.author, &world.other] {
            let body = read(reader, &reject).await;
            assert_eq!((&body["ground"], &body["statement"]["facts"]), (&json!("personal_data"), &json!(FACTS)));
            assert_eq!(body["category"], "data_protection_and_privacy_violations");
            assert_eq!(body["restriction"], "removal");
        }
        // Who is not affected reads of it what anyone reads: not even which review it was.
        let stranger = world.app.participant().await;
        for reader in [&world.app.client(), &stranger, &world.made.provider, &world.app.admin().await] {
            let body = read(reader, &reject).await;
            assert_eq!((&body["statement"], &body["subject_id"], &body["program_id"]), (&Value::Null, &Value::Null, &Value::Null));
            assert!(!body.to_string().contains(FACTS) && !body.to_string().contains(REASON));
        }
        // The same words in every decision's body; a ground that is none is refused.
        let bad = json!({"action": "publish", "reason": REASON, "ground": "because"});
        world.decider.post(&format!("{}/decisions", world.review), &bad).await.problem(422, "invalid");
        let suspend = json!({"action": "suspend", "reason": REASON, "ground": "participant_safety", "facts": FACTS});
        world.decider.post(&format!("{}/decisions", world.made.path), &suspend).await.expect(200);
        let body = read(&world.made.provider, &world.last(&world.made.path)).await;
        assert_eq!((&body["ground"], &body["statement"]["facts"]), (&json!("participant_safety"), &json!(FACTS)));
        let public = world.app.client().get(&format!("{}/history", world.made.path)).await.expect(200).json();
        let last = public["decisions"].as_array().unwrap().last().unwrap();
        assert_eq!((&last["ground"], &last["restriction"]), (&json!("participant_safety"), &json!("suspension")));
        assert!(!public.to_string().contains(FACTS));
    }

    async fn what_the_checks_found_is_marked_as_found_by_them(backend: Backend) {
        let world = World::make(backend).await;
        let mut review = builders::review(5);
        review["text"] = json!({"good": "Write to me at someone.else@mail.example.org for more about it."});
        let writer = world.app.participant().await;
        let answer = writer.post(&format!("{}/reviews", world.made.path), &review).await.expect(201);
        assert_eq!(answer.json()["status"], "held");
        let path = answer.header("location").to_owned();
        let body = read(&writer, &world.last(&path)).await;
        assert_eq!((&body["automated_detection"], &body["automated_decision"]), (&json!(true), &json!("fully")));
        assert_eq!((&body["ground"], &body["statement"]["redress"]["party"]), (&json!("automatic_checks"), &json!("author")));
        world.ruled(&world.decider, &path, "reject").await;
        let body = read(&writer, &world.last(&path)).await;
        assert_eq!((&body["automated_detection"], &body["automated_decision"]), (&json!(true), &json!("not_automated")));
        // Of the other review a person thought first.
        world.ruled(&world.decider, &world.review, "publish").await;
        assert_eq!(read(&world.author, &world.last(&world.review)).await["automated_detection"], false);
    }

    async fn the_public_record_names_what_is_public_and_nobody(backend: Backend) {
        let world = World::make(backend).await;
        let reporter = world.app.participant().await;
        let reports = format!("{}/red-flag-reports", world.made.path);
        let mut made = Vec::new();
        for ending in ["substantiate", "unsubstantiate"] {
            let report = reporter.post(&reports, &builders::report()).await.expect(201).header("location").to_owned();
            world.ruled(&world.decider, &report, "start_triage").await;
            world.ruled(&world.decider, &report, ending).await;
            made.push(report);
        }
        let draft = builders::draft(&world.app, "refused").await;
        draft.provider.act(&format!("{}/submit", draft.path)).await.expect(200);
        world.ruled(&world.decider, &draft.path, "reject").await;
        let appeal = world.appealed(&world.author, &world.last(&world.review)).await;
        world.rule(&world.other, &appeal, "deny").await.expect(200);

        let all = record(&world.app, "").await;
        let acts: Vec<_> = all.iter().map(|one| one["action"].as_str().unwrap()).collect();
        for action in ["list", "hold", "reject", "substantiate", "unsubstantiate", "deny"] {
            assert!(acts.contains(&action), "{acts:?}");
        }
        assert!(!acts.iter().any(|action| ["start_triage", "submit"].contains(action)), "{acts:?}");
        let shown: Vec<_> = all.iter().filter(|one| !one["subject_id"].is_null()).collect();
        let named: Vec<_> = shown.iter().map(|one| one["subject_id"].as_str().unwrap()).collect();
        assert_eq!(named.len(), 2, "{shown:?}");
        assert!(named.contains(&world.made.program_id.as_str()) && named.contains(&id(&made[0])));
        for one in &all {
            assert_eq!(one["subject_id"].is_null(), one["program_id"].is_null(), "{one}");
            assert_eq!(one["statement"], Value::Null);
            assert!(one["application_date"].as_str().unwrap().ends_with("-01"), "{one}");
            assert!(one["public_summary"].is_null() || one["subject_id"] == id(&made[0]));
        }
        let text = format!("{}{}", json!(all), world.app.client().get("/v1/decisions?limit=1").await.text());
        let people = [&reporter, &world.author, &world.decider, &world.other, &world.made.provider];
        let hidden = [id(&world.review), id(&made[1]), id(&appeal), &draft.program_id, REASON];
        for secret in people.map(|client| client.id.unwrap().to_string()).iter().map(String::as_str).chain(hidden) {
            assert!(!text.contains(secret), "{secret}");
        }
        // Ids carry no moment: version 4.
        for one in &all {
            let version = one["id"].as_str().unwrap().as_bytes()[14];
            assert!(version == b'4' || one["subject_kind"] == "assessment", "{one}");
        }
        // A review that is public again is named by the decision that made it so, and one that is held is not any more.
        world.ruled(&world.other, &world.review, "publish").await;
        let of_review = record(&world.app, "&subject_kind=review").await;
        let named: Vec<_> = of_review.iter().filter(|one| one["subject_id"] == id(&world.review)).collect();
        assert_eq!(named.len(), 2, "held and published, both while it was public: {of_review:?}");
        world.ruled(&world.other, &world.review, "hold").await;
        assert!(record(&world.app, "&subject_kind=review").await.iter().all(|one| one["subject_id"].is_null()));
    }

    async fn the_record_is_filtered_by_what_it_shows(backend: Backend) {
        let world = World::make(backend).await;
        world.ruled(&world.decider, &world.made.path, "suspend").await;
        world.ruled(&world.decider, &world.made.path, "reinstate").await;
        let other = builders::listed(&world.app, "other").await;
        let of = async |query: &str| {
            let mut acts: Vec<_> =
                record(&world.app, query).await.iter().map(|one| one["action"].as_str().unwrap().to_owned()).collect();
            acts.sort();
            acts
        };
        assert_eq!(of(&format!("&program={}", world.made.program_id)).await, ["list", "reinstate", "suspend"]);
        assert_eq!(of(&format!("&provider={}", other.provider_id)).await, ["list"]);
        assert_eq!(of("&action=suspend").await, ["suspend"]);
        assert_eq!(of("&subject_kind=review").await, ["hold"]);
        assert_eq!(of(&format!("&subject_kind=review&program={}", world.made.program_id)).await, [""; 0], "it is held");
        let whole = walk(&world.app.client(), "/v1/decisions?limit=1", "id").await;
        let mut once: Vec<_> = record(&world.app, "").await.iter().map(|one| one["id"].as_str().unwrap().to_owned()).collect();
        assert_eq!(whole, once);
        once.sort();
        once.dedup();
        assert_eq!(once.len(), whole.len());
        world.app.client().get("/v1/decisions?action=No").await.problem(400, "invalid_parameter");
        // What is no ruling is not in it, and not there for those whom it does not concern.
        let submit = world.history(&world.made.path).into_iter().find(|(action, _)| action == "submit").unwrap().1;
        world.app.client().get(&format!("/v1/decisions/{submit}")).await.problem(404, "not_found");
        other.provider.get(&format!("/v1/decisions/{submit}")).await.problem(404, "not_found");
        assert_eq!(read(&world.made.provider, &submit).await["ground"], Value::Null);
    }

    async fn whom_a_ruling_concerns_finds_it_in_their_own_list(backend: Backend) {
        let world = World::make(backend).await;
        let report = world.author.post(&format!("{}/red-flag-reports", world.made.path), &builders::report()).await;
        let report = report.expect(201).header("location").to_owned();
        let found = builders::found_true(&world.decider, &report).await;
        let suspend = world.ruled(&world.decider, &world.made.path, "suspend").await;
        let hold = world.last(&world.review);
        let own = async |client: &Client| {
            let mut ids = walk(client, "/v1/me/decisions?limit=1", "id").await;
            ids.sort();
            ids
        };
        let sorted = |ids: [&String; 2]| {
            let mut ids = ids.map(String::clone).to_vec();
            ids.sort();
            ids
        };
        assert_eq!(own(&world.author).await, sorted([&hold, &found]));
        assert_eq!(own(&world.made.provider).await, sorted([&suspend, &found]));
        assert_eq!(own(&world.app.participant().await).await, [""; 0]);
        assert_eq!(own(&builders::draft(&world.app, "other").await.provider).await, [""; 0]);
        for client in [&world.author, &world.made.provider] {
            let list = client.get("/v1/me/decisions").await.expect(200).json();
            let all = list["data"].as_array().unwrap();
            assert!(all.iter().all(|one| one["statement"]["reason"].is_string()), "{list}");
        }
        world.other.get("/v1/me/decisions").await.problem(403, "forbidden");
    }

    async fn the_grounds_stand_in_the_reference(backend: Backend) {
        let app = TestApp::start(backend);
        let list = app.client().get("/v1/moderation/grounds").await.expect(200).json();
        let codes: Vec<_> = list["data"].as_array().unwrap().iter().map(|one| one["code"].as_str().unwrap()).collect();
        assert!(codes.contains(&"identifiable_patient") && codes.len() > 20);
        let reader = app.principal(Role::Frontend, |_| {}).await;
        assert_eq!(reader.get("/v1/moderation/grounds").await.expect(200).json(), list);
    }
}
