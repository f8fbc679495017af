//! Red-flag reports: their way through the hands of moderators, who may read them, and what they do to the verdict.

use preceptor::reference::RedFlagKind;
use serde_json::{Value, json};

use crate::{
    program_lists::walk,
    support::{Answer, Backend, Client, TestApp, builders, builders::Listed},
};

const NARRATIVE: &str = "On the second night I was left alone with the ward, and nobody answered the telephone.";
const SUMMARY: &str = "Students were left alone with patients at night.";

/// What is done to come to each state.
const WAYS: [(&str, &[&str]); 7] = [
    ("submitted", &[]),
    ("in_triage", &["start_triage"]),
    ("needs_info", &["start_triage", "request_info"]),
    ("substantiated", &["start_triage", "substantiate"]),
    ("unsubstantiated", &["start_triage", "unsubstantiate"]),
    ("withdrawn", &["withdraw"]),
    ("remediated", &["start_triage", "substantiate", "remediate"]),
];

const ACTIONS: [&str; 8] = [
    "start_triage",
    "request_info",
    "inform",
    "resume_triage",
    "substantiate",
    "unsubstantiate",
    "withdraw",
    "remediate",
];

/// What each state allows, and the state after it.
const ALLOWED: [(&str, &str, &str); 11] = [
    ("submitted", "start_triage", "in_triage"),
    ("submitted", "withdraw", "withdrawn"),
    ("in_triage", "request_info", "needs_info"),
    ("in_triage", "substantiate", "substantiated"),
    ("in_triage", "unsubstantiate", "unsubstantiated"),
    ("in_triage", "withdraw", "withdrawn"),
    ("needs_info", "inform", "in_triage"),
    ("needs_info", "resume_triage", "in_triage"),
    ("needs_info", "withdraw", "withdrawn"),
    ("substantiated", "remediate", "remediated"),
    ("substantiated", "unsubstantiate", "unsubstantiated"),
];

fn report(kind: &str) -> Value {
    let mut report = builders::report();
    report["kind"] = json!(kind);
    report["narrative"] = json!(NARRATIVE);
    report["evidence"] = json!([{"description": "Photograph of the duty roster", "url": "https://example.org/roster"}]);
    report
}

/// A decision with what belongs to it.
fn ruling(action: &str) -> Value {
    let mut body = json!({"action": action, "reason": "Two accounts agree with each other."});
    match action {
        "substantiate" => body["public_summary"] = json!(SUMMARY),
        "remediate" => body["proof"] = json!("The duty rosters of three months."),
        _ => {}
    }
    body
}

/// A program, somebody who reports, and a moderator.
struct World {
    app: TestApp,
    made: Listed,
    reporter: Client,
    moderator: Client,
    /// Where reports on the program are made and listed.
    list: String,
}

impl World {
    async fn make(backend: Backend) -> Self {
        let app = TestApp::start(backend);
        let made = builders::listed(&app, "flags").await;
        let (reporter, moderator) = (app.participant().await, app.moderator().await);
        let list = format!("{}/red-flag-reports", made.path);
        Self { app, made, reporter, moderator, list }
    }

    /// Makes a report and gives its path.
    async fn report(&self, body: &Value) -> String {
        self.reporter.post(&self.list, body).await.expect(201).header("location").to_owned()
    }

    async fn ask(&self, path: &str, action: &str) -> Answer {
        match action {
            "withdraw" => self.reporter.act(&format!("{path}/withdraw")).await,
            "inform" => {
                self.reporter.post(&format!("{path}/information"), &json!({"text": "It was on two nights."})).await
            }
            ruled => {
                let (path, body) = (format!("{path}/decisions"), ruling(ruled));
                let answer = self.moderator.post(&path, &body).await;
                let takes_two = answer.status == 200 && answer.json()["proposal"].is_object();
                if takes_two { self.app.moderator().await.post(&path, &body).await } else { answer }
            }
        }
    }

