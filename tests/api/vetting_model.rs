//! Random acts by all roles: what is kept in the transactions equals what the tables give, and both databases answer
//! alike.

mod reading;

use std::collections::BTreeMap;

use diesel::prelude::*;
use fastrand::Rng;
use futures_util::future::join;
use preceptor::{
    auth::Role,
    db::schema::participant_addresses,
    ids::UniversityId,
    reference::{CriterionCode, RedFlagKind, TaskCode, TrainingLevel},
    time::Timestamp,
};
use serde_json::{Value, json};

use crate::support::{Answer, Backend, Client, TestApp, builders, postgres, send};

/// Acts on each database.
const STEPS: usize = 10_000;
/// Acts after which the invariants are looked at.
const LOOK_EVERY: usize = 500;
const PROGRAMS: usize = 5;
const PEOPLE: usize = 14;

/// A server, who acts on it, and what they have made.
struct World {
    app: TestApp,
    rng: Rng,
    start: Timestamp,
    programs: Vec<builders::Listed>,
    people: Vec<Client>,
    moderator: Client,
    second: Client,
    assessors: [Client; 2],
    reviews: Vec<(String, usize)>,
    reports: Vec<(String, usize)>,
    assessments: Vec<String>,
    /// Every id that was given out, with the name that both databases know it by.
    names: BTreeMap<String, String>,
    statuses: Vec<u16>,
}

impl World {
    async fn new(backend: Backend, seed: u64, start: Timestamp) -> Self {
        let app = TestApp::start(backend);
        app.state.clock.set(start);
        let mut world = Self {
            rng: Rng::with_seed(seed),
            start,
            programs: Vec::new(),
            people: Vec::new(),
            moderator: app.moderator().await,
            second: app.moderator().await,
            assessors: [app.principal(Role::Assessor, |_| {}).await, app.principal(Role::Assessor, |_| {}).await],
            reviews: Vec::new(),
            reports: Vec::new(),
            assessments: Vec::new(),
            names: BTreeMap::new(),
            statuses: Vec::new(),
            app,
        };
        for number in 0..PROGRAMS {
            let made = builders::listed(&world.app, &format!("model {number}")).await;
            world.names.insert(made.program_id.clone(), format!("program {number}"));
            world.names.insert(made.provider_id.clone(), format!("provider {number}"));
            world.programs.push(made);
        }
        let university = universities_of(&world.app).await;
        for number in 0..PEOPLE {
            let person = world.app.participant().await;
            // Two of three have shown an address at a university, so that their reviews are verified.
            if number % 3 != 0 {
                vouch(&world.app, &person, university, u8::try_from(number).unwrap());
            }
            world.people.push(person);
        }
        world
    }

    fn pick(&mut self, count: usize) -> usize {
        self.rng.usize(0..count.max(1))
    }

    /// Notes what came back; what was made gets the same name on both databases.
    fn note(&mut self, answer: &Answer, kind: &str, count: usize) -> Option<String> {
        assert!(answer.status < 500, "{}", answer.text());
        self.statuses.push(answer.status);
        if answer.status != 201 {
            return None;
        }
        let location = answer.header("location").to_owned();
        let id = location.rsplit('/').next().unwrap().to_owned();
        self.names.insert(id, format!("{kind} {count}"));
        Some(location)
    }

    async fn act(&mut self, step: usize) {
        let millis = i64::try_from(step).unwrap() / 5;
        self.app.state.clock.set(self.start.plus_seconds(millis));
        match self.rng.u8(0..100) {
            0..=29 => self.write_review().await,
            30..=41 => self.edit_review().await,
            42..=52 => self.rule_on_review().await,
            53..=58 => self.withdraw_review().await,
            59..=66 => self.report().await,
            67..=79 => self.rule_on_report().await,
            80..=83 => self.edit_listing().await,
            84..=86 => self.rule_on_program().await,
            87..=94 => self.assess().await,
            _ => self.rule_on_signal().await,
        }
    }

    fn review(&mut self) -> Value {
        let month = format!("{}-{:02}", self.rng.i32(2023..2026), [2, 5, 8, 11][self.pick(4)]);
        let mut review = builders::review(self.rng.u8(1..=5));
        review["period"] = json!({"start_month": month, "end_month": month});
        review["training_level"] = json!(TrainingLevel::ALL[self.pick(5)]);
        if self.rng.u8(0..3) > 0 {
            let task = TaskCode::ALL[self.pick(TaskCode::ALL.len())];
            let supervision = ["direct", "direct", "indirect", "none"][self.pick(4)];
            let consent = ["asked", "asked", "unknown", "not_asked"][self.pick(4)];
            review["tasks_done"] = json!([{"task": task, "supervision": supervision, "consent": consent}]);
        }
        if self.rng.u8(0..4) == 0 {
            let claim = ["A physician is always there", "a physician is always there.", "Forty lessons"][self.pick(3)];
            let outcome = ["confirmed", "contradicted", "not_seen"][self.pick(3)];
            review["claims_checked"] = json!([{"claim": claim, "outcome": outcome}]);
        }
        review
    }

