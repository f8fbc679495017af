//! Reviews: one for each stay, what an edit leaves behind, what moderators do, and what nobody else learns.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use diesel::{ExpressionMethods, QueryDsl, RunQueryDsl};
use preceptor::{
    db::{
        Conn,
        schema::{review_revisions, reviews},
    },
    ids::ReviewId,
    programs,
    reviews::model::Verification,
    time::Timestamp,
};
use serde_json::{Value, json};

use crate::{
    program_lists::walk,
    support::{Answer, Backend, Client, TestApp, builders},
};

const REASON: &str = "The text names a patient.";

fn ruling(action: &str) -> Value {
    json!({"action": action, "reason": REASON})
}

/// A review of a stay that ended in this month.
fn review_of(month: &str, rating: u8) -> Value {
    let mut review = builders::review(rating);
    review["period"] = json!({"start_month": month, "end_month": month});
    review
}

/// Posts a review and gives its path.
async fn posted(author: &Client, list: &str, review: &Value) -> String {
    author.post(list, review).await.expect(201).header("location").to_owned()
}

/// Number of reviews and overall score, as the public reads them.
async fn score(app: &TestApp, program: &str) -> (i64, Option<f64>) {
    let body = app.client().get(program).await.expect(200).json();
    assert_eq!(body["review_count"], body["score"]["review_count"]);
    (body["review_count"].as_i64().unwrap(), body["score"]["overall"]["score"].as_f64())
}

fn differing(conn: &mut Conn) -> usize {
    programs::rebuild(conn, true, Timestamp::now()).unwrap()
}

