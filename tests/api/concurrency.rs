//! Races: of many that want the same, one gets it, and no count is off.

use futures_util::future::join_all;
use serde_json::json;

use crate::support::{Answer, Backend, TestApp, builders};

/// How many answers have each of these statuses; no other may occur.
fn tally<const N: usize>(answers: &[Answer], statuses: [u16; N]) -> [usize; N] {
    for answer in answers {
        assert!(statuses.contains(&answer.status), "{}: {}", answer.status, answer.text());
    }
    statuses.map(|status| answers.iter().filter(|answer| answer.status == status).count())
}

on_both! {
    async fn of_fifty_changes_with_one_tag_one_is_made(backend: Backend) {
        let app = TestApp::start(backend);
        let made = builders::draft(&app, "race").await;
        let read = made.provider.get(&made.path).await.expect(200);
        let etag = read.etag();
        let changes: Vec<_> = (0..50).map(|number| json!({"summary": format!("Change number {number} of fifty.")})).collect();
        let answers = join_all(changes.iter().map(|change| made.provider.patch(&made.path, etag, change))).await;
        assert_eq!(tally(&answers, [200, 412]), [1, 49]);
        let won = answers.iter().find(|answer| answer.status == 200).unwrap();
        let now = made.provider.get(&made.path).await.expect(200);
        assert_eq!((now.etag(), &now.json()["summary"]), (won.etag(), &won.json()["summary"]));
        assert_ne!(now.etag(), etag);
    }

    async fn one_person_reviews_one_stay_once(backend: Backend) {
        let app = TestApp::start(backend);
        let made = builders::listed(&app, "race").await;
        let path = format!("{}/reviews", made.path);
        let author = app.participant().await;
        let review = builders::review(4);
        let answers = join_all((0..32).map(|_| author.post(&path, &review))).await;
        assert_eq!(tally(&answers, [201, 409]), [1, 31]);
        let list = app.client().get(&path).await.expect(200).json();
        assert_eq!(list["data"].as_array().unwrap().len(), 1);
    }

    async fn every_review_of_many_at_once_is_counted(backend: Backend) {
        let app = TestApp::start(backend);
        let made = builders::listed(&app, "race").await;
        let path = format!("{}/reviews", made.path);
        let mut authors = Vec::new();
        for _ in 0..32 {
            authors.push(app.participant().await);
        }
        let review = builders::review(5);
        let answers = join_all(authors.iter().map(|author| author.post(&path, &review))).await;
        assert_eq!(tally(&answers, [201]), [32]);
        let withdrawn = join_all(authors.iter().zip(&answers).take(7).map(|(author, answer)| async move {
            author.act(&format!("{}/withdraw", answer.header("location"))).await
        }))
        .await;
        assert_eq!(tally(&withdrawn, [200]), [7]);
        let mut conn = app.connect();
        let now = preceptor::time::Timestamp::now();
        assert_eq!(preceptor::programs::rebuild(&mut conn, true, now).unwrap(), 0, "aggregates are exact");
        let list = app.client().get(&format!("{path}?limit=100")).await.expect(200).json();
        assert_eq!(list["data"].as_array().unwrap().len(), 25);
    }

    async fn of_many_moderators_one_takes_a_report_up(backend: Backend) {
        let app = TestApp::start(backend);
        let made = builders::listed(&app, "race").await;
        let reporter = app.participant().await;
        let report = reporter.post(&format!("{}/red-flag-reports", made.path), &builders::report()).await.expect(201);
        let path = format!("{}/decisions", report.header("location"));
        let mut moderators = Vec::new();
        for _ in 0..16 {
            moderators.push(app.moderator().await);
        }
        let decision = json!({"action": "start_triage", "reason": "I take this one up."});
        let answers = join_all(moderators.iter().map(|moderator| moderator.post(&path, &decision))).await;
        assert_eq!(tally(&answers, [200, 409]), [1, 15]);
    }

    async fn one_slug_is_given_once(backend: Backend) {
        let app = TestApp::start(backend);
        let admin = app.admin().await;
        let mut body = builders::provider("race");
        body["slug"] = json!("the-one");
        let answers = join_all((0..16).map(|_| admin.post("/v1/providers", &body))).await;
        assert_eq!(tally(&answers, [201, 409]), [1, 15]);
        app.client().get("/v1/providers/the-one").await.expect(200);
    }
}
