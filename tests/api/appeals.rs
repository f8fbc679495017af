//! Appeals: who may appeal against what, until when, who rules, and what upholding one undoes.

mod reversals;
mod secrets;

use preceptor::{
    auth::Role,
    ids::ProviderId,
    moderation::{self, SubjectKind},
    universities,
};
use serde_json::json;
use uuid::Uuid;

use crate::{
    program_lists::walk,
    support::{Answer, Backend, Client, TestApp, builders, builders::Listed, send},
};

pub const REASON: &str = "It was looked at with care.";
const DAY: i64 = 24 * 60 * 60;

/// A program with a review that a moderator holds.
pub struct World {
    pub app: TestApp,
    pub made: Listed,
    pub author: Client,
    /// Path of the review.
    pub review: String,
    /// Who held it.
    pub decider: Client,
    /// Another moderator.
    pub other: Client,
}

impl World {
    pub async fn make(backend: Backend) -> Self {
        let app = TestApp::start(backend);
        let made = builders::listed(&app, "appeals").await;
        let author = app.participant().await;
        let review = author.post(&format!("{}/reviews", made.path), &builders::review(4)).await.expect(201);
        let review = review.header("location").to_owned();
        let (decider, other) = (app.moderator().await, app.moderator().await);
        let world = Self { app, made, author, review, decider, other };
        world.ruled(&world.decider, &world.review, "hold").await;
        world
    }

    /// Rules on something by its own operation, and gives the id of the decision.
    pub async fn ruled(&self, by: &Client, path: &str, action: &str) -> String {
        self.rule(by, path, action).await.expect(200);
        self.last(path)
    }

    pub async fn rule(&self, by: &Client, path: &str, action: &str) -> Answer {
        let mut body = json!({"action": action, "reason": REASON});
        match action {
            "substantiate" => body["public_summary"] = json!("Students were left alone with patients."),
            "remediate" => body["proof"] = json!("The duty rosters of three months."),
            _ => {}
        }
        let request = by.request("POST", &format!("{path}/decisions")).header("if-match", "*");
        send(request.json(&body)).await
    }

    /// The id of the last decision on something.
    pub fn last(&self, path: &str) -> String {
        self.history(path).pop().unwrap().1
    }

    /// Action and id of every decision on something.
    pub fn history(&self, path: &str) -> Vec<(String, String)> {
        let parts: Vec<_> = path.split('/').collect();
        let kind = match parts[2] {
            "reviews" => SubjectKind::Review,
            "programs" => SubjectKind::Program,
            "red-flag-reports" => SubjectKind::RedFlagReport,
            "assessments" => SubjectKind::Assessment,
            "triage-entries" => SubjectKind::TriageEntry,
            "appeals" => SubjectKind::Appeal,
            other => panic!("{other}"),
        };
        let subject: Uuid = parts[3].parse().unwrap();
        let acts = moderation::store::history(&mut self.app.connect(), kind, &subject, 100).unwrap();
        acts.into_iter().map(|act| (act.action, act.id.to_string())).collect()
    }

    pub async fn appeal(&self, by: &Client, decision: &str) -> Answer {
        by.post(&format!("/v1/decisions/{decision}/appeals"), &builders::appeal()).await
    }

    /// Appeals and gives the path of the appeal.
    pub async fn appealed(&self, by: &Client, decision: &str) -> String {
        self.appeal(by, decision).await.expect(201).header("location").to_owned()
    }

    async fn university(&self) -> Client {
        universities::import::run(&mut self.app.connect(), universities::import::SAMPLE, self.app.state.now()).unwrap();
        let all = self.app.client().get("/v1/universities?limit=1").await.expect(200).json();
        let id = all["data"][0]["id"].as_str().unwrap().parse().unwrap();
        self.app.principal(Role::University, |row| row.university_id = Some(id)).await
    }

    async fn pending(&self) -> Vec<String> {
        walk(&self.other, "/v1/appeals?status=pending&limit=1", "id").await
    }
}

pub fn id(path: &str) -> &str {
    path.rsplit('/').next().unwrap()
}

