//! What takes two moderators: to end a critical report that was found true.

use diesel::{ExpressionMethods, QueryDsl, RunQueryDsl};
use futures_util::future::join_all;
use preceptor::{db::schema::red_flag_reports, ids::ReportId, programs, time::Timestamp};
use serde_json::{Value, json};

use super::{Item, REASON, World, decide};
use crate::support::{Answer, Backend, Client};

impl World {
    /// A report that was found true, of this severity.
    async fn found(&self, severity: &str) -> Item {
        let author = self.app.participant().await;
        let path = self.report("unsupervised_patient_contact", &author).await;
        let id = path.rsplit('/').next().unwrap().to_owned();
        let item = Item { kind: "red_flag_report", id, path, author };
        decide(&self.moderator, &item, "start_triage").await.expect(200);
        let mut body = super::ruling("substantiate");
        body["severity"] = json!(severity);
        self.moderator.post(&format!("{}/decisions", item.path), &body).await.expect(200);
        item
    }

    async fn verdict(&self) -> Value {
        assert_eq!(programs::rebuild(&mut self.app.connect(), true, Timestamp::now()).unwrap(), 0);
        self.app.client().get(&format!("{}/verdict", self.made.path)).await.expect(200).json()["verdict"].clone()
    }
}

const ENDS: [(&str, &str); 2] = [("remediate", "remediated"), ("unsubstantiate", "unsubstantiated")];

fn proposed(answer: &Answer) -> Value {
    answer.json()["proposal"]["action"].clone()
}

on_both! {
    async fn a_critical_finding_ends_only_by_two_moderators(backend: Backend) {
        let world = World::make(backend).await;
        for (action, end) in ENDS {
            let item = world.found("critical").await;
            let before = item.author.get(&item.path).await.expect(200).json();
            let answer = decide(&world.moderator, &item, action).await.expect(200);
            let body = answer.json();
            assert_eq!((&body["status"], &body["proposal"]["action"]), (&json!("substantiated"), &json!(action)));
            assert_eq!(body["proposal"]["reason"], REASON);
            assert!(body["proposal"]["proposed_at"].is_string());
            let read = world.other.get(&item.path).await.expect(200);
            assert_eq!((read.json(), read.etag()), (body, answer.etag()));
            // Its reporter and the public see the report as it was.
            assert_eq!(item.author.get(&item.path).await.expect(200).json(), before);
            assert_eq!(world.verdict().await, "not_recommended");

            let twice = decide(&world.moderator, &item, action).await.problem(409, "conflict");
            assert!(twice["detail"].as_str().unwrap().contains("two moderators"), "{twice}");
            assert_eq!(world.other.get(&item.path).await.expect(200).etag(), answer.etag());

            let done = decide(&world.other, &item, action).await.expect(200).json();
            assert_eq!((&done["status"], &done["proposal"]), (&json!(end), &Value::Null));
            let acts: Vec<_> = done["history"].as_array().unwrap().iter().map(|act| act["action"].clone()).collect();
            assert_eq!(acts, ["start_triage", "substantiate", action]);
            assert_eq!(world.verdict().await, "insufficient_evidence");
        }
        let log = world.app.admin().await.get("/v1/audit-events?limit=100").await.expect(200).text();
        assert_eq!(log.matches("decision.proposed").count(), 2);
    }

    async fn one_moderator_is_enough_for_all_that_is_less_grave(backend: Backend) {
        let world = World::make(backend).await;
        for severity in ["major", "minor", "info"] {
            for (action, end) in ENDS {
                let item = world.found(severity).await;
                let done = decide(&world.moderator, &item, action).await.expect(200).json();
                assert_eq!((&done["status"], &done["proposal"]), (&json!(end), &Value::Null), "{severity}");
            }
        }
    }

    async fn each_proposal_meets_each_act_by_each_moderator_as_it_should(backend: Backend) {
        let world = World::make(backend).await;
        let linked = world.app.principal(preceptor::auth::Role::Moderator, |row| {
            row.provider_id = Some(world.made.provider_id.parse().unwrap());
        }).await;
        for (first, _) in ENDS {
            for (second, end) in ENDS {
                let again: [(&Client, u16); 3] = [
                    (&linked, 403),
                    // The same again is refused; another act takes the place of what one proposed oneself.
                    (&world.moderator, if first == second { 409 } else { 200 }),
                    (&world.other, 200),
                ];
                for (who, status) in again {
                    let item = world.found("critical").await;
                    decide(&world.moderator, &item, first).await.expect(200);
                    let answer = decide(who, &item, second).await;
                    assert_eq!(answer.status, status, "{first} {second}: {}", answer.text());
                    let now = world.moderator.get(&item.path).await.expect(200);
                    let carried_out = status == 200 && first == second;
                    let wanted = if carried_out { end } else { "substantiated" };
                    assert_eq!(now.json()["status"], wanted, "{first} {second}");
                    let standing = if status == 200 { second } else { first };
                    assert_eq!(proposed(&now), if carried_out { Value::Null } else { json!(standing) });
                }
            }
        }
    }

    async fn a_proposal_ends_when_the_report_changes(backend: Backend) {
        let world = World::make(backend).await;
        let item = world.found("critical").await;
        decide(&world.moderator, &item, "remediate").await.expect(200);
        let id: ReportId = item.id.parse().unwrap();
        diesel::update(red_flag_reports::table.find(id))
            .set(red_flag_reports::version.eq(red_flag_reports::version + 1))
            .execute(&mut world.app.connect())
            .unwrap();
        assert_eq!(world.moderator.get(&item.path).await.expect(200).json()["proposal"], Value::Null);
        let answer = decide(&world.other, &item, "remediate").await.expect(200);
        assert_eq!((&answer.json()["status"], proposed(&answer)), (&json!("substantiated"), json!("remediate")));
        let done = decide(&world.moderator, &item, "remediate").await.expect(200).json();
        assert_eq!(done["status"], "remediated");
    }

    async fn of_two_at_a_time_one_proposes_and_the_other_carries_out(backend: Backend) {
        let world = World::make(backend).await;
        let item = world.found("critical").await;
        let answers = join_all([&world.moderator, &world.other].map(|who| decide(who, &item, "remediate"))).await;
        let mut ends: Vec<_> =
            answers.iter().map(|answer| answer.json()["status"].as_str().unwrap().to_owned()).collect();
        ends.sort_unstable();
        assert_eq!(ends, ["remediated", "substantiated"]);
    }
}
