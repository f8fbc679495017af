//! Who may do what: every operation of the API document, by every role and by nobody.

use preceptor::auth::Role;
use serde_json::{Value, json};

use crate::{
    openapi::{assert_foreseen, operations},
    rights::{Others, RIGHTS},
    support::{Backend, TestApp, builders},
};

mod world;

pub use world::World;

/// What leaves something else behind for those who call later.
const ENDS: [&str; 6] = [
    "withdraw_review",
    "withdraw_review_reply",
    "withdraw_red_flag_report",
    "archive_program",
    "submit_program",
    "erase_account",
];

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
