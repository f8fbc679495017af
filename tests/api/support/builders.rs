//! Example bodies that validate, and the steps that lead to a listed program.

use preceptor::{
    auth::secrets::{RANDOM_BYTES, SecretKind},
    ids::CohortId,
    participation::{self, model::Cohort},
    reference::CriterionCode,
    time::Timestamp,
};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{Answer, Client, TestApp, send};

/// A provider; the name makes the slug.
pub fn provider(name: &str) -> Value {
    json!({
        "name": format!("Provider {name}"),
        "country": "NP",
        "description": "Places students at teaching hospitals, at the hospitals' own request."
    })
}

/// A complete listing; the title makes the slug.
pub fn program(title: &str) -> Value {
    json!({
        "title": format!("Clinical observation, {title}"),
        "summary": "Four weeks on a medical ward with a named consultant.",
        "description": "Students join the ward round each morning and watch. They touch no patient without \
            consent, and a licensed physician is always in the room.",
        "places": [{"country": "NP", "city": "Kathmandu"}],
        "specialties": ["internal_medicine"],
        "tracks": ["clinical_observation"],
        "training_levels": ["clinical"],
        "minimum_age": 18,
        "weeks_min": 4,
        "weeks_max": 8,
        "start_months": [1, 2, 3],
        "supervision": {
            "roles": [{"role": "Consultant physician", "on_site": true}],
            "licence_check": "document"
        },
        "scope": [{"task": "observe_with_consent", "training_level": "clinical", "rule": "allowed"}],
        "fees": [{"amount_minor": 120_000, "currency": "EUR", "covers": "Placement and housing"}],
        "legal_basis": {},
        "safety": {},
        "preparation": {},
        "community_benefit": {},
        "support": {}
    })
}

/// A review with all ratings alike.
pub fn review(rating: u8) -> Value {
    json!({
        "period": {"start_month": "2025-03", "end_month": "2025-04"},
        "weeks": 6,
        "training_level": "clinical",
        "ratings": {"supervision": rating, "patient_respect": rating},
        "would_recommend": rating > 2,
        "text": {"good": "The consultant explained every case."},
        "disclosure": {"incentive": "none", "relationship": "none"}
    })
}

/// A red-flag report.
pub fn report() -> Value {
    let kinds = preceptor::reference::RedFlagKind::ALL;
    json!({
        "kind": kinds[0].as_str(),
        "training_level": "clinical",
        "happened": {"start_month": "2025-03", "end_month": "2025-04"},
        "narrative": "On the second day I was left alone with a patient for an hour.",
        "confidentiality": "public_summary"
    })
}

/// An appeal.
pub fn appeal() -> Value {
    json!({"words": "Nobody has asked us, and the rosters of that month say otherwise."})
}

/// Finds a report true, and gives the id of the decision.
pub async fn found_true(moderator: &Client, report: &str) -> String {
    let decisions = format!("{report}/decisions");
    let reason = "Two accounts agree with each other.";
    moderator.post(&decisions, &json!({"action": "start_triage", "reason": reason})).await.expect(200);
    let summary = "Students were left alone with patients at night.";
    let body = json!({"action": "substantiate", "reason": reason, "public_summary": summary});
    let found = moderator.post(&decisions, &body).await.expect(200).json();
    let history = found["history"].as_array().unwrap();
    let decision = history.iter().find(|act| act["action"] == "substantiate").unwrap();
    decision["id"].as_str().unwrap().to_owned()
}

/// A provider with its program, which is listed.
pub struct Listed {
    pub provider: Client,
    pub provider_id: String,
    pub program_id: String,
    /// The path of the program.
    pub path: String,
}

/// Makes a provider and a listed program by the operations that people use.
pub async fn listed(app: &TestApp, name: &str) -> Listed {
    let made = draft(app, name).await;
    made.provider.act(&format!("{}/submit", made.path)).await.expect(200);
    let decision = json!({"action": "list", "reason": "Everything was checked."});
    let path = format!("{}/decisions", made.path);
    app.moderator().await.post(&path, &decision).await.expect(200);
    made
}

/// Makes a provider and a program that has not been submitted.
pub async fn draft(app: &TestApp, name: &str) -> Listed {
    let body = provider(name);
    let created = app.admin().await.post("/v1/providers", &body).await.expect(201).json();
    let provider_id = created["id"].as_str().unwrap().to_owned();
    let provider = app.provider(&provider_id).await;
    let created = provider.post("/v1/programs", &program(name)).await.expect(201);
    let program_id = created.json()["id"].as_str().unwrap().to_owned();
    let path = format!("/v1/programs/{program_id}");
    Listed { provider, provider_id, program_id, path }
}

