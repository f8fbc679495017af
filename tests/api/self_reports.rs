//! What verified reviews tell of tasks and claims: when it counts, how it is counted, and what a listing's scope shows.

use diesel::prelude::*;
use preceptor::{
    db::schema::{self_report_claims, self_report_tasks},
    programs,
    time::Timestamp,
};
use serde_json::{Value, json};

use crate::support::{
    Backend, Client, TestApp,
    builders::{self, Listed, Told, did, participated, verified_review},
};

/// Of the first half of 2025; somebody who may never do this task.
fn needles() -> Told<'static> {
    Told {
        period: ("2025-03", "2025-04"),
        level: "pre_health",
        tasks: json!([did("needle_procedures", "direct", "asked")]),
        claims: json!([{"claim": "A physician is always present", "outcome": "contradicted"}]),
    }
}

/// The same a half-year later.
fn later() -> Told<'static> {
    Told { period: ("2025-08", "2025-09"), ..needles() }
}

async fn read(app: &TestApp, path: &str) -> Value {
    app.client().get(path).await.expect(200).json()
}

/// (reviews, tasks, signals, claims) that the public reads; and a rebuild finds nothing to mend.
async fn told(app: &TestApp, made: &Listed) -> (i64, usize, usize, usize) {
    assert_eq!(programs::rebuild(&mut app.connect(), true, Timestamp::now()).unwrap(), 0);
    let body = read(app, &format!("{}/self-reports", made.path)).await;
    let count = |part: &str| body[part].as_array().unwrap().len();
    (body["reviews"].as_i64().unwrap(), count("tasks"), count("signals"), count("claims"))
}

async fn decide(moderator: &Client, review: &str, action: &str) {
    let body = json!({"action": action, "reason": "It was looked at with care."});
    moderator.post(&format!("{review}/decisions"), &body).await.expect(200);
}

async fn edit(author: &Client, review: &str, changes: &Value) {
    let etag = author.get(review).await.expect(200).etag().to_owned();
    author.patch(review, &etag, changes).await.expect(200);
}

const NOTHING: (i64, usize, usize, usize) = (0, 0, 0, 0);