on_both! {
    async fn a_stay_is_reviewed_once(backend: Backend) {
        let app = TestApp::start(backend);
        let made = builders::listed(&app, "once").await;
        let list = format!("{}/reviews", made.path);
        let (author, other) = (app.participant().await, app.participant().await);
        let first = posted(&author, &list, &review_of("2025-03", 4)).await;
        // The same half-year, in another month.
        author.post(&list, &review_of("2025-06", 5)).await.problem(409, "conflict");
        let second = posted(&author, &list, &review_of("2025-07", 5)).await;
        posted(&other, &list, &review_of("2025-03", 2)).await;
        let elsewhere = builders::listed(&app, "elsewhere").await;
        posted(&author, &format!("{}/reviews", elsewhere.path), &review_of("2025-03", 4)).await;
        assert_eq!(score(&app, &made.path).await.0, 3);

        // Nor does an edit get there.
        let there = json!({"period": {"start_month": "2025-05", "end_month": "2025-06"}});
        author.patch(&second, "*", &there).await.problem(409, "conflict");
        let withdrawn = author.act(&format!("{first}/withdraw")).await.expect(200).json();
        assert_eq!(withdrawn["status"], "withdrawn");
        assert_eq!(score(&app, &made.path).await.0, 2);
        author.patch(&second, "*", &there).await.expect(200);
        posted(&author, &list, &review_of("2025-08", 3)).await;
        author.post(&list, &review_of("2025-01", 3)).await.problem(409, "conflict");
        let own = author.get("/v1/me/reviews").await.expect(200).json();
        assert_eq!(own["data"].as_array().unwrap().len(), 4);
        assert_eq!(differing(&mut app.connect()), 0);
    }

    async fn an_edit_keeps_a_revision_and_moves_the_score(backend: Backend) {
        let app = TestApp::start(backend);
        let made = builders::listed(&app, "edit").await;
        let list = format!("{}/reviews", made.path);
        let author = app.participant().await;
        for rating in [5, 4] {
            posted(&app.participant().await, &list, &builders::review(rating)).await;
        }
        assert_eq!(score(&app, &made.path).await, (2, None), "two are too few for a score");
        let path = posted(&author, &list, &builders::review(5)).await;
        let (count, high) = score(&app, &made.path).await;
        let change = json!({"ratings": {"patient_respect": 1, "supervision": null}, "would_recommend": null});
        let before = author.get(&path).await.expect(200);
        author.patch(&path, "\"r9-own\"", &change).await.problem(412, "precondition_failed");
        let edited = author.patch(&path, before.etag(), &change).await.expect(200);
        let body = edited.json();
        assert_eq!((&body["revision"], &body["overall"]), (&json!(2), &json!(1.0)));
        assert_eq!((&body["ratings"]["supervision"], &body["would_recommend"]), (&Value::Null, &Value::Null));
        assert_eq!(body["text"], before.json()["text"], "what was not sent stays");
        let (after_count, low) = score(&app, &made.path).await;
        assert_eq!(count, after_count);
        assert!(low.unwrap() < high.unwrap(), "{low:?} {high:?}");

        let same = author.patch(&path, "*", &change).await.expect(200);
        assert_eq!((same.etag(), &same.body), (edited.etag(), &edited.body), "nothing changed");
        let mut conn = app.connect();
        let id: ReviewId = body["id"].as_str().unwrap().parse().unwrap();
        let kept: Vec<(i32, String)> = review_revisions::table
            .filter(review_revisions::review_id.eq(id))
            .select((review_revisions::revision, review_revisions::content))
            .load(&mut conn)
            .unwrap();
        assert_eq!((kept.len(), kept[0].0), (1, 1));
        let former: Value = serde_json::from_str(&kept[0].1).unwrap();
        assert_eq!((&former["ratings"]["supervision"], &former["would_recommend"]), (&json!(5), &json!(true)));
        assert_eq!(differing(&mut conn), 0);
        author.act(&format!("{path}/withdraw")).await.expect(200);
        assert_eq!(score(&app, &made.path).await, (2, None));
        author.patch(&path, "*", &change).await.problem(409, "conflict");
        assert_eq!(differing(&mut conn), 0);
    }

    async fn a_held_review_is_seen_by_its_author_and_moderators_only(backend: Backend) {
        let app = TestApp::start(backend);
        let made = builders::listed(&app, "held").await;
        let list = format!("{}/reviews", made.path);
        let (author, moderator) = (app.participant().await, app.moderator().await);
        let others = [app.client(), app.participant().await, made.provider.clone()];
        let path = posted(&author, &list, &builders::review(5)).await;
        let decisions = format!("{path}/decisions");
        for other in &others {
            assert_eq!(other.get(&path).await.expect(200).json()["status"], "published");
            assert!([401, 403].contains(&other.post(&decisions, &ruling("hold")).await.status));
        }
        moderator.post(&decisions, &json!({"action": "hold"})).await.problem(422, "invalid");
        for (actions, last) in [(&["hold"][..], "held"), (&["hold", "reject"][..], "rejected")] {
            for action in actions {
                moderator.post(&decisions, &ruling(action)).await.expect(200);
            }
            for other in &others {
                other.get(&path).await.problem(404, "not_found");
            }
            assert_eq!(app.client().get(&list).await.expect(200).json()["data"], json!([]));
            assert_eq!(score(&app, &made.path).await.0, 0);
            for reader in [&author, &moderator] {
                let body = reader.get(&path).await.expect(200).json();
                assert_eq!((&body["status"], &body["status_reason"]), (&json!(last), &json!(REASON)));
            }
            let queue = moderator.get(&format!("/v1/reviews?status={last}")).await.expect(200).json();
            assert_eq!(queue["data"].as_array().unwrap().len(), 1);
            if last == "held" {
                let edited = author.patch(&path, "*", &json!({"weeks": 7})).await.expect(200).json();
                assert_eq!(edited["status"], "held", "an edit does not publish");
                let back = moderator.post(&decisions, &ruling("publish")).await.expect(200).json();
                assert!(back.get("status_reason").is_none(), "{back}");
                assert_eq!(others[0].get(&path).await.expect(200).json()["weeks"], 7);
                assert_eq!(score(&app, &made.path).await.0, 1);
            }
        }
        assert_eq!(differing(&mut app.connect()), 0);
    }

    async fn each_state_allows_what_it_allows_and_nothing_else(backend: Backend) {
        let app = TestApp::start(backend);
        let made = builders::listed(&app, "states").await;
        let list = format!("{}/reviews", made.path);
        let moderator = app.moderator().await;
        let ask = async |author: &Client, path: &str, action: &str| -> Answer {
            match action {
                "withdraw" => author.act(&format!("{path}/withdraw")).await,
                "edit" => author.patch(path, "*", &json!({"weeks": 9})).await,
                ruled => moderator.post(&format!("{path}/decisions"), &ruling(ruled)).await,
            }
        };
        for (way, state, allowed) in [
            (&[][..], "published", &[("hold", "held"), ("withdraw", "withdrawn"), ("edit", "published")][..]),
            (&["hold"][..], "held",
                &[("publish", "published"), ("reject", "rejected"), ("withdraw", "withdrawn"), ("edit", "held")][..]),
            (&["hold", "reject"][..], "rejected", &[("edit", "held")][..]),
            (&["withdraw"][..], "withdrawn", &[][..]),
        ] {
            for action in ["hold", "publish", "reject", "withdraw", "edit"] {
                let author = app.participant().await;
                let path = posted(&author, &list, &builders::review(3)).await;
                for step in way {
                    ask(&author, &path, step).await.expect(200);
                }
                let before = author.get(&path).await.expect(200);
                assert_eq!(before.json()["status"], state);
                let answer = ask(&author, &path, action).await;
                if let Some((_, after)) = allowed.iter().find(|(known, _)| *known == action) {
                    assert_eq!(answer.expect(200).json()["status"], *after, "{state} {action}");
                } else {
                    answer.problem(409, "conflict");
                    assert_eq!(author.get(&path).await.expect(200).etag(), before.etag(), "{state} {action}");
                }
            }
        }
        assert_eq!(differing(&mut app.connect()), 0);
    }

    async fn no_public_answer_tells_who_wrote_it_or_when(backend: Backend) {
        let app = TestApp::start(backend);
        let made = builders::listed(&app, "secret").await;
        let list = format!("{}/reviews", made.path);
        let authors = [app.participant().await, app.participant().await, app.participant().await];
        let mut hidden = vec!["2025-03".to_owned(), "2025-04".to_owned()];
        let mut paths = Vec::new();
        for author in &authors {
            let answer = author.post(&list, &builders::review(4)).await.expect(201);
            let body = answer.json();
            assert_eq!(body["own"]["period"], json!({"start_month": "2025-03", "end_month": "2025-04"}));
            hidden.extend([author.id.unwrap().to_string(), author.id.unwrap().as_uuid().simple().to_string()]);
            hidden.extend(["created_at", "updated_at"].map(|name| body["own"][name].as_str().unwrap().to_owned()));
            paths.push(answer.header("location").to_owned());
        }
        let edited = authors[0].patch(&paths[0], "*", &json!({"weeks": 7})).await.expect(200).json();
        hidden.push(edited["own"]["updated_at"].as_str().unwrap().to_owned());
        let readers = [app.client(), made.provider.clone(), app.moderator().await, app.participant().await];
        for reader in &readers {
            let mut read = vec![made.path.clone(), list.clone(), format!("{list}?sort=highest&limit=1")];
            read.extend(["verdict", "history", "red-flag-reports"].map(|below| format!("{}/{below}", made.path)));
            read.extend(["/v1/programs".to_owned(), "/v1/programs/facets".to_owned(), format!("{list}?limit=1")]);
            read.extend(paths.clone());
            for path in read {
                let answer = reader.get(&path).await.expect(200);
                let mut text = format!("{} {:?}", answer.text(), answer.headers);
                // A cursor can be decoded by whoever has it.
                if let Some(cursor) = answer.json()["next_cursor"].as_str() {
                    let bytes = BASE64_URL_SAFE_NO_PAD.decode(cursor).unwrap();
                    let sealed = String::from_utf8_lossy(&bytes).into_owned();
                    assert!(sealed.contains("\"n\":0") || path.contains("highest"), "{sealed}");
                    text.push_str(&sealed);
                }
                for secret in &hidden {
                    assert!(!text.contains(secret.as_str()), "{path}: {secret} in {text}");
                }
            }
        }
        let body = app.client().get(&paths[0]).await.expect(200).json();
        assert_eq!((&body["period"], body.get("own")), (&json!("2025-H1"), None));
        assert_eq!(body["published_on"], format!("{}-01", Timestamp::now().day().month()));
        let names: Vec<_> = app.client().get(&list).await.expect(200).json()["data"].as_array().unwrap().iter()
            .map(|review| review["author"].as_str().unwrap().to_owned()).collect();
        assert!(names.iter().all(|name| name.starts_with("participant-")) && names[0] != names[1], "{names:?}");
    }

    async fn lists_of_reviews_are_filtered_and_sorted(backend: Backend) {
        let app = TestApp::start(backend);
        let made = builders::listed(&app, "lists").await;
        let list = format!("{}/reviews", made.path);
        let (mut ids, mut authors) = (Vec::new(), Vec::new());
        let silent = json!({"ratings": null, "would_recommend": null});
        for (number, rating) in [3_u8, 5, 1, 5, 2, 4].into_iter().enumerate() {
            let author = app.participant().await;
            let mut review = review_of(if number < 2 { "2024-11" } else { "2025-05" }, rating);
            review["training_level"] = json!(if number % 2 == 0 { "clinical" } else { "licensed" });
            let path = posted(&author, &list, &review).await;
            ids.push(path.rsplit('/').next().unwrap().to_owned());
            authors.push(author);
        }
        authors[5].patch(&format!("/v1/reviews/{}", ids[5]), "*", &silent).await.expect(200);
        let mut conn = app.connect();
        let first: ReviewId = ids[0].parse().unwrap();
        let update = diesel::update(reviews::table.find(first));
        update.set(reviews::verification.eq(Verification::UniversityEmail)).execute(&mut conn).unwrap();
        let mut fives = [ids[1].clone(), ids[3].clone()];
        fives.sort();
        let pick = |numbers: &[usize]| numbers.iter().map(|number| ids[*number].clone()).collect::<Vec<_>>();
        let highest = [fives.to_vec(), pick(&[0, 4, 2, 5])].concat();
        fives.reverse();
        let lowest = [pick(&[2, 4, 0]), fives.to_vec()].concat();
        for (query, wanted) in [
            ("sort=newest", pick(&[5, 4, 3, 2, 1, 0])), ("sort=highest", highest), ("sort=lowest", lowest),
            ("training_level=licensed", pick(&[5, 3, 1])), ("half_year=2024-H2", pick(&[1, 0])),
            ("recommends=true", pick(&[3, 1, 0])), ("recommends=false", pick(&[4, 2])),
            ("verified=true", pick(&[0])), ("verified=false&half_year=2024-H2", pick(&[1])),
            ("half_year=2023-H1", Vec::new()),
        ] {
            for limit in [1, 2, 100] {
                let path = format!("{list}?limit={limit}&{query}");
                assert_eq!(walk(&app.client(), &path, "id").await, wanted, "{query} by {limit}");
            }
        }
        let queue = walk(&app.moderator().await, "/v1/reviews?status=published&limit=2", "id").await;
        assert_eq!(queue, ids, "oldest first");
        for wrong in ["sort=best", "half_year=2025-H3", "verified=1", "training_level=expert"] {
            app.client().get(&format!("{list}?{wrong}")).await.problem(400, "invalid_parameter");
        }
    }

    async fn counts_and_scores_are_what_a_rebuild_makes_of_the_reviews(backend: Backend) {
        let app = TestApp::start(backend);
        let programs = [builders::listed(&app, "one").await, builders::listed(&app, "two").await];
        let moderator = app.moderator().await;
        let mut rng = fastrand::Rng::with_seed(20_250_301);
        let mut authors = Vec::new();
        for _ in 0..5 {
            authors.push(app.participant().await);
        }
        let mut conn = app.connect();
        // The author and the path of each.
        let mut written: Vec<(usize, String)> = Vec::new();
        let mut done = 0;
        for step in 0..40 {
            let (who, rating) = (rng.usize(..authors.len()), rng.u8(1..=5));
            let target = rng.usize(..written.len().max(1));
            let answer = match (rng.u8(..10), written.get(target)) {
                (0..4, _) | (_, None) => {
                    let month = format!("202{}-{:02}", rng.u8(3..6), rng.u8(1..=12));
                    let list = format!("{}/reviews", programs[rng.usize(..2)].path);
                    let answer = authors[who].post(&list, &review_of(&month, rating)).await;
                    if answer.status == 201 {
                        written.push((who, answer.header("location").to_owned()));
                    }
                    answer
                }
                (4..6, Some((author, path))) => {
                    let change = json!({"ratings": {"value": rating, "supervision": null}, "would_recommend": rng.bool()});
                    authors[*author].patch(path, "*", &change).await
                }
                (6, Some((author, path))) => authors[*author].act(&format!("{path}/withdraw")).await,
                (_, Some((_, path))) => {
                    let action = ["hold", "hold", "publish", "reject"][rng.usize(..4)];
                    moderator.post(&format!("{path}/decisions"), &ruling(action)).await
                }
            };
            assert!([200, 201, 409].contains(&answer.status), "{step}: {}", answer.text());
            done += usize::from(answer.status != 409);
            assert_eq!(differing(&mut conn), 0, "after step {step}");
        }
        assert!(done > 20, "{done} of 40 did something");
        for program in &programs {
            let public = app.client().get(&format!("{}/reviews?limit=100", program.path)).await.expect(200).json();
            let shown = i64::try_from(public["data"].as_array().unwrap().len()).unwrap();
            assert_eq!(score(&app, &program.path).await.0, shown);
        }
    }
}
