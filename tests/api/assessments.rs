//! Assessments: their way from a draft to a verdict, who takes them along it, and what stops them.

use preceptor::{
    auth::Role,
    reference::CriterionCode,
    time::{Day, Timestamp},
};
use serde_json::{Value, json};

use crate::{
    program_lists::walk,
    support::{
        Answer, Backend, Client, TestApp, builders,
        builders::{Listed, assessing, ruling},
    },
};

mod rulings;
mod safeguards;

/// A critical criterion, and one that is not.
pub const CRITICAL: CriterionCode = CriterionCode::LicensedSupervision;
pub const OTHER: CriterionCode = CriterionCode::TruthfulMarketing;

/// What is done to come to each state.
const WAYS: [(&str, &[&str]); 6] = [
    ("draft", &[]),
    ("submitted", &["submit"]),
    ("signed_off", &["submit", "sign_off"]),
    ("published", &["submit", "answer", "publish"]),
    ("superseded", &["submit", "answer", "publish", "supersede"]),
    ("withdrawn", &["submit", "withdraw"]),
];

const ACTIONS: [&str; 7] = ["rule", "submit", "return", "sign_off", "publish", "withdraw", "answer"];

/// What each state allows, and the state after it.
const ALLOWED: [(&str, &str, &str); 13] = [
    ("draft", "rule", "draft"),
    ("draft", "submit", "submitted"),
    ("draft", "withdraw", "withdrawn"),
    ("submitted", "return", "draft"),
    ("submitted", "sign_off", "signed_off"),
    ("submitted", "publish", "published"),
    ("submitted", "withdraw", "withdrawn"),
    ("submitted", "answer", "submitted"),
    ("signed_off", "return", "draft"),
    ("signed_off", "publish", "published"),
    ("signed_off", "withdraw", "withdrawn"),
    ("signed_off", "answer", "signed_off"),
    ("published", "answer", "published"),
];

pub fn said() -> Value {
    json!({"text": "The absence rule has been written down since."})
}

/// A listed program, an assessor who does the work, and a second one.
pub struct World {
    pub app: TestApp,
    pub made: Listed,
    pub assessor: Client,
    pub second: Client,
}

impl World {
    pub async fn make(backend: Backend) -> Self {
        let app = TestApp::start(backend);
        let made = builders::listed(&app, "assessed").await;
        let (assessor, second) = (app.assessor().await, app.assessor().await);
        Self { app, made, assessor, second }
    }

    pub async fn open(&self) -> String {
        let opened = self.assessor.act(&format!("{}/assessments", self.made.path)).await.expect(201);
        opened.header("location").to_owned()
    }

    pub async fn rule(&self, path: &str, criterion: CriterionCode, body: &Value) -> Answer {
        self.assessor.put(&format!("{path}/rulings/{criterion}"), "*", body).await
    }

    /// Opens an assessment and rules on every criterion: as told, and otherwise that it is met.
    pub async fn ruled(&self, found: &[(CriterionCode, Value)]) -> String {
        let path = self.open().await;
        for criterion in CriterionCode::ALL {
            let told = found.iter().find(|(code, _)| code == criterion);
            let body = told.map_or_else(|| ruling(&self.app, "met", None), |(_, body)| body.clone());
            self.rule(&path, *criterion, &body).await.expect(200);
        }
        path
    }

    /// Does something as the one who may.
    pub async fn ask(&self, path: &str, action: &str) -> Answer {
        match action {
            "rule" => self.rule(path, OTHER, &ruling(&self.app, "partly_met", None)).await,
            "answer" => self.made.provider.post(&format!("{path}/answer"), &said()).await,
            "sign_off" => self.second.post(&format!("{path}/decisions"), &assessing(action)).await,
            "supersede" => {
                let later = builders::assessed(&self.app, &self.made.path, &[], None).await;
                self.assessor.get(&later).await
            }
            _ => self.assessor.post(&format!("{path}/decisions"), &assessing(action)).await,
        }
    }

