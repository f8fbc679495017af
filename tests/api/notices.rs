//! Notices by mail: who gets them, what stands in them, and that each is sent.

use std::fs;

use diesel::prelude::*;
use futures_util::future::join;
use preceptor::{
    auth::Role,
    db::schema::{decisions, notice_addresses, notices, sign_in_codes},
    ids::DecisionId,
    notices::deliver_due,
    time::Timestamp,
};
use serde_json::{Value, json};

use crate::{
    sign_in::{code_in, letters_in},
    support::{
        Answer, Backend, Client, TestApp, builders,
        builders::Listed,
        dump::{dump, holding},
        eventually, send,
    },
};

const OWN: &str = "/v1/me/notices";
const STUDENT: &str = "mira.okafor+news@mail.example.edu";
const OFFICE: &str = "front.desk@provider.example.org";
const REASON: &str = "The second sentence tells of a quagmire that nobody else saw.";

fn letters(app: &TestApp, to: &str) -> Vec<String> {
    let all = letters_in(&app.state.config.data_dir).into_iter();
    // Long lines are folded (RFC 2045 section 6.7).
    let all = all.map(|letter| letter.replace("=\r\n", ""));
    all.filter(|letter| letter.contains(&format!("To: {to}\r\n"))).collect()
}

/// Those that are not about codes.
fn told(app: &TestApp, to: &str) -> Vec<String> {
    letters(app, to).into_iter().filter(|letter| !letter.contains("Confirm this address")).collect()
}

async fn put(client: &Client, path: &str, address: &str) -> Answer {
    send(client.request("PUT", path).json(&json!({"address": address}))).await
}

async fn confirm(client: &Client, path: &str, code: &str) -> Answer {
    client.post(&format!("{path}/confirmation"), &json!({"code": code})).await
}

/// Gives an address and reads the code in the letter.
async fn code_for(app: &TestApp, client: &Client, path: &str, address: &str) -> String {
    let before = letters(app, address).len();
    assert_eq!(put(client, path, address).await.expect(202).json()["status"], "unconfirmed");
    let letter = eventually("a letter", async || letters(app, address).get(before).cloned()).await;
    code_in(&letter)
}

async fn wanted(app: &TestApp, client: &Client, path: &str, address: &str) {
    let code = code_for(app, client, path, address).await;
    confirm(client, path, &code).await.expect(200);
}

fn waiting(app: &TestApp) -> i64 {
    notices::table.filter(notices::next_at.gt(Timestamp::EPOCH)).count().get_result(&mut app.connect()).unwrap()
}

async fn deliver(app: &TestApp) -> usize {
    deliver_due(&app.state, app.state.now()).await.unwrap()
}

struct World {
    app: TestApp,
    made: Listed,
    author: Client,
    moderator: Client,
    /// Path of the author's review.
    review: String,
}

impl World {
    async fn make(backend: Backend) -> Self {
        let app = TestApp::start(backend);
        let made = builders::listed(&app, "notices").await;
        let (author, moderator) = (app.participant().await, app.moderator().await);
        let review = author.post(&format!("{}/reviews", made.path), &builders::review(4)).await.expect(201);
        let review = review.header("location").to_owned();
        Self { app, made, author, moderator, review }
    }

    async fn rule(&self, path: &str, action: &str) -> Answer {
        let mut body = json!({"action": action, "reason": REASON});
        if action == "substantiate" {
            body["public_summary"] = json!("Participants had patients in their care at night.");
        }
        self.moderator.post(&format!("{path}/decisions"), &body).await
    }

    async fn report(&self, by: &Client, body: &Value) -> String {
        let path = format!("{}/red-flag-reports", self.made.path);
        by.post(&path, body).await.expect(201).header("location").to_owned()
    }

    fn office(&self) -> String {
        format!("/v1/providers/{}/notices", self.made.provider_id)
    }
}

