//! Confirmations by a university: what they change, who reads what, and that no row leads from a name to a review.

use std::collections::BTreeMap;

use preceptor::{audit::AuditKind, auth::Role, programs, time::Timestamp};
use serde_json::{Value, json};

use crate::{
    cohorts::university,
    sign_in::written,
    support::{
        Answer, Backend, Client, TestApp, builders,
        builders::{Listed, did},
        dump::{dump, hex, holding},
    },
};

const OWN: &str = "/v1/me/confirmation-requests";
const STATEMENT: &str = "Mira Okafor, student number 40172";
const REASON: &str = "The student is on our list of that spring.";

fn asked(made: &Listed, university: &str) -> Value {
    json!({"program": made.program_id, "period": {"start_month": "2025-03", "end_month": "2025-05"},
        "university": university, "statement": STATEMENT})
}

async fn ask(author: &Client, made: &Listed, university: &str) -> String {
    let answer = author.post(OWN, &asked(made, university)).await.expect(201);
    assert_eq!(answer.json()["statement"], Value::Null, "it is not kept with the answer");
    answer.header("location").to_owned()
}

async fn decide(client: &Client, request: &str, action: &str) -> Answer {
    client.post(&format!("{request}/decisions"), &json!({"action": action, "reason": REASON})).await
}

fn review_of(start: &str, end: &str) -> Value {
    let mut review = builders::review(4);
    review["period"] = json!({"start_month": start, "end_month": end});
    review["tasks_done"] = json!([did("history_taking", "direct", "asked")]);
    review
}

async fn verification(app: &TestApp, review: &str) -> Value {
    app.client().get(review).await.expect(200).json()["verification"].clone()
}

async fn verified(app: &TestApp, made: &Listed) -> usize {
    let list = app.client().get(&format!("{}/reviews?verified=true", made.path)).await.expect(200).json();
    list["data"].as_array().unwrap().len()
}

/// The tables with a row that holds this id.
fn tables(rows: &BTreeMap<String, Vec<String>>, id: uuid::Uuid) -> Vec<&str> {
    let hexed = hex(id.as_bytes());
    let with = rows.iter().filter(|(_, rows)| rows.iter().any(|row| row.contains(&hexed)));
    with.map(|(table, _)| table.as_str()).collect()
}

