//! The demonstration's programs: each verdict, each notice, and what the clock does to one of them.

use std::collections::BTreeSet;

use preceptor::{
    demo,
    time::Timestamp,
    verdict::{Notice, Verdict},
};
use serde_json::Value;

use crate::support::{Backend, TestApp};

/// Its emergency plan rests on a statement that expires within the year.
const AGEING: &str = "nordlys-public-health-fieldwork-kisumu";

fn with_demo(backend: Backend) -> TestApp {
    let app = TestApp::start(backend);
    demo::prepare(&mut app.connect(), &app.state.auth, &app.state.config.public_url, Timestamp::now()).unwrap();
    app
}

async fn listed(app: &TestApp, filter: &str) -> Vec<Value> {
    let list = app.client().get(&format!("/v1/programs?limit=100{filter}")).await.expect(200).json();
    list["data"].as_array().unwrap().clone()
}

/// How often the facets count each verdict.
async fn facet(app: &TestApp, verdict: Verdict) -> u64 {
    let facets = app.client().get("/v1/programs/facets").await.expect(200).json();
    let all = facets["facets"].as_array().unwrap();
    let values = all.iter().find(|facet| facet["name"] == "verdict").unwrap()["values"].as_array().unwrap();
    values.iter().find(|value| value["value"] == verdict.as_str()).map_or(0, |value| value["count"].as_u64().unwrap())
}

on_both! {
    async fn there_is_a_program_of_each_verdict_and_with_each_notice(backend: Backend) {
        let app = with_demo(backend);
        let programs = listed(&app, "").await;
        let suspended = app.client().get("/v1/programs/bluewater-surgery-immersion-kathmandu").await.expect(200).json();
        let verdicts: BTreeSet<_> = programs.iter().map(|program| program["verdict"].as_str().unwrap()).collect();
        assert_eq!(verdicts, Verdict::ALL.iter().map(|verdict| verdict.as_str()).collect());
        let notices = programs.iter().map(|program| &program["notices"]).chain([&suspended["verdict"]["notices"]]);
        let notices: BTreeSet<_> = notices.flat_map(|all| all.as_array().unwrap()).map(|one| one.as_str().unwrap()).collect();
        assert_eq!(notices, Notice::ALL.iter().map(|notice| notice.as_str()).collect());
    }

    async fn on_the_day_its_critical_evidence_expires_a_program_is_known_too_little(backend: Backend) {
        let app = with_demo(backend);
        let path = format!("/v1/programs/{AGEING}");
        let before = app.client().get(&format!("{path}/verdict")).await.expect(200).json();
        assert_eq!(before["verdict"], "meets_standard");
        let day: preceptor::time::Day = before["holds_until"].as_str().unwrap().parse().unwrap();
        let shown = async |verdict: Verdict| {
            let filter = format!("&verdict={verdict}");
            listed(&app, &filter).await.iter().any(|program| program["slug"] == AGEING)
        };
        for (at, verdict) in [(day.start().plus_seconds(-1), Verdict::MeetsStandard), (day.start(), Verdict::InsufficientEvidence)] {
            app.state.clock.set(at);
            let explained = app.client().get(&format!("{path}/verdict")).await.expect(200).json();
            let detail = app.client().get(&path).await.expect(200).json();
            assert_eq!((&explained["verdict"], &detail["verdict"]["verdict"]), (&verdict.as_str().into(), &verdict.as_str().into()));
            for one in Verdict::ALL {
                assert_eq!(shown(*one).await, *one == verdict, "{one} at {at}");
                let filter = format!("&verdict={one}");
                assert_eq!(facet(&app, *one).await, listed(&app, &filter).await.len() as u64, "{one} at {at}");
            }
        }
        let after = app.client().get(&format!("{path}/verdict")).await.expect(200).json();
        assert_eq!(after["reasons"][0]["code"], "critical_evidence_expired");
        assert_eq!(after["reasons"][0]["criteria"], serde_json::json!(["participant_health_safety"]));
    }
}
