//! Versions of the rubric: who puts one in force, what it has to keep, and which programs are judged by which.

use diesel::prelude::*;
use preceptor::{
    assessments::model::{AssessmentStatus, Content},
    db::{
        Conn,
        schema::{assessments, program_vetting},
    },
    ids::{AssessmentId, PrincipalId, ProgramId},
    time::Timestamp,
    vetting::standing_store,
};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::{Backend, TestApp, builders, send};

const RUBRICS: &str = "/v1/reference/rubrics";
const CURRENT: &str = "/v1/reference/rubrics/current";

async fn current(app: &TestApp) -> Value {
    app.client().get(CURRENT).await.expect(200).json()
}

/// What an admin would send who starts from the version in force and changes nothing.
pub async fn input(app: &TestApp) -> Value {
    let now = current(app).await;
    json!({
        "based_on": now["version"],
        "reason": "The adviser has read it again.",
        "evidence_months": now["evidence_months"],
        "criteria": now["criteria"],
        "tasks": now["tasks"],
    })
}

/// Observation is for clinical students no more than for others allowed without a supervisor.
async fn stricter(app: &TestApp) -> Value {
    let mut input = input(app).await;
    for level in ["high_school", "pre_health", "preclinical", "clinical"] {
        input["tasks"][0]["rules"][level] = json!("never");
    }
    input
}

async fn verdict(app: &TestApp, program: &str) -> Value {
    app.client().get(&format!("{program}/verdict")).await.expect(200).json()
}

/// A published assessment of the version in force, without rulings.
fn assess(conn: &mut Conn, program: ProgramId, author: PrincipalId, now: Timestamp) {
    let id = AssessmentId::from_uuid(Uuid::now_v7());
    let content = serde_json::to_string(&Content::default()).unwrap();
    let row = (
        assessments::id.eq(id),
        assessments::program_id.eq(program),
        assessments::rubric_version.eq(1),
        assessments::listing_version.eq(1),
        assessments::status.eq(AssessmentStatus::Published),
        assessments::version.eq(1),
        assessments::author_id.eq(author),
        assessments::content.eq(&content),
        assessments::submitted_at.eq(now),
        assessments::published_at.eq(now),
        assessments::created_at.eq(now),
        assessments::updated_at.eq(now),
    );
    diesel::insert_into(assessments::table).values(row).execute(conn).unwrap();
    standing_store::refresh(conn, program, now).unwrap();
}

