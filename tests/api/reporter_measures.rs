//! Measures about people who report without ground: who takes them, in which order, and what they take away.

use preceptor::{
    auth::Role,
    red_flags::{measures::ReporterMeasureAction, model::ReportStatus},
};
use serde_json::{Value, json};

use crate::support::{
    Answer, Backend, Client, TestApp,
    builders::{self, Listed},
    dump::{dump, holding},
};

const REASON: &str = "The hospital has no such ward, and never had one.";
const DAY: i64 = 24 * 60 * 60;

struct World {
    app: TestApp,
    made: Listed,
    moderator: Client,
    reporter: Client,
}

impl World {
    async fn make(backend: Backend) -> Self {
        let app = TestApp::start(backend);
        let made = builders::listed(&app, "measures").await;
        let (moderator, reporter) = (app.moderator().await, app.participant().await);
        Self { app, made, moderator, reporter }
    }

    async fn try_report(&self) -> Answer {
        self.reporter.post(&format!("{}/red-flag-reports", self.made.path), &builders::report()).await
    }

    async fn report(&self) -> String {
        self.try_report().await.expect(201).header("location").to_owned()
    }

    async fn rule(&self, report: &str, actions: &[&str]) {
        for action in actions {
            let mut body = json!({"action": action, "reason": "It was looked at with care."});
            match *action {
                "substantiate" => body["public_summary"] = json!("Students were left alone with patients."),
                "remediate" => body["proof"] = json!("The duty rosters of three months."),
                _ => {}
            }
            self.moderator.post(&format!("{report}/decisions"), &body).await.expect(200);
        }
    }

    /// A report that was not found true.
    async fn unfounded(&self) -> String {
        let report = self.report().await;
        self.rule(&report, &["start_triage", "unsubstantiate"]).await;
        report
    }

    async fn measure(&self, by: &Client, report: &str, action: &str) -> Answer {
        by.post(&format!("{report}/reporter-measures"), &input(action)).await
    }

    async fn take(&self, report: &str, action: &str) -> Value {
        self.measure(&self.moderator, report, action).await.expect(200).json()
    }

    async fn suspended(&self) -> Value {
        self.reporter.get("/v1/me").await.expect(200).json()["reporting_suspension"].clone()
    }
}

fn input(action: &str) -> Value {
    let days = (action == "suspend").then_some(30);
    let mut input = json!({"action": action, "reason": REASON});
    if let Some(days) = days {
        input["days"] = json!(days);
    }
    input
}

fn actions(report: &Value) -> Vec<&str> {
    report["measures"].as_array().unwrap().iter().map(|one| one["action"].as_str().unwrap()).collect()
}

