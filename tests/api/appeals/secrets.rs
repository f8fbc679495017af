//! What nobody learns by way of an appeal.

use serde_json::{Value, json};

use super::{REASON, World, id};
use crate::{
    openapi::operations,
    support::{
        Backend, Client, builders,
        dump::{dump, holding},
    },
};

const WORDS: &str = "I was on the ward of Sister Agnes myself, in the week after Easter.";

/// Reads everything that takes no more than the ids of this world, and gives it as one text.
async fn crawl(client: &Client, ids: &[(&str, &str)]) -> String {
    let mut seen = String::new();
    for operation in operations().into_iter().filter(|operation| operation.method == "GET") {
        let mut path = operation.path.to_owned();
        for (name, id) in ids {
            path = path.replace(&format!("{{{name}}}"), id);
        }
        if path.contains('{') || operation.parameters("query").any(|parameter| parameter["required"] == true) {
            continue;
        }
        let answer = client.get(&path).await;
        if answer.status == 200 {
            seen.push_str(&answer.text());
        }
    }
    seen
}

on_both! {
    async fn a_reporters_appeal_shows_the_provider_and_the_public_nothing(backend: Backend) {
        let world = World::make(backend).await;
        let reporter = world.app.participant().await;
        let reports = format!("{}/red-flag-reports", world.made.path);
        let report = reporter.post(&reports, &builders::report()).await.expect(201).header("location").to_owned();
        world.ruled(&world.decider, &report, "start_triage").await;
        let decision = world.ruled(&world.decider, &report, "unsubstantiate").await;
        let path = format!("/v1/decisions/{decision}/appeals");
        let appeal = reporter.post(&path, &json!({"words": WORDS})).await.expect(201).header("location").to_owned();
        let ids = [
            ("program", world.made.program_id.as_str()), ("provider", &world.made.provider_id), ("report", id(&report)),
            ("decision", &decision), ("appeal", id(&appeal)),
        ];
        let other = builders::draft(&world.app, "stranger").await.provider;
        for ruling in [None, Some("deny")] {
            if let Some(action) = ruling {
                world.rule(&world.other, &appeal, action).await.expect(200);
            }
            for reader in [&world.app.client(), &world.made.provider, &other, &world.author] {
                let seen = crawl(reader, &ids).await;
                assert!(seen.len() > 1000);
                let person = reporter.id.unwrap().to_string();
                let secret = [WORDS, id(&report), id(&appeal), &person, builders::report()["narrative"].as_str().unwrap()]
                    .map(str::to_owned);
                assert_eq!(secret.iter().find(|secret| seen.contains(secret.as_str())), None);
            }
            for reader in [&reporter, &world.other] {
                let body = reader.get(&appeal).await.expect(200).json();
                assert_eq!(body["words"], WORDS);
                let people = [&reporter, &world.decider, &world.other].map(|client| client.id.unwrap().to_string());
                assert!(people.iter().all(|person| !body.to_string().contains(person)), "{body}");
            }
        }
        world.made.provider.get(&appeal).await.problem(404, "not_found");
        world.author.get(&appeal).await.problem(404, "not_found");
        assert_eq!(world.made.provider.get("/v1/me/appeals").await.expect(200).json()["data"], json!([]));
    }

    async fn a_report_with_moderators_only_keeps_their_words_from_the_provider(backend: Backend) {
        let world = World::make(backend).await;
        for (confidentiality, shown) in [("public_summary", true), ("moderators_only", false)] {
            let mut report = builders::report();
            report["confidentiality"] = json!(confidentiality);
            let reports = format!("{}/red-flag-reports", world.made.path);
            let report = world.author.post(&reports, &report).await.expect(201).header("location").to_owned();
            let decision = builders::found_true(&world.decider, &report).await;
            let statement = |client: &Client| {
                let (client, path) = (client.clone(), format!("/v1/decisions/{decision}"));
                async move { client.get(&path).await.expect(200).json()["statement"].clone() }
            };
            let provider = statement(&world.made.provider).await;
            assert_eq!(provider["reason"].is_string(), shown, "{confidentiality}");
            assert_eq!(provider["redress"]["party"], "provider");
            assert!(statement(&world.author).await["reason"].is_string());
            assert_eq!(statement(&world.app.client()).await, Value::Null);
            world.appealed(&world.made.provider, &decision).await;
        }
        let list = world.made.provider.get("/v1/me/appeals").await.expect(200).json();
        assert_eq!(list["data"].as_array().unwrap().len(), 2);
    }

    async fn erasure_takes_the_words_and_leaves_the_outcome(backend: Backend) {
        let world = World::make(backend).await;
        let path = format!("/v1/decisions/{}/appeals", world.last(&world.review));
        let appeal = world.author.post(&path, &json!({"words": WORDS})).await.expect(201).header("location").to_owned();
        world.rule(&world.other, &appeal, "deny").await.expect(200);
        let export = world.author.get("/v1/me/export").await.expect(200).json();
        assert_eq!((&export["appeals"][0]["words"], &export["appeals"][0]["history"][0]["reason"]), (&json!(WORDS), &json!(REASON)));
        world.author.delete("/v1/me?reviews=keep").await.expect(204);
        let body = world.other.get(&appeal).await.expect(200).json();
        assert_eq!((&body["words"], &body["status"]), (&Value::Null, &json!("denied")));
        assert_eq!(holding(&dump(&mut world.app.connect()), WORDS), [""; 0]);
    }
}