    async fn write_review(&mut self) {
        let (person, program) = (self.pick(PEOPLE), self.pick(PROGRAMS));
        let review = self.review();
        let path = format!("{}/reviews", self.programs[program].path);
        let answer = self.people[person].post(&path, &review).await;
        if let Some(location) = self.note(&answer, "review", self.reviews.len()) {
            self.reviews.push((location, person));
        }
    }

    async fn edit_review(&mut self) {
        let Some((path, person)) = self.any_review() else { return };
        let author = self.people[person].clone();
        let read = author.get(&path).await;
        let change = self.review();
        let answer = author.patch(&path, read.etag(), &change).await;
        self.note(&answer, "", 0);
    }

    fn any_review(&mut self) -> Option<(String, usize)> {
        let which = self.pick(self.reviews.len());
        self.reviews.get(which).cloned()
    }

    async fn rule_on_review(&mut self) {
        let Some((path, _)) = self.any_review() else { return };
        let action = ["hold", "publish", "reject"][self.pick(3)];
        let body = json!({"action": action, "reason": "Looked at once more."});
        let answer = self.moderator.clone().post(&format!("{path}/decisions"), &body).await;
        self.note(&answer, "", 0);
    }

    async fn withdraw_review(&mut self) {
        let Some((path, person)) = self.any_review() else { return };
        let answer = self.people[person].clone().act(&format!("{path}/withdraw")).await;
        self.note(&answer, "", 0);
    }

    async fn report(&mut self) {
        let (person, program) = (self.pick(PEOPLE), self.pick(PROGRAMS));
        let mut report = builders::report();
        report["kind"] = json!(RedFlagKind::ALL[self.pick(RedFlagKind::ALL.len())]);
        let path = format!("{}/red-flag-reports", self.programs[program].path);
        let answer = self.people[person].clone().post(&path, &report).await;
        if let Some(location) = self.note(&answer, "report", self.reports.len()) {
            self.reports.push((location, person));
        }
    }

    async fn rule_on_report(&mut self) {
        let which = self.pick(self.reports.len());
        let Some((path, _)) = self.reports.get(which).cloned() else { return };
        let action = ["start_triage", "start_triage", "substantiate", "unsubstantiate", "remediate"][self.pick(5)];
        let mut body = json!({"action": action, "reason": "Two accounts were compared."});
        if action == "substantiate" {
            body["public_summary"] = json!("Participants told of it, and the roster agrees.");
            body["severity"] = json!(["critical", "major", "minor"][self.pick(3)]);
        }
        if action == "remediate" {
            body["proof"] = json!("The host confirmed the change by letter.");
        }
        let moderator = if self.pick(2) == 0 { self.moderator.clone() } else { self.second.clone() };
        let answer = moderator.post(&format!("{path}/decisions"), &body).await;
        self.note(&answer, "", 0);
    }

    async fn edit_listing(&mut self) {
        let program = self.pick(PROGRAMS);
        let (path, provider) = (self.programs[program].path.clone(), self.programs[program].provider.clone());
        let read = provider.get(&path).await;
        let rule = ["allowed", "direct_supervision_only", "never"][self.pick(3)];
        let task = TaskCode::ALL[self.pick(TaskCode::ALL.len())];
        let scope = json!([{"task": task, "training_level": "clinical", "rule": rule}]);
        let answer = provider.patch(&path, read.etag(), &json!({"scope": scope})).await;
        self.note(&answer, "", 0);
    }

    async fn rule_on_program(&mut self) {
        let program = self.pick(PROGRAMS);
        let action = ["suspend", "reinstate", "reinstate"][self.pick(3)];
        let path = format!("{}/decisions", self.programs[program].path);
        let body = json!({"action": action, "reason": "Patients come first."});
        let answer = self.moderator.clone().post(&path, &body).await;
        self.note(&answer, "", 0);
    }

    /// Opens an assessment, rules on every criterion, and takes it as far as chance says.
    async fn assess(&mut self) {
        let program = self.pick(PROGRAMS);
        let [first, second] = self.assessors.clone();
        let path = self.programs[program].path.clone();
        let opened = first.post(&format!("{path}/assessments"), &json!({})).await;
        let Some(location) = self.note(&opened, "assessment", self.assessments.len()) else {
            return self.go_on().await;
        };
        self.assessments.push(location.clone());
        let mut etag = opened.etag().to_owned();
        for criterion in CriterionCode::ALL {
            let status = ["met", "met", "met", "met", "met", "met", "partly_met", "not_met", "unknown"][self.pick(9)];
            let evidence = json!([{
                "kind": "document_on_file", "description": "A document that was shown to the assessor.",
                "sha256": "0".repeat(64), "obtained_on": "2026-01-15"
            }]);
            let body = json!({"status": status, "note": "What the documents show.", "evidence": evidence});
            let request = first.request("PUT", &format!("{location}/rulings/{criterion}"));
            let answer = send(request.header("if-match", &etag).json(&body)).await;
            self.note(&answer, "", 0);
            answer.etag().clone_into(&mut etag);
        }
        let decide = |action: &str| json!({"action": action, "reason": "As the rulings say."});
        let provider = self.programs[program].provider.clone();
        let decisions = format!("{location}/decisions");
        let submitted = first.post(&decisions, &decide("submit")).await;
        self.note(&submitted, "", 0);
        let answered =
            provider.post(&format!("{location}/answer"), &json!({"text": "We agree with what was found."})).await;
        self.note(&answered, "", 0);
        let signed = second.post(&decisions, &decide("sign_off")).await;
        self.note(&signed, "", 0);
        if self.rng.bool() {
            let published = first.post(&decisions, &decide("publish")).await;
            self.note(&published, "", 0);
        }
    }

