//! The method: what is told of it is what is computed, and what programs are known to keep of guidelines.

use std::{fs, path::Path};

use diesel::prelude::*;
use preceptor::{
    db::schema::program_vetting,
    ids::{AssessmentId, EvidenceId, ProgramId, ReportId},
    red_flags::model::ReportStatus,
    reference::{CriterionCode, RedFlagKind, Severity},
    reviews::model::Verification,
    score::{FORMULA_VERSION, Group, Parameters, estimate, wilson},
    time::Day,
    verdict::{AssessmentFacts, CriterionStatus, EvidenceFact, Inputs, ReportFact, RulingFacts, decide},
    vetting::rubric::Rubric,
};
use serde_json::{Value, json};

use crate::support::{Backend, TestApp, builders};

fn page() -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/methodology.md")).unwrap()
}

/// Fails unless the page has these lines, one after the other.
fn assert_told(lines: &[String]) {
    let table = lines.join("\n");
    assert!(page().contains(&table), "docs/methodology.md should have:\n{table}");
}

fn day(text: &str) -> Day {
    text.parse().unwrap()
}

/// Ratings of weight 1.
fn fresh(ratings: &[(f64, u32)]) -> Vec<Group> {
    ratings.iter().map(|(rating, n)| Group { weight: 1.0, n: *n, sum: rating * f64::from(*n) }).collect()
}

#[test]
fn the_scores_on_the_page_are_those_of_the_code() {
    let current = Parameters::CURRENT;
    let no_floor = Parameters { floor: 0.0, ..current };
    let aged = |days, rating| Group { weight: no_floor.decay(days), n: 1, sum: rating };
    let weighted = |weight, rating| Group { weight, n: 1, sum: rating };
    let rows = [
        ("one 5", fresh(&[(5.0, 1)])),
        ("one 1", fresh(&[(1.0, 1)])),
        ("three 5", fresh(&[(5.0, 3)])),
        ("ten 5", fresh(&[(5.0, 10)])),
        ("ten 1", fresh(&[(1.0, 10)])),
        ("5, 5, 5, 5, 1", fresh(&[(5.0, 4), (1.0, 1)])),
        ("hundred 5", fresh(&[(5.0, 100)])),
        (
            "without floor: 5 today, 5 after 730 days, 1 after 1460 days",
            vec![aged(0, 5.0), aged(730, 5.0), aged(1460, 1.0)],
        ),
        (
            "5 of weight 1, 5 of weight 0.5, 1 of weight 0.5",
            vec![weighted(1.0, 5.0), weighted(0.5, 5.0), weighted(0.5, 1.0)],
        ),
    ];
    let mut lines = vec!["| ratings | n_effective | score |".to_owned(), "| --- | --- | --- |".to_owned()];
    lines.extend(rows.into_iter().map(|(what, groups)| {
        let found = estimate(&current, groups);
        format!("| {what} | {:.4} | {:.4} |", found.n_effective, found.score)
    }));
    assert_told(&lines);
}

#[test]
fn the_intervals_on_the_page_are_those_of_the_code() {
    let mut lines = vec!["| seen | from | to |".to_owned(), "| --- | --- | --- |".to_owned()];
    lines.extend([(8, 10), (9, 10), (80, 100), (3, 3), (0, 5)].map(|(yes, n)| {
        let found = wilson(f64::from(yes) / f64::from(n), f64::from(n));
        format!("| {yes} of {n} | {:.4} | {:.4} |", found.low, found.high)
    }));
    assert_told(&lines);
}

#[test]
fn the_constants_on_the_page_are_those_of_the_code() {
    let current = Parameters::CURRENT;
    let mut lines = vec![
        "| constant | value |".to_owned(),
        "| --- | --- |".to_owned(),
        format!("| m, the weight of the prior mean | {} |", current.prior_weight),
        format!("| C, the prior mean | {} |", current.prior_mean),
        format!("| days after which a rating weighs half | {} |", current.half_life_days),
        format!("| the least that age leaves of a weight | {} |", current.floor),
        format!("| fewest reviews for an overall score | {} |", current.publish_overall_from_n),
    ];
    lines.extend(
        Verification::ALL.iter().map(|way| format!("| v of `{way}` | {} |", current.verification_weight(*way))),
    );
    lines.push(format!("| version of the formula | {FORMULA_VERSION} |"));
    assert_told(&lines);
}

