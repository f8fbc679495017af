//! A published review that can be flagged, and those around it.

use preceptor::{
    auth::Role,
    flags::{
        model::{FlaggerClass, Party},
        store::{self, Precision},
    },
};
use serde_json::{Value, json};

use super::WHY;
use crate::support::{
    Answer, Backend, Client, TestApp,
    builders::{self, Listed},
    send,
};

pub struct World {
    pub app: TestApp,
    pub made: Listed,
    pub author: Client,
    pub moderator: Client,
    pub university: Client,
    /// Path of the author's review.
    pub review: String,
}

impl World {
    pub async fn make(backend: Backend) -> Self {
        let app = TestApp::start(backend);
        let made = builders::listed(&app, "flagged").await;
        let (author, moderator) = (app.participant().await, app.moderator().await);
        preceptor::universities::import::run(
            &mut app.connect(),
            preceptor::universities::import::SAMPLE,
            app.state.now(),
        )
        .unwrap();
        let all = app.client().get("/v1/universities?limit=1").await.expect(200).json();
        let id = all["data"][0]["id"].as_str().unwrap().parse().unwrap();
        let university = app.principal(Role::University, |row| row.university_id = Some(id)).await;
        let mut world = Self { app, made, author, moderator, university, review: String::new() };
        world.review = world.post(&world.author).await;
        world
    }

    /// A review by this participant.
    pub async fn post(&self, author: &Client) -> String {
        let path = format!("{}/reviews", self.made.path);
        author.post(&path, &builders::review(4)).await.expect(201).header("location").to_owned()
    }

    /// Takes up a new review.
    pub async fn another(&mut self) {
        self.author = self.app.participant().await;
        self.review = self.post(&self.author).await;
    }

    pub async fn flag(&self, by: &Client, reasons: &[&str]) -> Answer {
        by.post(&format!("{}/flags", self.review), &json!({"reasons": reasons})).await
    }

    pub async fn seen(&self) -> Value {
        self.author.get(&self.review).await.expect(200).json()
    }

    pub async fn status(&self) -> String {
        self.seen().await["status"].as_str().unwrap().to_owned()
    }

    /// The path of the open case of the review.
    pub async fn case(&self) -> String {
        let (id, list) = (self.review.rsplit('/').next().unwrap(), "/v1/review-cases?limit=100");
        let cases = self.moderator.get(list).await.expect(200).json();
        let found = cases["data"].as_array().unwrap().iter().find(|case| case["review_id"] == id).unwrap();
        format!("/v1/review-cases/{}", found["id"].as_str().unwrap())
    }

    pub async fn read(&self, case: &str) -> Value {
        self.moderator.get(case).await.expect(200).json()
    }

    pub async fn decide(&self, by: &Client, case: &str, action: &str) -> Answer {
        decide(by, case, "*", action).await
    }

    pub async fn rule(&self, action: &str) -> Answer {
        let body = json!({"action": action, "reason": WHY});
        self.moderator.post(&format!("{}/decisions", self.review), &body).await
    }

    pub fn precision(&self, class: FlaggerClass, id: uuid::Uuid) -> Precision {
        store::precision(&mut self.app.connect(), Party { class, id }).unwrap()
    }

    pub fn still_derived(&self) {
        let now = self.app.state.now();
        assert_eq!(preceptor::programs::rebuild(&mut self.app.connect(), true, now).unwrap(), 0);
    }
}

pub async fn decide(by: &Client, case: &str, tag: &str, action: &str) -> Answer {
    let request = by.request("POST", &format!("{case}/decisions")).header("if-match", tag);
    send(request.json(&json!({"action": action, "reason": WHY}))).await
}