on_both! {
    async fn whoever_confirmed_an_address_hears_of_a_decision_and_not_of_its_reason(backend: Backend) {
        let world = World::make(backend).await;
        let World { app, made, author, review, .. } = &world;
        let none = json!({"status": "none", "address": null});
        assert_eq!(author.get(OWN).await.expect(200).json(), none);
        confirm(author, OWN, "0000-0000").await.problem(422, "invalid");
        put(author, OWN, "nobody").await.problem(422, "invalid");
        let code = code_for(app, author, OWN, STUDENT).await;
        let wrong = confirm(author, OWN, if code == "0000-0001" { "0000-0002" } else { "0000-0001" }).await;
        assert_eq!(wrong.faults(), [("#/code".to_owned(), "not_allowed".to_owned())]);
        let shown = json!({"status": "confirmed", "address": "m***@mail.example.edu"});
        assert_eq!(confirm(author, OWN, &code.to_lowercase()).await.expect(200).json(), shown);
        assert_eq!(confirm(author, OWN, &code).await.expect(200).json(), shown, "once more changes nothing");
        assert_eq!(put(author, OWN, STUDENT).await.expect(200).json(), shown);
        assert_eq!(author.get(OWN).await.expect(200).json(), shown);
        assert_eq!(author.get("/v1/me/export").await.expect(200).json()["notice_address"], STUDENT);

        world.rule(review, "hold").await.expect(200);
        let decided: Vec<DecisionId> = decisions::table.filter(decisions::to_status.eq("held")).select(decisions::id).load(&mut app.connect()).unwrap();
        let noticed: Vec<DecisionId> = notices::table.select(notices::id).load(&mut app.connect()).unwrap();
        assert_eq!((decided.len(), &noticed), (1, &decided), "the decision and the notice, under one id");
        world.rule(review, "hold").await.problem(409, "conflict");
        assert_eq!(waiting(app), 1, "what is refused tells nobody");

        assert_eq!(deliver(app).await, 1);
        let letters = told(app, STUDENT);
        assert_eq!(letters.len(), 1);
        let letter = &letters[0];
        let pseudonym = author.get(review).await.expect(200).json()["author"].to_string();
        for part in [review.as_str(), "A decision was taken about your review.", "DELETE "] {
            assert!(letter.contains(part), "{part}: {letter}");
        }
        for part in ["quagmire", "held", "hold", "Provider notices", "consultant", pseudonym.trim_matches('"'), &made.program_id] {
            assert!(!letter.contains(part), "{part}: {letter}");
        }
        assert_eq!((deliver(app).await, waiting(app), told(app, STUDENT).len()), (0, 0, 1));
        // Neither is the address in the database to be read.
        let dump = dump(&mut app.connect());
        assert_eq!((dump["notice_addresses"].len(), holding(&dump, STUDENT), holding(&dump, "mira.okafor")), (1, vec![], vec![]));
    }

    async fn nothing_goes_to_an_address_that_is_not_confirmed_or_gone(backend: Backend) {
        let world = World::make(backend).await;
        let World { app, author, review, .. } = &world;
        code_for(app, author, OWN, STUDENT).await;
        world.rule(review, "hold").await.expect(200);
        assert_eq!((waiting(app), deliver(app).await), (0, 0));
        // Confirmed, and then another address put in its place, before the letter went.
        wanted(app, author, OWN, STUDENT).await;
        world.rule(review, "publish").await.expect(200);
        assert_eq!(waiting(app), 1);
        code_for(app, author, OWN, "other@mail.example.edu").await;
        assert_eq!((waiting(app), deliver(app).await), (0, 0));
        // Ended.
        wanted(app, author, OWN, "third@mail.example.edu").await;
        world.rule(review, "hold").await.expect(200);
        assert_eq!(waiting(app), 1);
        for _ in 0..2 {
            author.delete(OWN).await.expect(204);
        }
        assert_eq!(author.get(OWN).await.expect(200).json()["status"], "none");
        assert_eq!((waiting(app), deliver(app).await), (0, 0));
        // Erased with the account, a code that was sent too.
        code_for(app, author, OWN, "fourth@mail.example.edu").await;
        author.delete("/v1/me?reviews=keep").await.expect(204);
        world.rule(review, "publish").await.expect(200);
        let left: i64 = notice_addresses::table.count().get_result(&mut app.connect()).unwrap();
        let hashes: i64 = sign_in_codes::table.filter(sign_in_codes::sent.eq(1)).count().get_result(&mut app.connect()).unwrap();
        assert_eq!((left, hashes, waiting(app)), (0, 1, 0), "the second address' code waits for its end");
        assert_eq!(told(app, STUDENT).len(), 0);
    }

    async fn a_mailbox_gets_three_codes_whoever_asks(backend: Backend) {
        let app = TestApp::start(backend);
        let (one, other) = (app.participant().await, app.participant().await);
        let stale = code_for(&app, &one, OWN, "sam@mail.example.edu").await;
        let theirs = code_for(&app, &other, OWN, "sam+a@mail.example.edu").await;
        // The later code took the place of the first, and holds for whom it was sent to.
        confirm(&one, OWN, &stale).await.problem(422, "invalid");
        confirm(&one, OWN, &theirs).await.problem(422, "invalid");
        code_for(&app, &one, OWN, "Sam@mail.example.edu").await;
        let before = letters_in(&app.state.config.data_dir).len();
        let silent = put(&other, OWN, "sam@mail.example.edu").await.expect(202);
        assert_eq!(silent.json()["status"], "unconfirmed");
        // A code that is sent to somebody else comes after it.
        code_for(&app, &other, OWN, "else@mail.example.edu").await;
        assert_eq!(letters_in(&app.state.config.data_dir).len(), before + 1);
        // Guessing ends with the fifth try.
        let right = code_for(&app, &one, OWN, "guess@mail.example.edu").await;
        for number in 0..5 {
            confirm(&one, OWN, &format!("1111-111{number}")).await.problem(422, "invalid");
        }
        confirm(&one, OWN, &right).await.problem(422, "invalid");
    }

    async fn a_letter_that_fails_is_tried_again_and_then_given_up(backend: Backend) {
        let world = World::make(backend).await;
        let World { app, author, review, .. } = &world;
        wanted(app, author, OWN, STUDENT).await;
        let (mail, aside) = (app.state.config.data_dir.join("mail"), app.state.config.data_dir.join("aside"));
        // A file where the folder should be: nothing can be written.
        fs::rename(&mail, &aside).unwrap();
        fs::write(&mail, "").unwrap();
        world.rule(review, "hold").await.expect(200);
        let mut now = app.state.now();
        assert_eq!(deliver_due(&app.state, now).await.unwrap(), 0);
        assert_eq!(waiting(app), 1, "the request was answered, and the letter waits");
        now = now.plus_seconds(60);
        fs::remove_file(&mail).unwrap();
        fs::rename(&aside, &mail).unwrap();
        assert_eq!(deliver_due(&app.state, now.plus_seconds(-1)).await.unwrap(), 0, "not before its time");
        assert_eq!((deliver_due(&app.state, now).await.unwrap(), told(app, STUDENT).len()), (1, 1));

        fs::rename(&mail, &aside).unwrap();
        fs::write(&mail, "").unwrap();
        world.rule(review, "publish").await.expect(200);
        let mut now = app.state.now();
        let mut tries = 0;
        while waiting(app) > 0 {
            assert_eq!(deliver_due(&app.state, now).await.unwrap(), 0);
            (tries, now) = (tries + 1, now.plus_seconds(10 * 3600));
            assert!(tries < 20);
        }
        assert_eq!(tries, 7);
        assert!(app.state.metrics.render().contains("preceptor_notices_total{outcome=\"given_up\"} 1\n"));
        let never: i64 = notices::table.filter(notices::sent_at.eq(Timestamp::EPOCH)).count().get_result(&mut app.connect()).unwrap();
        assert_eq!(never, 1);
        let (first, later) = (app.state.now().plus_seconds(29 * 86_400), app.state.now().plus_seconds(31 * 86_400));
        assert_eq!(preceptor::notices::forget_settled(&app.state, first).await.unwrap(), 0);
        assert_eq!(preceptor::notices::forget_settled(&app.state, later).await.unwrap(), 2);
    }

    async fn two_who_deliver_at_once_send_each_letter_once(backend: Backend) {
        let world = World::make(backend).await;
        let World { app, author, review, .. } = &world;
        wanted(app, author, OWN, STUDENT).await;
        for _ in 0..10 {
            world.rule(review, "hold").await.expect(200);
            world.rule(review, "publish").await.expect(200);
        }
        assert_eq!(waiting(app), 20);
        let now = app.state.now();
        let (one, other) = join(deliver_due(&app.state, now), deliver_due(&app.state, now)).await;
        assert_eq!((one.unwrap() + other.unwrap(), told(app, STUDENT).len(), waiting(app)), (20, 20, 0));
    }

    async fn each_side_hears_of_what_concerns_it_and_of_no_more(backend: Backend) {
        let world = World::make(backend).await;
        let World { app, made, author, moderator, review } = &world;
        wanted(app, author, OWN, STUDENT).await;
        wanted(app, &made.provider, &world.office(), OFFICE).await;
        let mut heard = (0, 0);
        let mut hear = async |student: usize, office: usize| {
            deliver(app).await;
            let (of_student, of_office) = (told(app, STUDENT), told(app, OFFICE));
            assert_eq!((of_student.len() - heard.0, of_office.len() - heard.1), (student, office));
            heard = (of_student.len(), of_office.len());
            let last = |letters: Vec<String>| letters.last().cloned().unwrap_or_default();
            (last(of_student), last(of_office))
        };
        // A reply, and the answer to it; edits tell nobody anything.
        builders::reply(&made.provider, review, "We have read it, and have nothing to add.").await.expect(201);
        assert!(hear(1, 0).await.0.contains("The provider has replied to your review."));
        let answer = format!("{review}/reply/answer");
        let text = json!({"text": "That is good to hear; thank you."});
        author.put(&answer, "*", &text).await.expect(200);
        let letter = hear(0, 1).await.1;
        assert!(letter.contains(&format!("{review}/reply")) && !letter.contains("good to hear"), "{letter}");
        author.put(&answer, "*", &json!({"text": "That is very good to hear; thank you."})).await.expect(200);
        hear(0, 0).await;
        for (target, told) in [("reply", (0, 1)), ("answer", (1, 0))] {
            let body = json!({"action": "remove", "target": target, "reason": REASON});
            moderator.post(&format!("{review}/reply/decisions"), &body).await.expect(200);
            hear(told.0, told.1).await;
        }
        // A report: each ruling to its reporter, and to the provider what it is asked, and what it was asked about.
        let report = world.report(author, &builders::report()).await;
        world.rule(&report, "start_triage").await.expect(200);
        hear(1, 0).await;
        world.rule(&report, "request_info").await.expect(200);
        assert!(hear(1, 0).await.0.contains("asks for more information"));
        author.post(&format!("{report}/information"), &json!({"text": "It was on two nights."})).await.expect(200);
        hear(0, 0).await;
        let summary = json!({"summary": "Participants are said to have been without a supervisor."});
        moderator.post(&format!("{report}/answer-request"), &summary).await.expect(200);
        let letter = hear(0, 1).await.1;
        assert!(letter.contains("/v1/providers/me/red-flag-reports\r\n") && !letter.contains("without a supervisor"), "{letter}");
        made.provider.post(&format!("{report}/answer"), &json!({"text": "The roster was short for two months."})).await.expect(200);
        hear(0, 0).await;
        world.rule(&report, "substantiate").await.expect(200);
        hear(1, 1).await;
        // Of a report about which it was not asked the provider hears nothing.
        let mut harassment = builders::report();
        harassment["kind"] = json!("harassment_or_abuse");
        let quiet = world.report(author, &harassment).await;
        for action in ["start_triage", "substantiate"] {
            world.rule(&quiet, action).await.expect(200);
            hear(1, 0).await;
        }
        // What one does oneself is no news; what a moderator does to one's program is.
        author.act(&format!("{review}/withdraw")).await.expect(200);
        hear(0, 0).await;
        world.rule(&made.path, "suspend").await.expect(200);
        let letter = hear(0, 1).await.1;
        assert!(letter.contains(&made.path) && letter.contains(&format!("DELETE {}{}\r\n", app.state.config.public_url, world.office())) && !letter.contains("quagmire"), "{letter}");
    }

    async fn a_provider_s_notices_are_its_own(backend: Backend) {
        let world = World::make(backend).await;
        let app = &world.app;
        let other = builders::draft(app, "another").await.provider;
        for answer in [put(&other, &world.office(), OFFICE).await, other.get(&world.office()).await, other.delete(&world.office()).await] {
            answer.problem(404, "not_found");
        }
        wanted(app, &world.made.provider, &world.office(), OFFICE).await;
        // Whoever acts for the provider, it is one address.
        let colleague = app.provider(&world.made.provider_id).await;
        assert_eq!(colleague.get(&world.office()).await.expect(200).json()["address"], "f***@provider.example.org");
        let someone = app.principal(Role::Participant, |_| {}).await;
        put(&someone, &world.office(), OFFICE).await.problem(403, "forbidden");
    }
}
