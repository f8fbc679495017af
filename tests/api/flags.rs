//! Flags on reviews: who makes them, what they hold at once, and what moderators make of the case.

use preceptor::{
    auth::Role,
    flags::{
        model::{CaseOutcome, CaseRuling, FlaggerClass},
        store::{self, Precision},
    },
    reviews::model::{ReviewAction, ReviewStatus},
};
use serde_json::{Value, json};

use self::world::{World, decide};
use crate::{
    program_lists::walk,
    support::{
        Backend,
        dump::{dump, holding},
        send,
    },
};

mod world;

const NOTE: &str = "The second paragraph advertises another agency.";
const WHY: &str = "Both accounts of the text were looked at with care.";

on_both! {
    async fn those_who_write_flag_once_and_nobody_their_own(backend: Backend) {
        let world = World::make(backend).await;
        let path = format!("{}/flags", world.review);
        let reader = world.app.participant().await;
        let flag = json!({"reasons": ["off_topic", "spam"], "note": NOTE});
        send(reader.bare("POST", &path).json(&flag)).await.problem(400, "idempotency_key_required");
        let made = reader.post(&path, &flag).await.expect(201);
        assert_eq!(made.header("location"), format!("{}/flag", world.review));
        assert_eq!(made.json()["reasons"], json!(["spam", "off_topic"]));
        assert_eq!((&made.json()["note"], &made.json()["status"]), (&json!(NOTE), &json!("open")));
        assert_eq!(reader.get(made.header("location")).await.expect(200).json(), made.json());
        for by in [&world.made.provider, &world.university] {
            world.flag(by, &["other"]).await.expect(201);
        }
        // One provider is one, by whichever client it speaks.
        let again = world.app.provider(&world.made.provider_id).await;
        for by in [&reader, &world.made.provider, &world.university, &again] {
            world.flag(by, &["personal_data"]).await.problem(409, "conflict");
        }
        world.flag(&world.author, &["other"]).await.problem(409, "conflict");
        for role in [Role::Admin, Role::Moderator, Role::Assessor, Role::Frontend] {
            world.flag(&world.app.principal(role, |_| {}).await, &["other"]).await.problem(403, "forbidden");
        }
        world.flag(&world.app.client(), &["other"]).await.problem(401, "unauthorized");
        for reasons in [json!([]), json!(["spam", "spam"]), json!(["rude"])] {
            let body = json!({"reasons": reasons});
            world.app.participant().await.post(&path, &body).await.problem(422, "invalid");
        }
        assert_eq!(world.status().await, "published", "it stays while it is looked at");
        world.rule("hold").await.expect(200);
        world.flag(&world.app.participant().await, &["other"]).await.problem(404, "not_found");
    }

    async fn one_case_counts_what_is_said_and_never_who_says_it(backend: Backend) {
        let world = World::make(backend).await;
        let (one, two) = (world.app.participant().await, world.app.participant().await);
        let path = format!("{}/flags", world.review);
        let before = world.author.get(&world.review).await.expect(200).etag().to_owned();
        one.post(&path, &json!({"reasons": ["spam", "off_topic"], "note": NOTE})).await.expect(201);
        let case = world.case().await;
        let tag = world.moderator.get(&case).await.expect(200).etag().to_owned();
        world.flag(&two, &["spam"]).await.expect(201);
        world.flag(&world.made.provider, &["not_a_participant"]).await.expect(201);
        assert_eq!(world.author.get(&world.review).await.expect(200).etag(), before, "the author cannot tell");
        let read = world.moderator.get(&case).await.expect(200);
        assert_ne!(read.etag(), tag);
        let by = |participant, provider| json!({"participant": participant, "provider": provider, "university": 0});
        assert_eq!(read.json()["flags"], by(2, 1));
        assert_eq!(read.json()["reasons"], json!([
            {"reason": "spam", "given_by": by(2, 0)},
            {"reason": "not_a_participant", "given_by": by(0, 1)},
            {"reason": "off_topic", "given_by": by(1, 0)},
        ]));
        assert_eq!(read.json()["notes"], json!([NOTE]));
        let told = read.text() + &world.moderator.get("/v1/review-cases").await.expect(200).text();
        for client in [&one, &two, &world.made.provider] {
            assert!(!told.contains(&client.id.unwrap().to_string()), "{told}");
        }
        assert!(!told.contains(&world.made.provider_id), "{told}");
        // What is said of it is nobody else's.
        for other in [&two, &world.author, &world.university] {
            let answer = other.get(&format!("{}/flag", world.review)).await;
            assert!(!answer.text().contains(NOTE), "{}", answer.text());
        }
        world.author.get(&format!("{}/flag", world.review)).await.problem(404, "not_found");
        world.author.get(&case).await.problem(403, "forbidden");
    }

    async fn only_grave_reasons_of_somebody_without_interest_hold_at_once(backend: Backend) {
        let mut world = World::make(backend).await;
        for reason in ["identifiable_patient", "illegal_content"] {
            world.flag(&world.made.provider, &["off_topic", reason]).await.expect(201);
            assert_eq!(world.status().await, "published", "a provider has an interest");
            let reader = world.app.participant().await;
            world.flag(&reader, &["off_topic", reason]).await.expect(201);
            let seen = world.seen().await;
            assert_eq!(seen["status"], "held");
            assert!(seen["status_reason"].as_str().unwrap().contains("A reader says"), "{seen}");
            world.app.client().get(&world.review).await.problem(404, "not_found");
            let case = world.read(&world.case().await).await;
            assert_eq!((&case["held"], &case["review_status"]), (&json!(true), &json!("held")));
            world.still_derived();
            // By rule, with a reason, in nobody's name.
            let export = world.author.get("/v1/me/export").await.expect(200).json();
            let last = export["reviews"][0]["history"].as_array().unwrap().last().unwrap().clone();
            assert_eq!((&last["action"], &last["actor_role"]), (&json!("hold"), &json!("system")));
            assert_eq!(last["reason"], seen["status_reason"]);
            // An edit does not free it: a person was to look at it.
            world.author.patch(&world.review, "*", &json!({"text": {"good": "Every case was explained."}})).await.expect(200);
            assert_eq!(world.status().await, "held");
            world.another().await;
        }
        world.flag(&world.university, &["identifiable_patient"]).await.expect(201);
        assert_eq!(world.status().await, "held");
    }

    async fn one_person_holds_three_reviews_a_day(backend: Backend) {
        let mut world = World::make(backend).await;
        let reader = world.app.participant().await;
        for count in 1..=4 {
            world.flag(&reader, &["illegal_content"]).await.expect(201);
            assert_eq!(world.status().await, if count <= 3 { "held" } else { "published" }, "{count}");
            world.read(&world.case().await).await;
            world.another().await;
        }
        world.flag(&world.app.participant().await, &["illegal_content"]).await.expect(201);
        assert_eq!(world.status().await, "held", "others are not bound by it");
        let now = world.app.state.now();
        world.app.state.clock.set(now.plus_seconds(24 * 60 * 60));
        world.author = world.app.participant().await;
        world.moderator = world.app.moderator().await;
        world.review = world.post(&world.author).await;
        let reader = world.app.holder(reader.id.unwrap(), Role::Participant);
        world.flag(&reader, &["illegal_content"]).await.expect(201);
        assert_eq!(world.status().await, "held", "the next day is another");
    }

    async fn what_a_moderator_has_kept_is_not_held_again_until_it_is_edited(backend: Backend) {
        // Either way of keeping it.
        for on_case in [true, false] {
            let world = World::make(backend).await;
            let grave = ["identifiable_patient"];
            world.flag(&world.app.participant().await, &grave).await.expect(201);
            let case = world.case().await;
            if on_case {
                world.decide(&world.moderator, &case, "keep").await.expect(200);
            } else {
                world.rule("publish").await.expect(200);
            }
            assert_eq!(world.read(&case).await["outcome"], "kept");
            assert_eq!(world.status().await, "published");
            world.flag(&world.app.participant().await, &grave).await.expect(201);
            assert_eq!(world.status().await, "published");
            let second = world.case().await;
            assert_ne!(second, case, "a case of its own");
            assert_eq!(world.read(&second).await["held"], false);
            let text = json!({"text": {"good": "Somebody in the bed by the window was explained to me."}});
            world.author.patch(&world.review, "*", &text).await.expect(200);
            assert_eq!(world.status().await, "published");
            world.flag(&world.app.participant().await, &grave).await.expect(201);
            assert_eq!(world.status().await, "held", "nobody has looked at the new text");
            world.still_derived();
        }
    }

    async fn each_ruling_does_in_each_state_of_the_review_what_its_table_says(backend: Backend) {
        use ReviewStatus as S;
        let mut world = World::make(backend).await;
        for ruling in CaseRuling::ALL {
            for (state, held_by_flag) in [(S::Published, false), (S::Held, true), (S::Held, false)] {
                world.another().await;
                let reader = world.app.participant().await;
                world.flag(&reader, &[if held_by_flag { "illegal_content" } else { "spam" }]).await.expect(201);
                if state == S::Held && !held_by_flag {
                    world.rule("hold").await.expect(200);
                }
                let what = format!("{ruling} {state} {held_by_flag}");
                let case = world.case().await;
                assert_eq!(world.status().await, state.as_str(), "{what}");
                let mut wanted = state;
                for step in ruling.steps(state, held_by_flag) {
                    wanted = wanted.after(ReviewAction::from(*step)).unwrap();
                }
                let closed = world.decide(&world.moderator, &case, ruling.as_str()).await.expect(200).json();
                assert_eq!(closed["status"], "closed", "{what}");
                assert_eq!((&closed["outcome"], &closed["reason"]), (&json!(ruling.outcome()), &json!(WHY)), "{what}");
                assert_eq!((&closed["held"], &closed["review_status"]), (&json!(false), &json!(wanted)), "{what}");
                let seen = world.seen().await;
                assert_eq!(seen["status"], wanted.as_str(), "{what}");
                if *ruling != CaseRuling::Keep {
                    assert_eq!(seen["status_reason"], WHY, "{what}");
                }
                let export = world.author.get("/v1/me/export").await.expect(200).json();
                let history = export["reviews"][0]["history"].as_array().unwrap().clone();
                let last = history.last().unwrap();
                assert_eq!((&last["reason"], &last["actor_role"]), (&json!(WHY), &json!("moderator")), "{what}");
                let told = reader.get(&format!("{}/flag", world.review)).await.expect(200).json();
                assert_eq!((&told["status"], &told["outcome"]), (&json!("closed"), &json!(ruling.outcome())), "{what}");
                for again in CaseRuling::ALL {
                    world.decide(&world.moderator, &case, again.as_str()).await.problem(409, "conflict");
                }
                world.still_derived();
            }
        }
    }

    async fn a_case_is_over_when_its_review_is(backend: Backend) {
        let mut world = World::make(backend).await;
        for (end, outcome) in
            [("withdraw", CaseOutcome::Lapsed), ("erase", CaseOutcome::Lapsed), ("reject", CaseOutcome::Rejected)]
        {
            world.another().await;
            let reader = world.app.participant().await;
            let path = format!("{}/flags", world.review);
            reader.post(&path, &json!({"reasons": ["personal_data"], "note": NOTE})).await.expect(201);
            let case = world.case().await;
            match end {
                "withdraw" => drop(world.author.act(&format!("{}/withdraw", world.review)).await.expect(200)),
                "erase" => drop(world.author.delete("/v1/me?reviews=withdraw").await.expect(204)),
                _ => {
                    world.rule("hold").await.expect(200);
                    assert_eq!(world.read(&case).await["status"], "open");
                    world.rule("reject").await.expect(200);
                }
            }
            let read = world.read(&case).await;
            assert_eq!((&read["status"], &read["outcome"]), (&json!("closed"), &json!(outcome)), "{end}");
            assert_eq!(read["reason"], if end == "reject" { json!(WHY) } else { Value::Null });
            // A note may quote what its author has erased.
            assert_eq!(read["notes"], if end == "erase" { json!([]) } else { json!([NOTE]) });
            world.decide(&world.moderator, &case, "keep").await.problem(409, "conflict");
        }
    }

    async fn only_moderators_who_have_no_part_in_it_rule_on_what_they_have_read(backend: Backend) {
        let world = World::make(backend).await;
        world.flag(&world.app.participant().await, &["illegal_content"]).await.expect(201);
        let case = world.case().await;
        let linked = world.app.moderator().await;
        let conflicts = format!("/v1/principals/{}/conflicts", linked.id.unwrap());
        let conflict = json!({"provider": world.made.provider_id});
        world.app.admin().await.post(&conflicts, &conflict).await.expect(201);
        for ruling in CaseRuling::ALL {
            for role in [Role::Admin, Role::Assessor, Role::Participant, Role::Frontend] {
                let by = world.app.principal(role, |_| {}).await;
                world.decide(&by, &case, ruling.as_str()).await.problem(403, "forbidden");
            }
            for by in [&linked, &world.author, &world.made.provider, &world.university] {
                world.decide(by, &case, ruling.as_str()).await.problem(403, "forbidden");
            }
            world.decide(&world.app.client(), &case, ruling.as_str()).await.problem(401, "unauthorized");
        }
        let body = json!({"action": "keep", "reason": WHY});
        world.moderator.post(&format!("{case}/decisions"), &body).await.problem(428, "precondition_required");
        let read = world.moderator.get(&case).await.expect(200).etag().to_owned();
        world.author.patch(&world.review, "*", &json!({"weeks": 5})).await.expect(200);
        decide(&world.moderator, &case, &read, "keep").await.problem(412, "precondition_failed");
        let read = world.moderator.get(&case).await.expect(200).etag().to_owned();
        decide(&world.moderator, &case, &read, "keep").await.expect(200);
    }

    async fn the_list_has_each_case_once_oldest_first(backend: Backend) {
        let mut world = World::make(backend).await;
        let mut opened = Vec::new();
        for _ in 0..5 {
            world.flag(&world.app.participant().await, &["spam"]).await.expect(201);
            opened.push(world.case().await.rsplit('/').next().unwrap().to_owned());
            world.another().await;
        }
        let ids = async |query: &str| -> Vec<String> {
            walk(&world.moderator, &format!("/v1/review-cases?{query}limit=2"), "id").await
        };
        assert_eq!(ids("").await, opened);
        assert_eq!(ids("status=open&").await, opened);
        assert_eq!(ids("status=closed&").await, [""; 0]);
        let case = format!("/v1/review-cases/{}", opened.remove(1));
        world.decide(&world.moderator, &case, "keep").await.expect(200);
        assert_eq!(ids("").await, opened);
        assert_eq!(ids("status=closed&").await, [case.rsplit('/').next().unwrap()]);
    }

    async fn how_often_flags_were_right_is_counted_and_stays_when_somebody_is_erased(backend: Backend) {
        let mut world = World::make(backend).await;
        let reader = world.app.participant().await;
        for ruling in ["keep", "hold", "reject", "none"] {
            world.another().await;
            let path = format!("{}/flags", world.review);
            reader.post(&path, &json!({"reasons": ["spam"], "note": NOTE})).await.expect(201);
            if ruling == "hold" {
                world.flag(&world.made.provider, &["other"]).await.expect(201);
            }
            if ruling != "none" {
                world.decide(&world.moderator, &world.case().await, ruling).await.expect(200);
            }
        }
        let id = *reader.id.unwrap().as_uuid();
        assert_eq!(world.precision(FlaggerClass::Participant, id), Precision { made: 4, ruled: 3, upheld: 2 });
        let classes = |world: &World| store::precision_by_class(&mut world.app.connect()).unwrap();
        let all = [
            (FlaggerClass::Participant, Precision { made: 4, ruled: 3, upheld: 2 }),
            (FlaggerClass::Provider, Precision { made: 1, ruled: 1, upheld: 1 }),
            (FlaggerClass::University, Precision::default()),
        ];
        assert_eq!(classes(&world), all);
        let export = reader.get("/v1/me/export").await.expect(200).json();
        let told: Vec<_> = export["flags"].as_array().unwrap().iter().map(|flag| &flag["outcome"]).collect();
        assert_eq!(told, [&json!("kept"), &json!("held"), &json!("rejected"), &Value::Null]);
        assert_eq!(export["flags"][0]["note"], NOTE);
        reader.delete("/v1/me?reviews=keep").await.expect(204);
        assert_eq!(classes(&world), all);
        assert_eq!(world.precision(FlaggerClass::Participant, id), Precision::default());
        let stored = dump(&mut world.app.connect());
        assert_eq!(holding(&stored, NOTE), [""; 0]);
        assert_eq!(stored["review_flags"].len(), 5);
    }
}
