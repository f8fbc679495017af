//! From writing to publication: what the checks find holds a review, and small cohorts stay together.

use std::collections::BTreeSet;

use diesel::{ExpressionMethods, QueryDsl, RunQueryDsl};
use preceptor::{
    auth::secrets::{self, RANDOM_BYTES, SecretKind},
    db::schema::{decisions, review_sketch_keys, review_sketches, reviews},
    ids::{CohortId, DecisionId, PrincipalId, ReviewId},
    participation::{self, model::Cohort},
    programs,
    reviews::store::release_due,
    time::{Day, Timestamp},
};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::{
    Answer, Backend, Client, TestApp, builders,
    builders::Listed,
    dump::{dump, hex, holding},
};

const PERIOD: (&str, &str) = ("2025-03", "2025-04");
const ACCOUNT: &str = "In the morning we followed the resident through the surgical ward, and in the afternoon we sat in \
    the outpatient clinic, where an interpreter stood beside us and every patient was asked whether we might stay.";
const OTHER: &str = "Our weeks were spent at a village post with two nurses who showed us vaccination records, growth \
    charts and the register of pregnancies, and nobody ever asked me to do anything that I had not learnt at home.";

fn saying(stars: u8, text: &str) -> Value {
    let mut review = builders::review(stars);
    review["text"] = json!({"good": text});
    review
}

async fn post(author: &Client, made: &Listed, review: &Value) -> (String, Value) {
    let answer = author.post(&format!("{}/reviews", made.path), review).await.expect(201);
    (answer.header("location").to_owned(), answer.json())
}

async fn public(app: &TestApp, made: &Listed) -> Vec<String> {
    let page = app.client().get(&format!("{}/reviews", made.path)).await.expect(200).json();
    let count = app.client().get(&made.path).await.expect(200).json()["review_count"].clone();
    let ids: Vec<_> =
        page["data"].as_array().unwrap().iter().map(|one| one["id"].as_str().unwrap().to_owned()).collect();
    assert_eq!(count, json!(ids.len()), "what is public counts");
    ids
}

fn id_of(path: &str) -> ReviewId {
    path.rsplit('/').next().unwrap().parse().unwrap()
}

/// (action, from, to, role) of each decision about a review.
fn record(app: &TestApp, path: &str) -> Vec<(String, String, String, String)> {
    decisions::table
        .filter(decisions::subject_id.eq(id_of(path).as_uuid().as_bytes().to_vec()))
        .order((decisions::created_at, decisions::id))
        .select((decisions::action, decisions::from_status, decisions::to_status, decisions::actor_role))
        .load(&mut app.connect())
        .unwrap()
}

fn words(parts: &[&str]) -> Vec<(String, String, String, String)> {
    let four = |line: &&str| {
        let mut words = line.split(' ').map(|word| if word == "-" { String::new() } else { word.to_owned() });
        std::array::from_fn::<_, 4, _>(|_| words.next().unwrap()).into()
    };
    parts.iter().map(four).collect()
}

async fn ruled(app: &TestApp, path: &str, action: &str) -> Answer {
    let body = json!({"action": action, "reason": "It was read with care."});
    app.moderator().await.post(&format!("{path}/decisions"), &body).await
}

async fn verified(app: &TestApp, made: &Listed) -> (Client, String, Value) {
    let author = builders::participated(app, made, PERIOD, None).await;
    let (path, body) = post(&author, made, &builders::review(4)).await;
    assert_eq!(body["verification"]["verified"], true);
    (author, path, body)
}

fn small_cohorts(backend: Backend) -> TestApp {
    TestApp::start_with(backend, |config| config.small_cohort = 3)
}

async fn release(app: &TestApp) -> usize {
    release_due(&app.state.db, || DecisionId::from_uuid(Uuid::new_v4()), app.state.now()).await.unwrap()
}

