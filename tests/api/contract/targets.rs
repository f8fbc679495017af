//! Every operation that takes a body, and something for each to act on.

use serde_json::{Value, json};

use crate::{
    cohorts, rubrics,
    support::{Answer, Client, TestApp, builders, builders::Listed, send},
};

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
pub struct Target {
    pub schema: &'static str,
    pub method: &'static str,
    pub path: String,
    pub client: Client,
    pub body: Value,
}

impl Target {
    pub async fn send(&self, client: &Client, body: &Value) -> Answer {
        let request = client.request(self.method, &self.path).body(body.to_string());
        send(match self.method {
            "PATCH" => request.header("content-type", "application/merge-patch+json").header("if-match", "*"),
            "PUT" => request.header("content-type", "application/json").header("if-match", "*"),
            // A ruling on what was read.
            _ if ["AppealDecisionInput", "CaseDecisionInput", "TriageDecisionInput"].contains(&self.schema) => {
                request.header("content-type", "application/json").header("if-match", "*")
            }
            _ => request.header("content-type", "application/json"),
        })
        .await
    }
}

/// A report with something in every member.
fn report() -> Value {
    let mut report = builders::report();
    report["tasks"] = json!(["vital_signs"]);
    report["evidence"] = json!([{"description": "Photograph of the duty roster", "url": "https://example.org/roster"}]);
    report
}

/// What was seen on the wards.
fn evidence(review: &str) -> Value {
    json!({"kind": "site_visit", "description": "What was seen on the wards",
        "url": "https://example.org/visit", "sha256": "0".repeat(64), "obtained_on": "2025-03-01",
        "expires_on": "2025-09-01", "confirmed_by": "A second visitor", "review_ids": [review],
        "confidential": true})
}

/// A report about which the provider was asked.
async fn asked_about(app: &TestApp, program: &str, summary: &Value) -> String {
    let made = app.participant().await.post(&format!("{program}/red-flag-reports"), &builders::report()).await;
    let path = made.expect(201).header("location").to_owned();
    let start = json!({"action": "start_triage", "reason": "I take this up."});
    for (below, body) in [("decisions", &start), ("answer-request", summary)] {
        app.moderator().await.post(&format!("{path}/{below}"), body).await.expect(200);
    }
    path
}

/// A review with a case, whose state nothing else changes, and a report that was not found true.
async fn flagging(app: &TestApp, program: &str, provider: &Client) -> [Target; 3] {
    let (moderator, reason) = (app.moderator().await, "It was looked at with care.");
    let placed = |answer: Answer| answer.expect(201).header("location").to_owned();
    let reported = app.participant().await.post(&format!("{program}/red-flag-reports"), &builders::report()).await;
    let unfounded = placed(reported);
    for action in ["start_triage", "unsubstantiate"] {
        let body = json!({"action": action, "reason": reason});
        moderator.post(&format!("{unfounded}/decisions"), &body).await.expect(200);
    }
    let flagged = placed(app.participant().await.post(&format!("{program}/reviews"), &builders::review(4)).await);
    let flags = format!("{flagged}/flags");
    let flag = json!({"reasons": ["spam", "off_topic"], "note": "It advertises another agency."});
    app.participant().await.post(&flags, &flag).await.expect(201);
    let cases = moderator.get("/v1/review-cases").await.expect(200).json();
    let case = format!("/v1/review-cases/{}/decisions", cases["data"][0]["id"].as_str().unwrap());
    let measure = json!({"action": "suspend", "reason": reason, "days": 30});
    let keep = json!({"action": "keep", "reason": reason});
    let target =
        |schema, path, client: &Client, body| Target { schema, method: "POST", path, client: client.clone(), body };
    [
        // A provider's flag never holds the review, which would then take no more.
        target("ReviewFlagInput", flags, provider, flag),
        target("CaseDecisionInput", case, &moderator, keep),
        target("ReporterMeasureInput", format!("{unfounded}/reporter-measures"), &moderator, measure),
    ]
}

/// A decision that the provider can appeal against, and one against which another provider has.
async fn appealing(app: &TestApp, program: &str, provider: &Client) -> [Target; 2] {
    let other = builders::listed(app, "appealed").await;
    let mut decisions = Vec::new();
    for program in [program, &other.path] {
        let made = app.participant().await.post(&format!("{program}/red-flag-reports"), &builders::report()).await;
        let report = made.expect(201).header("location").to_owned();
        let decision = builders::found_true(&app.moderator().await, &report).await;
        decisions.push(format!("/v1/decisions/{decision}/appeals"));
    }
    let made = other.provider.post(&decisions[1], &builders::appeal()).await;
    let appeal = made.expect(201).header("location").to_owned();
    let reason = "It was looked at with care.";
    let uphold = json!({"action": "uphold", "reason": reason, "ground": "appeal_founded", "facts": reason});
    let moderator = app.moderator().await;
    let target =
        |schema, path, client: &Client, body| Target { schema, method: "POST", path, client: client.clone(), body };
    [
        target("AppealInput", decisions.remove(0), provider, builders::appeal()),
        target("AppealDecisionInput", format!("{appeal}/decisions"), &moderator, uphold),
    ]
}

/// An open triage entry, to be ruled on.
async fn entry(app: &TestApp, made: &Listed, moderator: &Client) -> String {
    let told = builders::Told {
        period: ("2024-03", "2024-04"),
        level: "pre_health",
        tasks: json!([builders::did("delivery", "direct", "asked")]),
        claims: json!([]),
    };
    builders::verified_review(app, made, &told, None).await;
    let entries = moderator.get("/v1/triage-entries").await.expect(200).json();
    format!("/v1/triage-entries/{}/decisions", entries["data"][0]["id"].as_str().unwrap())
}