on_both! {
    async fn a_warning_comes_first_and_only_what_was_reported_since_suspends(backend: Backend) {
        let world = World::make(backend).await;
        // Two reports before anybody is warned: the second has nothing to do with a warning.
        let before = world.unfounded().await;
        let first = world.unfounded().await;
        world.measure(&world.moderator, &first, "suspend").await.problem(409, "conflict");
        let warned = world.take(&first, "warn").await;
        assert_eq!(actions(&warned), ["warn"]);
        for action in ["warn", "suspend"] {
            world.measure(&world.moderator, &first, action).await.problem(409, "conflict");
        }
        let refused = world.measure(&world.moderator, &before, "suspend").await.problem(409, "conflict");
        assert!(refused["detail"].as_str().unwrap().contains("Warn first"), "{refused}");
        // A warned person reports as before.
        let second = world.unfounded().await;
        assert_eq!(world.suspended().await, Value::Null);
        let suspended = world.take(&second, "suspend").await;
        let until = suspended["measures"][0]["suspended_until"].clone();
        assert_eq!(actions(&suspended), ["suspend"]);
        assert_eq!(world.suspended().await, json!({"until": until, "reason": REASON}));
        let told = world.reporter.get(&second).await.expect(200).json();
        assert_eq!(told["measures"], suspended["measures"]);
        let export = world.reporter.get("/v1/me/export").await.expect(200).json();
        assert_eq!(export["reports"][2]["measures"], suspended["measures"]);
        // Who it is, no moderator reads.
        let id = world.reporter.id.unwrap().to_string();
        assert!(!suspended.to_string().contains(&id), "{suspended}");
        let log = world.app.admin().await.get("/v1/audit-events").await.expect(200).json();
        let row = log["data"].as_array().unwrap().iter().find(|row| row["kind"] == "decision.made").unwrap();
        assert_eq!(row["subject"], format!("red_flag_report:{}", second.rsplit('/').next().unwrap()));
        assert_eq!(row["actor"], json!(world.moderator.id.unwrap()));
    }

    async fn a_suspension_takes_reports_and_flags_until_it_is_over(backend: Backend) {
        let world = World::make(backend).await;
        let author = world.app.participant().await;
        let path = format!("{}/reviews", world.made.path);
        let review = author.post(&path, &builders::review(4)).await.expect(201).header("location").to_owned();
        let first = world.unfounded().await;
        world.take(&first, "warn").await;
        let second = world.unfounded().await;
        let until = world.take(&second, "suspend").await["measures"][0]["suspended_until"].clone();
        let flag = async || {
            world.reporter.post(&format!("{review}/flags"), &json!({"reasons": ["illegal_content"]})).await
        };
        for answer in [world.try_report().await, flag().await] {
            let problem = answer.problem(403, "reporting_suspended");
            let detail = problem["detail"].as_str().unwrap();
            assert!(detail.contains(until.as_str().unwrap()) && detail.contains(REASON), "{detail}");
        }
        // Nothing else is taken away, and nobody else is concerned.
        world.reporter.post(&path, &builders::review(3)).await.expect(201);
        world.app.client().get(&review).await.expect(200);
        let other = world.app.participant().await;
        other.post(&format!("{}/red-flag-reports", world.made.path), &builders::report()).await.expect(201);
        let now = world.app.state.now();
        world.app.state.clock.set(now.plus_seconds(31 * DAY));
        let later = World { reporter: world.app.holder(world.reporter.id.unwrap(), Role::Participant), ..world };
        assert_eq!(later.suspended().await, Value::Null, "it ends by the clock");
        later.report().await;
    }

    async fn a_suspension_ends_early_where_it_came_from(backend: Backend) {
        let world = World::make(backend).await;
        let first = world.unfounded().await;
        world.take(&first, "warn").await;
        let second = world.unfounded().await;
        let third = world.unfounded().await;
        world.take(&second, "suspend").await;
        world.measure(&world.moderator, &third, "suspend").await.problem(409, "conflict");
        for elsewhere in [&first, &third] {
            world.measure(&world.moderator, elsewhere, "restore").await.problem(409, "conflict");
        }
        let restored = world.take(&second, "restore").await;
        assert_eq!(actions(&restored), ["suspend", "restore"]);
        assert_eq!(world.suspended().await, Value::Null);
        for action in ["restore", "suspend", "warn"] {
            world.measure(&world.moderator, &second, action).await.problem(409, "conflict");
        }
        // The warning still stands for what was reported since.
        world.take(&third, "suspend").await;
        world.try_report().await.problem(403, "reporting_suspended");
    }

    async fn each_state_of_a_report_takes_the_measures_that_the_rule_allows(backend: Backend) {
        let steps = |status: &ReportStatus| -> &'static [&'static str] {
            match status {
                ReportStatus::Submitted | ReportStatus::Withdrawn => &[],
                ReportStatus::InTriage => &["start_triage"],
                ReportStatus::NeedsInfo => &["start_triage", "request_info"],
                ReportStatus::Substantiated => &["start_triage", "substantiate"],
                ReportStatus::Remediated => &["start_triage", "substantiate", "remediate"],
                ReportStatus::Unsubstantiated => &["start_triage", "unsubstantiate"],
            }
        };
        let app_world = World::make(backend).await;
        let mut world = app_world;
        for status in ReportStatus::ALL {
            world.reporter = world.app.participant().await;
            let first = world.unfounded().await;
            world.take(&first, "warn").await;
            let report = world.report().await;
            world.rule(&report, steps(status)).await;
            if *status == ReportStatus::Withdrawn {
                world.reporter.act(&format!("{report}/withdraw")).await.expect(200);
            }
            for action in ReporterMeasureAction::ALL.iter().rev() {
                let may = *status == ReportStatus::Unsubstantiated && *action == ReporterMeasureAction::Suspend;
                let answer = world.measure(&world.moderator, &report, action.as_str()).await;
                assert_eq!(answer.status, if may { 200 } else { 409 }, "{status} {action}: {}", answer.text());
            }
        }
    }

    async fn only_moderators_who_have_no_part_in_it_take_measures(backend: Backend) {
        let world = World::make(backend).await;
        let report = world.unfounded().await;
        let linked = world.app.moderator().await;
        let conflicts = format!("/v1/principals/{}/conflicts", linked.id.unwrap());
        let conflict = json!({"provider": world.made.provider_id});
        world.app.admin().await.post(&conflicts, &conflict).await.expect(201);
        for action in ReporterMeasureAction::ALL {
            for role in [Role::Admin, Role::Assessor, Role::Participant, Role::Frontend] {
                let by = world.app.principal(role, |_| {}).await;
                world.measure(&by, &report, action.as_str()).await.problem(403, "forbidden");
            }
            for by in [&linked, &world.reporter, &world.made.provider] {
                world.measure(by, &report, action.as_str()).await.problem(403, "forbidden");
            }
        }
        world.measure(&world.app.client(), &report, "warn").await.problem(401, "unauthorized");
        let none = "/v1/red-flag-reports/6b0c7f3e-52a4-4d1b-9c58-0f2d6c1b7a90";
        world.measure(&world.moderator, none, "warn").await.problem(404, "not_found");
        assert_eq!(world.reporter.get(&report).await.json()["measures"], json!([]));
        for days in [json!(0), json!(366), Value::Null] {
            let body = json!({"action": "suspend", "reason": REASON, "days": days});
            world.moderator.post(&format!("{report}/reporter-measures"), &body).await.problem(422, "invalid");
        }
        let body = json!({"action": "warn", "reason": REASON, "days": 3});
        world.moderator.post(&format!("{report}/reporter-measures"), &body).await.problem(422, "invalid");
    }

    async fn nothing_of_a_suspension_is_left_of_somebody_who_is_erased(backend: Backend) {
        let world = World::make(backend).await;
        let first = world.unfounded().await;
        world.take(&first, "warn").await;
        let second = world.unfounded().await;
        world.take(&second, "suspend").await;
        let rights = |world: &World| dump(&mut world.app.connect())["report_rights"].len();
        assert_eq!(rights(&world), 1);
        world.reporter.delete("/v1/me?reviews=keep").await.expect(204);
        assert_eq!(rights(&world), 0);
        // The report and why it was measured stay: they are evidence.
        let stored = dump(&mut world.app.connect());
        assert_eq!(holding(&stored, REASON), ["decisions"]);
        assert_eq!(world.moderator.get(&second).await.expect(200).json()["measures"][0]["action"], "suspend");
    }
}