on_both! {
    async fn what_the_checks_find_is_held_alike_at_one_and_five_stars(backend: Backend) {
        let app = TestApp::start(backend);
        let made = builders::listed(&app, "found").await;
        let moderator = app.moderator().await;
        let mut told = Vec::new();
        for stars in [1, 5] {
            let author = app.participant().await;
            let (path, body) = post(&author, &made, &saying(stars, "Good, call +44 20 7946 0958.")).await;
            assert_eq!(body["status"], "held");
            let reasons = body["held_reasons"].clone();
            assert_eq!((&reasons[0]["check"], &reasons[0]["part"]), (&json!("personal_data"), &json!("good")));
            assert_eq!((&reasons[0]["start"], reasons.as_array().unwrap().len()), (&json!(11), 1));
            for other in [app.client(), app.participant().await, made.provider.clone()] {
                other.get(&path).await.problem(404, "not_found");
            }
            let own = author.get("/v1/me/reviews").await.expect(200).json();
            let queue = moderator.get("/v1/reviews").await.expect(200).json();
            assert_eq!((&own["data"][0]["held_reasons"], &queue["data"][0]["held_reasons"]), (&reasons, &reasons));
            assert_eq!(public(&app, &made).await, Vec::<String>::new());
            assert_eq!(record(&app, &path), words(&["hold - held system"]));
            // The author takes it out, and nobody has to look any more.
            let clean = json!({"text": {"good": "Good, and the ward was calm."}});
            let body = author.patch(&path, "*", &clean).await.expect(200).json();
            assert_eq!(body["status"], "published");
            assert!(body.get("held_reasons").is_none() && body.get("status_reason").is_none(), "{body}");
            let again = json!({"text": {"problems": "Ask me: someone@example.org"}});
            let body = author.patch(&path, "*", &again).await.expect(200).json();
            assert_eq!((&body["status"], &body["held_reasons"][0]["part"]), (&json!("held"), &json!("problems")));
            let body = ruled(&app, &path, "publish").await.expect(200).json();
            assert!(body.get("held_reasons").is_none(), "{body}");
            assert!(app.client().get(&path).await.expect(200).json().get("held_reasons").is_none());
            assert_eq!(record(&app, &path)[1..], words(&[
                "publish held published system", "hold published held system", "publish held published moderator"
            ]));
            author.act(&format!("{path}/withdraw")).await.expect(200);
            told.push(reasons);
        }
        assert_eq!(told[0], told[1]);
        assert_eq!(programs::rebuild(&mut app.connect(), true, Timestamp::now()).unwrap(), 0);
    }

    async fn claims_and_disclosures_are_checked_like_the_text(backend: Backend) {
        let app = TestApp::start(backend);
        let made = builders::listed(&app, "freely").await;
        for (part, change) in [
            ("claims_checked", json!([{"claim": "A physician, call +44 20 7946 0958", "outcome": "confirmed"}])),
            ("disclosure", json!({"incentive": "none", "relationship": "none", "details": "Ask someone@example.org"})),
        ] {
            let author = app.participant().await;
            let mut review = builders::review(4);
            review[part] = change.clone();
            let (path, body) = post(&author, &made, &review).await;
            assert_eq!((&body["status"], &body["held_reasons"][0]["part"]), (&json!("held"), &json!(part)));
            author.act(&format!("{path}/withdraw")).await.expect(200);
            let (path, body) = post(&author, &made, &builders::review(4)).await;
            assert_eq!(body["status"], "published");
            assert_eq!(author.patch(&path, "*", &json!({(part): change})).await.expect(200).json()["status"], "held");
        }
    }

    async fn a_near_copy_is_held_and_whoever_was_first_is_not(backend: Backend) {
        let app = TestApp::start(backend);
        let (made, elsewhere) = (builders::listed(&app, "first").await, builders::listed(&app, "else").await);
        let (first, copier) = (app.participant().await, app.participant().await);
        let (path, body) = post(&first, &made, &saying(5, ACCOUNT)).await;
        assert_eq!(body["status"], "published");
        let copy = ACCOUNT.replace("surgical", "medical").replace("afternoon", "evening");
        let (theirs, body) = post(&copier, &made, &saying(5, &copy)).await;
        assert_eq!((&body["status"], &body["held_reasons"][0]["check"]), (&json!("held"), &json!("near_copy")));
        assert_eq!(post(&app.participant().await, &made, &saying(5, OTHER)).await.1["status"], "published");
        // Another provider's reviews are another matter, unless they are one's own.
        assert_eq!(post(&app.participant().await, &elsewhere, &saying(5, ACCOUNT)).await.1["status"], "published");
        assert_eq!(post(&first, &elsewhere, &saying(5, ACCOUNT)).await.1["status"], "held");

        first.act(&format!("/v1/reviews/{}/withdraw", first.get("/v1/me/reviews").await.json()["data"][0]["id"].as_str().unwrap()))
            .await.expect(200);
        let longer = json!({"text": {"good": format!("{ACCOUNT} I learnt a lot.")}});
        assert_eq!(first.patch(&path, "*", &longer).await.expect(200).json()["status"], "published");
        assert_eq!(copier.patch(&theirs, "*", &longer).await.expect(200).json()["status"], "held");
        assert_eq!(copier.patch(&theirs, "*", &json!({"weeks": 9})).await.expect(200).json()["status"], "held");
        let own = json!({"text": {"good": "I was there for two weeks and it was quiet."}});
        assert_eq!(copier.patch(&theirs, "*", &own).await.expect(200).json()["status"], "published");

        // What was withdrawn may be written anew, and is compared with nothing.
        first.act(&format!("{path}/withdraw")).await.expect(200);
        let of_first = |conn: &mut _| -> (i64, i64) {
            let rows = review_sketches::table.filter(review_sketches::review_id.eq(id_of(&path)));
            let keys = review_sketch_keys::table.filter(review_sketch_keys::review_id.eq(id_of(&path)));
            (rows.count().get_result(conn).unwrap(), keys.count().get_result(conn).unwrap())
        };
        assert_eq!(of_first(&mut app.connect()), (0, 0));
        assert_eq!(post(&first, &made, &saying(4, ACCOUNT)).await.1["status"], "published");
    }

    async fn what_a_moderator_holds_or_rejects_is_never_published_by_an_edit(backend: Backend) {
        let app = TestApp::start(backend);
        let made = builders::listed(&app, "moderated").await;
        let author = app.participant().await;
        let (path, _) = post(&author, &made, &builders::review(4)).await;
        ruled(&app, &path, "hold").await.expect(200);
        for (text, found) in [("Write to me@example.org please.", 1), ("All was well on the ward.", 0)] {
            let body = author.patch(&path, "*", &json!({"text": {"good": text}})).await.expect(200).json();
            assert_eq!(body["status"], "held");
            assert_eq!(body["held_reasons"].as_array().unwrap().len(), found);
        }
        ruled(&app, &path, "reject").await.expect(200);
        let body = author.patch(&path, "*", &json!({"text": {"good": "All was well, and calm."}})).await.expect(200).json();
        assert_eq!((&body["status"], &body["held_reasons"]), (&json!("held"), &json!([])));
        assert_eq!(public(&app, &made).await, Vec::<String>::new());
        assert_eq!(record(&app, &path).last(), words(&["resubmit rejected held system"]).last());
        ruled(&app, &path, "publish").await.expect(200);
        assert_eq!(public(&app, &made).await.len(), 1);
    }

    async fn unusually_many_reviews_in_a_day_are_held(backend: Backend) {
        let app = TestApp::start_with(backend, |config| config.review_burst = 2);
        let made = builders::listed(&app, "burst").await;
        let mut statuses = Vec::new();
        for _ in 0..3 {
            let (_, body) = post(&app.participant().await, &made, &builders::review(4)).await;
            statuses.push(body["status"].clone());
        }
        assert_eq!(statuses, ["published", "published", "held"]);
        app.state.clock.set(Timestamp::now().plus_seconds(86_400 + 6 * 3600));
        assert_eq!(post(&app.participant().await, &made, &builders::review(4)).await.1["status"], "published");
    }

    async fn one_person_makes_no_burst(backend: Backend) {
        let app = TestApp::start_with(backend, |config| config.review_burst = 2);
        let made = builders::listed(&app, "again").await;
        let author = app.participant().await;
        for year in 2021..=2024 {
            let mut review = builders::review(4);
            review["period"] = json!({"start_month": format!("{year}-03"), "end_month": format!("{year}-04")});
            let (path, body) = post(&author, &made, &review).await;
            assert_eq!(body["status"], "published", "{year}");
            author.act(&format!("{path}/withdraw")).await.expect(200);
        }
        assert_eq!(post(&app.participant().await, &made, &builders::review(4)).await.1["status"], "published");
    }

    async fn verified_reviews_of_a_small_cohort_become_public_together(backend: Backend) {
        let app = small_cohorts(backend);
        let made = builders::listed(&app, "together").await;
        let (author, first, body) = verified(&app, &made).await;
        assert_eq!((&body["status"], &body["published_on"]), (&json!("pending"), &Value::Null));
        let by: Day = serde_json::from_value(body["own"]["public_by"].clone()).unwrap();
        assert!((7..=28).contains(&by.days_since(app.state.now().day())), "{body}");
        assert!(body["status_reason"].as_str().unwrap().contains(body["own"]["public_by"].as_str().unwrap()), "{body}");
        let (_, second, body) = verified(&app, &made).await;
        assert_eq!(body["status"], "pending");
        assert_eq!(serde_json::from_value::<Day>(body["own"]["public_by"].clone()).unwrap(), by, "one day for a program");
        // Neither another half-year nor an unverified review makes up the number, and the latter does not wait.
        let mut later = builders::review(4);
        later["period"] = json!({"start_month": "2025-08", "end_month": "2025-08"});
        let third = builders::participated(&app, &made, ("2025-08", "2025-08"), None).await;
        assert_eq!(post(&third, &made, &later).await.1["status"], "pending");
        let (open, body) = post(&app.participant().await, &made, &builders::review(4)).await;
        assert_eq!(body["status"], "published");
        assert_eq!(public(&app, &made).await.len(), 1);
        for path in [&first, &second] {
            app.client().get(path).await.problem(404, "not_found");
            ruled(&app, path, "publish").await.problem(409, "conflict");
        }
        assert_eq!(author.get("/v1/me/reviews").await.expect(200).json()["data"][0]["status"], "pending");

        let (_, last, body) = verified(&app, &made).await;
        assert_eq!(body["status"], "published");
        let shown: BTreeSet<_> = public(&app, &made).await.into_iter().collect();
        assert_eq!(shown, [&first, &second, &last, &open].map(|path| id_of(path).to_string()).into());
        let times = |path: &str| -> Timestamp {
            reviews::table.find(id_of(path)).select(reviews::published_at).first(&mut app.connect()).unwrap()
        };
        assert!(times(&first) == times(&second) && times(&second) == times(&last), "no time tells them apart");
        assert_eq!(times(&last), times(&last).day().start());
        assert_eq!(record(&app, &first), words(&["publish pending published system"]));
        let body = author.get(&first).await.expect(200).json();
        assert!(body.get("status_reason").is_none() && body["own"]["public_by"].is_null(), "{body}");
        assert_eq!(verified(&app, &made).await.2["status"], "published", "the cohort is large enough now");
        assert_eq!(programs::rebuild(&mut app.connect(), true, Timestamp::now()).unwrap(), 0);
    }

    async fn a_waiting_review_becomes_public_in_time_or_goes_at_its_authors_word(backend: Backend) {
        let app = small_cohorts(backend);
        let made = builders::listed(&app, "alone").await;
        let (author, path, body) = verified(&app, &made).await;
        let (_, other, _) = verified(&app, &made).await;
        let by: Day = serde_json::from_value(body["own"]["public_by"].clone()).unwrap();
        assert_eq!(author.patch(&path, "*", &json!({"weeks": 9})).await.expect(200).json()["status"], "pending");
        author.act(&format!("{path}/withdraw")).await.expect(200);
        app.state.clock.set(by.start().plus_seconds(-1));
        assert_eq!(release(&app).await, 0);
        app.state.clock.set(by.start().plus_seconds(86_400 * 3));
        assert_eq!((release(&app).await, release(&app).await), (1, 0));
        assert_eq!(public(&app, &made).await, [id_of(&other).to_string()]);
        let at: Timestamp =
            reviews::table.find(id_of(&other)).select(reviews::published_at).first(&mut app.connect()).unwrap();
        assert_eq!(at, by.start(), "a late upkeep does not show");
        assert_eq!(record(&app, &other), words(&["publish pending published system"]));
    }

    async fn a_verified_review_that_was_held_waits_for_its_cohort_all_the_same(backend: Backend) {
        let app = small_cohorts(backend);
        let made = builders::listed(&app, "both").await;
        for by_moderator in [true, false] {
            let author = builders::participated(&app, &made, PERIOD, None).await;
            let (path, body) = post(&author, &made, &saying(2, "Write to me@example.org please.")).await;
            assert_eq!((&body["status"], &body["own"]["public_by"]), (&json!("held"), &Value::Null));
            let body = if by_moderator {
                ruled(&app, &path, "publish").await.expect(200).json()
            } else {
                let clean = json!({"text": {"good": "It was a calm ward with much to see."}});
                author.patch(&path, "*", &clean).await.expect(200).json()
            };
            assert_eq!(body["status"], "pending");
            assert_eq!(author.get(&path).await.expect(200).json()["status"], "pending");
            if !by_moderator {
                // What is found later holds it, and it no longer counts among those that wait.
                let found = json!({"text": {"good": "Write to me@example.org please."}});
                assert_eq!(author.patch(&path, "*", &found).await.expect(200).json()["status"], "held");
            }
        }
        assert_eq!(verified(&app, &made).await.2["status"], "pending");
        assert_eq!(verified(&app, &made).await.2["status"], "published");
        assert_eq!(public(&app, &made).await.len(), 3);
    }

    async fn no_stored_value_leads_from_one_code_of_a_cohort_to_a_review(backend: Backend) {
        let app = small_cohorts(backend);
        let made = builders::listed(&app, "codes").await;
        let codes: Vec<String> = (0..3)
            .map(|_| {
                let mut bytes = [0; RANDOM_BYTES];
                aws_lc_rs::rand::fill(&mut bytes).unwrap();
                SecretKind::Participation.format(&bytes)
            })
            .collect();
        let cohort = Cohort {
            program: made.program_id.parse().unwrap(),
            period_start: PERIOD.0.parse().unwrap(),
            period_end: PERIOD.1.parse().unwrap(),
        };
        let (id, now) = (CohortId::from_uuid(Uuid::now_v7()), Timestamp::now());
        participation::store::issue(&mut app.connect(), id, &cohort, &codes, now.plus_seconds(3600), now).unwrap();
        let mut people: Vec<PrincipalId> = Vec::new();
        for code in &codes {
            let tokens = app.client().post("/v1/participation-codes/redemption", &json!({"code": code})).await.expect(200);
            let token = tokens.json()["access_token"].as_str().unwrap().to_owned();
            people.push(crate::sign_in::subject(&tokens.json()));
            post(&app.client().with_token(&token), &made, &builders::review(4)).await;
        }
        assert_eq!(public(&app, &made).await.len(), 3);
        let stored = dump(&mut app.connect());
        let mut rows = BTreeSet::new();
        for code in &codes {
            let hash = hex(secrets::hash(code));
            assert_eq!(holding(&stored, code), Vec::<String>::new());
            let with: Vec<_> = stored.iter().filter(|(_, rows)| rows.iter().any(|row| row.contains(&hash))).collect();
            assert_eq!(with.iter().map(|(table, _)| table.as_str()).collect::<Vec<_>>(), ["participation_codes"]);
            let own: Vec<_> = with[0].1.iter().filter(|row| row.contains(&hash)).collect();
            assert_eq!(own.len(), 1);
            rows.insert(own[0].replace(&hash, "CODE"));
        }
        assert_eq!(rows.len(), 1, "the codes of a cohort differ in nothing but themselves: {rows:?}");
        for person in people {
            let with = |row: &&String| {
                row.contains(&hex(person.as_uuid().as_bytes())) || row.contains(&person.as_uuid().to_string())
            };
            assert_eq!(stored["participation_codes"].iter().filter(with).count(), 0);
        }
    }
}