/// A ruling with a document on file, obtained today.
pub fn ruling(app: &TestApp, status: &str, expires: Option<&str>) -> Value {
    json!({
        "status": status,
        "note": "The rosters of three months say so.",
        "evidence": [{
            "kind": "document_on_file",
            "description": "Rosters of three months, as the hospital keeps them",
            "sha256": "0".repeat(64),
            "obtained_on": app.state.now().day(),
            "expires_on": expires
        }]
    })
}

/// A decision about an assessment.
pub fn assessing(action: &str) -> Value {
    json!({"action": action, "reason": "Every criterion was looked at with care."})
}

/// Opens an assessment of the program, rules on every criterion and submits it; gives its path. Criteria that are not
/// named are `met`. Evidence is level 2 and expires on the given day, or when the rubric says.
pub async fn submitted(app: &TestApp, program: &str, found: &[(CriterionCode, &str)], expires: Option<&str>) -> String {
    let assessor = app.assessor().await;
    let opened = assessor.act(&format!("{program}/assessments")).await.expect(201);
    let path = opened.header("location").to_owned();
    for criterion in CriterionCode::ALL {
        let status = found.iter().find(|(code, _)| code == criterion).map_or("met", |(_, status)| status);
        let body = ruling(app, status, expires);
        assessor.put(&format!("{path}/rulings/{criterion}"), "*", &body).await.expect(200);
    }
    assessor.post(&format!("{path}/decisions"), &assessing("submit")).await.expect(200);
    path
}

/// Makes and publishes an assessment as [`submitted`] does; a second assessor signs it off, and the provider answers.
pub async fn assessed(app: &TestApp, program: &str, found: &[(CriterionCode, &str)], expires: Option<&str>) -> String {
    let path = submitted(app, program, found, expires).await;
    let assessor = app.assessor().await;
    let provider = assessor.get(program).await.expect(200).json()["provider"]["id"].as_str().unwrap().to_owned();
    let said = json!({"text": "We have read it, and have nothing to add."});
    app.provider(&provider).await.post(&format!("{path}/answer"), &said).await.expect(200);
    for action in ["sign_off", "publish"] {
        assessor.post(&format!("{path}/decisions"), &assessing(action)).await.expect(200);
    }
    path
}

/// Gives a participant a participation code of a program and of these months; without one, makes a participant of it.
pub async fn participated(app: &TestApp, made: &Listed, period: (&str, &str), who: Option<&Client>) -> Client {
    let mut bytes = [0; RANDOM_BYTES];
    aws_lc_rs::rand::fill(&mut bytes).unwrap();
    let code = SecretKind::Participation.format(&bytes);
    let (program, now) = (made.program_id.parse().unwrap(), Timestamp::now());
    let (period_start, period_end) = (period.0.parse().unwrap(), period.1.parse().unwrap());
    let cohort = Cohort { program, period_start, period_end };
    let id = CohortId::from_uuid(Uuid::now_v7());
    let codes = std::slice::from_ref(&code);
    participation::store::issue(&mut app.connect(), id, &cohort, codes, now.plus_seconds(3600), now).unwrap();
    let client = who.cloned().unwrap_or_else(|| app.client());
    let body = json!({"code": code});
    let tokens = client.post("/v1/participation-codes/redemption", &body).await.expect(200).json();
    let token = tokens["access_token"].as_str().unwrap();
    app.client().with_token(token).with_id(crate::sign_in::subject(&tokens))
}

/// Replies to a review that has no reply.
pub async fn reply(provider: &Client, review: &str, text: &str) -> Answer {
    let request = provider.request("PUT", &format!("{review}/reply")).header("if-none-match", "*");
    send(request.json(&json!({"text": text}))).await
}

/// What a review tells of one task.
pub fn did(task: &str, supervision: &str, consent: &str) -> Value {
    json!({"task": task, "supervision": supervision, "consent": consent})
}

/// What a verified review is to tell.
pub struct Told<'a> {
    pub period: (&'a str, &'a str),
    pub level: &'a str,
    pub tasks: Value,
    pub claims: Value,
}

/// Writes a verified review of a program; by somebody new, unless `who` is given. Gives the author and the review's path.
pub async fn verified_review(app: &TestApp, made: &Listed, told: &Told<'_>, who: Option<&Client>) -> (Client, String) {
    let author = participated(app, made, told.period, who).await;
    let mut body = review(5);
    body["period"] = json!({"start_month": told.period.0, "end_month": told.period.1});
    body["training_level"] = json!(told.level);
    body["tasks_done"] = told.tasks.clone();
    body["claims_checked"] = told.claims.clone();
    let answer = author.post(&format!("{}/reviews", made.path), &body).await.expect(201);
    assert_eq!(answer.json()["verification"]["method"], "participation_code");
    (author, answer.header("location").to_owned())
}