/// Every criterion met with documents on file, those on fees and on safeguarding with their own end.
fn example() -> Inputs {
    let rulings = (1_u8..).zip(CriterionCode::ALL).map(|(number, criterion)| {
        let expires_on = match criterion {
            CriterionCode::FinancialTransparency => day("2026-12-01"),
            CriterionCode::Safeguarding => day("2027-03-01"),
            _ => day("2028-01-01"),
        };
        let evidence = vec![EvidenceFact { id: EvidenceId::new_v4([number; 16]), level: 2, expires_on }];
        RulingFacts { criterion: *criterion, status: CriterionStatus::Met, evidence }
    });
    let rulings = rulings.collect();
    Inputs {
        rubric: Rubric::first().facts(1),
        assessment: Some(AssessmentFacts {
            id: AssessmentId::new_v4([7; 16]),
            listing_changed: false,
            levels_added: Vec::new(),
            rulings,
        }),
        ..Inputs::default()
    }
}

#[test]
fn the_worked_verdict_on_the_page_is_that_of_the_code() {
    let kind = RedFlagKind::UnsupervisedPatientContact;
    let report = ReportFact {
        id: ReportId::new_v4([1; 16]),
        kind,
        criteria: Rubric::first().touched_by(kind),
        severity: Severity::Critical,
        status: ReportStatus::Substantiated,
    };
    let reported = Inputs { reports: vec![report], ..example() };
    let row = |on: &str, what: &str, inputs: &Inputs| {
        let outcome = decide(inputs, day(on));
        let notices: Vec<&str> = outcome.notices.iter().map(|notice| notice.as_str()).collect();
        let notices = if notices.is_empty() { "none".to_owned() } else { notices.join(", ") };
        format!("| {on} | {what} | `{}` | `{}` | {notices} |", outcome.verdict, outcome.reasons[0].code)
    };
    assert_told(&[
        "| day | what is known | verdict | first reason | notices |".to_owned(),
        "| --- | --- | --- | --- | --- |".to_owned(),
        row("2026-11-30", "all evidence holds", &example()),
        row("2026-12-01", "the evidence on fees has expired", &example()),
        row("2027-03-01", "the evidence on safeguarding too", &example()),
        row("2026-11-30", "all evidence holds, a critical report was found true", &reported),
    ]);
}

