//! What keeps a verdict from reading better than what is known.

use preceptor::reference::CriterionCode;
use serde_json::{Value, json};

use super::{CRITICAL, said};
use crate::support::{
    Backend, TestApp,
    builders::{self, Told, assessed, assessing, did, ruling, submitted, verified_review},
    send,
};

async fn verdict(app: &TestApp, path: &str) -> Value {
    app.client().get(&format!("{path}/verdict")).await.expect(200).json()
}

on_both! {
    async fn what_does_not_concern_a_program_is_for_two_people_where_it_is_critical(backend: Backend) {
        let app = TestApp::start(backend);
        let made = builders::listed(&app, "guarded").await;
        let path = submitted(&app, &made.path, &[(CRITICAL, "not_applicable")], None).await;
        made.provider.post(&format!("{path}/answer"), &said()).await.expect(200);
        let (one, decisions) = (app.assessor().await, format!("{path}/decisions"));
        one.post(&decisions, &assessing("publish")).await.problem(409, "conflict");
        one.post(&decisions, &assessing("sign_off")).await.expect(200);
        one.post(&decisions, &assessing("publish")).await.expect(200);
    }

    async fn one_person_does_not_lift_what_two_found(backend: Backend) {
        let app = TestApp::start(backend);
        let made = builders::listed(&app, "guarded").await;
        assessed(&app, &made.path, &[(CRITICAL, "not_met")], None).await;
        assert_eq!(verdict(&app, &made.path).await["verdict"], "not_recommended");
        let path = submitted(&app, &made.path, &[], None).await;
        made.provider.post(&format!("{path}/answer"), &said()).await.expect(200);
        let (one, decisions) = (app.assessor().await, format!("{path}/decisions"));
        one.post(&decisions, &assessing("publish")).await.problem(409, "conflict");
        assert_eq!(verdict(&app, &made.path).await["verdict"], "not_recommended");
        one.post(&decisions, &assessing("sign_off")).await.expect(200);
        one.post(&decisions, &assessing("publish")).await.expect(200);
        assert_eq!(verdict(&app, &made.path).await["verdict"], "meets_standard");
    }

    async fn a_provider_does_not_archive_what_is_not_recommended(backend: Backend) {
        let app = TestApp::start(backend);
        let made = builders::listed(&app, "guarded").await;
        assessed(&app, &made.path, &[(CRITICAL, "not_met")], None).await;
        made.provider.act(&format!("{}/archive", made.path)).await.problem(409, "conflict");
        let other = builders::listed(&app, "reviewed").await;
        let told = Told {
            period: ("2025-03", "2025-04"),
            level: "pre_health",
            tasks: json!([did("needle_procedures", "direct", "asked")]),
            claims: json!([]),
        };
        verified_review(&app, &other, &told, None).await;
        other.provider.act(&format!("{}/archive", other.path)).await.problem(409, "conflict");
    }

    async fn a_level_that_nobody_assessed_is_known_too_little(backend: Backend) {
        let app = TestApp::start(backend);
        let made = builders::listed(&app, "guarded").await;
        assessed(&app, &made.path, &[], None).await;
        assert_eq!(verdict(&app, &made.path).await["verdict"], "meets_standard");
        let edit = async |change: Value| {
            let etag = made.provider.get(&made.path).await.etag().to_owned();
            made.provider.patch(&made.path, &etag, &change).await.expect(200);
            verdict(&app, &made.path).await
        };
        let moved = edit(json!({"start_months": [5]})).await;
        assert_eq!((&moved["verdict"], &moved["notices"]), (&json!("meets_standard"), &json!([])));
        let praised = edit(json!({"summary": "Four weeks on a medical ward, with admission guaranteed."})).await;
        assert_eq!((&praised["verdict"], &praised["notices"]), (&json!("meets_standard"), &json!(["stale"])));
        let widened = edit(json!({"training_levels": ["clinical", "high_school"]})).await;
        assert_eq!(widened["verdict"], "insufficient_evidence");
        assert_eq!(widened["reasons"][0]["code"], "level_not_assessed");
        assert_eq!(edit(json!({"training_levels": ["clinical"]})).await["verdict"], "meets_standard");
    }

    async fn participants_agree_only_while_their_reviews_stand(backend: Backend) {
        let app = TestApp::start(backend);
        let made = builders::listed(&app, "guarded").await;
        let mut reviews = Vec::new();
        for _ in 0..3 {
            let told = Told { period: ("2025-03", "2025-04"), level: "clinical", tasks: json!([]), claims: json!([]) };
            reviews.push(verified_review(&app, &made, &told, None).await.1);
        }
        let ids: Vec<_> = reviews.iter().map(|path| path.rsplit('/').next().unwrap()).collect();
        let one = app.assessor().await;
        let path = one.act(&format!("{}/assessments", made.path)).await.expect(201).header("location").to_owned();
        for criterion in CriterionCode::ALL {
            let mut body = ruling(&app, "met", None);
            if *criterion == CRITICAL {
                body["evidence"] = json!([{
                    "kind": "participants_agree", "description": "Three participants name the same supervisor.",
                    "obtained_on": app.state.now().day(), "review_ids": ids
                }]);
            }
            one.put(&format!("{path}/rulings/{criterion}"), "*", &body).await.expect(200);
        }
        one.post(&format!("{path}/decisions"), &assessing("submit")).await.expect(200);
        made.provider.post(&format!("{path}/answer"), &said()).await.expect(200);
        let other = app.assessor().await;
        for action in ["sign_off", "publish"] {
            other.post(&format!("{path}/decisions"), &assessing(action)).await.expect(200);
        }
        assert_eq!(verdict(&app, &made.path).await["verdict"], "meets_standard");
        let moderator = app.moderator().await;
        let decisions = format!("{}/decisions", reviews[0]);
        let rule = |action| json!({"action": action, "reason": "It was looked at with care."});
        moderator.post(&decisions, &rule("hold")).await.expect(200);
        let lost = verdict(&app, &made.path).await;
        assert_eq!((&lost["verdict"], &lost["reasons"][0]["code"]), (&json!("insufficient_evidence"), &json!("critical_evidence_missing")));
        moderator.post(&decisions, &rule("publish")).await.expect(200);
        assert_eq!(verdict(&app, &made.path).await["verdict"], "meets_standard");
    }

    async fn a_decision_can_be_about_the_version_that_was_read(backend: Backend) {
        let app = TestApp::start(backend);
        let made = builders::listed(&app, "guarded").await;
        let path = submitted(&app, &made.path, &[], None).await;
        let (one, decisions) = (app.assessor().await, format!("{path}/decisions"));
        let read = one.get(&path).await.etag().to_owned();
        one.post(&decisions, &assessing("return")).await.expect(200);
        one.put(&format!("{path}/rulings/{CRITICAL}"), "*", &ruling(&app, "partly_met", None)).await.expect(200);
        one.post(&decisions, &assessing("submit")).await.expect(200);
        let second = app.assessor().await;
        let request = second.request("POST", &decisions).header("if-match", read);
        send(request.json(&assessing("sign_off"))).await.problem(412, "precondition_failed");
    }

    async fn an_answer_to_what_was_handed_in_before_is_not_shown_with_what_is_now(backend: Backend) {
        let app = TestApp::start(backend);
        let made = builders::listed(&app, "guarded").await;
        let path = submitted(&app, &made.path, &[], None).await;
        made.provider.post(&format!("{path}/answer"), &said()).await.expect(200);
        let one = app.assessor().await;
        for action in ["return", "submit"] {
            one.post(&format!("{path}/decisions"), &assessing(action)).await.expect(200);
        }
        let body = one.get(&path).await.expect(200).json();
        assert_eq!((&body["provider_answer"], &body["answered_at"]), (&Value::Null, &Value::Null));
        made.provider.post(&format!("{path}/answer"), &said()).await.expect(200);
        assert!(one.get(&path).await.expect(200).json()["provider_answer"].is_string());
    }
}
