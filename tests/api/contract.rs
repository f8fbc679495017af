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

use crate::{
    openapi::operations,
    programs::resolves,
    rubrics,
    support::{Answer, Backend, Client, TestApp, builders, send},
};

mod mutants;

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
    ("ReplyDecision", &[]),
    ("Reply", &[]),
    // Whether it quotes the report or names somebody.
    ("AnswerRequest", &["not_allowed"]),
    ("ReportAnswer", &["not_allowed"]),
    // Whether they are required or not applicable depends on the action.
    ("ReportDecision", &["required", "not_applicable"]),
    ("TriageDecision", &["required", "not_applicable"]),
    ("ProgramDecision", &[]),
    ("ReviewDecision", &[]),
    ("SignIn", &["invalid_email"]),
    ("SignInCode", &["invalid_email"]),
    ("Redemption", &["bad_format"]),
    // Whether the provider or university exists.
    ("Conflict", &["inconsistent", "not_allowed"]),
    ("Removal", &[]),
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
        ("red_flag_reports", "version"),
        ("report_answers", "length(coalesce(answer, ''))"),
        ("assessments", "version"),
        ("assessment_revisions", "0"),
        ("triage_entries", "version"),
        ("decisions", "0"),
        ("clients", "version"),
        ("client_secrets", "0"),
        ("principals", "coalesce(disabled_at, 0)"),
        ("conflicts_of_interest", "0"),
    ];
    let selects = tables.map(|(table, version)| {
        format!("SELECT '{table}' AS of, count(*) AS count, CAST(coalesce(sum({version}), 0) AS BIGINT) AS versions FROM {table}")
    });
    let query = sql_query(selects.join(" UNION ALL "));
    preceptor::on_each_backend!(conn, |c| query.load(c)).unwrap()
}

fn provider() -> Value {
    json!({
        "name": "Contract Placements", "slug": "contract-placements", "country": "NP",
        "website": "https://example.org/contract", "contact_email": "office@example.org",
        "description": "Places students at teaching hospitals, at the hospitals' own request."
    })
}

/// A listing with something in every member.
fn listing() -> Value {
    let mut listing = builders::program("contract");
    let site = json!({"name": "Patan Hospital", "setting": "hospital", "country": "NP", "city": "Lalitpur",
        "agreement_from": "2025-01-01", "agreement_until": "2027-12-31"});
    let more = json!({
        "slug": "observation-under-contract", "host_sites": [site], "prerequisites": ["Two years of studies"],
        "languages_required": [{"language": "en", "level": "b2"}], "application_deadline": "2026-06-30",
        "group_size_max": 12, "consent_policy": "Patients are asked each time.", "photo_policy": "No photographs of patients.",
        "supervision": {"roles": [{"role": "Consultant", "qualification": "Registered physician", "on_site": true}],
            "licence_check": "registry", "trainees_per_supervisor": 3, "absence_rule": "Students leave the ward."},
        "legal_basis": {"visa": "Student visa", "host_permission": "Letter of the hospital's director"},
        "safety": {"insurance": "Medical, evacuation, liability", "post_exposure_plan": "Prophylaxis within two hours",
            "protective_equipment": "Provided on the ward", "emergency_line": "+977 1 000", "vaccinations": ["Hepatitis B"]},
        "safeguarding": "A named officer takes complaints.", "debrief": "Two meetings after the stay", "mentorship": "Weekly",
        "preparation": {"hours": 20, "language_training": "Ten hours of Nepali", "cultural_orientation": "One day"},
        "community_benefit": {"requested_by": "The hospital", "local_training": "Two seats a year", "years_at_site": 9},
        "host_share_percent": 60, "refund_policy": "Everything until eight weeks before.", "included": ["Housing"],
        "housing": "A room in a family's house", "scholarships": "Two a year",
        "support": {"before_departure": "A coordinator", "on_site": "A coordinator in town"},
        "website": "https://example.org/observation"
    });
    listing.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    listing
}

/// A review with something in every member.
fn review() -> Value {
    let mut review = builders::review(4);
    let text = "The consultant explained every case, and asked before each.";
    let parts = ["what_i_did", "supervision", "good", "problems", "advice"];
    review["text"] = parts.iter().map(|part| ((*part).to_owned(), json!(text))).collect();
    review["tasks_done"] = json!([{"task": "vital_signs", "supervision": "direct", "consent": "asked"}]);
    review["claims_checked"] = json!([{"claim": "A physician is present", "outcome": "confirmed"}]);
    review["disclosure"]["details"] = json!("A discount of ten euros");
    review
}

