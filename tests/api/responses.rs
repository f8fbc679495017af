//! What others add to reviews: the provider's reply with the author's answer, and helpful votes.

use diesel::{ExpressionMethods, RunQueryDsl};
use preceptor::{
    db::schema::review_responses,
    programs,
    replies::model::{ReplyAction, ReplyStatus, ReplyTarget},
    time::Timestamp,
};
use serde_json::{Value, json};

use crate::{
    program_lists::walk,
    support::{Answer, Backend, Client, TestApp, builders, builders::Listed},
};

const FIRST: &str = "We have put a consultant on every shift since.";
const SECOND: &str = "We have put two consultants on every shift since.";

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
        let made = builders::listed(&app, "responses").await;
        let (author, moderator) = (app.participant().await, app.moderator().await);
        let review = posted(&author, &made, 4).await;
        Self { app, made, author, moderator, review }
    }

    fn path(&self, below: &str) -> String {
        format!("{}/{below}", self.review)
    }

    async fn seen(&self) -> Value {
        self.app.client().get(&self.review).await.expect(200).json()
    }

    async fn rule(&self, action: &str, target: &str) -> Answer {
        let body = json!({"action": action, "target": target, "reason": "It gives the first name of the reviewer."});
        self.moderator.post(&self.path("reply/decisions"), &body).await
    }

    /// The entity tag of the reply.
    async fn tag(&self) -> String {
        self.app.client().get(&self.path("reply")).await.expect(200).etag().to_owned()
    }
}

async fn posted(author: &Client, made: &Listed, rating: u8) -> String {
    let review = builders::review(rating);
    author.post(&format!("{}/reviews", made.path), &review).await.expect(201).header("location").to_owned()
}

fn text(text: &str) -> Value {
    json!({"text": text})
}

