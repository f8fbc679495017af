//! Who may do what with a report in which state.

use preceptor::reference::RedFlagKind;
use serde_json::json;

use super::{ASKED, MAJOR, SAID, World, id, report, ruling};
use crate::{program_lists::walk, support::Backend};

on_both! {
    async fn in_every_state_each_role_may_do_what_is_its_own(backend: Backend) {
        const WAYS: [&[&str]; 7] = [
            &[], &["start_triage"], &["start_triage", "request_info"], &["start_triage", "substantiate"],
            &["start_triage", "unsubstantiate"], &["withdraw"], &["start_triage", "substantiate", "remediate"],
        ];
        let world = World::make(backend).await;
        let reporter = world.app.participant().await;
        let stranger = world.app.participant().await;
        let roles = [
            ("anyone", world.app.client()), ("reporter", reporter.clone()), ("stranger", stranger),
            ("provider", world.made.provider.clone()), ("moderator", world.moderator.clone()),
            ("admin", world.app.admin().await), ("assessor", world.app.assessor().await),
        ];
        let text = json!({"text": "It was on two nights."});
        for (way, kind) in WAYS.iter().zip(RedFlagKind::ALL) {
            let path = world.by(&reporter, &report(kind.as_str())).await;
            for action in *way {
                match *action {
                    "withdraw" => drop(reporter.act(&format!("{path}/withdraw")).await.expect(200)),
                    ruled => world.rule(&path, &[ruled]).await,
                }
            }
            let before = reporter.get(&path).await.expect(200);
            for (role, client) in &roles {
                let (anyone, participant) = (*role == "anyone", matches!(*role, "reporter" | "stranger"));
                let reads = matches!(*role, "reporter" | "moderator");
                // What a role may never do, with the answer that it gets whatever the state.
                let never = |own: bool| if anyone { 401 } else if own { 404 } else { 403 };
                for below in ["", "/listing-diff"] {
                    let answer = client.get(&format!("{path}{below}")).await;
                    assert_eq!(answer.status, if reads { 200 } else { never(true) }, "{way:?} {role} reads {below}");
                }
                if *role != "reporter" {
                    let withdrawn = client.act(&format!("{path}/withdraw")).await;
                    assert_eq!(withdrawn.status, never(participant), "{way:?} {role} withdraws");
                    let informed = client.post(&format!("{path}/information"), &text).await;
                    assert_eq!(informed.status, never(participant), "{way:?} {role} informs");
                }
                if *role != "moderator" {
                    let actions = ["start_triage", "request_info", "resume_triage", "substantiate", "unsubstantiate", "remediate"];
                    for action in actions {
                        let ruled = client.post(&format!("{path}/decisions"), &ruling(action)).await;
                        assert_eq!(ruled.status, never(false), "{way:?} {role} {action}");
                    }
                    let asked = client.post(&format!("{path}/answer-request"), &json!({"summary": ASKED})).await;
                    assert_eq!(asked.status, never(false), "{way:?} {role} asks");
                }
                // The provider was not asked, so for it there is nothing to answer.
                let answered = client.post(&format!("{path}/answer"), &json!({"text": SAID})).await;
                assert_eq!(answered.status, never(*role == "provider"), "{way:?} {role} answers");
            }
            assert_eq!(reporter.get(&path).await.expect(200).json(), before.json(), "{way:?}");
            let in_triage = *way == WAYS[1];
            assert_eq!(world.ask(&path).await.status, if in_triage { 200 } else { 409 }, "{way:?}");
        }
    }

    async fn what_was_asked_can_be_answered_until_somebody_rules(backend: Backend) {
        let world = World::make(backend).await;
        let ways: [(&[&str], u16); 5] = [
            (&[], 200), (&["request_info"], 200), (&["request_info", "resume_triage"], 200), (&["unsubstantiate"], 409),
            (&["withdraw"], 409),
        ];
        for (way, expected) in ways {
            let reporter = world.app.participant().await;
            let path = world.by(&reporter, &report(MAJOR)).await;
            world.rule(&path, &["start_triage"]).await;
            world.ask(&path).await.expect(200);
            for action in way {
                match *action {
                    "withdraw" => drop(reporter.act(&format!("{path}/withdraw")).await.expect(200)),
                    ruled => world.rule(&path, &[ruled]).await,
                }
            }
            let list = walk(&world.made.provider, "/v1/providers/me/red-flag-reports?limit=1", "id").await;
            assert!(list.contains(&id(&path).to_owned()));
            let answer = world.made.provider.post(&format!("{path}/answer"), &json!({"text": SAID})).await;
            assert_eq!(answer.status, expected, "{way:?}");
        }
    }
}
