//! Nobody rules on their own case: every operation of moderators that changes something, from the table of rights.

use diesel::{ExpressionMethods, RunQueryDsl};
use preceptor::{
    auth::Role,
    db::schema::{red_flag_reports, reviews},
};
use serde_json::json;

use crate::{
    access::World,
    openapi::operations,
    rights::RIGHTS,
    support::{Backend, TestApp},
};

/// What a linked moderator gets instead of 403, and why.
const OTHERWISE: [(&str, u16); 2] = [
    // Each of its decisions is refused by itself (`several_decisions_are_each_made_or_refused_by_themselves`).
    ("decide_batch", 422),
    // To give back what one may not rule on harms nobody; there is no claim here.
    ("release_queue_item", 404),
];

on_both! {
    async fn a_linked_moderator_is_refused_by_every_operation_that_changes_something(backend: Backend) {
        let app = TestApp::start(backend);
        let world = World::make(&app).await;
        let provider = world.listed.provider_id.parse().unwrap();
        let born = app.principal(Role::Moderator, |row| row.provider_id = Some(provider)).await;
        let written_down = app.moderator().await;
        let conflicts = format!("/v1/principals/{}/conflicts", written_down.id.unwrap());
        app.admin().await.post(&conflicts, &json!({"provider": world.listed.provider_id})).await.expect(201);
        let mut tried = 0;
        for operation in operations().iter().filter(|operation| operation.method != "GET") {
            let row = RIGHTS.of(operation.id);
            if row.is_open() || !row.roles.contains(&(Role::Moderator, false)) {
                continue;
            }
            let other = OTHERWISE.iter().find(|(id, _)| *id == operation.id);
            for linked in [&born, &written_down] {
                let answer = world.call(operation, linked).await;
                let wanted = other.map_or(403, |(_, status)| *status);
                assert_eq!(answer.status, wanted, "{}: {}", operation.id, answer.text());
                assert!(wanted != 403 || answer.text().contains("conflict of interest"), "{}", answer.text());
            }
            // Those who are not linked get further.
            let answer = world.call(operation, world.holder(Role::Moderator)).await;
            assert_ne!(answer.status, 403, "{}: {}", operation.id, answer.text());
            tried += 1;
        }
        assert!(tried >= 7, "{tried}");
    }

    /// A principal has one role, so no moderator writes reviews or reports. Should that change, this holds.
    async fn nobody_rules_on_what_they_wrote(backend: Backend) {
        let app = TestApp::start(backend);
        let world = World::make(&app).await;
        let moderator = app.moderator().await;
        let own = moderator.id.unwrap();
        let of_author = reviews::participant_id.eq(world.author.id.unwrap());
        let conn = &mut app.connect();
        diesel::update(reviews::table).filter(of_author).set(reviews::participant_id.eq(own)).execute(conn).unwrap();
        diesel::update(red_flag_reports::table).set(red_flag_reports::reporter_id.eq(own)).execute(conn).unwrap();
        let mut tried = 0;
        for operation in operations().iter().filter(|operation| operation.method != "GET") {
            let about = |name| operation.path.contains(&format!("{{{name}}}"));
            let own_case = RIGHTS.of(operation.id).allows(Role::Moderator) && (about("review") || about("report"));
            if own_case {
                world.call(operation, &moderator).await.problem(403, "forbidden");
                tried += 1;
            }
        }
        assert!(tried >= 2, "{tried}");
        let reports = app.moderator().await.get("/v1/moderation/queue?kind=red_flag_report").await.expect(200).json();
        let id = reports["data"][0]["id"].as_str().unwrap();
        moderator.act(&format!("/v1/moderation/queue/red_flag_report/{id}/claim")).await.problem(403, "forbidden");
    }
}
