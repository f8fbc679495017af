//! Providers: made by admins, kept by themselves, their address for the few.

use serde_json::{Value, json};

use crate::{
    program_lists::walk,
    support::{Backend, TestApp, builders},
};

on_both! {
    async fn an_admin_registers_and_the_provider_keeps_its_own_entry(backend: Backend) {
        let app = TestApp::start(backend);
        let admin = app.admin().await;
        let mut body = builders::provider("one");
        body["website"] = json!("https://example.org/one");
        let created = admin.post("/v1/providers", &body).await.expect(201);
        let (place, id) = (created.header("location").to_owned(), created.json()["id"].as_str().unwrap().to_owned());
        let other = admin.post("/v1/providers", &builders::provider("two")).await.expect(201).json();
        let own = app.provider(&id).await;
        let stranger = app.provider(other["id"].as_str().unwrap()).await;
        own.post("/v1/providers", &body).await.problem(403, "forbidden");
        app.client().post("/v1/providers", &body).await.problem(401, "unauthorized");

        let change = json!({"description": "Places students at two teaching hospitals.", "website": null});
        stranger.patch(&place, "*", &change).await.problem(404, "not_found");
        app.participant().await.patch(&place, "*", &change).await.problem(403, "forbidden");
        let read = own.get(&place).await.expect(200);
        assert_eq!((read.etag(), read.json()), (created.etag(), created.json()));
        let edited = own.patch(&place, read.etag(), &change).await.expect(200);
        assert_eq!(edited.json()["website"], Value::Null);
        assert_eq!(edited.json()["name"], body["name"], "what was not sent stays");
        own.patch(&place, read.etag(), &change).await.problem(412, "precondition_failed");
        admin.patch(&place, edited.etag(), &json!({"name": "Provider of one"})).await.expect(200);
        let public = app.client().get("/v1/providers/provider-one").await.expect(200).json();
        assert_eq!((&public["name"], &public["description"]), (&json!("Provider of one"), &change["description"]));
    }

    async fn the_contact_address_is_not_public(backend: Backend) {
        let app = TestApp::start(backend);
        let admin = app.admin().await;
        let mut body = builders::provider("one");
        body["contact_email"] = json!("office@example.org");
        let created = admin.post("/v1/providers", &body).await.expect(201);
        let (place, id) = (created.header("location").to_owned(), created.json()["id"].as_str().unwrap().to_owned());
        let own = app.provider(&id).await;
        let made = builders::listed(&app, "other").await;
        for reader in [&admin, &app.moderator().await, &own] {
            assert_eq!(reader.get(&place).await.expect(200).json()["contact_email"], "office@example.org");
        }
        let program = own.post("/v1/programs", &builders::program("hers")).await.expect(201);
        assert!(!program.text().contains("office@"));
        for reader in [&app.client(), &app.participant().await, &made.provider] {
            for path in [&place, "/v1/providers", "/v1/providers?q=prov"] {
                let answer = reader.get(path).await.expect(200);
                assert!(!answer.text().contains("office@"), "{path}: {}", answer.text());
            }
            assert_ne!(reader.get(&place).await.etag(), created.etag(), "another representation");
        }
    }

    async fn slugs_are_given_once(backend: Backend) {
        let app = TestApp::start(backend);
        let admin = app.admin().await;
        let mut body = builders::provider("same");
        for slug in ["provider-same", "provider-same-2", "provider-same-3"] {
            assert_eq!(admin.post("/v1/providers", &body).await.expect(201).json()["slug"], slug);
        }
        let taken = json!({"slug": "provider-same-2"});
        body["slug"] = taken["slug"].clone();
        admin.post("/v1/providers", &body).await.problem(409, "conflict");
        admin.patch("/v1/providers/provider-same", "*", &taken).await.problem(409, "conflict");
        admin.patch("/v1/providers/provider-same", "*", &json!({"slug": "moved"})).await.expect(200);
        app.client().get("/v1/providers/provider-same").await.problem(404, "not_found");
        body["slug"] = json!("0195f8a0-1c2d-7abc-8def-0123456789ab");
        admin.post("/v1/providers", &body).await.problem(422, "invalid");
    }

    async fn providers_are_listed_by_name(backend: Backend) {
        let app = TestApp::start(backend);
        let admin = app.admin().await;
        for (name, country) in [("Zebra Health", "KE"), ("Éclair Médical", "FR"), ("apple tree", "NP"), ("Eclair", "FR")] {
            let mut body = builders::provider(name);
            (body["name"], body["country"]) = (json!(name), json!(country));
            admin.post("/v1/providers", &body).await.expect(201);
        }
        for (query, names) in [
            ("", &["apple tree", "Eclair", "Éclair Médical", "Zebra Health"][..]),
            ("&country=FR", &["Eclair", "Éclair Médical"][..]), ("&country=DE", &[][..]),
            ("&q=ECLAIR+m", &["Éclair Médical"][..]), ("&q=%C3%A9clair&country=FR", &["Eclair", "Éclair Médical"][..]),
            ("&q=health", &[][..]),
        ] {
            for limit in [1, 3] {
                let walked = walk(&app.client(), &format!("/v1/providers?limit={limit}{query}"), "name").await;
                assert_eq!(walked, names, "{query}");
            }
        }
    }
}
