//! Sessions: their renewal by refresh tokens, and their end.

use diesel::connection::SimpleConnection;
use futures_util::future::join_all;
use preceptor::auth::secrets::SecretKind;
use serde_json::json;

use super::{ask, ask_as, ask_basic, count, holder, open_session, refresh, refused, text};
use crate::support::{Backend, TestApp};

on_both! {
    async fn a_session_goes_on_by_its_refresh_token(backend: Backend) {
        let app = TestApp::start(backend);
        let (person, first) = open_session(&app).await;
        let answer = refresh(&app, &first).await.expect(200);
        assert_eq!(answer.header("cache-control"), "no-store");
        assert_eq!((text(&answer, "scope"), text(&answer, "token_type")), ("participant".into(), "Bearer".into()));
        holder(&app, &answer).get("/v1/me/reviews").await.expect(200);
        let second = text(&answer, "refresh_token");
        assert_ne!(second, first);
        // The answer may have been lost.
        assert_eq!(text(&refresh(&app, &first).await.expect(200), "refresh_token"), second);
        let third = text(&refresh(&app, &second).await.expect(200), "refresh_token");
        assert!(third != second && third != first);
        let inspected = ask_as(&app.admin().await, "/oauth/introspect", &format!("token={third}")).await;
        assert_eq!(inspected.json()["sub"], person.id.unwrap().to_string());
        let wrong = format!("grant_type=refresh_token&refresh_token={third}&scope=moderator");
        refused(&ask(&app, "/oauth/token", &wrong).await, 400, "invalid_scope");
        refused(&refresh(&app, &SecretKind::Refresh.format(&[9; 20])).await, 400, "invalid_grant");
        // A client that proves itself must do it rightly.
        let form = format!("grant_type=refresh_token&refresh_token={third}");
        let nobody = ("0195f8a0-1c2d-7abc-8def-0123456789ab", "wrong");
        refused(&ask_basic(&app, "/oauth/token", nobody, &form).await, 401, "invalid_client");
        ask(&app, "/oauth/token", &format!("{form}&client_id=an-app&scope=participant")).await.expect(200);
    }

    async fn ten_refreshes_at_once_get_one_successor(backend: Backend) {
        let app = TestApp::start(backend);
        let (_, first) = open_session(&app).await;
        let answers = join_all((0..10).map(|_| refresh(&app, &first))).await;
        let mut next: Vec<_> = answers.into_iter().map(|answer| text(&answer.expect(200), "refresh_token")).collect();
        next.dedup();
        assert_eq!(next.len(), 1);
        refresh(&app, &next[0]).await.expect(200);
    }

    async fn a_used_refresh_token_that_comes_back_ends_the_session(backend: Backend) {
        let app = TestApp::start(backend);
        let (_, first) = open_session(&app).await;
        let answer = refresh(&app, &first).await.expect(200);
        let (thief, next) = (holder(&app, &answer), text(&answer, "refresh_token"));
        app.connect().batch_execute("UPDATE refresh_tokens SET used_at = used_at - 11000000 WHERE used_at IS NOT NULL").unwrap();
        refused(&refresh(&app, &first).await, 400, "invalid_grant");
        refused(&refresh(&app, &next).await, 400, "invalid_grant");
        thief.get("/v1/me/reviews").await.problem(401, "unauthorized");
        let mut conn = app.connect();
        assert_eq!(count(&mut conn, "SELECT count(*) AS count FROM audit_events WHERE kind = 'refresh.reused'"), 1);
    }

    async fn a_session_ends_by_idling_and_by_age(backend: Backend) {
        let app = TestApp::start(backend);
        for end in [
            "UPDATE refresh_tokens SET expires_at = created_at + 1",
            "UPDATE sessions SET expires_at = created_at + 1",
            "UPDATE sessions SET ended_at = created_at + 1",
        ] {
            let (_, token) = open_session(&app).await;
            app.connect().batch_execute(end).unwrap();
            refused(&refresh(&app, &token).await, 400, "invalid_grant");
            let asked = ask_as(&app.admin().await, "/oauth/introspect", &format!("token={token}")).await;
            assert_eq!(asked.expect(200).json(), json!({"active": false}), "{end}");
        }
    }
}
