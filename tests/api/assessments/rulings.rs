//! Rulings: who writes over whom, what is refused in them, and what of their evidence is shown to whom.

use diesel::{ExpressionMethods, RunQueryDsl};
use preceptor::{db::schema::reviews, reference::CriterionCode, reviews::model::Verification};
use serde_json::{Value, json};

use super::{CRITICAL, OTHER, World, id};
use crate::{
    program_lists::walk,
    support::{Backend, Client, TestApp, builders, builders::ruling, send},
};

/// A published review of somebody new; gives its id.
async fn reviewed(program: &str, author: &Client, months: (&str, &str)) -> String {
    let mut review = builders::review(4);
    review["period"] = json!({"start_month": months.0, "end_month": months.1});
    let made = author.post(&format!("{program}/reviews"), &review).await.expect(201).json();
    assert_eq!(made["status"], "published");
    made["id"].as_str().unwrap().to_owned()
}

fn verify_all(app: &TestApp) {
    let verified = reviews::verification.eq(Verification::ParticipationCode);
    diesel::update(reviews::table).set(verified).execute(&mut app.connect()).unwrap();
}

fn agreeing(app: &TestApp, ids: &[&str]) -> Value {
    let mut body = ruling(app, "met", None);
    body["evidence"][0]["kind"] = json!("participants_agree");
    body["evidence"][0]["review_ids"] = json!(ids);
    body
}