    /// Makes an assessment of this program that goes this way, without leaving one in the making.
    async fn gone(&self, way: &[&str]) -> String {
        let path = self.ruled(&[]).await;
        for action in way {
            self.ask(&path, action).await.expect(200);
        }
        path
    }

    pub async fn public(&self, below: &str) -> Value {
        self.app.client().get(&format!("{}{below}", self.made.path)).await.expect(200).json()
    }

    async fn found_by(&self, verdict: &str) -> Vec<String> {
        walk(&self.app.client(), &format!("/v1/programs?verdict={verdict}&limit=5"), "id").await
    }

    fn still_derived(&self) {
        let now = self.app.state.now();
        assert_eq!(preceptor::programs::rebuild(&mut self.app.connect(), true, now).unwrap(), 0);
    }

    /// Sets the clock to a later moment and gives everybody a token of that time.
    fn travel(&mut self, to: Timestamp) {
        self.app.state.clock.set(to);
        let renewed = |client: &Client, role| self.app.holder(client.id.unwrap(), role);
        let assessors = (renewed(&self.assessor, Role::Assessor), renewed(&self.second, Role::Assessor));
        self.made.provider = renewed(&self.made.provider, Role::Provider);
        (self.assessor, self.second) = assessors;
    }
}

pub fn id(path: &str) -> &str {
    path.rsplit('/').next().unwrap()
}

/// A ruling with evidence of level 3.
fn visited(app: &TestApp, status: &str) -> Value {
    let mut body = ruling(app, status, None);
    body["evidence"][0]["kind"] = json!("site_visit");
    body["evidence"][0]["confirmed_by"] = json!("Two visitors of the medical faculty");
    body
}

fn not_met() -> Value {
    json!({"status": "not_met", "note": "No licensed clinician is on the ward at night."})
}

