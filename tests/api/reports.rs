//! Reports that are heard: the notice of a verified critical report, what cannot wait, the provider's answer, reports
//! that bear each other out, and who may do what in which state.

use futures_util::future::join_all;
use preceptor::universities;
use serde_json::{Value, json};

use crate::{
    program_lists::walk,
    sign_in::sign_in,
    support::{Backend, Client, TestApp, builders, builders::Listed},
};

mod states;

const NARRATIVE: &str = "On the second night I was left alone with the ward, and nobody answered the telephone.";
const SUMMARY: &str = "Students were left alone with patients at night.";
const ASKED: &str = "Participants are said to have cared for patients at night without a clinician nearby.";
const SAID: &str = "The night roster was short for two months; a physician is there every night since.";
const CRITICAL: &str = "unsupervised_patient_contact";
const MAJOR: &str = "opaque_or_unfair_fees";

fn report(kind: &str) -> Value {
    let mut report = builders::report();
    report["kind"] = json!(kind);
    report["narrative"] = json!(NARRATIVE);
    report
}

fn ruling(action: &str) -> Value {
    let mut body = json!({"action": action, "reason": "Two accounts agree with each other."});
    match action {
        "substantiate" => body["public_summary"] = json!(SUMMARY),
        "remediate" => body["proof"] = json!("The duty rosters of three months."),
        _ => {}
    }
    body
}

struct World {
    app: TestApp,
    made: Listed,
    moderator: Client,
    /// Where reports on the program are made and listed.
    list: String,
}

impl World {
    async fn make(backend: Backend) -> Self {
        let app = TestApp::start(backend);
        let made = builders::listed(&app, "heard").await;
        let moderator = app.moderator().await;
        let list = format!("{}/red-flag-reports", made.path);
        Self { app, made, moderator, list }
    }

    /// Somebody who has proven to have taken part in these months.
    async fn participant(&self, start: &str, end: &str) -> Client {
        builders::participated(&self.app, &self.made, (start, end), None).await
    }

    async fn by(&self, reporter: &Client, body: &Value) -> String {
        reporter.post(&self.list, body).await.expect(201).header("location").to_owned()
    }

    async fn rule(&self, path: &str, actions: &[&str]) {
        for action in actions {
            self.moderator.post(&format!("{path}/decisions"), &ruling(action)).await.expect(200);
        }
    }

    async fn ask(&self, path: &str) -> crate::support::Answer {
        self.moderator.post(&format!("{path}/answer-request"), &json!({"summary": ASKED})).await
    }

    async fn public(&self, below: &str) -> Value {
        self.app.client().get(&format!("{}{below}", self.made.path)).await.expect(200).json()
    }

    /// The notices, which are the same wherever they stand, and the verdict without what names a moment.
    async fn told(&self) -> (Value, Value) {
        let verdict = self.public("/verdict").await;
        let program = self.public("").await;
        let list = self.app.client().get("/v1/programs").await.expect(200).json();
        assert_eq!(program["verdict"]["notices"], verdict["notices"]);
        assert_eq!(list["data"][0]["notices"], verdict["notices"]);
        (verdict["notices"].clone(), json!([verdict["verdict"], verdict["reasons"]]))
    }

    fn still_derived(&self) {
        let now = self.app.state.now();
        assert_eq!(preceptor::programs::rebuild(&mut self.app.connect(), true, now).unwrap(), 0);
    }
}

fn id(path: &str) -> &str {
    path.rsplit('/').next().unwrap()
}

