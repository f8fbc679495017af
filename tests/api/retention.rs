//! What is left of what was refused, removed or taken back long ago.

use diesel::prelude::*;
use preceptor::{
    auth::Role,
    db::schema::{decisions, reviews},
    programs,
    retention::{purge, store},
    time::Timestamp,
};
use serde_json::{Value, json};

use crate::support::{
    Backend, Client, TestApp, builders,
    builders::Listed,
    dump::{dump, holding},
};

/// Stands in everything that is to go.
const GONE: &str = "quagmire";
/// Stands in what stays.
const KEPT: &str = "tranquillity";

fn review(word: &str) -> Value {
    let mut review = builders::review(4);
    review["text"] = json!({"good": format!("The first weeks were a {word} of forms and waiting.")});
    review["claims_checked"] = json!([{"claim": format!("A {word} of forms"), "outcome": "confirmed"}]);
    review
}

struct World {
    app: TestApp,
    made: Listed,
    moderator: Client,
}

impl World {
    async fn make(backend: Backend) -> Self {
        let app = TestApp::start(backend);
        let made = builders::listed(&app, "retention").await;
        let moderator = app.moderator().await;
        Self { app, made, moderator }
    }

    /// A review by somebody new.
    async fn review(&self, word: &str) -> (Client, String) {
        let author = self.app.participant().await;
        let made = author.post(&format!("{}/reviews", self.made.path), &review(word)).await.expect(201);
        (author, made.header("location").to_owned())
    }

    async fn rule(&self, path: &str, actions: &[&str]) {
        for action in actions {
            let mut body = json!({"action": action, "reason": format!("It tells of a {GONE} of forms.")});
            if *action == "substantiate" {
                body["public_summary"] = json!("Participants had patients in their care at night.");
                body["reason"] = json!(format!("Two accounts of the {KEPT} agree."));
            }
            self.moderator.post(&format!("{path}/decisions"), &body).await.expect(200);
        }
    }

    async fn reply(&self, author: &Client, review: &str, word: &str) {
        let text = |whose: &str| json!({"text": format!("The {whose} tells of the {word} of forms.")});
        let reply = format!("{review}/reply");
        builders::reply(&self.made.provider, review, "We shall look into it, and answer.").await.expect(201);
        self.made.provider.put(&reply, "*", &text("provider")).await.expect(200);
        self.made.provider.put(&reply, "*", &text("owner")).await.expect(200);
        for whose in ["author", "writer"] {
            author.put(&format!("{reply}/answer"), "*", &text(whose)).await.expect(200);
        }
    }

    async fn remove(&self, review: &str, target: &str) {
        let body = json!({"action": "remove", "target": target, "reason": format!("It tells of a {GONE} of forms.")});
        self.moderator.post(&format!("{review}/reply/decisions"), &body).await.expect(200);
    }

    async fn report(&self, word: &str) -> (Client, String) {
        let reporter = self.app.participant().await;
        let mut body = builders::report();
        body["narrative"] = json!(format!("We were sent into the {word} of the ward alone."));
        body["evidence"] =
            json!([{"description": format!("Photo of the {word}"), "url": format!("https://example.org/{word}")}]);
        let made = reporter.post(&format!("{}/red-flag-reports", self.made.path), &body).await.expect(201);
        (reporter, made.header("location").to_owned())
    }

    /// The same person with a token that holds now.
    fn again(&self, client: &Client, role: Role) -> Client {
        self.app.holder(client.id.unwrap(), role)
    }

    /// Sets the clock on by days.
    fn pass(&self, days: i64) -> Timestamp {
        let now = self.app.state.now().plus_seconds(days * 86_400);
        self.app.state.clock.set(now);
        now
    }

    /// Everything that the public reads of the program.
    async fn public(&self) -> Vec<Value> {
        let anyone = self.app.client();
        let mut read = Vec::new();
        for below in ["", "/verdict", "/verdict-inputs", "/reviews", "/red-flag-reports", "/history"] {
            let mut body = anyone.get(&format!("{}{below}", self.made.path)).await.expect(200).json();
            // A removed reply of which the text goes too is another version of it, and looks the same.
            for one in body["data"].as_array_mut().into_iter().flatten() {
                one["reply"]["version"].take();
            }
            read.push(body);
        }
        read
    }
}

