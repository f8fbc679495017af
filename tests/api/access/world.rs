//! One of everything that a path can name, and a holder of each role.

use preceptor::{
    auth::Role,
    db::Conn,
    ids::{SessionId, UniversityId},
    sessions,
    time::Timestamp,
    universities,
};
use serde_json::json;

use crate::{
    openapi::Operation,
    support::{Answer, Client, TestApp, builders, builders::Listed, send},
};

/// One of everything that a path can name, and a holder of each role.
pub struct World {
    pub listed: Listed,
    /// Path of the published assessment.
    pub assessment: String,
    pub author: Client,
    /// Path of the review.
    pub review: String,
    /// Path of the report.
    pub report: String,
    /// A decision that concerns the author and the provider, and the path of the provider's appeal against it.
    pub decision: String,
    pub appeal: String,
    /// Path of a triage entry.
    pub entry: String,
    /// Path of the case of the review, which the provider has flagged.
    pub case: String,
    pub university: String,
    /// Path of a client, and the id of its secret.
    pub client: (String, String),
    /// Ids of a cohort of the provider and of one of the university.
    pub cohorts: (String, String),
    /// Path of a request for confirmation of the author to the university.
    pub request: String,
    /// A moderator who never calls.
    pub principal: String,
    /// Path of a conflict of interest of that moderator.
    pub conflict: String,
    /// A session of the author.
    pub session: String,
    /// For each role one who owns what can be owned, and one without a token.
    pub identities: Vec<(Option<Role>, Client)>,
}

impl World {
    pub async fn make(app: &TestApp) -> Self {
        let listed = builders::listed(app, "access").await;
        let assessment = builders::assessed(app, &listed.path, &[], None).await;
        let author = app.participant().await;
        let posted = |answer: Answer| answer.expect(201).header("location").to_owned();
        let review = posted(author.post(&format!("{}/reviews", listed.path), &builders::review(4)).await);
        builders::reply(&listed.provider, &review, "We have read it, and have nothing to add.").await.expect(201);
        let flag = json!({"reasons": ["off_topic"]});
        listed.provider.post(&format!("{review}/flags"), &flag).await.expect(201);
        let cases = app.moderator().await.get("/v1/review-cases").await.expect(200).json();
        let case = format!("/v1/review-cases/{}", cases["data"][0]["id"].as_str().unwrap());
        let path = format!("{}/red-flag-reports", listed.path);
        let report = posted(author.post(&path, &builders::report()).await);
        let take_up = json!({"action": "start_triage", "reason": "I take this one up."});
        let summary = json!({"summary": "Participants are said to have been without a supervisor."});
        for (below, body) in [("decisions", take_up), ("answer-request", summary)] {
            app.moderator().await.post(&format!("{report}/{below}"), &body).await.expect(200);
        }
        let mut other = builders::report();
        other["kind"] = json!("opaque_or_unfair_fees");
        let found = posted(author.post(&path, &other).await);
        let decision = builders::found_true(&app.moderator().await, &found).await;
        let path = format!("/v1/decisions/{decision}/appeals");
        let appeal = posted(listed.provider.post(&path, &builders::appeal()).await);
        let told = builders::Told {
            period: ("2024-03", "2024-04"),
            level: "pre_health",
            tasks: json!([builders::did("delivery", "direct", "asked")]),
            claims: json!([{"claim": "A physician is always present", "outcome": "contradicted"}]),
        };
        builders::verified_review(app, &listed, &told, None).await;
        let entries = app.moderator().await.get("/v1/triage-entries").await.expect(200).json();
        let entry = format!("/v1/triage-entries/{}", entries["data"][0]["id"].as_str().unwrap());
        let mut conn = app.connect();
        universities::import::run(&mut conn, universities::import::SAMPLE, Timestamp::now()).unwrap();
        let all = app.client().get("/v1/universities?limit=1").await.expect(200).json();
        let university = all["data"][0]["id"].as_str().unwrap().to_owned();
        let university_id: UniversityId = university.parse().unwrap();
        let client = json!({"name": "A site", "role": "frontend", "scopes": ["frontend"]});
        let client = app.admin().await.post("/v1/clients", &client).await.expect(201);
        let secret = client.json()["secrets"][0]["id"].as_str().unwrap().to_owned();
        let client = (client.header("location").to_owned(), secret);
        let mut identities = vec![(None, app.client())];
        for role in Role::ALL {
            let client = match role {
                Role::Provider => listed.provider.clone(),
                Role::Participant => author.clone(),
                Role::University => app.principal(*role, |row| row.university_id = Some(university_id)).await,
                _ => app.principal(*role, |_| {}).await,
            };
            identities.push((Some(*role), client));
        }
        let of = |role| &identities.iter().find(|(own, _)| *own == Some(role)).unwrap().1;
        let cohort = json!({"program": listed.program_id,
            "period": {"start_month": "2025-03", "end_month": "2025-05"}, "size": 2});
        let id = |path: String| path.rsplit('/').next().unwrap().to_owned();
        let by_provider = id(posted(of(Role::Provider).post("/v1/cohorts", &cohort).await));
        let cohorts = (by_provider, id(posted(of(Role::University).post("/v1/cohorts", &cohort).await)));
        let asked = json!({"program": listed.program_id, "period": cohort["period"], "university": university,
            "statement": "Mira Okafor, student number 40172"});
        let request = posted(author.post("/v1/me/confirmation-requests", &asked).await);
        let moderator = app.moderator().await.id.unwrap();
        let path = format!("/v1/principals/{moderator}/conflicts");
        let conflict = posted(app.admin().await.post(&path, &json!({"university": university})).await);
        let (person, id) = (author.id.unwrap(), SessionId::from_uuid(uuid::Uuid::now_v7()));
        let open = move |conn: &mut Conn| {
            sessions::store::open(conn, id, person, sessions::Door::Email, "no token", Timestamp::now())
        };
        app.state.db.write(open).await.unwrap();
        let (principal, session) = (moderator.to_string(), id.to_string());
        Self {
            listed,
            assessment,
            author,
            review,
            report,
            decision,
            appeal,
            entry,
            case,
            university,
            client,
            cohorts,
            request,
            principal,
            conflict,
            session,
            identities,
        }
    }

