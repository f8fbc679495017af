//! Who watches over the service learns who was refused what.

use std::{io::Read, process::Stdio};

use diesel::prelude::*;
use preceptor::{
    audit::{
        AuditKey, AuditKind,
        store::{Outcome, verify},
    },
    db::{Conn, schema::audit_events::dsl},
    ids::PrincipalId,
};

use crate::support::{Backend, Client, Setup, TestApp, eventually, process::Process};

fn denials(conn: &mut Conn) -> Vec<(Option<PrincipalId>, String)> {
    let rows = dsl::audit_events.filter(dsl::kind.eq(AuditKind::Denied.as_str())).order(dsl::seq);
    rows.select((dsl::actor_id, dsl::subject)).load(conn).unwrap()
}

on_both! {
    async fn a_403_of_a_known_principal_is_a_row_of_the_security_log(backend: Backend) {
        let app = TestApp::start(backend);
        let (participant, anyone) = (app.participant().await, app.client());
        anyone.act("/v1/providers").await.problem(401, "unauthorized");
        participant.with_token("forged").act("/v1/providers").await.problem(401, "unauthorized");
        participant.get("/v1/programs").await.expect(200);
        participant.act("/v1/providers").await.problem(403, "forbidden");
        participant.act("/v1/reviews/6f2b1b8e-6a53-4c0c-9d0b-0b9f5f1f1f11/decisions").await.problem(403, "forbidden");
        let rows = eventually("two rows", async || {
            let rows = denials(&mut app.connect());
            (rows.len() == 2).then_some(rows)
        }).await;
        let subjects: Vec<_> = rows.iter().map(|(_, subject)| subject.as_str()).collect();
        assert!(rows.iter().all(|(actor, _)| *actor == participant.id));
        assert!(subjects.contains(&"operation:POST /v1/providers"), "{subjects:?}");
        assert!(subjects.contains(&"operation:POST /v1/reviews/{review}/decisions"), "{subjects:?}");
        let key = AuditKey::derive(app.state.auth.keys().secret());
        assert!(matches!(verify(&mut app.connect(), &key).unwrap(), Outcome::Sound { .. }));
    }

    async fn each_401_and_403_is_a_line_without_a_token_or_an_address(backend: Backend) {
        let setup = Setup::migrated(backend);
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        let mut process = Process::start_with(&setup, &http, |command| {
            command.env("PRECEPTOR_LOG", "preceptor::security=info").stderr(Stdio::piped());
        }).await;
        let client = Client::new(http, process.base.clone(), Some("a-token-that-is-not-one".to_owned()));
        client.get("/v1/programs").await.expect(200);
        let refused = client.get("/v1/me/reviews").await;
        refused.problem(401, "unauthorized");
        let mut log = process.stderr();
        process.kill();
        let mut text = String::new();
        log.read_to_string(&mut text).unwrap();
        let line = text.lines().find(|line| line.contains("preceptor::security")).unwrap_or_else(|| panic!("{text}"));
        for part in [refused.header("x-request-id"), "unauthenticated", "/v1/me/reviews", "GET"] {
            assert!(line.contains(part), "{part} in {line}");
        }
        assert_eq!(text.lines().count(), 1, "{text}");
        assert!(!text.contains("a-token") && !text.contains("127.0.0.1"), "{text}");
    }
}