on_both! {
    async fn a_confirmation_verifies_what_is_written_later_and_nothing_that_is_public(backend: Backend) {
        let app = TestApp::start(backend);
        let made = builders::listed(&app, "confirmed").await;
        let ((client, id), author) = (university(&app, 0).await, app.participant().await);
        let list = format!("{}/reviews", made.path);
        let write = async |start, end| {
            author.post(&list, &review_of(start, end)).await.expect(201).header("location").to_owned()
        };
        let (within, without) = (write("2025-04", "2025-04").await, write("2024-03", "2024-04").await);
        let request = ask(&author, &made, &id).await;
        let before = app.client().get(&within).await.expect(200);
        decide(&client, &request, "confirm").await.expect(200);
        // Whoever confirms one request sees no review change.
        assert_eq!(app.client().get(&within).await.expect(200).text(), before.text());
        assert_eq!(verified(&app, &made).await, 0);
        author.act(&format!("{within}/withdraw")).await.expect(200);
        let within = write("2025-04", "2025-04").await;
        let shown = verification(&app, &within).await;
        assert_eq!((&shown["method"], &shown["vouched_by"]), (&json!("university_confirmed"), &json!("university")));
        assert_eq!(shown["vouched_month"], json!(app.state.now().day().month()));
        assert_eq!(verification(&app, &without).await["method"], "none");
        assert_eq!(verified(&app, &made).await, 1);
        let told = app.client().get(&format!("{}/self-reports", made.path)).await.expect(200).json();
        assert_eq!(told["reviews"], 1);
        let later = write("2025-05", "2025-08").await;
        assert_eq!(verification(&app, &later).await["method"], "university_confirmed");
        // It proves a stay in its own period, and none beside it.
        let away = json!({"period": {"start_month": "2023-08", "end_month": "2023-09"}});
        author.patch(&later, "*", &away).await.expect(200);
        let left = verification(&app, &later).await;
        assert_eq!((&left["method"], &left["vouched_by"], &left["vouched_month"]), (&json!("none"), &Value::Null, &Value::Null));
        assert_eq!(verified(&app, &made).await, 1);
        assert_eq!(programs::rebuild(&mut app.connect(), true, Timestamp::now()).unwrap(), 0);
    }

    async fn a_code_says_more_than_a_confirmation(backend: Backend) {
        let app = TestApp::start(backend);
        let made = builders::listed(&app, "stronger").await;
        let (client, id) = university(&app, 0).await;
        let author = builders::participated(&app, &made, ("2025-03", "2025-05"), None).await;
        let review = author.post(&format!("{}/reviews", made.path), &builders::review(4)).await.expect(201);
        decide(&client, &ask(&author, &made, &id).await, "confirm").await.expect(200);
        let shown = verification(&app, review.header("location")).await;
        assert_eq!((&shown["method"], &shown["vouched_by"]), (&json!("participation_code"), &json!("service")));
    }

    async fn a_statement_is_for_one_university_until_it_decides(backend: Backend) {
        let app = TestApp::start(backend);
        let made = builders::listed(&app, "sealed").await;
        let ((client, id), (other, _)) = (university(&app, 0).await, university(&app, 1).await);
        let author = app.participant().await;
        let review = author.post(&format!("{}/reviews", made.path), &builders::review(4)).await.expect(201);
        let request = ask(&author, &made, &id).await;
        assert_eq!(client.get(&request).await.expect(200).json()["statement"], STATEMENT);
        assert_eq!(author.get(&request).await.expect(200).json()["statement"], STATEMENT);
        let list = async |client: &Client, query: &str| {
            let page = client.get(&format!("/v1/confirmation-requests{query}")).await.expect(200).json();
            page["data"].as_array().unwrap().clone()
        };
        assert_eq!(list(&client, "?status=pending").await[0]["statement"], STATEMENT);
        assert_eq!((list(&other, "").await, list(&client, "?status=confirmed").await), (vec![], vec![]));
        for (who, status) in [(&other, 404), (&app.participant().await, 404), (&made.provider, 403), (&app.admin().await, 403)] {
            assert_eq!(who.get(&request).await.status, status);
        }
        decide(&other, &request, "confirm").await.problem(404, "not_found");
        assert_eq!(holding(&dump(&mut app.connect()), STATEMENT), [""; 0]);
        let decided = decide(&client, &request, "confirm").await.expect(200).json();
        assert_eq!((&decided["status"], &decided["statement"]), (&json!("confirmed"), &Value::Null));
        decide(&client, &request, "refuse").await.problem(409, "conflict");
        assert_eq!(list(&client, "?status=pending").await, [json!(null); 0]);
        assert_eq!(list(&client, "?status=confirmed").await, [decided]);
        author.get(&request).await.problem(404, "not_found");
        // The university knows a name and the request; whoever wrote the review is another row.
        let rows = dump(&mut app.connect());
        let id_in = |path: &str| path.rsplit('/').next().unwrap().parse::<uuid::Uuid>().unwrap();
        assert_eq!(tables(&rows, id_in(&request)), ["confirmation_requests"]);
        assert!(!tables(&rows, *author.id.unwrap().as_uuid()).contains(&"confirmation_requests"));
        assert!(!tables(&rows, id_in(review.header("location"))).iter().any(|table| table.starts_with("confirmation")));
        assert_eq!(holding(&rows, REASON), [""; 0]);
        let logged = holding(&rows, request.rsplit('/').next().unwrap());
        assert_eq!((logged.len(), written(&app, AuditKind::ConfirmationGiven)), (1, 1), "{logged:?}");
        assert!(!rows["audit_events"].iter().any(|row| row.contains(&hex(author.id.unwrap().as_uuid().as_bytes()))));
    }

    async fn a_refusal_is_told_with_its_reason_and_may_be_asked_again(backend: Backend) {
        let app = TestApp::start(backend);
        let made = builders::listed(&app, "refused").await;
        let ((client, id), author) = (university(&app, 0).await, app.participant().await);
        let request = ask(&author, &made, &id).await;
        author.post(OWN, &asked(&made, &id)).await.problem(409, "conflict");
        decide(&client, &request, "refuse").await.expect(200);
        let own = author.get(OWN).await.expect(200).json();
        assert_eq!(own["pending"], json!([]));
        let told = &own["decided"][0];
        assert_eq!((&told["outcome"], &told["reason"]), (&json!("refused"), &json!(REASON)));
        assert_eq!(written(&app, AuditKind::ConfirmationRefused), 1);
        let review = author.post(&format!("{}/reviews", made.path), &builders::review(4)).await.expect(201).json();
        assert_eq!(review["verification"]["method"], "none");
        let again = ask(&author, &made, &id).await;
        decide(&client, &again, "confirm").await.expect(200);
        author.post(OWN, &asked(&made, &id)).await.problem(409, "conflict");
        assert_eq!(author.get(OWN).await.expect(200).json()["decided"].as_array().unwrap().len(), 2);
    }

    async fn what_cannot_be_confirmed_is_not_asked(backend: Backend) {
        let app = TestApp::start(backend);
        let (made, draft) = (builders::listed(&app, "asked").await, builders::draft(&app, "draft").await);
        let ((_, id), author) = (university(&app, 0).await, app.participant().await);
        let known = app.client().get("/v1/universities?limit=2").await.expect(200).json();
        let silent = known["data"][1]["id"].as_str().unwrap();
        let fault = async |body: Value| {
            let answer = author.post(OWN, &body).await;
            answer.problem(422, "invalid");
            answer.faults().remove(0)
        };
        let unknown = |at: &str| (at.to_owned(), "unknown_reference".to_owned());
        assert_eq!(fault(asked(&draft, &id)).await, unknown("#/program"));
        assert_eq!(fault(asked(&made, &made.program_id)).await, unknown("#/university"));
        author.post(OWN, &asked(&made, silent)).await.problem(409, "conflict");
        let request = ask(&author, &made, &id).await;
        app.participant().await.act(&format!("{request}/withdraw")).await.problem(404, "not_found");
        let taken_back = author.act(&format!("{request}/withdraw")).await.expect(200).json();
        assert_eq!((&taken_back["status"], &taken_back["statement"]), (&json!("withdrawn"), &Value::Null));
        author.act(&format!("{request}/withdraw")).await.problem(404, "not_found");
        ask(&author, &made, &id).await;
    }

    async fn erasure_takes_requests_and_confirmations_along(backend: Backend) {
        let app = TestApp::start(backend);
        let (made, other) = (builders::listed(&app, "erased").await, builders::listed(&app, "other").await);
        let ((client, id), author) = (university(&app, 0).await, app.participant().await);
        decide(&client, &ask(&author, &made, &id).await, "confirm").await.expect(200);
        let review = author.post(&format!("{}/reviews", made.path), &review_of("2025-03", "2025-04")).await.expect(201);
        let review = review.header("location").to_owned();
        let waiting = ask(&author, &other, &id).await;
        let export = author.get("/v1/me/export").await.expect(200).json();
        assert_eq!(export["confirmations"]["pending"][0]["statement"], STATEMENT);
        assert_eq!(export["confirmations"]["decided"][0]["reason"], REASON);
        assert_eq!(verified(&app, &made).await, 1);
        author.delete("/v1/me?reviews=keep").await.expect(204);
        // One name would else vouch for any number of participants, one after the other.
        let left = verification(&app, &review).await;
        assert_eq!((&left["method"], &left["vouched_by"]), (&json!("none"), &Value::Null));
        assert_eq!(verified(&app, &made).await, 0);
        let gone = client.get(&waiting).await.expect(200).json();
        assert_eq!((&gone["status"], &gone["statement"]), (&json!("withdrawn"), &Value::Null));
        decide(&client, &waiting, "confirm").await.problem(409, "conflict");
        let rows = dump(&mut app.connect());
        assert!(!tables(&rows, *author.id.unwrap().as_uuid()).iter().any(|table| table.starts_with("confirmation")));
        assert_eq!(programs::rebuild(&mut app.connect(), true, Timestamp::now()).unwrap(), 0);
    }

    async fn a_participant_asks_a_few_times_a_day(backend: Backend) {
        let app = TestApp::start_with(backend, |config| config.rate_limits = true);
        let author = app.principal(Role::Participant, |_| {}).await;
        // A token that was seen before counts for its principal.
        author.get(OWN).await.expect(200);
        for _ in 0..5 {
            author.post(OWN, &json!({})).await.problem(422, "invalid");
        }
        author.post(OWN, &json!({})).await.problem(429, "too_many_requests");
        author.get(OWN).await.expect(200);
    }
}