on_both! {
    async fn what_was_refused_removed_or_taken_back_is_emptied_and_nothing_else_changes(backend: Backend) {
        let world = World::make(backend).await;
        let app = &world.app;
        // Refused, after an edit; taken back, with a reply and an answer; a removed reply; a removed answer.
        let (refused_author, refused) = world.review(GONE).await;
        let etag = refused_author.get(&refused).await.expect(200).etag().to_owned();
        refused_author.patch(&refused, &etag, &json!({"text": {"problems": format!("There was a {GONE}, and more of it.")}})).await.expect(200);
        world.rule(&refused, &["hold", "reject"]).await;
        let (author, withdrawn) = world.review(GONE).await;
        world.reply(&author, &withdrawn, GONE).await;
        author.act(&format!("{withdrawn}/withdraw")).await.expect(200);
        let (author, of_reply) = world.review(KEPT).await;
        world.reply(&author, &of_reply, GONE).await;
        world.remove(&of_reply, "answer").await;
        world.remove(&of_reply, "reply").await;
        let (author, standing) = world.review(KEPT).await;
        world.reply(&author, &standing, KEPT).await;
        // A report not found true, with a dialogue and an answer of the provider's; one taken back; one found true.
        let (reporter, unfounded) = world.report(GONE).await;
        world.rule(&unfounded, &["start_triage", "request_info"]).await;
        let more = json!({"text": format!("It was the {GONE} of the second night.")});
        reporter.post(&format!("{unfounded}/information"), &more).await.expect(200);
        let summary = json!({"summary": format!("Participants are said to have seen a {GONE}.")});
        world.moderator.post(&format!("{unfounded}/answer-request"), &summary).await.expect(200);
        let said = json!({"text": format!("We know of no {GONE} in our house.")});
        world.made.provider.post(&format!("{unfounded}/answer"), &said).await.expect(200);
        world.rule(&unfounded, &["unsubstantiate"]).await;
        let (other, taken_back) = world.report(GONE).await;
        other.act(&format!("{taken_back}/withdraw")).await.expect(200);
        let (_, true_one) = world.report(KEPT).await;
        let begin = json!({"action": "start_triage", "reason": format!("An account of the {KEPT}.")});
        world.moderator.post(&format!("{true_one}/decisions"), &begin).await.expect(200);
        world.rule(&true_one, &["substantiate"]).await;

        let now = world.pass(364);
        assert_eq!(purge(&app.state.db, 365, now).await.unwrap(), 0, "not before its time");
        let now = world.pass(2);
        assert_eq!(purge(&app.state.db, 0, now).await.unwrap(), 0, "0 keeps everything");
        programs::refresh(&app.state.db, now).await.unwrap();
        let (before, kept) = (world.public().await, holding(&dump(&mut app.connect()), KEPT));
        let acts = |app: &TestApp| -> i64 { decisions::table.count().get_result(&mut app.connect()).unwrap() };
        let decided = acts(app);
        assert!(!holding(&dump(&mut app.connect()), GONE).is_empty());
        // Stopped after each transaction, it goes on where it was.
        let cutoff = now.plus_seconds(-365 * 86_400);
        for _ in 0..3 {
            assert_eq!(store::purge(&mut app.connect(), cutoff, 1).unwrap(), 1);
        }
        assert_eq!(purge(&app.state.db, 365, now).await.unwrap(), 3);
        assert_eq!(purge(&app.state.db, 365, now).await.unwrap(), 0, "once is enough");

        let left = dump(&mut app.connect());
        let sealed = ["idempotency_keys"];
        let holds: Vec<_> = holding(&left, GONE).into_iter().filter(|table| !sealed.contains(&table.as_str())).collect();
        assert_eq!(holds, [""; 0]);
        assert_eq!((holding(&left, KEPT), acts(app)), (kept, decided));
        assert_eq!(world.public().await, before, "no score, no verdict, no count and no text of others");
        assert_eq!(programs::rebuild(&mut app.connect(), true, now).unwrap(), 0);

        // What its owners read.
        let refused = world.again(&refused_author, Role::Participant).get(&refused).await.expect(200).json();
        assert_eq!((&refused["status"], &refused["status_reason"]), (&json!("rejected"), &Value::Null));
        assert!(refused["text"].as_object().unwrap().values().all(Value::is_null), "{refused}");
        let report = world.again(&reporter, Role::Participant).get(&unfounded).await.expect(200).json();
        assert_eq!((&report["status"], &report["narrative"], &report["provider_answer"]), (&json!("unsubstantiated"), &Value::Null, &Value::Null));
        assert_eq!((&report["evidence"], &report["information"]), (&json!([]), &json!([])));
        assert_eq!(report["dialogue"], json!([]));
        let history = report["history"].as_array().unwrap();
        assert!(history.len() == 6 && history.iter().all(|act| act["reason"] == ""), "{history:?}");
        let provider = app.provider(&world.made.provider_id).await;
        assert_eq!(provider.get("/v1/providers/me/red-flag-reports").await.expect(200).json()["data"], json!([]));
        world.again(&reporter, Role::Participant).get("/v1/me/export").await.expect(200);
        // The removed texts are gone for good; what stands is edited as before.
        let moderator = app.moderator().await;
        for target in ["reply", "answer"] {
            let restore = json!({"action": "restore", "target": target, "reason": "It was removed by mistake."});
            moderator.post(&format!("{of_reply}/reply/decisions"), &restore).await.problem(409, "conflict");
        }
    }

    async fn a_refused_review_that_was_emptied_can_be_written_anew(backend: Backend) {
        let world = World::make(backend).await;
        let (author, path) = world.review(GONE).await;
        world.rule(&path, &["hold", "reject"]).await;
        let now = world.pass(366);
        assert_eq!(purge(&world.app.state.db, 365, now).await.unwrap(), 1);
        let author = world.again(&author, Role::Participant);
        let etag = author.get(&path).await.expect(200).etag().to_owned();
        let anew = author.patch(&path, &etag, &json!({"text": {"good": format!("The weeks were of great {KEPT} for all.")}})).await.expect(200).json();
        assert_eq!(anew["status"], "held");
        let moderator = world.app.moderator().await;
        let publish = json!({"action": "publish", "reason": "Nothing speaks against it."});
        moderator.post(&format!("{path}/decisions"), &publish).await.expect(200);
        let purged: Vec<i32> = reviews::table.select(reviews::purged).load(&mut world.app.connect()).unwrap();
        assert_eq!(purged, [0], "it holds something again");
        assert_eq!(purge(&world.app.state.db, 365, now.plus_seconds(400 * 86_400)).await.unwrap(), 0);
        assert_eq!(programs::rebuild(&mut world.app.connect(), true, now).unwrap(), 0);
    }
}
