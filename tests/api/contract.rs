//! What the document says of a request's body is what the server takes: bodies made from good ones by small changes
//! are judged by the published JSON Schema, and by the server.

use std::collections::{BTreeMap, BTreeSet};

use diesel::{
    QueryableByName, RunQueryDsl, sql_query,
    sql_types::{BigInt, Text},
};
use fastrand::Rng;
use jsonschema::Validator;
use preceptor::{db::Conn, openapi::document};
use serde_json::{Value, json};
use targets::{Target, targets};

use crate::{
    openapi::operations,
    programs::resolves,
    support::{Answer, Backend, TestApp},
};

mod mutants;
mod targets;

/// Changed bodies for each operation.
const COUNT: usize = 150;

/// The faults that a schema cannot describe, by schema without its ending.
const BEYOND: &[(&str, &[&str])] = &[
    ("AssessmentAnswer", &[]),
    ("AssessmentDecision", &[]),
    // Which party and scopes go with it depends on the role.
    ("Client", &["required", "not_applicable", "not_allowed", "duplicate_item", "unknown_reference"]),
    ("Secret", &[]),
    ("Provider", &["unknown_country", "invalid_url", "invalid_email"]),
    (
        "Program",
        &[
            "duplicate_item",
            "range_reversed",
            "unknown_country",
            "unknown_currency",
            "invalid_language_tag",
            "invalid_url",
        ],
    ),
    ("Review", &["duplicate_item", "range_reversed", "in_the_future", "too_long_ago", "empty_review"]),
    ("RedFlagReport", &["duplicate_item", "range_reversed", "in_the_future", "too_long_ago", "invalid_url"]),
    // What goes with a piece of evidence depends on its kind, on the day, and on the rubric.
    (
        "Ruling",
        &[
            "duplicate_item",
            "in_the_future",
            "inconsistent",
            "invalid_url",
            "not_applicable",
            "range_reversed",
            "required",
            "too_few",
            "unknown_reference",
        ],
    ),
    ("CaseDecision", &[]),
    ("ReviewFlag", &["duplicate_item"]),
    // Days go with a suspension only.
    ("ReporterMeasure", &["required", "not_applicable"]),
    ("ReplyDecision", &[]),
    // Whether it names somebody.
    ("Reply", &["not_allowed"]),
    // Whether it quotes the report or names somebody.
    ("AnswerRequest", &["not_allowed"]),
    ("ReportAnswer", &["not_allowed"]),
    // Whether they are required or not applicable depends on the action.
    ("ReportDecision", &["required", "not_applicable"]),
    ("TriageDecision", &["required", "not_applicable"]),
    // Whether the act goes with the kind.
    ("ModerationBatch", &["not_applicable", "duplicate_item"]),
    ("ProgramDecision", &[]),
    ("ReviewDecision", &[]),
    ("Appeal", &[]),
    ("AppealDecision", &[]),
    ("NoticeAddress", &["invalid_email"]),
    // No code that is tried was ever sent.
    ("NoticeCode", &["not_allowed"]),
    ("SignIn", &["invalid_email"]),
    ("SignInCode", &["invalid_email"]),
    ("Redemption", &["bad_format"]),
    // Whether the provider or university exists.
    ("Conflict", &["inconsistent", "not_allowed"]),
    ("Removal", &[]),
    ("Cohort", &["unknown_reference", "in_the_future", "too_long_ago", "range_reversed", "too_large"]),
    ("Confirmation", &["unknown_reference", "in_the_future", "too_long_ago", "range_reversed"]),
    // What the criteria and tasks say together.
    ("Rubric", &["required", "not_applicable", "not_allowed", "duplicate_item", "inconsistent"]),
];

/// A slug may not be the name of an operation; that too no schema describes.
const RESERVED: (&str, &str) = ("#/slug", "not_allowed");

fn beyond(schema: &str) -> &'static [&'static str] {
    let name = schema.trim_end_matches("Input").trim_end_matches("Patch");
    BEYOND.iter().find(|(known, _)| *known == name).map_or(&[], |(_, codes)| *codes)
}

/// The published schema, compiled apart from the server's own check.
fn published(name: &str) -> Validator {
    let schema = json!({"$ref": format!("#/components/schemas/{name}"), "components": document()["components"]});
    jsonschema::draft202012::options().should_validate_formats(true).build(&schema).unwrap()
}

#[derive(Debug, PartialEq, Eq, QueryableByName)]
struct Rows {
    #[diesel(sql_type = Text)]
    of: String,
    #[diesel(sql_type = BigInt)]
    count: i64,
    #[diesel(sql_type = BigInt)]
    versions: i64,
}