on_both! {
    async fn two_assessors_do_not_write_over_each_other(backend: Backend) {
        let world = World::make(backend).await;
        let path = world.open().await;
        let place = format!("{path}/rulings/{OTHER}");
        let old = world.assessor.get(&path).await.expect(200).etag().to_owned();
        let body = ruling(&world.app, "met", None);
        let missing = world.assessor.request("PUT", &place).json(&body);
        send(missing).await.problem(428, "precondition_required");
        let both = [&world.assessor, &world.second].map(|assessor| assessor.put(&place, &old, &body));
        let answers = futures_util::future::join_all(both).await;
        let mut statuses: Vec<_> = answers.iter().map(|one| one.status).collect();
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 412]);
        world.second.put(&place, &old, &body).await.problem(412, "precondition_failed");
        let new = world.second.get(&path).await.expect(200).etag().to_owned();
        world.second.put(&place, &new, &body).await.expect(200);
        // The tag is of the version, not of the body.
        world.second.put(&place, &new, &body).await.problem(412, "precondition_failed");
        let list = world.assessor.get(&format!("{path}/revisions")).await.expect(200).json();
        assert_eq!(list["data"].as_array().unwrap().len(), 2);
    }

    async fn put_is_a_method_like_the_others(backend: Backend) {
        let world = World::make(backend).await;
        let place = format!("{}/rulings/{OTHER}", world.open().await);
        let options = send(world.assessor.request("OPTIONS", &place)).await.expect(204);
        assert_eq!(options.header("allow"), "PUT, OPTIONS");
        let refused = world.assessor.get(&place).await;
        refused.problem(405, "method_not_allowed");
        assert_eq!(refused.header("allow"), "PUT, OPTIONS");
        let preflight = world.app.client().request("OPTIONS", &place);
        let preflight = preflight.header("origin", "https://example.org").header("access-control-request-method", "PUT");
        let preflight = send(preflight.header("access-control-request-headers", "if-match,content-type")).await;
        assert_eq!(preflight.status, 200, "{}", preflight.text());
        assert!(preflight.header("access-control-allow-methods").contains("PUT"));
        let bare = world.assessor.request("PUT", &place).header("if-match", "*").body("{}");
        let answer = send(bare).await;
        answer.problem(415, "unsupported_media_type");
        assert_eq!(answer.header("accept"), "application/json");
        let unknown = place.replace(OTHER.as_str(), "no_such_criterion");
        world.assessor.put(&unknown, "*", &ruling(&world.app, "met", None)).await.problem(404, "not_found");
    }

    async fn every_fault_of_a_ruling_is_pointed_at(backend: Backend) {
        let world = World::make(backend).await;
        let path = world.open().await;
        let item = |changes: Value| {
            let mut item = ruling(&world.app, "met", None)["evidence"][0].clone();
            item.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
            item
        };
        let tomorrow = world.app.state.now().plus_seconds(24 * 3600).day();
        let mut body = ruling(&world.app, "met", None);
        body["evidence"] = json!([
            item(json!({"obtained_on": tomorrow, "sha256": null})),
            item(json!({"obtained_on": "2025-01-31", "expires_on": "2028-02-01"})),
            item(json!({"obtained_on": "2025-01-31", "expires_on": "2025-01-31", "url": "ftp://example.org/rosters"})),
            item(json!({"kind": "licence_registry"})),
            item(json!({"kind": "participants_agree"})),
        ]);
        let answer = world.rule(&path, OTHER, &body).await;
        answer.problem(422, "invalid");
        // The pattern of an address is the schema's; the rest waits until it fits.
        assert_eq!(answer.faults(), [("#/evidence/2/url".to_owned(), "bad_format".to_owned())]);
        body["evidence"][2]["url"] = Value::Null;
        let answer = world.rule(&path, OTHER, &body).await;
        answer.problem(422, "invalid");
        let found = answer.faults();
        let found: Vec<_> = found.iter().map(|(place, code)| (place.as_str(), code.as_str())).collect();
        assert_eq!(found, [
            ("#/evidence/0/obtained_on", "in_the_future"),
            ("#/evidence/0/sha256", "required"),
            ("#/evidence/1/expires_on", "inconsistent"),
            ("#/evidence/2/expires_on", "range_reversed"),
            ("#/evidence/3/confirmed_by", "required"),
            ("#/evidence/4/review_ids", "too_few"),
        ]);
        assert_eq!(world.assessor.get(&path).await.expect(200).json()["rulings"], json!([]));
        // What is met without evidence may be written; the verdict takes it as unknown.
        let bare = json!({"status": "met", "note": "The provider says so on the telephone."});
        let answer = world.rule(&path, OTHER, &bare).await.expect(200).json();
        assert_eq!(answer["rulings"][0]["evidence"], json!([]));
    }

    async fn participants_agree_when_three_verified_ones_do(backend: Backend) {
        let world = World::make(backend).await;
        let (app, program) = (&world.app, &world.made.path);
        let path = world.open().await;
        let people = [app.participant().await, app.participant().await, app.participant().await];
        let mut ids = Vec::new();
        for person in &people {
            ids.push(reviewed(program, person, ("2025-03", "2025-04")).await);
        }
        ids.push(reviewed(program, &people[0], ("2024-08", "2024-09")).await);
        let elsewhere = builders::listed(app, "elsewhere").await;
        ids.push(reviewed(&elsewhere.path, &people[0], ("2025-03", "2025-04")).await);
        ids.push(reviewed(program, &people[1], ("2024-08", "2024-09")).await);
        people[1].act(&format!("/v1/reviews/{}/withdraw", ids[5])).await.expect(200);
        let ids: Vec<_> = ids.iter().map(String::as_str).collect();
        let faults = async |ids: &[&str]| {
            let answer = world.rule(&path, OTHER, &agreeing(app, ids)).await;
            answer.problem(422, "invalid");
            answer.faults().into_iter().map(|(place, code)| format!("{place} {code}")).collect::<Vec<_>>()
        };
        let unknown = |place: usize| format!("#/evidence/0/review_ids/{place} unknown_reference");
        assert_eq!(faults(&ids[..3]).await, [unknown(0), unknown(1), unknown(2)], "nobody was verified");
        verify_all(app);
        assert_eq!(faults(&[ids[0], ids[1], ids[4]]).await, [unknown(2)], "a review of another program");
        assert_eq!(faults(&[ids[0], ids[1], ids[5]]).await, [unknown(2)], "a withdrawn review");
        assert_eq!(faults(&[ids[0], ids[1], ids[3]]).await, ["#/evidence/0/review_ids too_few"], "two people");
        let ruled = world.rule(&path, OTHER, &agreeing(app, &ids[..4])).await.expect(200).json();
        assert_eq!(ruled["rulings"][0]["evidence"][0]["level"], 3);
    }

    async fn of_confidential_evidence_only_kind_level_and_dates_are_shown(backend: Backend) {
        let world = World::make(backend).await;
        let secrets = ["Letter of the night nurse", "https://example.org/secret-letter", "abababab", "Ward sister"];
        let mut body = ruling(&world.app, "met", None);
        body["evidence"][0]["description"] = json!(secrets[0]);
        body["evidence"][0]["url"] = json!(secrets[1]);
        body["evidence"][0]["sha256"] = json!("ab".repeat(32));
        body["evidence"][0]["confirmed_by"] = json!(secrets[3]);
        body["evidence"][0]["confidential"] = json!(true);
        let path = world.ruled(&[(CRITICAL, body)]).await;
        for action in ["submit", "answer", "publish"] {
            world.ask(&path, action).await.expect(200);
        }
        let whole = world.assessor.get(&path).await.expect(200);
        let of = |body: &Value| {
            let rulings = body["rulings"].as_array().unwrap();
            let ruling = rulings.iter().find(|ruling| ruling["criterion"] == CRITICAL.as_str()).unwrap();
            ruling["evidence"][0].clone()
        };
        let own = of(&whole.json());
        for reader in [&world.made.provider, &world.app.client(), &world.app.participant().await] {
            let answer = reader.get(&path).await.expect(200);
            assert!(secrets.iter().all(|secret| !answer.text().contains(secret)), "{}", answer.text());
            assert_ne!(answer.etag(), whole.etag(), "another representation");
            let shown = of(&answer.json());
            for member in ["id", "kind", "level", "obtained_on", "expires_on", "confidential"] {
                assert_eq!(shown[member], own[member], "{member}");
            }
            let missing = ["description", "url", "sha256", "confirmed_by"];
            assert!(missing.iter().all(|member| shown[*member].is_null()), "{shown}");
        }
        for reader in [world.second.clone(), world.app.moderator().await, world.app.admin().await] {
            let answer = reader.get(&path).await.expect(200);
            assert!(secrets.iter().all(|secret| answer.text().contains(secret)), "{}", answer.text());
        }
    }

    async fn every_ruling_is_kept(backend: Backend) {
        let world = World::make(backend).await;
        let path = world.open().await;
        let evidence = |answer: Value| answer["rulings"][0]["evidence"][0]["id"].clone();
        let mut body = ruling(&world.app, "met", None);
        let first = evidence(world.rule(&path, OTHER, &body).await.expect(200).json());
        body["status"] = json!("partly_met");
        let second = evidence(world.rule(&path, OTHER, &body).await.expect(200).json());
        assert_eq!(first, second, "the evidence is as it was");
        body["evidence"][0]["description"] = json!("Other rosters, of another year");
        assert_ne!(evidence(world.rule(&path, OTHER, &body).await.expect(200).json()), first);
        let list = world.app.moderator().await.get(&format!("{path}/revisions")).await.expect(200).json();
        let written: Vec<_> = list["data"].as_array().unwrap().iter().map(|row| &row["ruling"]["status"]).collect();
        assert_eq!(written, ["met", "partly_met", "partly_met"]);
        assert_eq!((&list["data"][0]["version"], &list["data"][0]["criterion"]), (&json!(2), &json!(OTHER)));
        for other in [&world.made.provider, &world.app.participant().await] {
            other.get(&format!("{path}/revisions")).await.problem(403, "forbidden");
            other.get("/v1/assessments").await.problem(403, "forbidden");
        }
    }

    async fn programs_that_are_or_may_become_public_are_assessed(backend: Backend) {
        let world = World::make(backend).await;
        let draft = builders::draft(&world.app, "draft").await;
        let place = format!("{}/assessments", draft.path);
        world.assessor.act(&place).await.problem(409, "conflict");
        draft.provider.act(&format!("{}/submit", draft.path)).await.expect(200);
        let early = world.assessor.act(&place).await.expect(201).header("location").to_owned();
        // The public does not know of the program, and so of nothing about it.
        world.app.client().get(&place).await.problem(404, "not_found");
        let nowhere = "/v1/programs/0195f8a0-1c2d-7abc-8def-0123456789ab/assessments";
        world.assessor.act(nowhere).await.problem(404, "not_found");
        let suspend = json!({"action": "suspend", "reason": "Somebody was hurt there."});
        world.app.moderator().await.post(&format!("{}/decisions", world.made.path), &suspend).await.expect(200);
        let late = world.open().await;
        let archive = json!({"action": "archive", "reason": "The provider has closed down."});
        world.app.moderator().await.post(&format!("{}/decisions", world.made.path), &archive).await.expect(200);
        world.second.post(&format!("{late}/decisions"), &builders::assessing("withdraw")).await.expect(200);
        world.assessor.act(&format!("{}/assessments", world.made.path)).await.problem(409, "conflict");

        let all = walk(&world.second, "/v1/assessments?limit=1", "id").await;
        assert_eq!(all, [id(&early), id(&late)], "oldest first");
        assert_eq!(walk(&world.second, "/v1/assessments?status=draft", "id").await, [id(&early)]);
        assert_eq!(walk(&world.app.admin().await, "/v1/assessments?status=withdrawn", "id").await, [id(&late)]);
        world.second.get("/v1/assessments?status=asleep").await.problem(400, "invalid_parameter");
    }

    async fn of_many_openings_at_once_one_is_made(backend: Backend) {
        let world = World::make(backend).await;
        let place = format!("{}/assessments", world.made.path);
        let asked = (0..6).map(|_| world.assessor.act(&place));
        let mut statuses: Vec<_> = futures_util::future::join_all(asked).await.iter().map(|one| one.status).collect();
        statuses.sort_unstable();
        assert_eq!(statuses, [201, 409, 409, 409, 409, 409]);
    }

    async fn a_criterion_is_named_in_the_path_alone(backend: Backend) {
        let world = World::make(backend).await;
        let path = world.open().await;
        for criterion in CriterionCode::ALL.iter().rev() {
            world.rule(&path, *criterion, &ruling(&world.app, "unknown", None)).await.expect(200);
        }
        let body = world.assessor.get(&path).await.expect(200).json();
        let order: Vec<_> = body["rulings"].as_array().unwrap().iter().map(|row| row["criterion"].clone()).collect();
        assert_eq!(order, CriterionCode::ALL.iter().map(|code| json!(code)).collect::<Vec<_>>());
        let critical = |row: &&Value| row["critical"] == true;
        assert_eq!(body["rulings"].as_array().unwrap().iter().filter(critical).count(),
            preceptor::reference::criteria().iter().filter(|criterion| criterion.critical).count());
        let mut named = ruling(&world.app, "met", None);
        named["criterion"] = json!(OTHER);
        let answer = world.rule(&path, CRITICAL, &named).await;
        answer.problem(422, "invalid");
        assert_eq!(answer.faults(), [("#/criterion".to_owned(), "unknown_member".to_owned())]);
    }
}