/// One operation with a body that it takes.
struct Target {
    schema: &'static str,
    method: &'static str,
    path: String,
    client: Client,
    body: Value,
}

impl Target {
    async fn send(&self, client: &Client, body: &Value) -> Answer {
        let request = client.request(self.method, &self.path).body(body.to_string());
        send(match self.method {
            "PATCH" => request.header("content-type", "application/merge-patch+json").header("if-match", "*"),
            "PUT" => request.header("content-type", "application/json").header("if-match", "*"),
            // A ruling on what was read.
            _ if self.schema == "TriageDecisionInput" => {
                request.header("content-type", "application/json").header("if-match", "*")
            }
            _ => request.header("content-type", "application/json"),
        })
        .await
    }
}

/// Every operation that takes a body, and something for each to act on.
async fn targets(app: &TestApp) -> Vec<Target> {
    let made = builders::listed(app, "contract").await;
    let draft = builders::draft(app, "draft").await;
    let (admin, moderator, author) = (app.admin().await, app.moderator().await, app.participant().await);
    let under = |below: &str| format!("{}/{below}", made.path);
    let mut report = builders::report();
    report["tasks"] = json!(["vital_signs"]);
    report["evidence"] = json!([{"description": "Photograph of the duty roster", "url": "https://example.org/roster"}]);
    let placed = |answer: Answer| answer.expect(201).header("location").to_owned();
    let a_review = placed(author.post(&under("reviews"), &review()).await);
    let a_report = placed(author.post(&under("red-flag-reports"), &report).await);
    let other_review = placed(app.participant().await.post(&under("reviews"), &review()).await);
    builders::reply(&made.provider, &other_review, "We have read it, and have nothing to add.").await.expect(201);
    let rule = format!("{a_report}/decisions");
    moderator.post(&rule, &json!({"action": "start_triage", "reason": "I take this one up."})).await.expect(200);
    let summary = json!({"summary": "Participants are said to have been without a supervisor at night."});
    let asked = placed(app.participant().await.post(&under("red-flag-reports"), &builders::report()).await);
    for (below, body) in [
        ("decisions", json!({"action": "start_triage", "reason": "I take this up."})),
        ("answer-request", summary.clone()),
    ] {
        moderator.post(&format!("{asked}/{below}"), &body).await.expect(200);
    }
    let own = format!("/v1/providers/{}", made.provider_id);
    let judge = format!("/v1/principals/{}", app.moderator().await.id.unwrap());
    let reason = "It was looked at with care.";
    let remove = json!({"action": "remove", "target": "reply", "reason": reason});
    let suspend = json!({"action": "suspend", "reason": reason});
    let hold = json!({"action": "hold", "reason": reason});
    let substantiate = json!({"action": "substantiate", "reason": reason, "severity": "major",
        "public_summary": "Students were left alone with patients."});
    let remediate = json!({"action": "remediate", "reason": reason, "proof": "The duty rosters of three months."});
    let told = builders::Told {
        period: ("2024-03", "2024-04"),
        level: "pre_health",
        tasks: json!([builders::did("delivery", "direct", "asked")]),
        claims: json!([]),
    };
    builders::verified_review(app, &made, &told, None).await;
    let entries = moderator.get("/v1/triage-entries").await.expect(200).json();
    let triage = format!("/v1/triage-entries/{}/decisions", entries["data"][0]["id"].as_str().unwrap());
    let confirm = json!({"action": "confirm", "reason": reason});
    let remedied = json!({"action": "remediate", "reason": reason, "proof": "The duty rosters of three months."});
    let information = json!({"text": "It was on two nights in the first week."});
    let (anyone, email) = (app.client(), "student@example.edu");
    let code = "pct_pc_000000000000000000000000000000002a93qr";
    let target = |schema, method, path: &str, client: &Client, body| Target {
        schema,
        method,
        path: path.to_owned(),
        client: client.clone(),
        body,
    };
    let assessor = app.assessor().await;
    let assessment = placed(assessor.act(&under("assessments")).await);
    let other = builders::listed(app, "answered").await;
    let answered = builders::submitted(app, &other.path, &[], None).await;
    let evidence = json!({"kind": "site_visit", "description": "What was seen on the wards",
        "url": "https://example.org/visit", "sha256": "0".repeat(64), "obtained_on": "2025-03-01",
        "expires_on": "2025-09-01", "confirmed_by": "A second visitor", "review_ids": [made.program_id],
        "confidential": true});
    let ruling = json!({"status": "met", "note": "As was seen on the wards.", "evidence": [evidence]});
    let ruled = format!("{assessment}/rulings/safeguarding");
    let said = json!({"text": "The absence rule has been written down since."});
    let submit = json!({"action": "submit", "reason": reason});
    let client =
        json!({"name": "Contract client", "role": "provider", "provider": made.provider_id, "scopes": ["provider"]});
    let own_client = placed(admin.post("/v1/clients", &client).await);
    let edit = json!({"name": "Contract client", "scopes": ["provider", "provider:read"]});
    vec![
        target("ClientInput", "POST", "/v1/clients", &admin, client),
        target("ClientPatch", "PATCH", &own_client, &admin, edit),
        target("SecretInput", "POST", &format!("{own_client}/secrets"), &admin, json!({"expires_in_days": 90})),
        target("ProviderInput", "POST", "/v1/providers", &admin, provider()),
        target("ProviderPatch", "PATCH", &own, &made.provider, provider()),
        target("ProgramInput", "POST", "/v1/programs", &made.provider, listing()),
        target("ProgramPatch", "PATCH", &made.path, &made.provider, listing()),
        target("ProgramDecisionInput", "POST", &format!("{}/decisions", draft.path), &moderator, suspend),
        target("RulingInput", "PUT", &ruled, &assessor, ruling),
        target("AssessmentDecisionInput", "POST", &format!("{assessment}/decisions"), &assessor, submit),
        target("AssessmentAnswerInput", "POST", &format!("{answered}/answer"), &other.provider, said.clone()),
        target("ReviewInput", "POST", &under("reviews"), &author, review()),
        target("ReviewPatch", "PATCH", &a_review, &author, review()),
        target("ReviewDecisionInput", "POST", &format!("{a_review}/decisions"), &moderator, hold),
        target("ReplyInput", "PUT", &format!("{other_review}/reply"), &made.provider, said.clone()),
        target("ReplyDecisionInput", "POST", &format!("{other_review}/reply/decisions"), &moderator, remove),
        target("RedFlagReportInput", "POST", &under("red-flag-reports"), &author, report),
        target("InformationInput", "POST", &format!("{a_report}/information"), &author, information),
        target("AnswerRequestInput", "POST", &format!("{a_report}/answer-request"), &moderator, summary),
        target("ReportAnswerInput", "POST", &format!("{asked}/answer"), &made.provider, said),
        target("ReportDecisionInput", "POST", &rule, &moderator, substantiate),
        target("ReportDecisionInput", "POST", &rule, &moderator, remediate),
        target("TriageDecisionInput", "POST", &triage, &moderator, confirm),
        target("TriageDecisionInput", "POST", &triage, &moderator, remedied),
        target("SignInInput", "POST", "/v1/sign-in", &anyone, json!({"email": email})),
        target("SignInCodeInput", "POST", "/v1/sign-in/verify", &anyone, json!({"email": email, "code": "0000-0000"})),
        target("RedemptionInput", "POST", "/v1/participation-codes/redemption", &anyone, json!({"code": code})),
        target("ConflictInput", "POST", &format!("{judge}/conflicts"), &admin, json!({"provider": made.provider_id})),
        target("RemovalInput", "POST", &format!("{judge}/removal"), &admin, json!({"reason": reason})),
        target("RubricInput", "POST", "/v1/reference/rubrics", &admin, rubrics::input(app).await),
    ]
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
        "AssessmentAnswerInput",
        "AssessmentDecisionInput",
        "ClientInput",
        "ClientPatch",
        "ConflictInput",
        "InformationInput",
        "ProgramDecisionInput",
        "ProgramInput",
        "ProgramPatch",
        "ProviderInput",
        "ProviderPatch",
        "RedFlagReportInput",
        "RedemptionInput",
        "RemovalInput",
        "ReplyDecisionInput",
        "ReplyInput",
        "ReportAnswerInput",
        "ReportDecisionInput",
        "ReviewDecisionInput",
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