    /// Makes a report that goes this way.
    async fn gone(&self, body: &Value, way: &[&str]) -> String {
        let path = self.report(body).await;
        for action in way {
            self.ask(&path, action).await.expect(200);
        }
        path
    }

    async fn public(&self, below: &str) -> Value {
        self.app.client().get(&format!("{}{below}", self.made.path)).await.expect(200).json()
    }

    fn still_derived(&self) {
        let now = preceptor::time::Timestamp::now();
        assert_eq!(preceptor::programs::rebuild(&mut self.app.connect(), true, now).unwrap(), 0);
    }
}

fn id(path: &str) -> &str {
    path.rsplit('/').next().unwrap()
}

on_both! {
    async fn each_state_allows_what_it_allows_and_nothing_else(backend: Backend) {
        let world = World::make(backend).await;
        // One person has one open report on each kind.
        let mut kinds = RedFlagKind::ALL.iter();
        let mut next = || report(kinds.next().unwrap().as_str());
        for (state, way) in WAYS {
            let mut path = world.gone(&next(), way).await;
            for action in ACTIONS {
                let before = world.reporter.get(&path).await.expect(200);
                assert_eq!(before.json()["status"], state);
                let answer = world.ask(&path, action).await;
                if let Some((_, _, after)) = ALLOWED.iter().find(|row| (row.0, row.1) == (state, action)) {
                    let body = answer.expect(200).json();
                    assert_eq!(body["status"], *after, "{state} {action}");
                    assert_eq!(body["history"].as_array().unwrap().len(), way.len() + 1);
                    path = world.gone(&next(), way).await;
                } else {
                    answer.problem(409, "conflict");
                    let now = world.reporter.get(&path).await.expect(200);
                    assert_eq!((now.etag(), now.json()), (before.etag(), before.json()), "{state} {action}");
                }
            }
        }
        world.still_derived();
    }

    async fn a_report_keeps_the_account_the_answers_and_the_proof(backend: Backend) {
        let world = World::make(backend).await;
        let way = ["start_triage", "request_info", "inform", "substantiate", "remediate"];
        let path = world.gone(&report("unsupervised_patient_contact"), &way).await;
        let body = world.moderator.get(&path).await.expect(200).json();
        let sent = report("unsupervised_patient_contact");
        for member in ["kind", "training_level", "happened", "narrative", "evidence", "confidentiality"] {
            assert_eq!(body[member], sent[member], "{member}");
        }
        assert_eq!((&body["severity"], &body["public_summary"]), (&json!("critical"), &json!(SUMMARY)));
        assert_eq!(body["information"][0]["text"], "It was on two nights.");
        assert_eq!(body["proof"], "The duty rosters of three months.");
        let acts: Vec<_> = body["history"].as_array().unwrap().iter().map(|act| &act["action"]).collect();
        assert_eq!(acts, ["start_triage", "request_info", "give_info", "substantiate", "remediate"]);
        // Only moderators read of other reports.
        let mut own = world.reporter.get(&path).await.expect(200).json();
        assert_eq!([own["group"].take(), own["proposal"].take()], [Value::Null, Value::Null]);
        own["group"] = body["group"].clone();
        assert_eq!(own, body);
        // What belongs to one decision is refused with another, and missed where it is needed.
        let decisions = format!("{}/decisions", world.report(&sent).await);
        for (action, member, value, place, code) in [
            ("substantiate", "public_summary", Value::Null, "#/public_summary", "required"),
            ("remediate", "proof", Value::Null, "#/proof", "required"),
            ("start_triage", "proof", json!("A letter of the hospital."), "#/proof", "not_applicable"),
            ("start_triage", "severity", json!("minor"), "#/severity", "not_applicable"),
            ("request_info", "public_summary", json!(SUMMARY), "#/public_summary", "not_applicable"),
        ] {
            let mut body = ruling(action);
            body[member] = value;
            let answer = world.moderator.post(&decisions, &body).await;
            answer.problem(422, "invalid");
            assert_eq!(answer.faults(), [(place.to_owned(), code.to_owned())], "{action} {member}");
        }
    }

    async fn only_the_reporter_and_moderators_know_of_a_report(backend: Backend) {
        let world = World::make(backend).await;
        let path = world.gone(&report("vague_role"), &["start_triage", "request_info"]).await;
        world.app.client().get(&path).await.problem(401, "unauthorized");
        let stranger = world.app.participant().await;
        for other in [&stranger, &world.made.provider, &world.app.admin().await] {
            other.get(&path).await.problem(404, "not_found");
            assert!([403, 404].contains(&other.act(&format!("{path}/withdraw")).await.status));
        }
        stranger.act(&format!("{path}/withdraw")).await.problem(404, "not_found");
        let answer = json!({"text": "I was not even there."});
        stranger.post(&format!("{path}/information"), &answer).await.problem(404, "not_found");
        stranger.post(&format!("{path}/decisions"), &ruling("resume_triage")).await.problem(403, "forbidden");
        world.reporter.post(&format!("{path}/decisions"), &ruling("resume_triage")).await.problem(403, "forbidden");
        world.reporter.get("/v1/red-flag-reports").await.problem(403, "forbidden");
        for reader in [&world.reporter, &world.moderator] {
            assert_eq!(reader.get(&path).await.expect(200).json()["status"], "needs_info");
        }
        let own = |client: &Client| {
            let client = client.clone();
            async move { walk(&client, "/v1/me/red-flag-reports?limit=1", "id").await }
        };
        assert_eq!((own(&world.reporter).await, own(&stranger).await), (vec![id(&path).to_owned()], Vec::new()));
        // Until it is found true, the public sees no trace of it.
        assert_eq!(world.public("/red-flag-reports").await["data"], json!([]));
        let body = world.public("").await;
        assert_eq!(body["reports"], json!({"substantiated": 0, "critical": 0, "kinds": []}));
        for below in ["", "/verdict", "/history"] {
            assert!(!world.public(below).await.to_string().contains(id(&path)));
        }
    }

    async fn a_critical_report_that_stands_decides_the_verdict(backend: Backend) {
        let world = World::make(backend).await;
        let verdict = || async { world.public("/verdict").await };
        assert_eq!(verdict().await["verdict"], "insufficient_evidence");
        let minor = world.gone(&report("vague_role"), &["start_triage"]).await;
        let mut ruled = ruling("substantiate");
        ruled["severity"] = json!("major");
        world.moderator.post(&format!("{minor}/decisions"), &ruled).await.expect(200);
        assert_eq!(verdict().await["verdict"], "insufficient_evidence", "it is not critical");

        let path = world.gone(&report("unsupervised_patient_contact"), &["start_triage"]).await;
        assert_eq!(verdict().await["verdict"], "insufficient_evidence", "nothing is found yet");
        world.ask(&path, "substantiate").await.expect(200);
        let body = verdict().await;
        assert_eq!(body["verdict"], "not_recommended");
        assert_eq!(body["reasons"][0]["code"], "critical_report_stands");
        assert_eq!(body["reasons"][0]["report_ids"], json!([id(&path)]));
        assert_eq!(body["reasons"][0]["kinds"], json!(["unsupervised_patient_contact"]));
        let stands = body["reasons"].as_array().unwrap().iter().find(|reason| reason["code"] == "report_stands").unwrap();
        assert_eq!(stands["report_ids"], json!([id(&minor)]));
        let program = world.public("").await;
        assert_eq!(program["verdict"]["verdict"], "not_recommended");
        let kinds = json!(["unsupervised_patient_contact", "vague_role"]);
        assert_eq!(program["reports"], json!({"substantiated": 2, "critical": 1, "kinds": kinds}));
        let list = walk(&world.app.client(), &format!("{}?limit=1", world.list), "id").await;
        assert_eq!(list, [id(&path), id(&minor)], "gravest first");

        world.ask(&path, "remediate").await.expect(200);
        let body = verdict().await;
        assert_eq!(body["verdict"], "insufficient_evidence");
        assert!(!body.to_string().contains(id(&path)), "{body}");
        assert_eq!(world.public("").await["reports"]["kinds"], json!(["vague_role"]));
        let list = world.public("/red-flag-reports").await;
        assert_eq!((&list["data"][0]["id"], &list["data"][0]["status"]), (&json!(id(&path)), &json!("remediated")));
        world.still_derived();
    }

    async fn a_provider_cannot_end_a_program_while_a_report_stands(backend: Backend) {
        let world = World::make(backend).await;
        let path = world.gone(&report("vague_role"), &["start_triage", "substantiate"]).await;
        let archive = format!("{}/archive", world.made.path);
        world.made.provider.act(&archive).await.problem(409, "conflict");
        assert_eq!(world.public("").await["reports"]["substantiated"], 1);
        world.ask(&path, "remediate").await.expect(200);
        world.made.provider.act(&archive).await.expect(200);
        world.app.client().get(&world.made.path).await.problem(404, "not_found");

        let other = World::make(backend).await;
        other.gone(&report("vague_role"), &["start_triage", "substantiate"]).await;
        let decision = json!({"action": "archive", "reason": "The provider has closed down."});
        other.moderator.post(&format!("{}/decisions", other.made.path), &decision).await.expect(200);
    }

    async fn stars_do_not_move_the_verdict(backend: Backend) {
        let world = World::make(backend).await;
        let reviews = format!("{}/reviews", world.made.path);
        for _ in 0..6 {
            world.app.participant().await.post(&reviews, &builders::review(1)).await.expect(201);
        }
        let bad = world.public("").await;
        assert!(bad["score"]["overall"]["score"].as_f64().unwrap() < 3.5);
        assert_eq!(bad["verdict"]["verdict"], "insufficient_evidence", "bad stars do not condemn");
        let path = world.gone(&report("unsupervised_patient_contact"), &["start_triage", "substantiate"]).await;
        let before = world.public("/verdict").await;
        for _ in 0..18 {
            world.app.participant().await.post(&reviews, &builders::review(5)).await.expect(201);
        }
        let good = world.public("").await;
        assert!(good["score"]["overall"]["score"].as_f64().unwrap() > 3.5);
        assert_eq!(good["verdict"]["verdict"], "not_recommended", "good stars do not absolve");
        assert_eq!(world.public("/verdict").await, before);
        world.ask(&path, "remediate").await.expect(200);
        assert_eq!(world.public("/verdict").await["verdict"], "insufficient_evidence");
        world.still_derived();
    }

    async fn no_answer_names_the_reporter_and_no_public_one_the_account(backend: Backend) {
        let world = World::make(backend).await;
        let path = world.gone(&report("unsupervised_patient_contact"), &["start_triage", "request_info", "inform", "substantiate"]).await;
        let mut quiet = report("patient_photography");
        quiet["confidentiality"] = json!("moderators_only");
        let quiet = world.gone(&quiet, &["start_triage", "substantiate"]).await;
        let review = format!("{}/reviews", world.made.path);
        let review = world.reporter.post(&review, &builders::review(2)).await.expect(201);
        let full = world.moderator.get(&path).await.expect(200).json();
        let reporter = world.reporter.id.unwrap();
        let names = [reporter.to_string(), reporter.as_uuid().simple().to_string()];
        for body in [&full, &world.reporter.get(&path).await.expect(200).json()] {
            assert!(names.iter().all(|name| !body.to_string().contains(name)), "{body}");
        }
        let queue = world.moderator.get("/v1/red-flag-reports").await.expect(200).text();
        assert!(names.iter().all(|name| !queue.contains(name)), "{queue}");
        // The same person's review has another name.
        let pseudonym = full["reporter"].as_str().unwrap().trim_start_matches("reporter-");
        assert!(!review.text().contains(pseudonym));

        let mut secrets = names.to_vec();
        secrets.extend(["left alone with the ward", "roster", "two nights", "2025-03", "2025-04", pseudonym].map(str::to_owned));
        secrets.extend(["created_at", "updated_at"].map(|name| full[name].as_str().unwrap().to_owned()));
        secrets.push("Two accounts agree".to_owned());
        for below in ["", "/red-flag-reports", "/red-flag-reports?limit=1", "/verdict", "/history", "/reviews"] {
            let text = world.public(below).await.to_string();
            for secret in &secrets {
                assert!(!text.contains(secret.as_str()), "{below}: {secret} in {text}");
            }
        }
        let list = world.public("/red-flag-reports").await;
        let shown = |path: &str| list["data"].as_array().unwrap().iter().find(|row| row["id"] == id(path)).unwrap().clone();
        assert_eq!((&shown(&path)["public_summary"], &shown(&path)["half_year"]), (&json!(SUMMARY), &json!("2025-H1")));
        assert_eq!(shown(&quiet)["public_summary"], Value::Null, "only moderators may know more");
        assert_eq!(shown(&quiet)["kind"], "patient_photography");
    }

    async fn a_report_keeps_the_listing_that_it_was_made_against(backend: Backend) {
        let world = World::make(backend).await;
        let before = world.public("").await;
        let path = world.report(&report("hands_on_marketing")).await;
        let change = json!({"title": "Quite another title", "summary": "The promises have been taken back."});
        world.made.provider.patch(&world.made.path, "*", &change).await.expect(200);
        let later = world.report(&report("vague_role")).await;
        let body = world.reporter.get(&path).await.expect(200).json();
        assert_eq!(body["listing_version"], 1);
        let copy = body["listing"].as_str().unwrap();
        for reader in [&world.reporter, &world.moderator, &world.made.provider, &world.app.client()] {
            let version = reader.get(copy).await.expect(200).json();
            for member in ["title", "summary", "scope", "places", "fees"] {
                assert_eq!(version["listing"][member], before[member], "{member}");
            }
        }
        let body = world.reporter.get(&later).await.expect(200).json();
        let copy = world.moderator.get(body["listing"].as_str().unwrap()).await.expect(200).json();
        assert_eq!((&body["listing_version"], &copy["listing"]["title"]), (&json!(2), &json!("Quite another title")));
    }

    async fn lists_of_reports_are_walked_in_order(backend: Backend) {
        let world = World::make(backend).await;
        let mut made = Vec::new();
        for (kind, severity) in [("vague_role", "minor"), ("hands_on_marketing", "info"), ("no_patient_consent", "critical"),
            ("patient_photography", "major"), ("savior_or_impact_claims", "critical")] {
            let path = world.gone(&report(kind), &["start_triage"]).await;
            let mut ruled = ruling("substantiate");
            ruled["severity"] = json!(severity);
            world.moderator.post(&format!("{path}/decisions"), &ruled).await.expect(200);
            made.push(id(&path).to_owned());
        }
        let waiting = id(&world.report(&report("vague_role")).await).to_owned();
        let mut grave = [made[2].clone(), made[4].clone()];
        grave.sort();
        let public = [grave.to_vec(), vec![made[3].clone(), made[0].clone(), made[1].clone()]].concat();
        let all = [made.clone(), vec![waiting.clone()]].concat();
        let newest: Vec<_> = all.iter().rev().cloned().collect();
        let program = &world.made.program_id;
        let anyone = world.app.client();
        for limit in [1, 2, 100] {
            let walked = async |client: &Client, path: &str, query: &str| {
                walk(client, &format!("{path}?limit={limit}{query}"), "id").await
            };
            assert_eq!(walked(&anyone, &world.list, "").await, public);
            assert_eq!(walked(&world.reporter, "/v1/me/red-flag-reports", "").await, newest);
            let queue = "/v1/red-flag-reports";
            assert_eq!(walked(&world.moderator, queue, "").await, all);
            assert_eq!(walked(&world.moderator, queue, "&status=submitted").await, [waiting.as_str()]);
            let narrowed = format!("&status=substantiated&program={program}&kind=vague_role");
            assert_eq!(walked(&world.moderator, queue, &narrowed).await, [made[0].clone()]);
        }
    }
}