on_both! {
    async fn a_provider_replies_once_and_edits_leave_a_history(backend: Backend) {
        let world = World::make(backend).await;
        let (path, provider) = (world.path("reply"), &world.made.provider);
        assert_eq!(world.seen().await["reply"], Value::Null);
        world.app.client().get(&path).await.problem(404, "not_found");
        let bare = provider.request("PUT", &path).json(&text(FIRST));
        crate::support::send(bare).await.problem(428, "precondition_required");
        provider.put(&path, "*", &text(FIRST)).await.problem(412, "precondition_failed");
        let before = world.app.client().get(&world.review).await.etag().to_owned();
        let made = builders::reply(provider, &world.review, FIRST).await.expect(201);
        assert_eq!(made.header("location"), path);
        builders::reply(provider, &world.review, SECOND).await.problem(412, "precondition_failed");
        assert_ne!(world.app.client().get(&world.review).await.etag(), before, "what is shown has changed");

        let edited = provider.put(&path, made.etag(), &text(SECOND)).await.expect(200);
        provider.put(&path, made.etag(), &text(FIRST)).await.problem(412, "precondition_failed");
        let shown = world.app.client().get(&path).await.expect(200);
        assert_eq!((shown.json(), shown.etag()), (edited.json(), edited.etag()));
        let reply = world.seen().await["reply"].clone();
        assert_eq!(reply, edited.json());
        assert_eq!((&reply["text"], &reply["edited"], &reply["answer"]), (&json!(SECOND), &json!(true), &Value::Null));
        let listed = world.app.client().get(&format!("{}/reviews", world.made.path)).await.expect(200).json();
        assert_eq!(listed["data"][0]["reply"], reply);
        let history = world.app.client().get(&world.path("reply/history")).await.expect(200).json();
        let texts: Vec<_> = history["revisions"].as_array().unwrap().iter().map(|one| &one["text"]).collect();
        assert_eq!(texts, [FIRST, SECOND]);
    }

    async fn a_reply_or_an_answer_that_leads_to_a_person_is_refused(backend: Backend) {
        let world = World::make(backend).await;
        let named = "Write to someone@example.org, who was there.";
        let refused = builders::reply(&world.made.provider, &world.review, named).await;
        refused.problem(422, "invalid");
        assert!(refused.faults().contains(&("#/text".to_owned(), "not_allowed".to_owned())), "{}", refused.text());
        assert_eq!(world.seen().await["reply"], Value::Null);
    }

    async fn only_the_author_answers_and_only_what_stands_there(backend: Backend) {
        let world = World::make(backend).await;
        let path = world.path("reply/answer");
        let other = world.app.participant().await;
        world.author.put(&path, "*", &text(FIRST)).await.problem(404, "not_found");
        let reply = builders::reply(&world.made.provider, &world.review, FIRST).await.expect(201);
        other.put(&path, "*", &text(FIRST)).await.problem(404, "not_found");
        world.made.provider.put(&path, "*", &text(FIRST)).await.problem(403, "forbidden");
        world.made.provider.put(&world.path("reply"), reply.etag(), &text(SECOND)).await.expect(200);
        world.author.put(&path, reply.etag(), &text("I read the first text.")).await.problem(412, "precondition_failed");
        let answer = world.author.put(&path, &world.tag().await, &text("I read the second text.")).await.expect(200);
        let edited = world.author.put(&path, answer.etag(), &text("I read the second text twice.")).await.expect(200);
        assert_eq!(world.seen().await["reply"], edited.json());
        assert_eq!(edited.json()["answer"]["text"], "I read the second text twice.");
        assert_eq!(edited.json()["answer"]["edited"], true);
        let history = world.app.client().get(&world.path("reply/history")).await.expect(200).json();
        let targets: Vec<_> = history["revisions"].as_array().unwrap().iter().map(|one| &one["target"]).collect();
        assert_eq!(targets, ["reply", "reply", "answer", "answer"]);
        // Nothing of it leads the provider to the author.
        let id = world.author.id.unwrap().to_string();
        for below in ["reply", "reply/history"] {
            let text = world.made.provider.get(&world.path(below)).await.expect(200).text();
            assert!(!text.contains(&id), "{text}");
        }
        let export = world.author.get("/v1/me/export").await.expect(200).json();
        assert_eq!(export["reviews"][0]["answers"], json!(["I read the second text.", "I read the second text twice."]));
        // A review that is not public takes no more answers, and for others there is no reply.
        let hold = json!({"action": "hold", "reason": "Someone asked for a second look."});
        world.moderator.post(&world.path("decisions"), &hold).await.expect(200);
        world.author.put(&path, "*", &text("While it is held.")).await.problem(409, "conflict");
        world.app.client().get(&world.path("reply")).await.problem(404, "not_found");
        world.made.provider.put(&world.path("reply"), "*", &text(FIRST)).await.problem(404, "not_found");
    }

    async fn each_state_of_a_reply_takes_what_its_table_says(backend: Backend) {
        for target in ReplyTarget::ALL {
            for status in ReplyStatus::ALL {
                // An answer is only taken back by erasing its author.
                if (*target, *status) == (ReplyTarget::Answer, ReplyStatus::Withdrawn) {
                    continue;
                }
                for action in ReplyAction::ALL {
                    if (*target, *action) == (ReplyTarget::Answer, ReplyAction::Withdraw) {
                        continue;
                    }
                    let world = World::make(backend).await;
                    builders::reply(&world.made.provider, &world.review, FIRST).await.expect(201);
                    world.author.put(&world.path("reply/answer"), "*", &text(FIRST)).await.expect(200);
                    match status {
                        ReplyStatus::Published => {}
                        ReplyStatus::Removed => drop(world.rule("remove", target.as_str()).await.expect(200)),
                        ReplyStatus::Withdrawn => {
                            world.made.provider.delete(&world.path("reply")).await.expect(204);
                        }
                    }
                    let (provider, author) = (&world.made.provider, &world.author);
                    let answer = match (action, target) {
                        (ReplyAction::Edit, ReplyTarget::Reply) => {
                            provider.put(&world.path("reply"), "*", &text(SECOND)).await
                        }
                        (ReplyAction::Edit, ReplyTarget::Answer) => {
                            author.put(&world.path("reply/answer"), "*", &text(SECOND)).await
                        }
                        (ReplyAction::Withdraw, _) => provider.delete(&world.path("reply")).await,
                        (ruling, target) => world.rule(ruling.as_str(), target.as_str()).await,
                    };
                    let refused = if *action == ReplyAction::Withdraw { 404 } else { 409 };
                    let Ok(after) = status.after(*action) else {
                        assert_eq!(answer.status, refused, "{target} {status} {action}: {}", answer.text());
                        continue;
                    };
                    assert!(answer.status < 300, "{target} {status} {action}: {}", answer.text());
                    let reply = world.seen().await["reply"].clone();
                    let seen = if *target == ReplyTarget::Reply { &reply } else { &reply["answer"] };
                    assert_eq!(seen["status"], after.as_str(), "{target} {status} {action}");
                    assert_eq!(seen["text"].is_string(), after == ReplyStatus::Published, "{target} {status} {action}");
                }
            }
        }
    }

    async fn what_was_removed_is_read_by_moderators_alone_and_what_was_taken_back_by_nobody(backend: Backend) {
        let world = World::make(backend).await;
        let path = world.path("reply");
        builders::reply(&world.made.provider, &world.review, FIRST).await.expect(201);
        world.made.provider.put(&path, "*", &text(SECOND)).await.expect(200);
        world.author.put(&world.path("reply/answer"), "*", &text("My answer to all of it.")).await.expect(200);
        world.rule("remove", "reply").await.expect(200);
        for reader in [&world.app.client(), &world.made.provider, &world.author] {
            let told = reader.get(&path).await.expect(200).text() + &reader.get(&world.path("reply/history")).await.text();
            for hidden in [FIRST, SECOND, "My answer"] {
                assert!(!told.contains(hidden), "{told}");
            }
            assert!(told.contains("It gives the first name of the reviewer."), "the reason is told: {told}");
        }
        assert_eq!(world.moderator.get(&path).await.expect(200).json()["text"], SECOND);
        world.rule("restore", "reply").await.expect(200);
        assert_eq!(world.seen().await["reply"]["answer"]["text"], "My answer to all of it.");
        world.made.provider.delete(&path).await.expect(204);
        let stored = crate::support::dump::dump(&mut world.app.connect());
        for erased in [FIRST, SECOND] {
            assert_eq!(crate::support::dump::holding(&stored, erased), [""; 0]);
        }
        builders::reply(&world.made.provider, &world.review, FIRST).await.problem(412, "precondition_failed");
        assert_eq!(world.seen().await["reply"]["status"], "withdrawn");
    }

    async fn nobody_rules_on_a_reply_of_a_provider_they_are_linked_to(backend: Backend) {
        let world = World::make(backend).await;
        builders::reply(&world.made.provider, &world.review, FIRST).await.expect(201);
        let linked = format!("/v1/principals/{}/conflicts", world.moderator.id.unwrap());
        let provider = json!({"provider": world.made.provider_id});
        world.app.admin().await.post(&linked, &provider).await.expect(201);
        world.rule("remove", "reply").await.problem(403, "forbidden");
        assert_eq!(world.seen().await["reply"]["text"], FIRST);
    }

    async fn a_vote_counts_once_and_never_for_ones_own_review(backend: Backend) {
        let world = World::make(backend).await;
        let path = world.path("helpful-vote");
        let (one, two) = (world.app.participant().await, world.app.participant().await);
        let vote = async |client: &Client| crate::support::send(client.request("PUT", &path)).await;
        vote(&world.author).await.problem(409, "conflict");
        vote(&world.made.provider).await.problem(403, "forbidden");
        for (client, count) in [(&one, 1), (&one, 1), (&two, 2)] {
            vote(client).await.expect(204);
            assert_eq!(world.seen().await["helpful_count"], count);
        }
        for (client, count) in [(&two, 1), (&two, 1), (&world.author, 1)] {
            client.delete(&path).await.expect(204);
            assert_eq!(world.seen().await["helpful_count"], count);
        }
        let id = world.review.rsplit('/').next().unwrap();
        assert_eq!(one.get("/v1/me/export").await.expect(200).json()["helpful_votes"], json!([id]));
        // The vote of somebody who is erased counts on, and is nobody's.
        one.delete("/v1/me?reviews=keep").await.expect(204);
        assert_eq!(world.seen().await["helpful_count"], 1);
        let stored = crate::support::dump::dump(&mut world.app.connect());
        assert!(stored["review_votes"].is_empty(), "{:?}", stored["review_votes"]);
        let hold = json!({"action": "hold", "reason": "Someone asked for a second look."});
        world.moderator.post(&world.path("decisions"), &hold).await.expect(200);
        vote(&two).await.problem(404, "not_found");
    }

    async fn a_rebuild_finds_and_mends_votes_that_were_counted_wrongly(backend: Backend) {
        let world = World::make(backend).await;
        let voters = [world.app.participant().await, world.app.participant().await];
        for voter in &voters {
            crate::support::send(voter.request("PUT", &world.path("helpful-vote"))).await.expect(204);
        }
        voters[0].delete("/v1/me?reviews=keep").await.expect(204);
        let conn = &mut world.app.connect();
        let now = Timestamp::now();
        assert_eq!(programs::rebuild(conn, true, now).unwrap(), 0);
        diesel::update(review_responses::table).set(review_responses::helpful_count.eq(9)).execute(conn).unwrap();
        assert_eq!(programs::rebuild(conn, true, now).unwrap(), 1);
        programs::rebuild(conn, false, now).unwrap();
        assert_eq!(programs::rebuild(conn, true, now).unwrap(), 0);
        assert_eq!(world.seen().await["helpful_count"], 2);
    }

    async fn helpful_reviews_come_first_and_the_rest_by_publication(backend: Backend) {
        let world = World::make(backend).await;
        let mut paths = vec![world.review.clone()];
        for rating in [1, 5, 3, 2, 4] {
            paths.push(posted(&world.app.participant().await, &world.made, rating).await);
        }
        for (place, votes) in [(1, 2), (3, 1), (4, 2)] {
            for _ in 0..votes {
                let voter = world.app.participant().await;
                crate::support::send(voter.request("PUT", &format!("{}/helpful-vote", paths[place]))).await.expect(204);
            }
        }
        let list = format!("{}/reviews?sort=helpful", world.made.path);
        let page = world.app.client().get(&list).await.expect(200).json();
        assert_eq!(page["sort"], "helpful");
        let ids = |rows: &[Value]| rows.iter().map(|row| row["id"].as_str().unwrap().to_owned()).collect::<Vec<_>>();
        let id = |place: usize| paths[place].rsplit('/').next().unwrap().to_owned();
        let mut first = [id(1), id(4)];
        first.sort_unstable();
        let expected = [&first[..], &[id(3), id(5), id(2), id(0)]].concat();
        assert_eq!(ids(page["data"].as_array().unwrap()), expected);
        for limit in 1..=4 {
            let rows = walk(&world.app.client(), &format!("{list}&limit={limit}"), "id").await;
            assert_eq!(rows, expected, "{limit} a page");
        }
        let recommended = world.app.client().get(&format!("{list}&recommends=true")).await.expect(200).json();
        let kept: Vec<_> = expected.into_iter().filter(|one| ![id(1), id(4)].contains(one)).collect();
        assert_eq!(ids(recommended["data"].as_array().unwrap()), kept);
        for (query, sort) in [("", "newest"), ("?sort=lowest", "lowest"), ("?sort=highest", "highest")] {
            let page = world.app.client().get(&format!("{}/reviews{query}", world.made.path)).await.expect(200).json();
            assert_eq!(page["sort"], sort);
        }
    }

    async fn an_answer_is_erased_with_the_review(backend: Backend) {
        let world = World::make(backend).await;
        builders::reply(&world.made.provider, &world.review, FIRST).await.expect(201);
        for words in ["marker-first answer to it", "marker-second answer to it"] {
            world.author.put(&world.path("reply/answer"), "*", &text(words)).await.expect(200);
        }
        world.author.delete("/v1/me?reviews=withdraw").await.expect(204);
        let stored = crate::support::dump::dump(&mut world.app.connect());
        assert_eq!(crate::support::dump::holding(&stored, "marker"), [""; 0]);
    }
}