on_both! {
    async fn people_and_half_years_are_counted_over_verified_reviews(backend: Backend) {
        let app = TestApp::start(backend);
        let made = builders::listed(&app, "counts").await;
        let (first, one) = verified_review(&app, &made, &needles(), None).await;
        let (_, two) = verified_review(&app, &made, &later(), Some(&first)).await;
        let other = Told {
            claims: json!([{"claim": "a physician is ALWAYS present", "outcome": "confirmed"}]),
            tasks: json!([did("needle_procedures", "direct", "asked"), did("vital_signs", "direct", "unknown")]),
            ..needles()
        };
        verified_review(&app, &made, &other, None).await;
        // Nobody knows whether this one took part.
        let mut unverified = builders::review(1);
        unverified["tasks_done"] = json!([did("delivery", "none", "not_asked")]);
        app.participant().await.post(&format!("{}/reviews", made.path), &unverified).await.expect(201);

        let body = read(&app, &format!("{}/self-reports", made.path)).await;
        assert_eq!(body["reviews"], 3);
        let task = |task: &str, rule: &str, consent: &str, people: i32, periods: i32| json!({
            "task": task, "training_level": "pre_health", "rule": rule, "supervision": "direct", "consent": consent,
            "people": people, "periods": periods
        });
        let tasks = [
            task("vital_signs", "direct_supervision_only", "unknown", 1, 1),
            task("needle_procedures", "never", "asked", 2, 2),
        ];
        assert_eq!(body["tasks"], json!(tasks));
        let [signal] = &body["signals"].as_array().unwrap()[..] else { panic!("{body}") };
        assert_eq!(signal["kind"], "invasive_procedures_by_students");
        assert_eq!((&signal["people"], &signal["periods"]), (&json!(2), &json!(2)));
        assert_eq!((&signal["severity"], &signal["corroborated"]), (&json!("critical"), &json!(true)));
        assert_eq!(signal["triage_status"], "open");
        assert_eq!(signal["review_ids"].as_array().unwrap().len(), 3);
        let [claim] = &body["claims"].as_array().unwrap()[..] else { panic!("{body}") };
        assert_eq!((&claim["confirmed"], &claim["contradicted"], &claim["not_seen"]), (&json!(1), &json!(1), &json!(0)));
        let mut contradicting: Vec<_> = [&one, &two].map(|path| path.rsplit('/').next().unwrap()).into();
        contradicting.sort_unstable();
        assert_eq!(claim["review_ids"], json!(contradicting));
        assert!(!body.to_string().contains(&first.id.unwrap().to_string()));
        assert_eq!(told(&app, &made).await, (3, 2, 1, 1));
    }

    async fn a_review_tells_exactly_while_it_is_published_and_verified(backend: Backend) {
        let app = TestApp::start(backend);
        let made = builders::listed(&app, "while").await;
        let moderator = app.moderator().await;
        assert_eq!(told(&app, &made).await, NOTHING);
        let (author, review) = verified_review(&app, &made, &needles(), None).await;
        assert_eq!(told(&app, &made).await, (1, 1, 1, 1));
        decide(&moderator, &review, "hold").await;
        assert_eq!(told(&app, &made).await, NOTHING);
        // What is edited while it is held is what comes back.
        edit(&author, &review, &json!({"claims_checked": []})).await;
        assert_eq!(told(&app, &made).await, NOTHING);
        decide(&moderator, &review, "publish").await;
        assert_eq!(told(&app, &made).await, (1, 1, 1, 0));
        decide(&moderator, &review, "hold").await;
        decide(&moderator, &review, "reject").await;
        assert_eq!(told(&app, &made).await, NOTHING);
        let (author, review) = verified_review(&app, &made, &later(), None).await;
        assert_eq!(told(&app, &made).await, (1, 1, 1, 1));
        author.act(&format!("{review}/withdraw")).await.expect(200);
        assert_eq!(told(&app, &made).await, NOTHING);
    }

    async fn an_edit_that_leaves_the_ratings_alone_counts(backend: Backend) {
        let app = TestApp::start(backend);
        let made = builders::listed(&app, "edits").await;
        let (author, review) = verified_review(&app, &made, &needles(), None).await;
        let task = async || read(&app, &format!("{}/self-reports", made.path)).await["tasks"][0].clone();
        assert_eq!(task().await["rule"], "never");
        edit(&author, &review, &json!({"training_level": "clinical"})).await;
        assert_eq!((&task().await["training_level"], &task().await["rule"]),
            (&json!("clinical"), &json!("direct_supervision_only")));
        assert_eq!(told(&app, &made).await, (1, 1, 0, 1));
        edit(&author, &review, &json!({"tasks_done": [did("needle_procedures", "none", "asked")]})).await;
        assert_eq!(told(&app, &made).await, (1, 1, 2, 1));
        edit(&author, &review, &json!({"tasks_done": [], "claims_checked": []})).await;
        assert_eq!(told(&app, &made).await, NOTHING);
        edit(&author, &review, &json!({"tasks_done": [did("vital_signs", "direct", "asked")]})).await;
        assert_eq!(told(&app, &made).await, (1, 1, 0, 0));
        // A code proves its own months: of others the review is not verified, and tells nothing.
        edit(&author, &review, &json!({"period": {"start_month": "2024-01", "end_month": "2024-02"}})).await;
        assert_eq!(told(&app, &made).await, NOTHING);
        participated(&app, &made, ("2024-01", "2024-02"), Some(&author)).await;
        edit(&author, &review, &json!({"weeks": 3})).await;
        assert_eq!(author.get(&review).await.expect(200).json()["verification"]["method"], "none");
        assert_eq!(told(&app, &made).await, NOTHING);
    }

    async fn erasure_leaves_what_still_counts_and_nothing_else(backend: Backend) {
        let app = TestApp::start(backend);
        let made = builders::listed(&app, "erased").await;
        let (keeps, kept) = verified_review(&app, &made, &needles(), None).await;
        let (takes, _) = verified_review(&app, &made, &later(), None).await;
        assert_eq!(told(&app, &made).await, (2, 1, 1, 1));
        takes.delete("/v1/me?reviews=withdraw").await.expect(204);
        assert_eq!(told(&app, &made).await, (1, 1, 1, 1));
        keeps.delete("/v1/me?reviews=keep").await.expect(204);
        app.client().get(&kept).await.expect(200);
        assert_eq!(told(&app, &made).await, (1, 1, 1, 1), "what a code proved stays proven");
        // An admin who ends a participant takes nothing back that was told.
        let (removed, _) = verified_review(&app, &made, &later(), None).await;
        let path = format!("/v1/principals/{}/removal", removed.id.unwrap());
        app.admin().await.post(&path, &json!({"reason": "It was looked at with care."})).await.expect(200);
        assert_eq!(told(&app, &made).await, (2, 1, 1, 1));
    }

    async fn a_rebuild_mends_what_reviews_tell(backend: Backend) {
        let app = TestApp::start(backend);
        let made = builders::listed(&app, "mended").await;
        verified_review(&app, &made, &needles(), None).await;
        let before = read(&app, &format!("{}/self-reports", made.path)).await;
        let conn = &mut app.connect();
        let rebuild = |conn: &mut _, check| programs::rebuild(conn, check, Timestamp::now()).unwrap();
        for task in [true, false] {
            let broken = if task {
                diesel::delete(self_report_tasks::table).execute(conn)
            } else {
                diesel::update(self_report_claims::table).set(self_report_claims::claim_key.eq("another")).execute(conn)
            };
            assert_eq!(broken.unwrap(), 1);
            assert_eq!((rebuild(conn, true), rebuild(conn, false), rebuild(conn, true)), (1, 1, 0));
            assert_eq!(read(&app, &format!("{}/self-reports", made.path)).await, before);
        }
    }

    async fn a_contradicted_claim_is_a_notice_wherever_the_verdict_stands(backend: Backend) {
        let app = TestApp::start(backend);
        let made = builders::listed(&app, "claims").await;
        let notices = async || {
            let verdict = read(&app, &format!("{}/verdict", made.path)).await["notices"].clone();
            let program = read(&app, &made.path).await["verdict"]["notices"].clone();
            let list = read(&app, "/v1/programs").await["data"][0]["notices"].clone();
            assert_eq!((&program, &list), (&verdict, &verdict));
            verdict
        };
        let harmless = Told { tasks: json!([]), ..needles() };
        let agreeing = Told { claims: json!([{"claim": "Housing is near", "outcome": "confirmed"}]), ..harmless };
        verified_review(&app, &made, &agreeing, None).await;
        assert_eq!(notices().await, json!([]));
        let harmless = Told { tasks: json!([]), ..needles() };
        let (author, review) = verified_review(&app, &made, &harmless, None).await;
        assert_eq!(notices().await, json!(["contradicted_claims"]));
        edit(&author, &review, &json!({"claims_checked": [{"claim": "Housing is near", "outcome": "not_seen"}]})).await;
        assert_eq!(notices().await, json!([]));
    }

    async fn a_listing_that_offers_too_much_is_not_recommended_until_it_is_mended(backend: Backend) {
        let app = TestApp::start(backend);
        let made = builders::listed(&app, "scope").await;
        let edit = async |changes: Value| {
            let etag = made.provider.get(&made.path).await.expect(200).etag().to_owned();
            made.provider.patch(&made.path, &etag, &changes).await.expect(200).json()["verdict"].clone()
        };
        let offer = |task: &str, rule: &str| json!([{"task": task, "training_level": "pre_health", "rule": rule}]);
        // Not to those who may not come.
        let verdict = edit(json!({"scope": offer("needle_procedures", "direct_supervision_only")})).await;
        assert_eq!(verdict["verdict"], "insufficient_evidence");
        let verdict = edit(json!({"training_levels": ["pre_health", "clinical"]})).await;
        assert_eq!(verdict["verdict"], "not_recommended");
        let why = read(&app, &format!("{}/verdict", made.path)).await;
        assert_eq!((&why["verdict"], &why["reasons"][0]["code"]),
            (&json!("not_recommended"), &json!("scope_beyond_matrix")));
        assert_eq!(why["scope_findings"], json!([{
            "task": "needle_procedures", "training_level": "pre_health", "offered": "direct_supervision_only",
            "matrix": "never", "kind": "invasive_procedures_by_students", "severity": "critical"
        }]));
        let verdict = edit(json!({"scope": offer("vital_signs", "allowed")})).await;
        assert_eq!(verdict["verdict"], "insufficient_evidence");
        let why = read(&app, &format!("{}/verdict", made.path)).await;
        let codes: Vec<_> = why["reasons"].as_array().unwrap().iter().map(|reason| &reason["code"]).collect();
        assert_eq!(codes, ["no_assessment", "scope_without_supervision"]);
        edit(json!({"scope": offer("vital_signs", "direct_supervision_only")})).await;
        let why = read(&app, &format!("{}/verdict", made.path)).await;
        assert_eq!((&why["scope_findings"], why["reasons"].as_array().unwrap().len()), (&json!([]), 1));
        assert_eq!(told(&app, &made).await, NOTHING);
    }
}