on_both! {
    async fn an_assessment_leads_from_a_draft_to_the_best_verdict(backend: Backend) {
        let world = World::make(backend).await;
        assert_eq!(world.public("/verdict").await["verdict"], "insufficient_evidence");
        let opened = world.assessor.act(&format!("{}/assessments", world.made.path)).await.expect(201);
        let (path, draft) = (opened.header("location").to_owned(), opened.json());
        assert_eq!(path, format!("/v1/assessments/{}", draft["id"].as_str().unwrap()));
        assert_eq!((&draft["status"], &draft["rulings"]), (&json!("draft"), &json!([])));
        assert_eq!((&draft["rubric_version"], &draft["listing_version"]), (&json!(1), &json!(1)));
        assert_eq!(draft["missing"].as_array().unwrap().len(), CriterionCode::ALL.len());
        let mut tag = opened.etag().to_owned();
        for (count, criterion) in CriterionCode::ALL.iter().enumerate() {
            let body = ruling(&world.app, "met", None);
            let answer = world.assessor.put(&format!("{path}/rulings/{criterion}"), &tag, &body).await.expect(200);
            tag = answer.etag().to_owned();
            let missing = answer.json()["missing"].as_array().unwrap().len();
            assert_eq!(missing, CriterionCode::ALL.len() - 1 - count);
            let refused = world.ask(&path, "submit").await;
            if missing > 0 {
                let detail = refused.problem(409, "conflict")["detail"].as_str().unwrap().to_owned();
                assert!(detail.contains("accountability_feedback") && !detail.contains("scope_defined"), "{detail}");
            } else {
                refused.expect(200);
            }
        }
        assert_eq!(world.public("/verdict").await["verdict"], "insufficient_evidence", "it is not published");
        world.ask(&path, "answer").await.expect(200);
        let before = world.app.client().get(&world.made.path).await;
        world.ask(&path, "publish").await.expect(200);

        let verdict = world.public("/verdict").await;
        assert_eq!(verdict["verdict"], "meets_standard");
        let program = world.app.client().get(&world.made.path).await;
        assert_ne!(program.etag(), before.etag());
        assert_eq!(program.json()["verdict"]["verdict"], "meets_standard");
        assert_eq!(world.found_by("meets_standard").await, [world.made.program_id.as_str()]);
        assert!(world.found_by("insufficient_evidence").await.is_empty());
        let facets = world.app.client().get("/v1/programs/facets").await.expect(200).json().to_string();
        assert!(facets.contains("meets_standard") && !facets.contains("insufficient_evidence"), "{facets}");

        let public = world.app.client().get(&path).await.expect(200);
        let body = public.json();
        assert_eq!(body["rulings"].as_array().unwrap().len(), CriterionCode::ALL.len());
        assert_eq!(body["rulings"][0]["evidence"][0]["level"], 2);
        assert_eq!((&body["provider_answer"], &body["missing"]), (&said()["text"], &json!([])));
        let acts: Vec<_> = body["history"].as_array().unwrap().iter().map(|act| &act["action"]).collect();
        assert_eq!(acts, ["submit", "publish"]);
        assert_eq!(body["history"][1]["actor_role"], "assessor");
        for person in [&world.assessor, &world.second] {
            assert!(!public.text().contains(&person.id.unwrap().to_string()), "{body}");
        }
        world.still_derived();
    }

    async fn each_state_allows_what_it_allows_and_nothing_else(backend: Backend) {
        let world = World::make(backend).await;
        let others = [world.app.moderator().await, world.app.admin().await, world.app.participant().await];
        for (state, way) in WAYS {
            let mut path = world.gone(way).await;
            for action in ACTIONS {
                let before = world.assessor.get(&path).await.expect(200);
                assert_eq!(before.json()["status"], state);
                let decisions = format!("{path}/decisions");
                for other in others.iter().chain([&world.made.provider]) {
                    let refused = match action {
                        "rule" => other.put(&format!("{path}/rulings/{OTHER}"), "*", &not_met()).await,
                        "answer" if other.id == world.made.provider.id => continue,
                        "answer" => other.post(&format!("{path}/answer"), &said()).await,
                        _ => other.post(&decisions, &assessing(action)).await,
                    };
                    refused.problem(403, "forbidden");
                }
                if action == "publish" {
                    // It waits for the answer, where there can be one.
                    world.ask(&path, "answer").await;
                }
                let answer = world.ask(&path, action).await;
                let answered = action == "answer" && ["published", "superseded"].contains(&state);
                if let Some((.., after)) = ALLOWED.iter().find(|row| (row.0, row.1) == (state, action) && !answered) {
                    assert_eq!(answer.expect(200).json()["status"], *after, "{state} {action}");
                    // Only one is in the making.
                    if ["draft", "submitted", "signed_off"].contains(after) {
                        world.ask(&path, "withdraw").await.expect(200);
                    }
                    path = world.gone(way).await;
                } else {
                    let hidden = action == "answer" && state == "draft";
                    answer.problem(if hidden { 404 } else { 409 }, if hidden { "not_found" } else { "conflict" });
                    let now = world.assessor.get(&path).await.expect(200);
                    assert_eq!((now.etag(), now.json()), (before.etag(), before.json()), "{state} {action}");
                }
            }
            if ["draft", "submitted", "signed_off"].contains(&state) {
                world.ask(&path, "withdraw").await.expect(200);
            }
        }
        world.still_derived();
    }

    async fn a_second_assessor_signs_off_where_a_critical_criterion_hangs_on_it(backend: Backend) {
        let world = World::make(backend).await;
        let (ruler, submitter) = (world.app.assessor().await, world.app.assessor().await);
        let path = world.ruled(&[(OTHER, visited(&world.app, "met"))]).await;
        assert_eq!(world.assessor.get(&path).await.json()["needs_sign_off"], false);
        let place = format!("{path}/rulings/{CRITICAL}");
        let decisions = format!("{path}/decisions");
        let changed = ruler.put(&place, "*", &visited(&world.app, "met")).await.expect(200);
        assert_eq!(changed.json()["needs_sign_off"], true);
        submitter.post(&decisions, &assessing("submit")).await.expect(200);
        world.ask(&path, "answer").await.expect(200);
        world.ask(&path, "publish").await.problem(409, "conflict");
        for involved in [&world.assessor, &ruler, &submitter] {
            involved.post(&decisions, &assessing("sign_off")).await.problem(403, "forbidden");
        }
        let signed = world.ask(&path, "sign_off").await.expect(200).json();
        assert_eq!((&signed["status"], &signed["signed_off"]), (&json!("signed_off"), &json!(true)));
        // What is given back has to be signed off anew.
        world.ask(&path, "return").await.expect(200);
        submitter.post(&decisions, &assessing("submit")).await.expect(200);
        let again = world.ask(&path, "answer").await.expect(200).json();
        assert_eq!((&again["signed_off"], &again["needs_sign_off"]), (&json!(false), &json!(true)));
        world.ask(&path, "publish").await.problem(409, "conflict");
        world.ask(&path, "sign_off").await.expect(200);
        world.ask(&path, "publish").await.expect(200);
        assert_eq!(world.public("/verdict").await["verdict"], "meets_standard");
    }

    async fn publication_waits_for_the_provider_unless_patients_would_be_made_to_wait(backend: Backend) {
        let mut world = World::make(backend).await;
        let path = world.ruled(&[]).await;
        let at = world.app.state.now();
        world.travel(at);
        let submitted = world.ask(&path, "submit").await.expect(200).json();
        let until: Timestamp = submitted["answer_until"].as_str().unwrap().parse().unwrap();
        assert_eq!(until, at.plus_seconds(14 * 24 * 3600));
        world.ask(&path, "publish").await.problem(409, "conflict");
        // It knows, and may read it; nobody else outside does.
        let own = format!("{}/assessments", world.made.path);
        assert_eq!(world.made.provider.get(&own).await.expect(200).json()["data"][0]["id"], id(&path));
        world.made.provider.get(&path).await.expect(200);
        let stranger = builders::draft(&world.app, "stranger").await.provider;
        for other in [&stranger, &world.app.client(), &world.app.participant().await] {
            other.get(&path).await.problem(404, "not_found");
            assert_eq!(other.get(&own).await.expect(200).json()["data"], json!([]));
        }
        stranger.post(&format!("{path}/answer"), &said()).await.problem(404, "not_found");
        world.travel(until.plus_seconds(-1));
        world.ask(&path, "publish").await.problem(409, "conflict");
        world.travel(until);
        world.ask(&path, "publish").await.expect(200);
        // Late, and once.
        world.ask(&path, "answer").await.expect(200);
        world.ask(&path, "answer").await.problem(409, "conflict");
        assert_eq!(world.app.client().get(&path).await.expect(200).json()["provider_answer"], said()["text"]);

        let urgent = world.ruled(&[(CRITICAL, not_met())]).await;
        world.ask(&urgent, "submit").await.expect(200);
        world.ask(&urgent, "publish").await.problem(409, "conflict");
        world.ask(&urgent, "sign_off").await.expect(200);
        world.ask(&urgent, "publish").await.expect(200);
        assert_eq!(world.public("/verdict").await["verdict"], "not_recommended");
    }

    async fn an_answer_counts_for_what_was_handed_in_before_it(backend: Backend) {
        let mut world = World::make(backend).await;
        let path = world.ruled(&[]).await;
        for action in ["submit", "answer", "return"] {
            world.ask(&path, action).await.expect(200);
        }
        world.made.provider.get(&path).await.problem(404, "not_found");
        world.travel(world.app.state.now().plus_seconds(60));
        world.ask(&path, "submit").await.expect(200);
        world.ask(&path, "publish").await.problem(409, "conflict");
        world.ask(&path, "answer").await.expect(200);
        world.ask(&path, "publish").await.expect(200);
    }

    async fn a_later_assessment_takes_the_place_of_the_former(backend: Backend) {
        let world = World::make(backend).await;
        let first = world.gone(&["submit", "answer", "publish"]).await;
        let second = world.ruled(&[(CRITICAL, not_met())]).await;
        world.second.act(&format!("{}/assessments", world.made.path)).await.problem(409, "conflict");
        for action in ["submit", "sign_off"] {
            world.ask(&second, action).await.expect(200);
        }
        assert_eq!(world.public("/verdict").await["verdict"], "meets_standard");
        world.ask(&second, "publish").await.expect(200);
        let verdict = world.public("/verdict").await;
        assert_eq!(verdict["verdict"], "not_recommended");
        assert_eq!(verdict["reasons"][0]["assessment_id"], id(&second));
        let former = world.app.client().get(&first).await.expect(200).json();
        assert_eq!(former["status"], "superseded");
        let last = former["history"].as_array().unwrap().last().unwrap().clone();
        assert_eq!((&last["action"], &last["to_status"]), (&json!("supersede"), &json!("superseded")));
        for limit in [1, 20] {
            let walked = walk(&world.app.client(), &format!("{}/assessments?limit={limit}", world.made.path), "id").await;
            assert_eq!(walked, [id(&second), id(&first)], "newest first");
        }
        let counts = &world.public("/assessments").await["data"][0]["counts"];
        assert_eq!(*counts, json!({"met": 13, "partly_met": 0, "not_met": 1, "unknown": 0, "not_applicable": 0}));
        world.still_derived();
    }

    async fn a_verdict_ends_with_the_evidence_under_it(backend: Backend) {
        let mut world = World::make(backend).await;
        let today: Day = world.app.state.now().day();
        let expires = today.plus_months(12);
        builders::assessed(&world.app, &world.made.path, &[], Some(&expires.to_string())).await;
        let verdict = world.public("/verdict").await;
        assert_eq!((&verdict["verdict"], &verdict["holds_until"]), (&json!("meets_standard"), &json!(expires)));
        let midnight: Timestamp = format!("{expires}T00:00:00.000000Z").parse().unwrap();
        world.travel(midnight.plus_seconds(-1));
        assert_eq!(world.public("/verdict").await["verdict"], "meets_standard");
        world.travel(midnight);
        let verdict = world.public("/verdict").await;
        assert_eq!(verdict["verdict"], "insufficient_evidence");
        assert_eq!(verdict["notices"], json!(["stale"]));
        assert!(world.found_by("meets_standard").await.is_empty());
        assert_eq!(world.found_by("insufficient_evidence").await, [world.made.program_id.as_str()]);
    }

    async fn who_is_linked_to_the_provider_does_not_assess_it(backend: Backend) {
        let world = World::make(backend).await;
        let path = world.ruled(&[]).await;
        for linked in [&world.assessor, &world.second] {
            let conflicts = format!("/v1/principals/{}/conflicts", linked.id.unwrap());
            let provider = json!({"provider": world.made.provider_id});
            world.app.admin().await.post(&conflicts, &provider).await.expect(201);
            linked.act(&format!("{}/assessments", world.made.path)).await.problem(403, "forbidden");
            linked.put(&format!("{path}/rulings/{OTHER}"), "*", &not_met()).await.problem(403, "forbidden");
            for action in ["submit", "return", "sign_off", "publish", "withdraw"] {
                linked.post(&format!("{path}/decisions"), &assessing(action)).await.problem(403, "forbidden");
            }
        }
        assert_eq!(world.app.moderator().await.get(&path).await.expect(200).json()["status"], "draft");
    }
}
