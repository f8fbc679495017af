//! Reading verdicts: by the clock, offline, over time, side by side; and how many of those with a code have written.

use std::{
    collections::BTreeSet,
    io::Write,
    process::{Command, Stdio},
};

use diesel::prelude::*;
use preceptor::{
    auth::Role,
    db::{
        Conn,
        schema::{assessments, program_vetting, programs as programs_table, reviews},
    },
    ids::{CohortId, ProgramId, ReviewId},
    participation::{self, model::Cohort},
    programs,
    reference::TrainingLevel,
    reviews::model::{ClaimChecked, ClaimOutcome, Verification},
    self_reports::{self, model::SelfReport},
    time::{Day, Timestamp},
    vetting::standing_store,
};
use serde_json::{Value, json};
use uuid::Uuid;

use self::assessed::{after, assess, expiring};
use crate::support::{
    Answer, Backend, Client, TestApp,
    builders::{self, Listed},
    send,
};

mod assessed;
mod clock;
mod demo;

/// Midnight of a day.
fn travel(app: &TestApp, to: Day) {
    app.state.clock.set(to.start());
}

/// What verified reviews say of claims, as if they had been published so.
fn claim(app: &TestApp, made: &Listed, review: &str, claims: &[(&str, ClaimOutcome)]) {
    let (program, review): (ProgramId, ReviewId) = (made.program_id.parse().unwrap(), review.parse().unwrap());
    let claims = claims.iter().map(|(claim, outcome)| ClaimChecked { claim: (*claim).to_owned(), outcome: *outcome });
    let report = SelfReport {
        review,
        program,
        training_level: TrainingLevel::Clinical,
        half_year: "2025-H1".parse().unwrap(),
        tasks: Vec::new(),
        claims: claims.collect(),
    };
    let mut conn = app.connect();
    self_reports::store::replace(&mut conn, review, Some(&report)).unwrap();
    standing_store::refresh(&mut conn, program, Timestamp::now()).unwrap();
}

/// The id of a new review.
async fn reviewed(app: &TestApp, made: &Listed) -> String {
    let answer = app.participant().await.post(&format!("{}/reviews", made.path), &builders::review(4)).await;
    answer.expect(201).json()["id"].as_str().unwrap().to_owned()
}

/// A catalogue with something of everything that a verdict follows from.
async fn catalogue(app: &TestApp) -> Vec<Listed> {
    let mut all = Vec::new();
    for name in ["plain", "assessed", "flagged", "suspended", "claimed"] {
        all.push(builders::listed(app, name).await);
    }
    let (conditions, insufficient) = (after(50), after(100));
    for place in [1, 2, 4] {
        expiring(app, &all[place].program_id, conditions, insufficient).await;
    }
    let moderator = app.moderator().await;
    let reports = format!("{}/red-flag-reports", all[2].path);
    let report = app.participant().await.post(&reports, &builders::report()).await.expect(201);
    let decisions = format!("{}/decisions", report.header("location"));
    for decision in [
        json!({"action": "start_triage", "reason": "I take this one up."}),
        json!({"action": "substantiate", "reason": "Two accounts agree.", "severity": "critical",
            "public_summary": "Students were left alone with patients."}),
    ] {
        moderator.post(&decisions, &decision).await.expect(200);
    }
    let suspend = json!({"action": "suspend", "reason": "We look into it."});
    moderator.post(&format!("{}/decisions", all[3].path), &suspend).await.expect(200);
    let review = reviewed(app, &all[4]).await;
    claim(app, &all[4], &review, &[("A physician is always present", ClaimOutcome::Contradicted)]);
    let scope = json!({"scope": [{"task": "delivery", "training_level": "clinical", "rule": "allowed"}]});
    all[4].provider.patch(&all[4].path, "*", &scope).await.expect(200);
    all
}

/// Runs a command in an empty directory, with these lines on standard input.
fn offline(arguments: &[&str], input: &str) -> Result<String, String> {
    let dir = tempfile::TempDir::new().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_preceptor"));
    command.args(arguments).env_clear().current_dir(dir.path());
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    // It may have read enough before all was written.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    let output = child.wait_with_output().unwrap();
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0, "it left something behind");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    if output.status.success() { Ok(text(output.stdout)) } else { Err(text(output.stderr)) }
}