on_both! {
    async fn a_decided_appeal_leaves_the_queue_and_is_final(backend: Backend) {
        let world = World::make(backend).await;
        let hold = world.last(&world.review);
        let appeal = world.appealed(&world.author, &hold).await;
        assert_eq!(world.pending().await, [id(&appeal)]);
        world.appeal(&world.author, &hold).await.problem(409, "conflict");
        world.rule(&world.other, &appeal, "deny").await.expect(200);
        assert_eq!(world.pending().await, [""; 0]);
        assert_eq!(walk(&world.other, "/v1/appeals?status=denied", "id").await, [id(&appeal)]);
        let body = world.author.get(&appeal).await.expect(200).json();
        assert_eq!((&body["status"], &body["effect"]), (&json!("denied"), &json!("none")));
        assert_eq!(body["history"][0]["reason"], REASON);
        assert_eq!(body["history"][0]["ground"], "appeal_unfounded");
        assert_eq!(world.author.get(&world.review).await.expect(200).json()["status"], "held");
        // Neither the decision nor the one on the appeal is appealed against again.
        world.appeal(&world.author, &hold).await.problem(409, "conflict");
        world.appeal(&world.author, &world.last(&appeal)).await.problem(409, "conflict");
    }

    async fn a_second_appeal_about_the_same_thing_waits_for_the_first(backend: Backend) {
        let world = World::make(backend).await;
        let hold = world.last(&world.review);
        let reject = world.ruled(&world.decider, &world.review, "reject").await;
        let first = world.appealed(&world.author, &hold).await;
        world.appeal(&world.author, &reject).await.problem(409, "conflict");
        world.rule(&world.other, &first, "deny").await.expect(200);
        let second = world.appealed(&world.author, &reject).await;
        assert_eq!(walk(&world.author, "/v1/me/appeals?limit=1", "id").await, [id(&second), id(&first)]);
    }

    async fn an_appeal_is_taken_for_180_days(backend: Backend) {
        let world = World::make(backend).await;
        let noon = world.app.state.now().day().start().plus_seconds(DAY + DAY / 2);
        world.app.state.clock.set(noon);
        let fresh = |client: &Client, role| world.app.holder(client.id.unwrap(), role);
        let decider = fresh(&world.decider, Role::Moderator);
        let reject = world.ruled(&decider, &world.review, "reject").await;
        let suspend = world.ruled(&decider, &world.made.path, "suspend").await;
        let statement = fresh(&world.author, Role::Participant).get(&format!("/v1/decisions/{reject}")).await.expect(200);
        let until = noon.plus_seconds(180 * DAY).day();
        assert_eq!(statement.json()["statement"]["redress"]["until"], json!(until));

        world.app.state.clock.set(until.start().plus_seconds(DAY - 1));
        world.appealed(&fresh(&world.author, Role::Participant), &reject).await;
        world.app.state.clock.set(until.start().plus_seconds(DAY));
        let provider = fresh(&world.made.provider, Role::Provider);
        world.appeal(&provider, &suspend).await.problem(409, "conflict");
    }

    async fn nobody_rules_on_an_appeal_against_themselves_by_any_operation(backend: Backend) {
        let world = World::make(backend).await;
        let appeal = world.appealed(&world.author, &world.last(&world.review)).await;
        for action in ["uphold", "deny"] {
            world.rule(&world.decider, &appeal, action).await.problem(403, "forbidden");
        }
        for action in ["publish", "reject"] {
            world.rule(&world.decider, &world.review, action).await.problem(403, "forbidden");
        }
        // On something else they may, and somebody else may on this.
        world.ruled(&world.decider, &world.made.path, "suspend").await;
        world.ruled(&world.decider, &world.made.path, "reinstate").await;
        world.ruled(&world.other, &world.review, "reject").await;
        world.rule(&world.other, &appeal, "deny").await.expect(200);
        world.author.patch(&world.review, "*", &json!({"weeks": 5})).await.expect(200);
        world.ruled(&world.decider, &world.review, "publish").await;
    }

    async fn moderators_who_are_linked_to_the_provider_do_not_rule(backend: Backend) {
        let world = World::make(backend).await;
        let appeal = world.appealed(&world.author, &world.last(&world.review)).await;
        let provider: ProviderId = world.made.provider_id.parse().unwrap();
        let theirs = world.app.principal(Role::Moderator, |row| row.provider_id = Some(provider)).await;
        let linked = world.app.moderator().await;
        let path = format!("/v1/principals/{}/conflicts", linked.id.unwrap());
        world.app.admin().await.post(&path, &json!({"provider": provider})).await.expect(201);
        for moderator in [&theirs, &linked] {
            for action in ["uphold", "deny"] {
                world.rule(moderator, &appeal, action).await.problem(403, "forbidden");
            }
        }
        assert_eq!(world.pending().await, [id(&appeal)]);
    }

    async fn each_state_allows_what_it_allows_to_moderators_alone(backend: Backend) {
        let world = World::make(backend).await;
        let mut roles: Vec<(Option<Role>, Client)> = vec![(None, world.app.client())];
        let university = world.university().await;
        for role in Role::ALL {
            let client = match role {
                Role::Participant => world.author.clone(),
                Role::Provider => world.made.provider.clone(),
                Role::Moderator => world.other.clone(),
                Role::University => university.clone(),
                _ => world.app.principal(*role, |_| {}).await,
            };
            roles.push((Some(*role), client));
        }
        let mut decision = world.last(&world.review);
        for state in ["pending", "upheld", "denied"] {
            for action in ["uphold", "deny"] {
                for (role, client) in &roles {
                    let appeal = world.appealed(&world.author, &decision).await;
                    let ruling = match state {
                        "upheld" => Some("uphold"),
                        "denied" => Some("deny"),
                        _ => None,
                    };
                    if let Some(ruling) = ruling {
                        world.rule(&world.other, &appeal, ruling).await.expect(200);
                    }
                    let answer = world.rule(client, &appeal, action).await;
                    let expected = match (role, state) {
                        (None, _) => 401,
                        (Some(Role::Moderator), "pending") => 200,
                        (Some(Role::Moderator), _) => 409,
                        _ => 403,
                    };
                    assert_eq!(answer.status, expected, "{state} {action} {role:?}: {}", answer.text());
                    if state == "pending" && expected != 200 {
                        world.rule(&world.other, &appeal, "deny").await.expect(200);
                    }
                    // The review is held anew for the next one.
                    if world.author.get(&world.review).await.json()["status"] == "held" {
                        world.ruled(&world.other, &world.review, "publish").await;
                    }
                    decision = world.ruled(&world.decider, &world.review, "hold").await;
                }
            }
        }
    }

    async fn a_ruling_is_about_the_version_that_was_read(backend: Backend) {
        let world = World::make(backend).await;
        let appeal = world.appealed(&world.author, &world.last(&world.review)).await;
        let body = json!({"action": "deny", "reason": REASON});
        let path = format!("{appeal}/decisions");
        world.other.post(&path, &body).await.problem(428, "precondition_required");
        let ruled = async |etag: &str| send(world.other.request("POST", &path).header("if-match", etag).json(&body)).await;
        ruled("\"a9\"").await.problem(412, "precondition_failed");
        let read = world.other.get(&appeal).await.expect(200);
        let answer = ruled(read.etag()).await.expect(200);
        assert_eq!(answer.etag(), world.other.get(&appeal).await.etag());
        // An appeal without a key is none.
        let bare = world.author.bare("POST", &format!("/v1/decisions/{}/appeals", world.last(&world.review)));
        send(bare.json(&builders::appeal())).await.problem(400, "idempotency_key_required");
    }

    async fn only_whom_a_decision_goes_against_appeals(backend: Backend) {
        let world = World::make(backend).await;
        let hold = world.last(&world.review);
        let stranger = world.app.participant().await;
        let other_provider = builders::draft(&world.app, "stranger").await.provider;
        world.appeal(&world.app.client(), &hold).await.problem(401, "unauthorized");
        for client in [&stranger, &other_provider, &world.made.provider] {
            world.appeal(client, &hold).await.problem(404, "not_found");
        }
        world.appeal(&world.university().await, &hold).await.problem(403, "forbidden");
        for role in [Role::Moderator, Role::Admin, Role::Assessor, Role::Frontend] {
            let client = world.app.principal(role, |_| {}).await;
            world.appeal(&client, &hold).await.problem(403, "forbidden");
        }
        // What favours somebody, or is their own act, is not appealed against.
        let publish = world.ruled(&world.decider, &world.review, "publish").await;
        world.appeal(&world.author, &publish).await.problem(409, "conflict");
        for (action, decision) in world.history(&world.made.path) {
            assert!(["submit", "list"].contains(&action.as_str()));
            world.appeal(&world.made.provider, &decision).await.problem(409, "conflict");
            world.appeal(&other_provider, &decision).await.problem(404, "not_found");
            world.appeal(&world.author, &decision).await.problem(404, "not_found");
        }
    }
}