    /// The client of a role.
    pub fn holder(&self, role: Role) -> &Client {
        &self.identities.iter().find(|(own, _)| *own == Some(role)).unwrap().1
    }

    /// The path of an operation with what is in this world.
    pub fn path(&self, operation: &Operation) -> String {
        let last = |path: &str| path.rsplit('/').next().unwrap().to_owned();
        let mut path = operation.path.to_owned();
        for parameter in operation.parameters("path") {
            let name = parameter["name"].as_str().unwrap();
            let value = match name {
                "program" => self.listed.program_id.clone(),
                "provider" => self.listed.provider_id.clone(),
                "assessment" => last(&self.assessment),
                "review" => last(&self.review),
                "report" => last(&self.report),
                "decision" => self.decision.clone(),
                "appeal" => last(&self.appeal),
                "entry" | "item" => last(&self.entry),
                "kind" => "triage_entry".to_owned(),
                "case" => last(&self.case),
                "university" => self.university.clone(),
                "client" => last(&self.client.0),
                "cohort" => self.cohorts.0.clone(),
                "request" => last(&self.request),
                "id" => self.client.1.clone(),
                "principal" => self.principal.clone(),
                "conflict" => last(&self.conflict),
                "session" => self.session.clone(),
                _ => parameter["example"].as_str().map_or_else(|| parameter["example"].to_string(), str::to_owned),
            };
            path = path.replace(&format!("{{{name}}}"), &value);
        }
        let required = operation.parameters("query").filter(|parameter| parameter["required"] == true);
        let query: Vec<_> = required
            .map(|parameter| match parameter["name"].as_str().unwrap() {
                "ids" => format!("ids={}", self.listed.program_id),
                name => format!("{name}={}", parameter["example"].as_str().unwrap()),
            })
            .collect();
        if query.is_empty() { path } else { format!("{path}?{}", query.join("&")) }
    }

    /// [`Self::path`] for one client: each of those who vouch has a cohort of their own.
    pub fn path_for(&self, operation: &Operation, client: &Client) -> String {
        let path = self.path(operation);
        let university = client.id == self.holder(Role::University).id;
        if university { path.replace(&self.cohorts.0, &self.cohorts.1) } else { path }
    }

    pub async fn call(&self, operation: &Operation, client: &Client) -> Answer {
        let mut request = client.request(&operation.method, &self.path_for(operation, client));
        if operation.item.get("requestBody").is_some() {
            let kinds = operation.item["requestBody"]["content"].as_object().unwrap();
            let kind = kinds.keys().next().unwrap();
            // Nothing that would change the world for the next call.
            request = request.header("content-type", kind).body(r#"{"no_such_member": 1}"#);
        }
        if ["PATCH", "PUT"].contains(&operation.method.as_str()) {
            request = request.header("if-match", "*");
        }
        send(request).await
    }
}