/// Runs a command on the server's database.
fn beside(app: &TestApp, arguments: &[&str]) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_preceptor"));
    let output = command.args(arguments).envs(app.variables()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// Verdict, first day, code and reasons of each entry.
fn turns(history: &Answer) -> Vec<(String, String, String, Value)> {
    let word = |value: &Value| value.as_str().unwrap().to_owned();
    let entries = history.json()["entries"].as_array().unwrap().clone();
    let turn =
        |entry: Value| (word(&entry["verdict"]), word(&entry["since"]), word(&entry["code"]), entry["reasons"].clone());
    entries.into_iter().map(turn).collect()
}

/// The response rate that the program's page shows, and the page's tag.
async fn rate(anyone: &Client, path: &str) -> (Value, String) {
    let answer = anyone.get(path).await.expect(200);
    (answer.json()["score"]["response_rate"].clone(), answer.etag().to_owned())
}

/// Issues codes for a cohort.
fn issue(app: &TestApp, made: &Listed, count: usize) -> CohortId {
    let id = CohortId::from_uuid(Uuid::now_v7());
    let codes: Vec<String> = (0..count).map(|number| format!("{id} {number}")).collect();
    let month = |text: &str| text.parse().unwrap();
    let program = made.program_id.parse().unwrap();
    let cohort = Cohort { program, period_start: month("2025-03"), period_end: month("2025-05") };
    let now = Timestamp::now();
    participation::store::issue(&mut app.connect(), id, &cohort, &codes, now.plus_seconds(3600), now).unwrap();
    id
}

on_both! {
    async fn what_the_service_answers_is_what_anyone_computes_from_the_export(backend: Backend) {
        let app = TestApp::start(backend);
        let all = catalogue(&app).await;
        let draft = builders::draft(&app, "draft").await;
        let export = beside(&app, &["verdict", "export"]);
        let lines: BTreeSet<&str> = export.lines().collect();
        assert_eq!(lines.len(), all.len(), "drafts are not exported");
        let file = app.dir().join("inputs.ndjson");
        std::fs::write(&file, &export).unwrap();
        let file = file.to_str().unwrap();
        let anyone = app.client();
        let mut verdicts = BTreeSet::new();
        for number in [0, 49, 50, 99, 100, 4000] {
            let day = after(number);
            travel(&app, day);
            let at = day.to_string();
            for made in &all {
                let body = anyone.get(&format!("{}/verdict", made.path)).await.expect(200).text();
                let arguments = ["verdict", "explain", "--program", &made.program_id, "--at", &at, "--from", file];
                assert_eq!(offline(&arguments, "").unwrap(), format!("{body}\n"), "{at}");
                verdicts.insert(serde_json::from_str::<Value>(&body).unwrap()["verdict"].as_str().unwrap().to_owned());
            }
        }
        assert_eq!(verdicts.len(), 4, "{verdicts:?}");

        for made in &all {
            let inputs = anyone.get(&format!("{}/verdict-inputs", made.path)).await.expect(200);
            assert!(lines.contains(&*inputs.text()), "{}", inputs.text());
            let one = beside(&app, &["verdict", "export", "--program", &made.program_id]);
            assert_eq!(one, format!("{}\n", inputs.text()));
        }
        let body = anyone.get(&format!("{}/verdict", all[1].path)).await.expect(200).text();
        let slug = anyone.get(&all[1].path).await.expect(200).json()["slug"].as_str().unwrap().to_owned();
        let at = after(4000).to_string();
        assert_eq!(beside(&app, &["verdict", "explain", "--program", &slug, "--at", &at]), format!("{body}\n"));
        let piped = ["verdict", "explain", "--program", &slug, "--at", &at, "--from", "-"];
        assert_eq!(offline(&piped, &export).unwrap(), format!("{body}\n"));
        let absent = ["verdict", "explain", "--program", &draft.program_id, "--from", "-"];
        assert!(offline(&absent, &export).unwrap_err().contains("no such program"));
        assert!(offline(&absent, "{}\n").unwrap_err().contains("line 1"));
        let today = ["verdict", "explain", "--program", &slug, "--from", "-"];
        let said: Value = serde_json::from_str(&offline(&today, &export).unwrap()).unwrap();
        assert_eq!(said["verdict"], "meets_standard");
    }

    async fn the_inputs_lead_to_nobody(backend: Backend) {
        let app = TestApp::start(backend);
        let made = builders::listed(&app, "told").await;
        let author = app.participant().await;
        let review = author.post(&format!("{}/reviews", made.path), &builders::review(2)).await.expect(201).json();
        claim(&app, &made, review["id"].as_str().unwrap(), &[("A nurse is present", ClaimOutcome::Contradicted)]);
        let assessor = expiring(&app, &made.program_id, after(50), after(100)).await;
        for below in ["verdict-inputs", "verdict-history", "verdict"] {
            let text = app.client().get(&format!("{}/{below}", made.path)).await.expect(200).text();
            for person in [author.id.unwrap(), assessor] {
                assert!(!text.contains(&person.to_string()), "{text}");
            }
        }
        let inputs = app.client().get(&format!("{}/verdict-inputs", made.path)).await.expect(200).json();
        assert_eq!(inputs["inputs"]["contradicted_claims"][0]["review_ids"], json!([review["id"]]));
    }

    async fn the_history_tells_what_the_clock_did_and_nothing_from_before_the_listing(backend: Backend) {
        let app = TestApp::start(backend);
        let made = builders::draft(&app, "history").await;
        let path = format!("{}/verdict-history", made.path);
        app.client().get(&path).await.problem(404, "not_found");
        expiring(&app, &made.program_id, after(50), after(100)).await;
        made.provider.act(&format!("{}/submit", made.path)).await.expect(200);
        let list = json!({"action": "list", "reason": "Everything was checked."});
        app.moderator().await.post(&format!("{}/decisions", made.path), &list).await.expect(200);

        let turn = |verdict: &str, day: Day, code: &str, reason: &str| {
            (verdict.to_owned(), day.to_string(), code.to_owned(), json!([reason]))
        };
        let today = after(0);
        let before = turn("insufficient_evidence", today, "inputs_changed", "no_assessment");
        let best = turn("meets_standard", today, "inputs_changed", "every_criterion_met");
        assert_eq!(turns(&made.provider.get(&path).await.expect(200)), [best.clone(), before]);
        let shown = turns(&app.client().get(&path).await.expect(200));
        assert_eq!(shown, std::slice::from_ref(&best));

        travel(&app, after(99));
        let conditions = turn("meets_with_conditions", after(50), "evidence_expired", "evidence_expired");
        assert_eq!(turns(&app.client().get(&path).await.expect(200)), [conditions.clone(), best.clone()]);
        travel(&app, after(100));
        let history = app.client().get(&path).await.expect(200);
        let ended = turn("insufficient_evidence", after(100), "evidence_expired", "critical_evidence_expired");
        assert_eq!(turns(&history), [ended, conditions, best]);
        let until: Vec<_> = history.json()["entries"].as_array().unwrap().iter().map(|one| one["until"].clone()).collect();
        assert_eq!(until, [Value::Null, json!(after(100)), json!(after(50))]);
    }

    async fn programs_are_compared_by_what_speaks_for_and_against_them(backend: Backend) {
        use ClaimOutcome::{Confirmed, Contradicted, NotSeen};
        let app = TestApp::start(backend);
        let all = catalogue(&app).await;
        let told = [reviewed(&app, &all[1]).await, reviewed(&app, &all[1]).await, reviewed(&app, &all[1]).await];
        let mut told = told.map(|id| id.parse::<ReviewId>().unwrap());
        told.sort_unstable();
        let (present, asked) = ("A physician is always present", "Patients are asked");
        let loud = "A PHYSICIAN is always present";
        for (review, claims) in told.iter().zip([
            &[(present, Contradicted), (loud, Contradicted), (asked, Confirmed)][..],
            &[(loud, Contradicted), (asked, Confirmed)],
            &[(present, Confirmed), (asked, NotSeen), ("Housing is included", Confirmed)],
        ]) {
            claim(&app, &all[1], &review.to_string(), claims);
        }
        let ids: Vec<_> = all.iter().map(|made| made.program_id.clone()).collect();
        travel(&app, after(50));
        let sides = app.client().get(&format!("/v1/programs/compare?ids={}", ids.join(","))).await.expect(200).json();
        let side = |place: usize| &sides["data"][place];
        assert_eq!(side(1)["claims"], json!([
            {"claim": present, "confirmed": 1, "contradicted": 2, "not_seen": 0, "review_ids": &told[..2]},
            {"claim": asked, "confirmed": 2, "contradicted": 0, "not_seen": 1, "review_ids": []},
            {"claim": "Housing is included", "confirmed": 1, "contradicted": 0, "not_seen": 0, "review_ids": []},
        ]));
        assert_eq!(side(0)["claims"], json!([]));
        assert_eq!(side(4)["scope_findings"], json!([{
            "task": "delivery", "training_level": "clinical", "offered": "allowed",
            "matrix": "direct_supervision_only", "kind": "deliveries_by_students", "severity": "critical",
        }]));
        for (place, made) in all.iter().enumerate() {
            let verdict = app.client().get(&format!("{}/verdict", made.path)).await.expect(200).json();
            let detail = app.client().get(&made.path).await.expect(200).json();
            for member in ["verdict", "notices", "reasons", "criteria", "holds_until"] {
                assert_eq!(side(place)["verdict"][member], verdict[member], "{member}");
            }
            assert_eq!(side(place)["scope_findings"], verdict["scope_findings"]);
            for member in ["score", "fees"] {
                assert_eq!(side(place)[member], detail[member], "{member}");
            }
        }
        let seen: BTreeSet<_> = (0..all.len()).map(|place| side(place)["verdict"]["verdict"].to_string()).collect();
        assert_eq!(seen.len(), 3, "{seen:?}");
    }

    async fn the_response_rate_follows_codes_and_reviews(backend: Backend) {
        let app = TestApp::start(backend);
        let made = builders::listed(&app, "answered").await;
        let anyone = app.client();
        let check = || programs::rebuild(&mut app.connect(), true, Timestamp::now()).unwrap();
        assert_eq!(rate(&anyone, &made.path).await.0, Value::Null);
        let first = issue(&app, &made, 2);
        let (none, tag) = rate(&anyone, &made.path).await;
        assert_eq!(none, Value::Null, "two could tell who wrote");
        issue(&app, &made, 2);
        let stale = send(anyone.request("GET", &made.path).header("if-none-match", &tag)).await;
        assert_eq!(stale.expect(200).json()["score"]["response_rate"],
            json!({"codes_issued": 4, "reviews": 0, "share": 0.0}));

        for verification in [Verification::ParticipationCode, Verification::UniversityEmail] {
            let id: ReviewId = reviewed(&app, &made).await.parse().unwrap();
            let row = reviews::table.find(id);
            diesel::update(row).set(reviews::verification.eq(verification)).execute(&mut app.connect()).unwrap();
        }
        assert_eq!(programs::rebuild(&mut app.connect(), false, Timestamp::now()).unwrap(), 1);
        let (now, tag) = rate(&anyone, &made.path).await;
        assert_eq!(now, json!({"codes_issued": 4, "reviews": 1, "share": 0.25}));

        assert_eq!(check(), 0);
        participation::store::revoke(&mut app.connect(), first).unwrap();
        let stale = send(anyone.request("GET", &made.path).header("if-none-match", &tag)).await;
        assert_eq!(stale.expect(200).json()["score"]["response_rate"], Value::Null);
        assert_eq!(check(), 0);
        let id: ProgramId = made.program_id.parse().unwrap();
        let wrong = diesel::update(programs_table::table.find(id)).set(programs_table::codes_issued.eq(9));
        wrong.execute(&mut app.connect()).unwrap();
        assert_eq!(check(), 1);
        assert_eq!(programs::rebuild(&mut app.connect(), false, Timestamp::now()).unwrap(), 1);
        assert_eq!(check(), 0);
    }

    async fn a_program_that_was_not_gathered_yet_has_a_verdict_too(backend: Backend) {
        let app = TestApp::start(backend);
        let made = builders::listed(&app, "early").await;
        expiring(&app, &made.program_id, after(50), after(100)).await;
        let path = format!("{}/verdict-inputs", made.path);
        let before = app.client().get(&path).await.expect(200).text();
        let id: ProgramId = made.program_id.parse().unwrap();
        let conn: &mut Conn = &mut app.connect();
        assert_eq!(diesel::delete(program_vetting::table.find(id)).execute(conn).unwrap(), 1);
        assert_eq!(app.client().get(&path).await.expect(200).text(), before);
    }

    async fn a_new_assessment_ends_what_the_clock_did(backend: Backend) {
        let app = TestApp::start(backend);
        let made = builders::listed(&app, "renewed").await;
        expiring(&app, &made.program_id, after(50), after(100)).await;
        let superseded = assessments::table.filter(assessments::program_id.eq(made.program_id.parse::<ProgramId>().unwrap()));
        diesel::update(superseded).set(assessments::status.eq("superseded")).execute(&mut app.connect()).unwrap();
        let author = app.principal(Role::Assessor, |_| {}).await.id.unwrap();
        let at = Timestamp::from_micros(after(60).start().as_micros() + 3_600_000_000).unwrap();
        assess(&mut app.connect(), &made.program_id, author, |_| after(400), at);
        travel(&app, after(399));
        let verdict = app.client().get(&format!("{}/verdict", made.path)).await.expect(200).json();
        assert_eq!((&verdict["verdict"], &verdict["holds_until"]), (&json!("meets_standard"), &json!(after(400))));
        let history = app.client().get(&format!("{}/verdict-history", made.path)).await.expect(200);
        let days: Vec<_> = turns(&history).into_iter().map(|(_, day, code, _)| (day, code)).collect();
        let day = |day: Day, code: &str| (day.to_string(), code.to_owned());
        assert_eq!(days, [
            day(after(60), "inputs_changed"), day(after(50), "evidence_expired"), day(after(0), "inputs_changed"),
            day(after(0), "inputs_changed"),
        ]);
    }
}