/// Every operation that takes a body, and something for each to act on.
pub async fn targets(app: &TestApp) -> Vec<Target> {
    let made = builders::listed(app, "contract").await;
    let draft = builders::draft(app, "draft").await;
    let (admin, moderator, author) = (app.admin().await, app.moderator().await, app.participant().await);
    let under = |below: &str| format!("{}/{below}", made.path);
    let report = report();
    let placed = |answer: Answer| answer.expect(201).header("location").to_owned();
    let a_review = placed(author.post(&under("reviews"), &review()).await);
    let a_report = placed(author.post(&under("red-flag-reports"), &report).await);
    let other_review = placed(app.participant().await.post(&under("reviews"), &builders::review(3)).await);
    builders::reply(&made.provider, &other_review, "We have read it, and have nothing to add.").await.expect(201);
    let rule = format!("{a_report}/decisions");
    moderator.post(&rule, &json!({"action": "start_triage", "reason": "I take this one up."})).await.expect(200);
    let summary = json!({"summary": "Participants are said to have been without a supervisor at night."});
    let asked = asked_about(app, &made.path, &summary).await;
    let own = format!("/v1/providers/{}", made.provider_id);
    let judge = format!("/v1/principals/{}", app.moderator().await.id.unwrap());
    let reason = "It was looked at with care.";
    let item = json!({"kind": "review", "id": a_review.rsplit('/').next(), "action": "publish"});
    let batch = json!({"items": [item], "reason": reason});
    let assessor = app.assessor().await;
    let remove = json!({"action": "remove", "target": "reply", "reason": reason});
    let [suspend, hold] = [("suspend", "patient_safety"), ("hold", "personal_data")]
        .map(|(action, ground)| json!({"action": action, "reason": reason, "ground": ground, "facts": reason}));
    let substantiate = json!({"action": "substantiate", "reason": reason, "severity": "major",
        "public_summary": "Students were left alone with patients."});
    let remediate = json!({"action": "remediate", "reason": reason, "proof": "The duty rosters of three months."});
    let triage = entry(app, &made, &moderator).await;
    let confirm = json!({"action": "confirm", "reason": reason});
    let remedied = json!({"action": "remediate", "reason": reason, "proof": "The duty rosters of three months."});
    let (anyone, email) = (app.client(), "student@example.edu");
    let code = "pct_pc_000000000000000000000000000000002a93qr";
    let target = |schema, method, path: &str, client: &Client, body| Target {
        schema,
        method,
        path: path.to_owned(),
        client: client.clone(),
        body,
    };
    let assessment = placed(assessor.act(&under("assessments")).await);
    let other = builders::listed(app, "answered").await;
    let answered = builders::submitted(app, &other.path, &[], None).await;
    let evidence = evidence(&made.program_id);
    let ruling = json!({"status": "met", "note": "As was seen on the wards.", "evidence": [evidence]});
    let ruled = format!("{assessment}/rulings/safeguarding");
    let said = json!({"text": "The absence rule has been written down since."});
    let submit = json!({"action": "submit", "reason": reason});
    let client =
        json!({"name": "Contract client", "role": "provider", "provider": made.provider_id, "scopes": ["provider"]});
    let own_client = placed(admin.post("/v1/clients", &client).await);
    let edit = json!({"name": "Contract client", "scopes": ["provider", "provider:read"]});
    let mut all = vec![
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
        target(
            "InformationInput",
            "POST",
            &format!("{a_report}/information"),
            &author,
            json!({"text": "It was on two nights in the first week."}),
        ),
        target("AnswerRequestInput", "POST", &format!("{a_report}/answer-request"), &moderator, summary),
        target("ReportAnswerInput", "POST", &format!("{asked}/answer"), &made.provider, said),
        target("ModerationBatchInput", "POST", "/v1/moderation/batch", &moderator, batch),
        target("ReportDecisionInput", "POST", &rule, &moderator, substantiate),
        target("ReportDecisionInput", "POST", &rule, &moderator, remediate),
        target("TriageDecisionInput", "POST", &triage, &moderator, confirm),
        target("TriageDecisionInput", "POST", &triage, &moderator, remedied),
        target("NoticeAddressInput", "PUT", "/v1/me/notices", &author, json!({"address": email})),
        target("NoticeCodeInput", "POST", "/v1/me/notices/confirmation", &author, json!({"code": "0000-0000"})),
        target("SignInInput", "POST", "/v1/sign-in", &anyone, json!({"email": email})),
        target("SignInCodeInput", "POST", "/v1/sign-in/verify", &anyone, json!({"email": email, "code": "0000-0000"})),
        target("RedemptionInput", "POST", "/v1/participation-codes/redemption", &anyone, json!({"code": code})),
        target("ConflictInput", "POST", &format!("{judge}/conflicts"), &admin, json!({"provider": made.provider_id})),
        target("RemovalInput", "POST", &format!("{judge}/removal"), &admin, json!({"reason": reason})),
        target("RubricInput", "POST", "/v1/reference/rubrics", &admin, rubrics::input(app).await),
    ];
    let more = cohorts::bodies(app, &made, &author).await;
    all.extend(appealing(app, &made.path, &made.provider).await);
    all.extend(flagging(app, &made.path, &made.provider).await);
    all.extend(more.map(|(schema, path, client, body)| target(schema, "POST", &path, &client, body)));
    all
}
