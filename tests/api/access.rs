//! Who may do what: every operation of the API document, by every role and by nobody.

use preceptor::{
    auth::Role,
    db::Conn,
    ids::{SessionId, UniversityId},
    sessions,
    time::Timestamp,
    universities,
};
use serde_json::{Value, json};

use crate::{
    openapi::{Operation, assert_foreseen, operations},
    rights::{Others, RIGHTS},
    support::{Answer, Backend, Client, TestApp, builders, builders::Listed, send},
};

/// What leaves something else behind for those who call later.
const ENDS: [&str; 6] = [
    "withdraw_review",
    "withdraw_review_reply",
    "withdraw_red_flag_report",
    "archive_program",
    "submit_program",
    "erase_account",
];

/// One of everything that a path can name, and a holder of each role.
pub struct World {
    pub listed: Listed,
    /// Path of the published assessment.
    assessment: String,
    pub author: Client,
    /// Path of the review.
    pub review: String,
    /// Path of the report.
    report: String,
    /// A decision that concerns the author and the provider, and the path of the provider's appeal against it.
    decision: String,
    appeal: String,
    /// Path of a triage entry.
    entry: String,
    /// Path of the case of the review, which the provider has flagged.
    case: String,
    university: String,
    /// Path of a client, and the id of its secret.
    client: (String, String),
    /// Ids of a cohort of the provider and of one of the university.
    cohorts: (String, String),
    /// Path of a request for confirmation of the author to the university.
    request: String,
    /// A moderator who never calls.
    principal: String,
    /// Path of a conflict of interest of that moderator.
    conflict: String,
    /// A session of the author.
    session: String,
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

#[test]
fn the_table_has_every_operation_with_the_roles_of_the_document() {
    let operations = operations();
    let mut faults = Vec::new();
    for operation in &operations {
        let Some(row) = RIGHTS.find(operation.id) else {
            faults.push(format!("{} is not in the table", operation.id));
            continue;
        };
        let security = operation.item["security"].as_array().unwrap();
        let open = security.iter().any(|one| one == &json!({}));
        let mut named: Vec<_> = security.iter().flat_map(|one| one.as_object().unwrap().keys()).cloned().collect();
        let mut wanted: Vec<_> = row.roles.iter().map(|(role, _)| role.to_string()).collect();
        wanted.sort_unstable();
        named.sort_unstable();
        // Where anyone may come without a token, some roles may see more.
        if open != row.is_open() || (!open && named != wanted) {
            faults.push(format!("{}: the table has {wanted:?}, the document {security:?}", operation.id));
        }
    }
    for (id, _) in &RIGHTS.operations {
        if !operations.iter().any(|operation| operation.id == *id) {
            faults.push(format!("{id} is in the table and not in the document"));
        }
    }
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

on_both! {
    async fn each_operation_is_for_its_roles_alone(backend: Backend) {
        let app = TestApp::start(backend);
        let world = World::make(&app).await;
        let mut faults = Vec::new();
        for operation in operations() {
            let row = RIGHTS.of(operation.id);
            for (role, client) in &world.identities {
                // Withdrawn and archived things would be others for those who come later.
                let may = row.admits(*role);
                if may && ENDS.contains(&operation.id) {
                    continue;
                }
                let answer = world.call(&operation, client).await;
                let refused = match role {
                    None => 401,
                    Some(_) if row.others == Others::Hidden => 404,
                    Some(_) => 403,
                };
                let sound = if may { !matches!(answer.status, 401 | 403 | 500..) } else { answer.status == refused };
                if !sound {
                    faults.push(format!("{} as {role:?}: {} {}", operation.id, answer.status, answer.text()));
                    continue;
                }
                let challenge = answer.header("www-authenticate");
                let wanted = match answer.status {
                    401 => "invalid_token",
                    403 => "insufficient_scope",
                    _ => "",
                };
                assert!(challenge.contains(wanted), "{}: {challenge}", operation.id);
                assert_foreseen(&operation, &answer);
            }
        }
        assert!(faults.is_empty(), "\n{}", faults.join("\n"));
        // Those left out above, by those who may.
        let World { listed, author, review, report, .. } = &world;
        listed.provider.delete(&format!("{review}/reply")).await.expect(204);
        author.act(&format!("{review}/withdraw")).await.expect(200);
        author.act(&format!("{report}/withdraw")).await.expect(200);
        listed.provider.act(&format!("{}/submit", listed.path)).await.problem(409, "conflict");
        // This one is under review; another can go.
        listed.provider.act(&format!("{}/archive", listed.path)).await.problem(409, "conflict");
        let other = builders::listed(&app, "ended").await;
        other.provider.act(&format!("{}/archive", other.path)).await.expect(200);
        author.delete("/v1/me?reviews=keep").await.expect(204);
    }

    async fn what_belongs_to_one_is_not_there_for_another_of_the_same_role(backend: Backend) {
        let app = TestApp::start(backend);
        let world = World::make(&app).await;
        let other = builders::draft(&app, "stranger").await.provider;
        let strangers = [(Role::Provider, other), (Role::Participant, app.participant().await)];
        let mut tried = 0;
        for operation in operations().iter().filter(|operation| operation.path.contains('{')) {
            let row = RIGHTS.of(operation.id);
            for (role, stranger) in &strangers {
                if row.is_open() || !row.roles.contains(&(*role, true)) {
                    continue;
                }
                let answer = world.call(operation, stranger).await;
                assert_eq!(answer.status, 404, "{} as another {role}: {}", operation.id, answer.text());
                tried += 1;
            }
        }
        assert!(tried >= 9, "{tried}");
    }

    async fn what_belongs_to_another_does_not_exist(backend: Backend) {
        let app = TestApp::start(backend);
        let world = World::make(&app).await;
        let draft = builders::draft(&app, "draft").await;
        let (other_provider, other) = (draft.provider.clone(), app.participant().await);
        let World { listed, author, review, report, .. } = &world;
        let title = json!({"title": "Not my program"});
        let text = json!({"text": "More about what happened."});
        let answers = [
            ("another's program", other_provider.patch(&listed.path, "*", &title).await),
            ("another's program", other_provider.act(&format!("{}/submit", listed.path)).await),
            ("another's program", other_provider.act(&format!("{}/archive", listed.path)).await),
            ("another's provider", {
                let path = format!("/v1/providers/{}", listed.provider_id);
                other_provider.patch(&path, "*", &json!({"name": "Mine"})).await
            }),
            ("a draft", app.client().get(&draft.path).await),
            ("a draft", other.get(&draft.path).await),
            ("a draft", listed.provider.get(&draft.path).await),
            ("a draft's coverage", other.get(&format!("{}/coverage", draft.path)).await),
            ("a draft's verdict", other.get(&format!("{}/verdict", draft.path)).await),
            ("a draft's verdict history", other.get(&format!("{}/verdict-history", draft.path)).await),
            ("a draft's verdict inputs", other.get(&format!("{}/verdict-inputs", draft.path)).await),
            ("a draft's history", other.get(&format!("{}/history", draft.path)).await),
            ("a draft's version", other.get(&format!("{}/versions/1", draft.path)).await),
            ("a draft's reviews", other.get(&format!("{}/reviews", draft.path)).await),
            ("a draft's reports", other.get(&format!("{}/red-flag-reports", draft.path)).await),
            ("a draft to review", other.post(&format!("{}/reviews", draft.path), &builders::review(4)).await),
            ("a draft to report", other.post(&format!("{}/red-flag-reports", draft.path), &builders::report()).await),
            ("another's review", other.patch(review, "*", &json!({"weeks": 3})).await),
            ("another's review", other.act(&format!("{review}/withdraw")).await),
            ("another's review to reply to", builders::reply(&other_provider, review, "That never happened here.").await),
            ("another's reply to answer", other.put(&format!("{review}/reply/answer"), "*", &text).await),
            ("another's reply", other_provider.delete(&format!("{review}/reply")).await),
            ("another's report", other.get(report).await),
            ("another's report", listed.provider.get(report).await),
            ("another's report", app.admin().await.get(report).await),
            ("another's report", other.act(&format!("{report}/withdraw")).await),
            ("another's report", other.post(&format!("{report}/information"), &text).await),
        ];
        for (what, answer) in answers {
            assert_eq!(answer.status, 404, "{what}: {}", answer.text());
            answer.problem(404, "not_found");
        }
        // A held review is for its author and moderators.
        let hold = json!({"action": "hold", "reason": "Someone asked for a second look."});
        let moderator = app.moderator().await;
        moderator.post(&format!("{review}/decisions"), &hold).await.expect(200);
        app.client().get(review).await.problem(404, "not_found");
        other.get(review).await.problem(404, "not_found");
        author.get(review).await.expect(200);
        moderator.get(review).await.expect(200);
        // The same for lists of one's own.
        assert_eq!(other.get("/v1/me/reviews").await.expect(200).json()["data"], json!([]));
        assert_eq!(other.get("/v1/me/red-flag-reports").await.expect(200).json()["data"], json!([]));
        assert_eq!(author.get("/v1/me/reviews").await.expect(200).json()["data"].as_array().map(Vec::len), Some(1));
    }

    async fn no_public_answer_names_a_person(backend: Backend) {
        let app = TestApp::start(backend);
        let world = World::make(&app).await;
        let person = world.author.id.unwrap().to_string();
        let narrative = builders::report()["narrative"].as_str().unwrap().to_owned();
        for operation in operations().into_iter().filter(|operation| operation.method == "GET") {
            let answer = world.call(&operation, &app.client()).await;
            let text = answer.text();
            assert!(!text.contains(&person), "{}: {text}", operation.id);
            assert!(!text.contains(&narrative), "{}: {text}", operation.id);
            if operation.path.starts_with("/v1/") && answer.status == 200 {
                assert!(!has_member(&answer.json(), &["participant_id", "reporter_id", "contact_email", "start_month"]),
                    "{}: {text}", operation.id);
            }
        }
    }

    async fn answers_with_a_token_are_never_stored(backend: Backend) {
        let app = TestApp::start(backend);
        let world = World::make(&app).await;
        for operation in operations().into_iter().filter(|operation| operation.method == "GET") {
            let open = RIGHTS.of(operation.id).is_open();
            let anonymous = world.call(&operation, &app.client()).await;
            let cache = anonymous.header("cache-control");
            if open && anonymous.status == 200 {
                let health = operation.path.ends_with("livez") || operation.path.ends_with("readyz");
                assert!(cache.starts_with("public, max-age=") || health, "{}: {cache}", operation.id);
            } else {
                assert_eq!(cache, "no-store", "{}", operation.id);
            }
            assert!(anonymous.header("vary").to_lowercase().contains("authorization"), "{}", operation.id);
            let known = world.call(&operation, &world.author).await;
            if !operation.path.starts_with("/docs") {
                assert_eq!(known.header("cache-control"), "no-store", "{}", operation.id);
            }
        }
    }
}

/// Whether any object in `value` has one of these members.
fn has_member(value: &Value, names: &[&str]) -> bool {
    match value {
        Value::Object(members) => {
            members.iter().any(|(name, value)| names.contains(&name.as_str()) || has_member(value, names))
        }
        Value::Array(items) => items.iter().any(|item| has_member(item, names)),
        _ => false,
    }
}