/// Changes with everything that a request may change.
fn contents(conn: &mut Conn) -> Vec<Rows> {
    let tables = [
        ("providers", "version"),
        ("programs", "version"),
        ("program_versions", "version"),
        ("reviews", "version"),
        ("review_revisions", "revision"),
        ("review_replies", "version"),
        ("review_reply_revisions", "revision"),
        ("review_cases", "version"),
        ("review_flags", "0"),
        ("review_flag_reasons", "0"),
        ("reporter_measures", "0"),
        ("report_rights", "0"),
        ("red_flag_reports", "version"),
        ("report_answers", "length(coalesce(answer, ''))"),
        ("assessments", "version"),
        ("assessment_revisions", "0"),
        ("moderation_claims", "0"),
        ("moderation_proposals", "0"),
        ("triage_entries", "version"),
        ("appeals", "version"),
        ("decisions", "0"),
        ("clients", "version"),
        ("client_secrets", "0"),
        ("principals", "coalesce(disabled_at, 0)"),
        ("conflicts_of_interest", "0"),
        ("cohorts", "issued + revoked"),
        ("confirmation_requests", "version"),
    ];
    let selects = tables.map(|(table, version)| {
        format!("SELECT '{table}' AS of, count(*) AS count, CAST(coalesce(sum({version}), 0) AS BIGINT) AS versions FROM {table}")
    });
    let query = sql_query(selects.join(" UNION ALL "));
    preceptor::on_each_backend!(conn, |c| query.load(c)).unwrap()
}

/// Fails unless the server's answer agrees with the schema's verdict.
fn judge(target: &Target, fits: bool, body: &Value, answer: &Answer) {
    let what = || format!("{} {} {body}\n{}", target.method, target.path, answer.text());
    if !fits {
        assert_eq!(answer.status, 422, "the schema refuses it: {}", what());
        let faults = answer.faults();
        assert!(!faults.is_empty(), "{}", what());
        for (place, code) in faults {
            assert!(resolves(body, &place, &code), "{place} {code}: {}", what());
        }
        return;
    }
    match answer.status {
        200..=202 | 409 => {}
        // What is in them was never given out.
        401 if target.schema == "SignInCodeInput" => {}
        404 if target.schema == "RedemptionInput" => {}
        422 => {
            for (place, code) in answer.faults() {
                let known = beyond(target.schema).contains(&code.as_str());
                let reserved = target.schema.starts_with('P') && (place.as_str(), code.as_str()) == RESERVED;
                assert!(known || reserved, "the schema takes it: {place} {code}: {}", what());
            }
        }
        _ => panic!("the schema takes it: {}", what()),
    }
}

on_both! {
    async fn the_server_takes_what_the_schemas_take(backend: Backend) {
        let app = TestApp::start(backend);
        let targets = targets(&app).await;
        let mut conn = app.connect();
        let mut rng = Rng::with_seed(9);
        let mut tally: BTreeMap<(bool, u16), usize> = BTreeMap::new();
        for target in &targets {
            let schema = published(target.schema);
            let bodies = mutants::mutants(target.schema, &target.body, COUNT, &mut rng);
            for (number, mut body) in bodies.into_iter().enumerate() {
                // What fits is to meet the store, and not the body before it that took the slug.
                if let Some(slug) = body.get_mut("slug").filter(|slug| **slug == target.body["slug"]) {
                    *slug = json!(format!("{}-{number}", slug.as_str().unwrap()));
                }
                let fits = schema.is_valid(&body);
                // The same for reviews: one a person and half-year; and for reports: one open one a person and kind.
                let client = match target.schema {
                    "ReviewInput" | "RedFlagReportInput" if fits => app.participant().await,
                    _ => target.client.clone(),
                };
                // A person made for a review is no trace of it.
                let before = contents(&mut conn);
                let answer = target.send(&client, &body).await;
                judge(target, fits, &body, &answer);
                let after = contents(&mut conn);
                if answer.status >= 400 {
                    assert_eq!(after, before, "a refused body leaves no trace: {body}");
                }
                *tally.entry((fits, answer.status)).or_default() += 1;
            }
        }
        let of = |fits: bool| tally.iter().filter(|(key, _)| key.0 == fits).map(|(_, count)| count).sum::<usize>();
        println!("{tally:?}");
        assert!(of(true) > 400 && of(false) > 800, "{tally:?}");
    }
}

#[test]
fn every_body_of_the_document_is_tried() {
    let bodies = operations().into_iter().filter_map(|operation| operation.item["requestBody"]["content"].as_object());
    // Forms are tried in `oauth`.
    let json = bodies.flatten().filter(|(kind, _)| kind.ends_with("json"));
    let names = json.map(|(_, content)| content["schema"]["$ref"].as_str().unwrap());
    let documented: BTreeSet<_> = names.map(|name| name.rsplit('/').next().unwrap()).collect();
    let tried = [
        "AnswerRequestInput",
        "AppealDecisionInput",
        "AppealInput",
        "AssessmentAnswerInput",
        "AssessmentDecisionInput",
        "CaseDecisionInput",
        "ClientInput",
        "ClientPatch",
        "CohortInput",
        "ConfirmationDecisionInput",
        "ConfirmationInput",
        "ConflictInput",
        "InformationInput",
        "ModerationBatchInput",
        "NoticeAddressInput",
        "NoticeCodeInput",
        "ProgramDecisionInput",
        "ProgramInput",
        "ProgramPatch",
        "ProviderInput",
        "ProviderPatch",
        "RedFlagReportInput",
        "RedemptionInput",
        "ReissueInput",
        "RemovalInput",
        "ReplyDecisionInput",
        "ReplyInput",
        "ReportAnswerInput",
        "ReportDecisionInput",
        "ReporterMeasureInput",
        "ReviewDecisionInput",
        "ReviewFlagInput",
        "ReviewInput",
        "ReviewPatch",
        "RulingInput",
        "RubricInput",
        "SecretInput",
        "SignInCodeInput",
        "SignInInput",
        "TriageDecisionInput",
    ];
    assert_eq!(documented, BTreeSet::from(tried));
}