on_both! {
    async fn the_method_is_told_with_the_constants_of_the_code(backend: Backend) {
        let app = TestApp::start(backend);
        let found = app.client().get("/v1/methodology").await.expect(200);
        assert!(!found.etag().is_empty());
        let method = found.json();
        assert_eq!(method["score"]["parameters"], serde_json::to_value(Parameters::CURRENT).unwrap());
        assert_eq!(method["score"]["formula_version"], FORMULA_VERSION);
        assert_eq!(method["verdict"]["rubric_version"], 1);
        let rubric = app.client().get("/v1/reference/rubrics/current").await.expect(200).json();
        assert_eq!(method["verdict"]["rule"], rubric["verdict_rule"]);
        assert_eq!(method["evidence"]["levels"], rubric["evidence_levels"]);
        assert_eq!(method["evidence"]["months"], rubric["evidence_months"]);
        for link in method["links"].as_object().unwrap().values() {
            app.client().get(link.as_str().unwrap()).await.expect(200);
        }
    }

    async fn the_method_names_every_order_that_the_lists_take(backend: Backend) {
        let app = TestApp::start(backend);
        let made = builders::listed(&app, "orders").await;
        let method = app.client().get("/v1/methodology").await.expect(200).json();
        let orders = method["orders"].as_array().unwrap();
        for order in orders {
            let list = order["list"].as_str().unwrap().replace("/v1/programs/{program}", &made.path);
            let sort = order["sort"].as_str().map_or_else(String::new, |sort| format!("?sort={sort}"));
            let fee = if sort == "?sort=fee" { "&fee_currency=EUR" } else { "" };
            app.client().get(&format!("{list}{sort}{fee}")).await.expect(200);
        }
        let parameters = &preceptor::openapi::document()["paths"]["/v1/programs"]["get"]["parameters"];
        let sort = parameters.as_array().unwrap().iter().find(|parameter| parameter["name"] == "sort").unwrap();
        let documented = sort["schema"]["enum"].as_array().or_else(|| {
            let name = sort["schema"]["$ref"].as_str()?.rsplit('/').next()?;
            preceptor::openapi::document()["components"]["schemas"][name]["enum"].as_array()
        });
        let told = orders.iter().filter(|order| order["list"] == "/v1/programs").map(|order| &order["sort"]);
        assert!(documented.unwrap().iter().filter(|sort| !sort.is_null()).eq(told));
        let defaults = orders.iter().filter(|order| order["default"] == true).count();
        assert_eq!(defaults, 3);
    }

    async fn a_program_shows_what_it_is_known_to_keep_of_each_guideline(backend: Backend) {
        let app = TestApp::start(backend);
        let made = builders::listed(&app, "covered").await;
        let path = format!("{}/coverage", made.path);
        let of = |coverage: &Value, code: &str| {
            let all = coverage["guidelines"].as_array().unwrap();
            all.iter().find(|one| one["code"] == code).unwrap().clone()
        };
        // Without an assessment nothing is known.
        let unknown = app.client().get(&path).await.expect(200);
        let brocher = of(&unknown.json(), "brocher");
        assert_eq!(brocher["with_evidence"], json!({"level_1": 0, "level_2": 0, "level_3": 0}));
        assert_eq!((&brocher["item_count"], &brocher["items"][0]["status"]), (&json!(3), &json!("unknown")));

        let program: ProgramId = made.program_id.parse().unwrap();
        let text = serde_json::to_string(&example()).unwrap();
        let stored = diesel::update(program_vetting::table.find(program)).set(program_vetting::inputs.eq(&text));
        assert_eq!(stored.execute(&mut app.connect()).unwrap(), 1);
        app.state.clock.set("2027-02-28T23:59:59.000000Z".parse().unwrap());
        let known = app.client().get(&path).await.expect(200);
        assert_ne!(known.etag(), unknown.etag());
        let known = known.json();
        assert_eq!((&known["program_id"], &known["as_of"]), (&json!(made.program_id), &json!("2027-02-28")));
        let comhlamh = of(&known, "comhlamh");
        let safeguarding = comhlamh["items"].as_array().unwrap().last().unwrap();
        assert_eq!(
            (&safeguarding["criterion"], &safeguarding["status"], &safeguarding["evidence_level"], &safeguarding["expires_on"]),
            (&json!("safeguarding"), &json!("met"), &json!(2), &json!("2027-03-01"))
        );
        assert_eq!(safeguarding["evidence_ids"].as_array().unwrap().len(), 1);
        assert_eq!(comhlamh["with_evidence"], json!({"level_1": 0, "level_2": 3, "level_3": 0}));
        // What it shows follows the clock as the verdict does.
        app.state.clock.set("2027-03-01T00:00:00.000000Z".parse().unwrap());
        let later = app.client().get(&path).await.expect(200).json();
        assert_eq!(of(&later, "comhlamh")["with_evidence"], json!({"level_1": 0, "level_2": 2, "level_3": 0}));
        let verdict = app.client().get(&format!("{}/verdict", made.path)).await.expect(200).json();
        for guideline in later["guidelines"].as_array().unwrap() {
            for item in guideline["items"].as_array().unwrap() {
                let standing = verdict["criteria"].as_array().unwrap().iter();
                let standing = standing.clone().find(|one| one["criterion"] == item["criterion"]).unwrap();
                for member in ["status", "evidence_level", "expires_on"] {
                    assert_eq!(item[member], standing[member], "{item}");
                }
            }
        }
    }

    async fn what_is_known_of_a_draft_is_not_public(backend: Backend) {
        let app = TestApp::start(backend);
        let draft = builders::draft(&app, "draft").await;
        app.client().get(&format!("{}/coverage", draft.path)).await.problem(404, "not_found");
        app.moderator().await.get(&format!("{}/coverage", draft.path)).await.expect(200);
    }
}
