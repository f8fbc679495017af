//! What upholding an appeal undoes.

use serde_json::json;

use super::{World, id};
use crate::support::{Backend, Client, builders, builders::did};

impl World {
    /// Appeals and upholds it, and gives the effect.
    async fn upheld(&self, by: &Client, decision: &str) -> String {
        let appeal = self.appealed(by, decision).await;
        let body = self.rule(&self.other, &appeal, "uphold").await.expect(200).json();
        assert_eq!(body["status"], "upheld");
        assert_eq!(body["history"][0]["ground"], "appeal_founded");
        assert_eq!(preceptor::programs::rebuild(&mut self.app.connect(), true, self.app.state.now()).unwrap(), 0);
        body["effect"].as_str().unwrap().to_owned()
    }

    async fn status(&self, path: &str, reader: &Client) -> String {
        reader.get(path).await.expect(200).json()["status"].as_str().unwrap().to_owned()
    }

    fn actions(&self, path: &str) -> Vec<String> {
        self.history(path).into_iter().map(|(action, _)| action).collect()
    }

    async fn report(&self, kind: &str, way: &[&str]) -> (Client, String, String) {
        let reporter = self.app.participant().await;
        let path = format!("{}/red-flag-reports", self.made.path);
        let mut report = builders::report();
        report["kind"] = json!(kind);
        let report = reporter.post(&path, &report).await.expect(201).header("location").to_owned();
        let mut decision = String::new();
        for action in way {
            decision = self.ruled(&self.decider, &report, action).await;
        }
        (reporter, report, decision)
    }
}