    async fn go_on(&mut self) {
        let which = self.pick(self.assessments.len());
        let Some(path) = self.assessments.get(which).cloned() else { return };
        let action = ["publish", "return", "withdraw"][self.pick(3)];
        let body = json!({"action": action, "reason": "So decided."});
        let answer = self.assessors[0].clone().post(&format!("{path}/decisions"), &body).await;
        self.note(&answer, "", 0);
    }

    async fn rule_on_signal(&mut self) {
        let list = self.moderator.get("/v1/triage-entries?limit=100").await.expect(200).json();
        let mut entries: Vec<(String, String)> = list["data"]
            .as_array()
            .unwrap()
            .iter()
            .map(|entry| {
                (
                    self.named(entry["program_id"].as_str().unwrap()) + &entry["kind"].to_string(),
                    entry["id"].as_str().unwrap().to_owned(),
                )
            })
            .collect();
        // Ids differ between the databases, so chance picks by what they have in common.
        entries.sort();
        let which = self.pick(entries.len());
        let Some((name, id)) = entries.get(which).cloned() else { return };
        self.names.insert(id.clone(), format!("entry {name}"));
        let action = ["confirm", "dismiss", "dismiss", "remediate"][self.pick(4)];
        let mut body = json!({"action": action, "reason": "The accounts were compared."});
        if action == "remediate" {
            body["proof"] = json!("The host confirmed the change by letter.");
        }
        let request = self.moderator.request("POST", &format!("/v1/triage-entries/{id}/decisions"));
        let answer = send(request.header("if-match", "*").json(&body)).await;
        self.note(&answer, "", 0);
    }
}

async fn universities_of(app: &TestApp) -> UniversityId {
    let file = include_str!("../../src/demo/universities.json");
    preceptor::universities::import::run(&mut app.connect(), file, Timestamp::now()).unwrap();
    let list = app.client().get("/v1/universities?limit=1").await.expect(200).json();
    list["data"][0]["id"].as_str().unwrap().parse().unwrap()
}

fn vouch(app: &TestApp, person: &Client, university: UniversityId, number: u8) {
    diesel::insert_into(participant_addresses::table)
        .values((
            participant_addresses::principal_id.eq(person.id.unwrap()),
            participant_addresses::address_hash.eq(vec![number; 32]),
            participant_addresses::sealed.eq(vec![number; 40]),
            participant_addresses::university_id.eq(Some(university)),
        ))
        .execute(&mut app.connect())
        .unwrap();
}

async fn history_of(backend: Backend, seed: u64, start: Timestamp) -> (Vec<u16>, Vec<(String, Value)>) {
    let mut world = World::new(backend, seed, start).await;
    for step in 0..STEPS {
        world.act(step).await;
        if step % LOOK_EVERY == LOOK_EVERY - 1 {
            world.look().await;
        }
    }
    let read = world.crawl().await;
    (world.statuses, read)
}

#[test]
fn ten_thousand_random_acts_keep_what_follows_from_them_and_both_databases_answer_alike() {
    let start = Timestamp::now();
    crate::support::run(Backend::Sqlite, async |_| {
        if postgres::server().is_none() {
            postgres::say_skipped("the comparison of both databases");
            history_of(Backend::Sqlite, 1, start).await;
            return;
        }
        let (sqlite, postgres) =
            join(history_of(Backend::Sqlite, 1, start), history_of(Backend::Postgres, 1, start)).await;
        let succeeded = sqlite.0.iter().filter(|status| **status < 300).count();
        assert!(succeeded > STEPS / 3, "{succeeded} acts had an effect");
        assert_eq!(sqlite.0, postgres.0, "the answers to the acts");
        for (one, other) in sqlite.1.iter().zip(&postgres.1) {
            assert_eq!(one, other);
        }
        let verdicts: std::collections::BTreeSet<String> =
            sqlite.1.iter().filter_map(|(_, value)| value["verdict"].as_str().map(str::to_owned)).collect();
        assert!(!verdicts.is_empty());
    });
}