on_both! {
    async fn the_first_version_is_in_force_until_an_admin_replaces_it(backend: Backend) {
        let app = TestApp::start(backend);
        let first = current(&app).await;
        assert_eq!((&first["version"], &first["created_at"], &first["in_force"]), (&json!(1), &Value::Null, &json!(true)));
        let mut wanted = input(&app).await;
        wanted["criteria"][0]["standard"] = json!("A written scope, signed by the host");
        wanted["evidence_months"]["level_1"] = json!(6);
        wanted["criteria"].as_array_mut().unwrap().reverse();
        wanted["tasks"].as_array_mut().unwrap().reverse();
        let admin = app.admin().await;
        let made = admin.post(RUBRICS, &wanted).await.expect(201);
        assert_eq!(made.header("location"), "/v1/reference/rubrics/2");
        let second = app.client().get(made.header("location")).await.expect(200);
        assert_eq!((second.etag(), second.json()), (made.etag(), made.json()));
        let second = second.json();
        assert_eq!(second, current(&app).await);
        assert_eq!((&second["version"], &second["in_force"], &second["reason"]), (&json!(2), &json!(true), &wanted["reason"]));
        // In the order of the closed sets, whatever the order of the input.
        assert_eq!(second["criteria"][0]["code"], "scope_defined");
        assert_eq!(second["criteria"][0]["standard"], "A written scope, signed by the host");
        assert_eq!(second["tasks"], first["tasks"]);
        assert_eq!(second["evidence_months"]["level_1"], 6);
        // The first is as it was, but for being in force.
        let mut former = app.client().get("/v1/reference/rubrics/1").await.expect(200).json();
        assert_eq!(former["in_force"], false);
        former["in_force"] = json!(true);
        assert_eq!(former, first);
        let events = admin.get("/v1/audit-events").await.expect(200).json();
        let event = &events["data"][0];
        assert_eq!((&event["kind"], &event["subject"]), (&json!("rubric.replaced"), &json!("rubric:2")));
        assert_eq!(event["actor"], json!(admin.id.unwrap()));
    }

    async fn versions_are_listed_newest_first_in_pages(backend: Backend) {
        let app = TestApp::start(backend);
        let admin = app.admin().await;
        for _ in 0..4 {
            admin.post(RUBRICS, &input(&app).await).await.expect(201);
        }
        let (mut seen, mut next) = (Vec::new(), format!("{RUBRICS}?limit=2"));
        loop {
            let page = app.client().get(&next).await.expect(200).json();
            for item in page["data"].as_array().unwrap() {
                seen.push((item["version"].as_i64().unwrap(), item["in_force"] == true));
            }
            let Some(cursor) = page["next_cursor"].as_str() else { break };
            next = format!("{RUBRICS}?limit=2&cursor={cursor}");
        }
        assert_eq!(seen, [(5, true), (4, false), (3, false), (2, false), (1, false)]);
    }

    async fn the_lists_show_the_version_in_force(backend: Backend) {
        let app = TestApp::start(backend);
        let anyone = app.client();
        let before = anyone.get("/v1/reference/criteria").await.expect(200);
        let again = anyone.request("GET", "/v1/reference/criteria").header("if-none-match", before.etag());
        send(again).await.expect(304);
        let mut wanted = stricter(&app).await;
        wanted["criteria"][0]["basis"] = json!(["AAMC", "Handbook of our own"]);
        app.admin().await.post(RUBRICS, &wanted).await.expect(201);
        let after = anyone.get("/v1/reference/criteria").await.expect(200);
        assert_ne!(after.etag(), before.etag());
        let stale = anyone.request("GET", "/v1/reference/criteria").header("if-none-match", before.etag());
        assert_eq!(send(stale).await.expect(200).json()["data"], wanted["criteria"]);
        assert_eq!(anyone.get("/v1/reference/tasks").await.expect(200).json()["data"], wanted["tasks"]);
        let guidelines = anyone.get("/v1/reference/guidelines").await.expect(200).json();
        let own = guidelines["data"].as_array().unwrap().last().unwrap();
        assert_eq!((&own["code"], &own["title"]), (&Value::Null, &json!("Handbook of our own")));
        assert_eq!(own["items"], json!([{"item": null, "criterion": "scope_defined"}]));
    }

    async fn a_version_made_from_another_than_the_one_in_force_is_refused(backend: Backend) {
        let app = TestApp::start(backend);
        let (admin, other) = (app.admin().await, app.admin().await);
        let (one, two) = (input(&app).await, stricter(&app).await);
        admin.post(RUBRICS, &one).await.expect(201);
        other.post(RUBRICS, &two).await.problem(409, "conflict");
        let mut ahead = input(&app).await;
        ahead["based_on"] = json!(7);
        other.post(RUBRICS, &ahead).await.problem(409, "conflict");
        assert_eq!(current(&app).await["version"], 2);
    }

    async fn of_two_versions_made_at_once_one_comes_into_force(backend: Backend) {
        let app = TestApp::start(backend);
        let (admin, body) = (app.admin().await, input(&app).await);
        let answers = futures_util::future::join_all((0..6).map(|_| admin.post(RUBRICS, &body))).await;
        let mut statuses: Vec<_> = answers.iter().map(|answer| answer.status).collect();
        statuses.sort_unstable();
        assert_eq!(statuses, [201, 409, 409, 409, 409, 409]);
        assert_eq!(current(&app).await["version"], 2);
    }

    async fn every_fault_of_a_version_is_pointed_at(backend: Backend) {
        let app = TestApp::start(backend);
        let admin = app.admin().await;
        let mut wrong = input(&app).await;
        wrong["criteria"][0]["critical_failure"] = Value::Null;
        wrong["criteria"][5]["critical_failure"] = json!("Nobody is asked for anything");
        let kind = wrong["criteria"][1]["red_flags"][0].clone();
        wrong["criteria"][1]["red_flags"].as_array_mut().unwrap().push(kind);
        wrong["criteria"][2]["red_flags"] = json!([]);
        wrong["tasks"][3]["code"] = json!("vital_signs");
        wrong["tasks"][5]["rules"]["clinical"] = json!("allowed");
        wrong["tasks"][5]["rules"]["licensed"] = json!("never");
        wrong["tasks"][10]["rules"]["clinical"] = json!("direct_supervision_only");
        let answer = admin.post(RUBRICS, &wrong).await;
        answer.problem(422, "invalid");
        let found = answer.faults();
        let found: Vec<_> = found.iter().map(|(place, code)| (place.as_str(), code.as_str())).collect();
        assert_eq!(found, [
            ("#/criteria", "inconsistent"),
            ("#/criteria/0/critical_failure", "required"),
            ("#/criteria/1/red_flags/3", "duplicate_item"),
            ("#/criteria/5/critical_failure", "not_applicable"),
            ("#/tasks", "inconsistent"),
            ("#/tasks/10/rules/clinical", "not_allowed"),
            ("#/tasks/3/code", "duplicate_item"),
            ("#/tasks/5/rules/licensed", "inconsistent"),
        ]);
        let mut wrong = input(&app).await;
        wrong["evidence_months"]["level_2"] = json!(121);
        wrong["criteria"].as_array_mut().unwrap().pop();
        let answer = admin.post(RUBRICS, &wrong).await;
        answer.problem(422, "invalid");
        let mut found = answer.faults();
        found.sort();
        let wanted = [("#/criteria", "too_few"), ("#/evidence_months/level_2", "too_large")];
        assert_eq!(found, wanted.map(|(place, code)| (place.to_owned(), code.to_owned())));
        assert_eq!(current(&app).await["version"], 1);
    }

    async fn versions_that_do_not_exist_are_not_found(backend: Backend) {
        let app = TestApp::start(backend);
        for name in ["2", "0", "01", "+1", "-1", "99999999999", "Current", "newest", "1.0"] {
            app.client().get(&format!("{RUBRICS}/{name}")).await.problem(404, "not_found");
        }
    }

    async fn programs_without_an_assessment_follow_the_version_in_force(backend: Backend) {
        let app = TestApp::start(backend);
        let made = builders::listed(&app, "open").await;
        let before = verdict(&app, &made.path).await;
        assert_eq!((&before["rubric_version"], &before["verdict"]), (&json!(1), &json!("insufficient_evidence")));
        app.admin().await.post(RUBRICS, &stricter(&app).await).await.expect(201);
        // Until the upkeep comes to it, the verdict is still of the first version, and says so.
        assert_eq!(verdict(&app, &made.path).await, before);
        standing_store::catch_up(&app.state.db, app.state.now()).await.unwrap();
        let after = verdict(&app, &made.path).await;
        assert_eq!((&after["rubric_version"], &after["verdict"]), (&json!(2), &json!("not_recommended")));
        assert_eq!(after["reasons"][0]["code"], "scope_beyond_matrix");
        let detail = app.client().get(&made.path).await.expect(200).json();
        assert_eq!(detail["verdict"]["verdict"].as_str().or(detail["verdict"].as_str()), Some("not_recommended"));
        let coverage = app.client().get(&format!("{}/coverage", made.path)).await.expect(200).json();
        assert_eq!(coverage["rubric_version"], 2);
        assert_eq!(preceptor::programs::rebuild(&mut app.connect(), true, app.state.now()).unwrap(), 0);
    }

    async fn a_write_judges_its_program_by_the_version_in_force_at_once(backend: Backend) {
        let app = TestApp::start(backend);
        let made = builders::listed(&app, "written").await;
        app.admin().await.post(RUBRICS, &stricter(&app).await).await.expect(201);
        made.provider.patch(&made.path, "*", &json!({"minimum_age": 19})).await.expect(200);
        assert_eq!(verdict(&app, &made.path).await["rubric_version"], 2);
    }

    async fn programs_with_an_assessment_keep_its_version(backend: Backend) {
        let app = TestApp::start(backend);
        let made = builders::listed(&app, "assessed").await;
        let (program, author): (ProgramId, _) = (made.program_id.parse().unwrap(), app.admin().await.id.unwrap());
        assess(&mut app.connect(), program, author, app.state.now());
        let before = verdict(&app, &made.path).await;
        app.admin().await.post(RUBRICS, &stricter(&app).await).await.expect(201);
        standing_store::catch_up(&app.state.db, app.state.now()).await.unwrap();
        assert_eq!(before["rubric_version"], 1);
        assert_eq!(verdict(&app, &made.path).await, before);
        // It was looked at all the same: nothing is left behind.
        let gathered: i32 =
            program_vetting::table.find(program).select(program_vetting::rubric_version).first(&mut app.connect()).unwrap();
        assert_eq!(gathered, 2);
    }
}