on_both! {
    async fn a_review_that_was_held_or_rejected_is_public_again(backend: Backend) {
        let world = World::make(backend).await;
        assert_eq!(world.upheld(&world.author, &world.last(&world.review)).await, "reversed");
        assert_eq!(world.status(&world.review, &world.app.client()).await, "published");
        world.ruled(&world.decider, &world.review, "hold").await;
        let reject = world.ruled(&world.decider, &world.review, "reject").await;
        assert_eq!(world.upheld(&world.author, &reject).await, "reversed");
        assert_eq!(world.status(&world.review, &world.app.client()).await, "published");
        assert_eq!(world.actions(&world.review), ["hold", "publish", "hold", "reject", "resubmit", "publish"]);
    }

    async fn a_program_is_reinstated_or_handed_in_again(backend: Backend) {
        let world = World::make(backend).await;
        let provider = &world.made.provider;
        let suspend = world.ruled(&world.decider, &world.made.path, "suspend").await;
        assert_eq!(world.upheld(provider, &suspend).await, "reversed");
        assert_eq!(world.status(&world.made.path, &world.app.client()).await, "listed");

        let draft = builders::draft(&world.app, "refused").await;
        draft.provider.act(&format!("{}/submit", draft.path)).await.expect(200);
        let reject = world.ruled(&world.decider, &draft.path, "reject").await;
        assert_eq!(world.upheld(&draft.provider, &reject).await, "reversed");
        assert_eq!(world.status(&draft.path, &draft.provider).await, "submitted");

        let archive = world.ruled(&world.decider, &world.made.path, "archive").await;
        assert_eq!(world.upheld(provider, &archive).await, "none", "what has ended stays ended");
        assert_eq!(world.status(&world.made.path, provider).await, "archived");
    }

    async fn a_report_is_looked_into_again(backend: Backend) {
        let world = World::make(backend).await;
        for (way, by_provider) in [
            (&["start_triage", "unsubstantiate"][..], false),
            (&["start_triage", "substantiate"][..], true),
            (&["start_triage", "substantiate", "remediate"][..], false),
        ] {
            let (reporter, report, decision) = world.report("opaque_or_unfair_fees", way).await;
            let (right, wrong) =
                if by_provider { (&world.made.provider, &reporter) } else { (&reporter, &world.made.provider) };
            let refused = world.appeal(wrong, &decision).await;
            assert!([404, 409].contains(&refused.status), "{}", refused.text());
            assert_eq!(world.upheld(right, &decision).await, "reversed", "{way:?}");
            assert_eq!(world.status(&report, &world.other).await, "in_triage");
            assert_eq!(world.actions(&report).last().unwrap(), "reopen");
            world.ruled(&world.decider, &report, "unsubstantiate").await;
        }
        let public = world.app.client().get(&format!("{}/red-flag-reports", world.made.path)).await.expect(200).json();
        assert_eq!(public["data"], json!([]));
    }

    async fn a_critical_finding_that_is_looked_into_again_ends_by_two_moderators_only(backend: Backend) {
        let world = World::make(backend).await;
        let way = ["start_triage", "substantiate"];
        let (_, report, decision) = world.report("unsupervised_patient_contact", &way).await;
        let notices = async || world.app.client().get(&world.made.path).await.expect(200).json()["verdict"]["notices"].clone();
        assert_eq!(notices().await, json!([]));
        assert_eq!(world.upheld(&world.made.provider, &decision).await, "reversed");
        assert_eq!(notices().await, json!(["under_review"]), "it was found true once");
        world.rule(&world.other, &report, "unsubstantiate").await.expect(200);
        assert_eq!(world.status(&report, &world.other).await, "in_triage");
        world.rule(&world.other, &report, "unsubstantiate").await.problem(409, "conflict");
        world.rule(&world.decider, &report, "unsubstantiate").await.expect(200);
        assert_eq!(world.status(&report, &world.other).await, "unsubstantiated");
        assert_eq!(notices().await, json!([]));
    }

    async fn what_its_author_has_erased_does_not_come_back(backend: Backend) {
        let world = World::make(backend).await;
        let reject = world.ruled(&world.decider, &world.review, "reject").await;
        let appeal = world.appealed(&world.author, &reject).await;
        world.author.delete("/v1/me?reviews=withdraw").await.expect(204);
        assert_eq!(world.rule(&world.other, &appeal, "uphold").await.expect(200).json()["effect"], "none");
        world.app.client().get(&world.review).await.problem(404, "not_found");
    }

    async fn a_triage_entry_is_open_again_and_an_assessment_stays(backend: Backend) {
        let world = World::make(backend).await;
        let told = builders::Told {
            period: ("2024-03", "2024-04"),
            level: "pre_health",
            tasks: json!([did("delivery", "direct", "asked")]),
            claims: json!([]),
        };
        builders::verified_review(&world.app, &world.made, &told, None).await;
        let entries = world.other.get("/v1/triage-entries").await.expect(200).json();
        let entry = format!("/v1/triage-entries/{}", entries["data"][0]["id"].as_str().unwrap());
        let confirm = world.ruled(&world.decider, &entry, "confirm").await;
        world.appeal(&world.author, &confirm).await.problem(404, "not_found");
        assert_eq!(world.upheld(&world.made.provider, &confirm).await, "reversed");
        assert_eq!(world.status(&entry, &world.other).await, "open");
        assert_eq!(world.actions(&entry), ["open", "confirm", "reopen"]);

        let assessment = builders::assessed(&world.app, &world.made.path, &[], None).await;
        assert_eq!(world.upheld(&world.made.provider, &world.last(&assessment)).await, "none");
        assert_eq!(world.status(&assessment, &world.app.client()).await, "published");
    }

    async fn what_has_changed_since_is_left_as_it_is(backend: Backend) {
        let world = World::make(backend).await;
        let hold = world.last(&world.review);
        let reject = world.ruled(&world.other, &world.review, "reject").await;
        let third = world.app.moderator().await;
        let appeal = world.appealed(&world.author, &hold).await;
        let body = world.rule(&third, &appeal, "uphold").await.expect(200).json();
        assert_eq!((&body["status"], &body["effect"]), (&json!("upheld"), &json!("none")));
        assert_eq!(world.status(&world.review, &world.author).await, "rejected");
        // The later decision is a case of its own.
        let appeal = world.appealed(&world.author, &reject).await;
        assert_eq!(world.rule(&third, &appeal, "uphold").await.expect(200).json()["effect"], "reversed");
        // Held again by somebody else: the first appeal had nothing to do with that.
        let suspend = world.ruled(&world.decider, &world.made.path, "suspend").await;
        world.ruled(&world.decider, &world.made.path, "reinstate").await;
        world.ruled(&world.decider, &world.made.path, "suspend").await;
        assert_eq!(world.upheld(&world.made.provider, &suspend).await, "none");
        assert_eq!(world.status(&world.made.path, &world.made.provider).await, "suspended");
        assert_ne!(id(&appeal), suspend);
    }
}