on_both! {
    async fn a_verified_critical_report_shows_as_under_review_until_somebody_rules(backend: Backend) {
        let world = World::make(backend).await;
        let (none, under_review) = (json!([]), json!(["under_review"]));
        let (_, verdict) = world.told().await;
        world.by(&world.app.participant().await, &report(CRITICAL)).await;
        let member = world.participant("2025-04", "2025-06").await;
        world.by(&member, &report(MAJOR)).await;
        let before = world.participant("2024-01", "2025-02").await;
        world.by(&before, &report(CRITICAL)).await;
        assert_eq!(world.told().await, (none.clone(), verdict.clone()), "unverified, not critical, or of other months");
        for last in ["withdraw", "unsubstantiate", "substantiate"] {
            let path = world.by(&member, &report(CRITICAL)).await;
            assert_eq!(member.get(&path).await.expect(200).json()["verification"], "participation_code");
            let inputs = world.public("/verdict-inputs").await;
            assert_eq!(inputs["inputs"]["reports_under_review"], 1);
            assert!(!inputs.to_string().contains(id(&path)));
            for action in ["start_triage", "request_info", "inform"] {
                assert_eq!(world.told().await, (under_review.clone(), verdict.clone()), "{action}");
                let said = json!({"text": "It was on two nights."});
                match action {
                    "inform" => drop(member.post(&format!("{path}/information"), &said).await.expect(200)),
                    ruled => world.rule(&path, &[ruled]).await,
                }
            }
            assert_eq!(world.told().await.0, under_review);
            world.still_derived();
            match last {
                "withdraw" => drop(member.act(&format!("{path}/withdraw")).await.expect(200)),
                ruled => world.rule(&path, &[ruled]).await,
            }
            let (notices, now) = world.told().await;
            assert_eq!(notices, none, "{last}");
            assert_eq!(now == verdict, last != "substantiate", "only a ruling that it is true moves the verdict");
            world.still_derived();
        }
    }

    async fn an_address_at_a_university_verifies_a_report_until_it_is_erased(backend: Backend) {
        let world = World::make(backend).await;
        universities::import::run(&mut world.app.connect(), universities::import::SAMPLE, world.app.state.now()).unwrap();
        let known = world.app.client().get("/v1/universities?limit=100").await.expect(200).json();
        let domain = known["data"].as_array().unwrap().iter().find_map(|one| one["domains"][0].as_str()).unwrap();
        let tokens = sign_in(&world.app, &format!("sam@{domain}")).await;
        let member = world.app.client().with_token(tokens["access_token"].as_str().unwrap());
        let path = world.by(&member, &report(CRITICAL)).await;
        assert_eq!(world.moderator.get(&path).await.expect(200).json()["verification"], "university_email");
        assert_eq!(world.told().await.0, json!(["under_review"]));
        member.delete("/v1/me?reviews=keep").await.expect(204);
        assert_eq!(world.moderator.get(&path).await.expect(200).json()["verification"], "none");
        assert_eq!(world.told().await.0, json!([]));
        world.still_derived();
    }

    async fn one_person_has_one_open_report_on_a_kind_in_a_program(backend: Backend) {
        let world = World::make(backend).await;
        let reporter = world.app.participant().await;
        let body = report(MAJOR);
        let answers = join_all((0..8).map(|_| reporter.post(&world.list, &body))).await;
        let made: Vec<_> = answers.iter().filter(|answer| answer.status == 201).collect();
        assert_eq!(made.len(), 1);
        let path = made[0].header("location").to_owned();
        for way in [&[][..], &["start_triage"], &["request_info"]] {
            world.rule(&path, way).await;
            let problem = reporter.post(&world.list, &body).await.problem(409, "conflict");
            assert!(problem["detail"].as_str().unwrap().contains(id(&path)), "{problem}");
        }
        world.by(&reporter, &report(CRITICAL)).await;
        world.by(&world.app.participant().await, &body).await;
        reporter.act(&format!("{path}/withdraw")).await.expect(200);
        let path = world.by(&reporter, &body).await;
        world.rule(&path, &["start_triage", "substantiate"]).await;
        world.by(&reporter, &body).await;
    }

    async fn what_cannot_wait_comes_first(backend: Backend) {
        let world = World::make(backend).await;
        let mut urgent = report("no_patient_consent");
        urgent["urgent"] = json!(true);
        let mut made = Vec::new();
        for body in [report(MAJOR), report("harassment_or_abuse"), report("vague_role"), urgent] {
            made.push(id(&world.by(&world.app.participant().await, &body).await).to_owned());
        }
        let [fees, harassment, vague, danger] = made.try_into().unwrap();
        let (first, then) = (vec![harassment.clone(), danger], vec![fees, vague]);
        for (query, expected) in [
            ("", [first.clone(), then.clone()].concat()),
            ("&status=submitted", [first.clone(), then.clone()].concat()),
            ("&urgent=true", first.clone()),
            ("&status=submitted&urgent=true", first.clone()),
            ("&urgent=false", then),
        ] {
            for limit in [1, 3] {
                let path = format!("/v1/red-flag-reports?limit={limit}{query}");
                assert_eq!(walk(&world.moderator, &path, "id").await, expected, "{query}");
            }
        }
        let list = world.moderator.get("/v1/red-flag-reports").await.expect(200).json();
        let told: Vec<_> = list["data"].as_array().unwrap().iter().map(|row| row["urgent"].as_bool().unwrap()).collect();
        assert_eq!(told, [true, true, false, false]);
        // The provider is never asked about them, and nobody waits for it.
        for id in first {
            let path = format!("/v1/red-flag-reports/{id}");
            world.rule(&path, &["start_triage"]).await;
            world.ask(&path).await.problem(409, "conflict");
            world.rule(&path, &["substantiate"]).await;
        }
    }

    async fn a_provider_that_was_asked_is_heard_before_the_report_is_found_true(backend: Backend) {
        let world = World::make(backend).await;
        let reporter = world.app.participant().await;
        let asked = "/v1/providers/me/red-flag-reports";
        let path = world.by(&reporter, &report(CRITICAL)).await;
        world.ask(&path).await.problem(409, "conflict");
        world.rule(&path, &["start_triage"]).await;
        assert_eq!(world.made.provider.get(asked).await.expect(200).json()["data"], json!([]));
        for summary in [NARRATIVE, "Ask the student whose address is jane.doe@example.org about that night."] {
            let answer = world.moderator.post(&format!("{path}/answer-request"), &json!({"summary": summary})).await;
            answer.problem(422, "invalid");
            assert_eq!(answer.faults(), [("#/summary".to_owned(), "not_allowed".to_owned())], "{summary}");
        }
        let today = world.app.state.now();
        let shown = world.ask(&path).await.expect(200);
        let until = today.plus_seconds(14 * 86_400).day().to_string();
        let open = json!({"summary": ASKED, "answer_until": until, "answer": null});
        assert_eq!(shown.json()["provider_answer"], open);
        assert_eq!(reporter.get(&path).await.expect(200).json()["provider_answer"], open, "the reporter knows what it was told");
        world.ask(&path).await.problem(409, "conflict");
        let substantiate = ruling("substantiate");
        let decisions = format!("{path}/decisions");
        world.moderator.post(&decisions, &substantiate).await.problem(409, "conflict");

        let list = world.made.provider.get(asked).await.expect(200);
        let expected = json!({
            "id": id(&path), "program_id": world.made.program_id, "kind": CRITICAL, "training_level": "clinical",
            "half_year": "2025-H1", "summary": ASKED, "answer_until": until, "answerable": true, "answer": null
        });
        assert_eq!(list.json()["data"], json!([expected]), "and nothing else");
        world.made.provider.get(&path).await.problem(404, "not_found");
        let other = builders::listed(&world.app, "other").await.provider;
        assert_eq!(other.get(asked).await.expect(200).json()["data"], json!([]));
        let (answer, said) = (format!("{path}/answer"), json!({"text": SAID}));
        other.post(&answer, &said).await.problem(404, "not_found");
        world.made.provider.post(&answer, &json!({"text": "It was jane.doe@example.org."})).await.problem(422, "invalid");
        let body = world.made.provider.post(&answer, &said).await.expect(200).json();
        assert_eq!((&body["answer"], &body["answerable"]), (&json!(SAID), &json!(false)));
        world.made.provider.post(&answer, &said).await.problem(409, "conflict");
        assert!(!world.public("/red-flag-reports").await.to_string().contains(SAID));
        world.moderator.post(&decisions, &substantiate).await.expect(200);
        let public = world.public("/red-flag-reports").await;
        assert_eq!((&public["data"][0]["provider_answer"], &public["data"][0]["public_summary"]), (&json!(SAID), &json!(SUMMARY)));
    }

    async fn a_provider_that_lets_its_time_pass_holds_nothing_up(backend: Backend) {
        let world = World::make(backend).await;
        let path = world.by(&world.app.participant().await, &report(CRITICAL)).await;
        let mut quiet = report(MAJOR);
        quiet["confidentiality"] = json!("moderators_only");
        let quiet = world.by(&world.app.participant().await, &quiet).await;
        world.rule(&path, &["start_triage"]).await;
        world.rule(&quiet, &["start_triage"]).await;
        world.ask(&quiet).await.problem(409, "conflict");
        world.ask(&path).await.expect(200);
        // Meanwhile its reporter can be asked too.
        world.rule(&path, &["request_info", "resume_triage"]).await;
        let last = world.app.state.now().plus_seconds(14 * 86_400).day();
        world.app.state.clock.set(last.start().plus_seconds(86_399));
        world.app.client().get(&world.made.path).await.expect(200);
        let moderator = world.app.moderator().await;
        let decisions = format!("{path}/decisions");
        moderator.post(&decisions, &ruling("substantiate")).await.problem(409, "conflict");
        world.app.state.clock.set(last.start().plus_seconds(86_400));
        let provider = world.app.provider(&world.made.provider_id).await;
        let late = provider.post(&format!("{path}/answer"), &json!({"text": SAID})).await;
        late.problem(409, "conflict");
        let asked = provider.get("/v1/providers/me/red-flag-reports").await.expect(200).json();
        assert_eq!(asked["data"][0]["answerable"], false);
        moderator.post(&decisions, &ruling("substantiate")).await.expect(200);
        assert_eq!(world.public("/red-flag-reports").await["data"][0]["provider_answer"], Value::Null);
    }

    async fn reports_of_different_people_and_half_years_corroborate_each_other(backend: Backend) {
        let world = World::make(backend).await;
        let spring = ("2025-03", "2025-04");
        let autumn = ("2024-09", "2024-10");
        let (anna, ben) = (world.participant("2024-09", "2025-04").await, world.participant(autumn.0, autumn.1).await);
        let stranger = world.app.participant().await;
        let of = |(start, end): (&str, &str)| {
            let mut body = report(CRITICAL);
            body["happened"] = json!({"start_month": start, "end_month": end});
            body
        };
        let first = world.by(&anna, &of(spring)).await;
        world.rule(&first, &["start_triage", "substantiate"]).await;
        let counted = async |path: &str| {
            let list = world.public("/red-flag-reports").await;
            let row = list["data"].as_array().unwrap().iter().find(|row| row["id"] == id(path)).unwrap().clone();
            row["corroborated_by"].as_i64().unwrap()
        };
        // The same person, and somebody who may not have been there, bear nothing out.
        for (reporter, period) in [(&anna, autumn), (&stranger, autumn)] {
            let path = world.by(reporter, &of(period)).await;
            world.rule(&path, &["start_triage", "substantiate"]).await;
        }
        assert_eq!(counted(&first).await, 0);
        let second = world.by(&ben, &of(autumn)).await;
        assert_eq!(counted(&first).await, 0, "nobody has ruled on it");
        let seen = world.moderator.get(&first).await.expect(200);
        assert_eq!(seen.json()["group"], json!({"reports": 4, "people": 3, "periods": 2, "verified": 3}));
        assert_eq!(anna.get(&first).await.expect(200).json()["group"], Value::Null);
        world.rule(&second, &["start_triage", "substantiate"]).await;
        assert_eq!((counted(&first).await, counted(&second).await), (1, 1));
        let query = format!("/v1/red-flag-reports?program={}&kind={CRITICAL}", world.made.program_id);
        assert_eq!(walk(&world.moderator, &query, "id").await.len(), 4);
        ben.act(&format!("{}/withdraw", world.by(&ben, &of(autumn)).await)).await.expect(200);
        assert_eq!(world.moderator.get(&first).await.expect(200).json()["group"]["reports"], 4, "withdrawn ones do not count");
        world.by(&stranger, &of(spring)).await;
        let now = world.moderator.get(&first).await.expect(200);
        assert!(now.json()["group"]["reports"] == 5 && now.etag() != seen.etag());
    }

    async fn questions_and_answers_stand_in_order_and_name_nobody(backend: Backend) {
        let world = World::make(backend).await;
        let reporter = world.app.participant().await;
        let path = world.by(&reporter, &report(MAJOR)).await;
        world.rule(&path, &["start_triage"]).await;
        for number in ["first", "second"] {
            let ask = json!({"action": "request_info", "reason": format!("A {number} question to you.")});
            world.moderator.post(&format!("{path}/decisions"), &ask).await.expect(200);
            let said = json!({"text": format!("A {number} answer to it.")});
            reporter.post(&format!("{path}/information"), &said).await.expect(200);
        }
        for reader in [&reporter, &world.moderator] {
            let body = reader.get(&path).await.expect(200).json();
            let told: Vec<_> = body["dialogue"].as_array().unwrap().iter()
                .map(|entry| (entry["by"].as_str().unwrap(), entry["text"].as_str().unwrap())).collect();
            assert_eq!(told, [
                ("moderator", "A first question to you."),
                ("reporter", "A first answer to it."),
                ("moderator", "A second question to you."),
                ("reporter", "A second answer to it."),
            ]);
            for person in [&reporter, &world.moderator] {
                assert!(!body.to_string().contains(&person.id.unwrap().to_string()));
            }
        }
    }

    async fn a_report_shows_what_has_become_of_its_listing(backend: Backend) {
        let world = World::make(backend).await;
        let reporter = world.app.participant().await;
        let path = world.by(&reporter, &report("hands_on_marketing")).await;
        let diff = format!("{path}/listing-diff");
        assert_eq!(reporter.get(&diff).await.expect(200).json()["differences"], json!([]));
        let was = world.public("").await["summary"].to_string();
        let change = json!({"summary": "The promises have been taken back.", "minimum_age": 21});
        world.made.provider.patch(&world.made.path, "*", &change).await.expect(200);
        let expected = json!({
            "report_id": id(&path), "program_id": world.made.program_id, "before_version": 1, "after_version": 2,
            "differences": [
                {"pointer": "/minimum_age", "before": "18", "after": "21"},
                {"pointer": "/summary", "before": was, "after": "\"The promises have been taken back.\""},
            ]
        });
        for reader in [&reporter, &world.moderator] {
            assert_eq!(reader.get(&diff).await.expect(200).json(), expected);
        }
    }
}
