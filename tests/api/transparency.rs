//! Figures about moderation.

use preceptor::auth::Role;
use serde_json::{Value, json};

use crate::{
    appeals::World,
    support::{Backend, Client, builders},
};

const DAY: i64 = 24 * 60 * 60;

async fn figures(world: &World) -> Value {
    let to = world.app.state.now().day().month();
    world.app.client().get(&format!("/v1/transparency?from={}&to={to}", to.minus_months(2))).await.expect(200).json()
}

fn of(figures: &Value, kind: &str) -> Value {
    figures["kinds"].as_array().unwrap().iter().find(|one| one["subject_kind"] == kind).unwrap().clone()
}

async fn report(world: &World, reporter: &Client) -> String {
    let path = format!("{}/red-flag-reports", world.made.path);
    reporter.post(&path, &builders::report()).await.expect(201).header("location").to_owned()
}

on_both! {
    async fn figures_count_what_came_in_and_what_became_of_it(backend: Backend) {
        let world = World::make(backend).await;
        let start = world.app.state.now().plus_seconds(DAY);
        world.app.state.clock.set(start);
        let fresh = |client: &Client, role| world.app.holder(client.id.unwrap(), role);
        let mut made = Vec::new();
        for _ in 0..6 {
            let reporter = fresh(&world.app.participant().await, Role::Participant);
            made.push((report(&world, &reporter).await, reporter));
        }
        let none = figures(&world).await;
        let reports = of(&none, "red_flag_report");
        assert_eq!((&reports["received"], &reports["decided"]), (&json!(6), &Value::Null));
        for (days, (path, reporter)) in (1..).zip(&made) {
            world.app.state.clock.set(start.plus_seconds(days * DAY));
            let moderator = fresh(&world.decider, Role::Moderator);
            world.ruled(&moderator, path, "start_triage").await;
            world.app.state.clock.set(start.plus_seconds(days * DAY + 1));
            let ending = if days <= 3 { "substantiate" } else { "unsubstantiate" };
            let decision = world.ruled(&moderator, path, ending).await;
            if days > 3 {
                let appeal = world.appealed(&fresh(reporter, Role::Participant), &decision).await;
                world.rule(&fresh(&world.other, Role::Moderator), &appeal, "deny").await.expect(200);
            }
        }
        let body = figures(&world).await;
        let reports = of(&body, "red_flag_report");
        assert_eq!((&reports["received"], &reports["decided"]), (&json!(6), &json!(6)));
        assert_eq!((&reports["median_days"], &reports["p90_days"]), (&json!(3.0), &json!(6.0)));
        assert_eq!(reports["automated_share"], 0.0);
        assert_eq!(body["appeals"], json!({"received": 3, "upheld": null, "denied": 3}));
        let other = json!({"reporter": "other", "decided": 6, "precision": 0.5});
        let verified = json!({"reporter": "verified_participant", "decided": null, "precision": null});
        assert_eq!(body["reports"], json!([verified, other]));
        // One review was held: too few to tell.
        assert_eq!(of(&body, "program")["decided"], Value::Null);
    }

    async fn the_share_of_those_who_took_part_is_told_apart(backend: Backend) {
        let world = World::make(backend).await;
        for _ in 0..3 {
            let reporter = builders::participated(&world.app, &world.made, ("2025-03", "2025-04"), None).await;
            let path = report(&world, &reporter).await;
            builders::found_true(&world.decider, &path).await;
        }
        let body = figures(&world).await;
        let verified = json!({"reporter": "verified_participant", "decided": 3, "precision": 1.0});
        assert_eq!(body["reports"][0], verified);
        assert_eq!(body["reports"][1]["decided"], Value::Null);
    }

    async fn the_range_is_bounded(backend: Backend) {
        let world = World::make(backend).await;
        for (query, code) in [
            ("", "required"),
            ("?from=2025-01", "required"),
            ("?from=2025-01&to=2024-12", "range_reversed"),
            ("?from=2025-01&to=2028-01", "too_many"),
            ("?from=2025-13&to=2026-01", "bad_format"),
        ] {
            let answer = world.app.client().get(&format!("/v1/transparency{query}")).await;
            answer.problem(400, "invalid_parameter");
            assert_eq!(answer.faults()[0].1, code, "{query}");
        }
        world.app.client().get("/v1/transparency?from=2025-01&to=2027-12").await.expect(200);
    }
}
