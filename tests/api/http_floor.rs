//! What holds for every request, whatever the operation: methods, paths, conditions, limits, headers.

use std::time::Duration;

use reqwest::header::HeaderMap;
use serde_json::json;

use crate::support::{Answer, Backend, TestApp, builders, send};

/// Header fields that every answer has, with what they must hold.
fn assert_armoured(what: &str, headers: &HeaderMap) {
    let has = |name: &str, part: &str| {
        let value = headers.get(name).map_or("", |value| value.to_str().unwrap());
        assert!(value.contains(part), "{what}: {name} is {value:?}");
    };
    has("x-content-type-options", "nosniff");
    has("referrer-policy", "no-referrer");
    has("cross-origin-resource-policy", "cross-origin");
    has("content-security-policy", "default-src 'none'");
    has("content-security-policy", "frame-ancestors 'none'");
    has("content-security-policy", "object-src 'none'");
}

/// Sends `head` and an empty line, and asks for the connection to be closed.
fn raw_head(app: &TestApp, head: &str) -> String {
    app.raw(format!("{head}\r\nhost: localhost\r\nconnection: close\r\n\r\n"))
}

fn status_of(raw: &str) -> u16 {
    raw.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0)
}

on_both! {
    async fn what_does_not_exist_is_404_and_other_methods_are_405_with_allow(backend: Backend) {
        let app = TestApp::start(backend);
        let client = app.client();
        let missing = [
            "/nowhere", "/v1/programs/", "/v1/providers/", "/v1//programs", "//v1/programs", "/v2/programs",
            "/v1/programs/a%2Fb", "/v1/programs/no_such_form", "/v1/programs/no-such-program",
            "/v1/programs/0195f8a0-1c2d-7abc-8def-0123456789ab",
            "/v1/programs/0195F8A0-1C2D-7ABC-8DEF-0123456789AB", "/v1/reviews/1", "/problems/none", "/docs/none.js",
        ];
        for path in missing {
            let answer = client.get(path).await;
            assert_eq!(answer.status, 404, "{path}");
            answer.problem(404, "not_found");
        }
        let refused = [
            ("POST", "/livez", "GET, HEAD, OPTIONS"),
            ("TRACE", "/", "GET, HEAD, OPTIONS"),
            ("DELETE", "/v1/programs", "GET, POST, HEAD, OPTIONS"),
            ("PROPFIND", "/v1/programs", "GET, POST, HEAD, OPTIONS"),
            ("PUT", "/v1/providers/any", "GET, PATCH, HEAD, OPTIONS"),
            ("GET", "/v1/programs/any/submit", "POST, OPTIONS"),
        ];
        for (method, path, allow) in refused {
            let answer = send(client.request(method, path)).await;
            assert_eq!((answer.status, answer.header("allow")), (405, allow), "{method} {path}");
            answer.problem(405, "method_not_allowed");
        }
    }

    async fn options_names_the_methods_and_head_is_get_without_body(backend: Backend) {
        let app = TestApp::start(backend);
        let client = app.client();
        let options = send(client.request("OPTIONS", "/v1/providers/any")).await.expect(204);
        assert_eq!(options.header("allow"), "GET, PATCH, HEAD, OPTIONS");
        assert_eq!(options.header("accept-patch"), "application/merge-patch+json");
        send(client.request("OPTIONS", "/nowhere")).await.problem(404, "not_found");

        for path in ["/", "/livez", "/v1/programs", "/v1/reference/tasks", "/openapi.json", "/docs", "/nowhere"] {
            let get = client.get(path).await;
            let head = send(client.request("HEAD", path)).await;
            assert!(head.body.is_empty(), "{path}");
            assert_eq!(head.status, get.status, "{path}");
            for name in ["etag", "cache-control", "content-type", "content-length", "vary", "link"] {
                assert_eq!(head.headers.get(name), get.headers.get(name), "{name} of {path}");
            }
        }
    }

    async fn an_entity_tag_answers_304(backend: Backend) {
        let app = TestApp::start(backend);
        let client = app.client();
        for path in ["/", "/v1/programs", "/v1/reference/red-flag-kinds", "/.well-known/jwks.json"] {
            let full = client.get(path).await.expect(200);
            let tag = full.etag().to_owned();
            assert!(tag.starts_with('"') && tag.ends_with('"'), "{path}: {tag}");
            let fresh = [tag.clone(), format!("W/{tag}"), format!("\"x\", {tag}"), "*".to_owned()];
            for sent in fresh {
                for method in ["GET", "HEAD"] {
                    let answer = send(client.request(method, path).header("if-none-match", &sent)).await;
                    assert_eq!(answer.status, 304, "{method} {path} {sent}");
                    assert!(answer.body.is_empty() && answer.headers.get("content-type").is_none());
                    for name in ["etag", "cache-control", "vary"] {
                        assert_eq!(answer.headers.get(name), full.headers.get(name), "{name} of {path}");
                    }
                }
            }
            for stale in ["\"x\"", "x", "W/\"x\", \"y\""] {
                send(client.request("GET", path).header("if-none-match", stale)).await.expect(200);
            }
        }
    }

    async fn every_answer_is_armoured_and_errors_carry_cors(backend: Backend) {
        let app = TestApp::start(backend);
        let (client, admin) = (app.client(), app.admin().await);
        let with_origin = |method: &str, path: &str| {
            client.request(method, path).header("origin", "https://example.org")
        };
        let answers: Vec<(&str, u16, Answer)> = vec![
            ("ok", 200, send(with_origin("GET", "/v1/programs")).await),
            ("no path", 404, send(with_origin("GET", "/nowhere")).await),
            ("no method", 405, send(with_origin("DELETE", "/v1/programs")).await),
            ("no token", 401, send(with_origin("POST", "/v1/providers")).await),
            ("bad query", 400, send(with_origin("GET", "/v1/programs?limit=0")).await),
            ("bad path", 400, send(with_origin("GET", "/v1/programs/%ff")).await),
            ("panic", 500, send(with_origin("GET", "/test/panic")).await),
            ("failure", 500, send(with_origin("GET", "/test/fail")).await),
            ("coding", 415, send(with_origin("POST", "/v1/providers").header("content-encoding", "gzip")).await),
            ("fresh", 304, send(with_origin("GET", "/").header("if-none-match", "*")).await),
            ("invalid", 422, {
                let request = admin.request("POST", "/v1/providers").header("origin", "https://example.org");
                send(request.json(&json!({}))).await
            }),
        ];
        for (what, status, answer) in &answers {
            assert_eq!(answer.status, *status, "{what}: {}", answer.text());
            assert_armoured(what, &answer.headers);
            assert_eq!(answer.header("access-control-allow-origin"), "*", "{what}");
            assert!(answer.headers.get("access-control-allow-credentials").is_none(), "{what}");
            let exposed = answer.header("access-control-expose-headers").to_lowercase();
            for name in ["etag", "idempotency-replayed", "link", "location", "ratelimit", "ratelimit-policy", "retry-after", "x-request-id"] {
                assert!(exposed.split(", ").any(|one| one == name), "{what}: {name} in {exposed:?}");
            }
        }
        let preflight = client.request("OPTIONS", "/v1/providers").header("origin", "https://example.org");
        let preflight = preflight.header("access-control-request-method", "POST");
        let preflight = send(preflight.header("access-control-request-headers", "authorization,content-type,idempotency-key")).await;
        assert!(matches!(preflight.status, 200 | 204), "{}", preflight.status);
        assert_eq!(preflight.header("access-control-allow-origin"), "*");
        assert!(preflight.header("access-control-allow-methods").contains("POST"));
        assert!(preflight.header("access-control-allow-headers").to_lowercase().contains("authorization"));
        assert_eq!(preflight.header("access-control-max-age"), "3600");
        assert_armoured("preflight", &preflight.headers);

        // The page for people has a policy of its own, as strict as the page allows.
        let docs = client.get("/docs").await.expect(200);
        assert!(docs.header("content-security-policy").starts_with("default-src 'none'; script-src 'self'"));
        assert!(docs.header("content-type").starts_with("text/html"));
    }

    async fn only_listed_origins_may_call_when_some_are_listed(backend: Backend) {
        let listed = "https://app.example.org";
        let app = TestApp::start_with(backend, |config| config.cors_origins = vec![listed.to_owned()]);
        let answer = |origin| send(app.client().request("GET", "/v1/programs").header("origin", origin));
        assert_eq!(answer(listed).await.header("access-control-allow-origin"), listed);
        let other = answer("https://evil.example.org").await;
        assert_eq!(other.header("access-control-allow-origin"), "");
    }

    async fn addresses_and_bodies_have_limits(backend: Backend) {
        let app = TestApp::start(backend);
        let (client, admin) = (app.client(), app.admin().await);
        let path = |length: usize| format!("/livez?{}", "a".repeat(length - "/livez?".len()));
        client.get(&path(8192)).await.problem(400, "invalid_parameter");
        client.get(&path(8193)).await.problem(414, "uri_too_long");

        let padded = |length: usize| {
            let body = builders::provider("one").to_string();
            " ".repeat(length - body.len()) + &body
        };
        let post = |body: String| {
            send(admin.request("POST", "/v1/providers").header("content-type", "application/json").body(body))
        };
        post(padded(1024 * 1024)).await.expect(201);
        post(padded(1024 * 1024 + 1)).await.problem(413, "content_too_large");
    }

    async fn a_body_that_does_not_arrive_is_408(backend: Backend) {
        let app = TestApp::start_with(backend, |config| config.body_timeout = Duration::from_secs(1));
        let token = app.admin().await.token().to_owned();
        let head = format!(
            "POST /v1/providers HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {token}\r\n\
             content-type: application/json\r\n"
        );
        for body in ["content-length: 100\r\n\r\n{\"name\":", "transfer-encoding: chunked\r\n\r\n5\r\n{\"nam\r\n"] {
            let start = std::time::Instant::now();
            let answer = app.raw(format!("{head}{body}"));
            assert_eq!(status_of(&answer), 408, "{answer}");
            assert!(answer.contains("application/problem+json") && answer.contains("/problems/request_timeout"));
            assert!(start.elapsed() < Duration::from_secs(9), "the connection was not closed");
        }
        // Headers dribble for no longer than the server's own deadline.
        let answer = app.raw("GET / HTTP/1.1\r\nhost: localhost\r\nx-slow: ");
        assert_eq!(status_of(&answer), 408, "{answer}");
    }

    async fn malformed_requests_are_refused_before_they_reach_us(backend: Backend) {
        let app = TestApp::start(backend);
        let many = |count: usize| "x-many: 1\r\n".repeat(count);
        let host = "host: localhost\r\nconnection: close\r\n";
        let cases = [
            ("97 headers", format!("GET / HTTP/1.1\r\n{host}{}\r\n", many(95)), 431),
            ("200 KB of headers", format!("GET / HTTP/1.1\r\n{host}x: {}\r\n\r\n", "a".repeat(200_000)), 431),
            (
                "length and chunks",
                format!("POST / HTTP/1.1\r\n{host}content-length: 3\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n"),
                400,
            ),
            (
                "two lengths",
                format!("POST / HTTP/1.1\r\n{host}content-length: 3\r\ncontent-length: 4\r\n\r\nabcd"),
                400,
            ),
            ("a bad length", format!("POST / HTTP/1.1\r\n{host}content-length: +3\r\n\r\nabc"), 400),
            ("no host", "GET / HTTP/1.1\r\nconnection: close\r\n\r\n".to_owned(), 400),
            ("NUL in the path", format!("GET /\0 HTTP/1.1\r\n{host}\r\n"), 400),
            ("NUL in a header", format!("GET / HTTP/1.1\r\n{host}x: a\0b\r\n\r\n"), 400),
            ("a folded header", format!("GET / HTTP/1.1\r\n{host}x: a\r\n b\r\n\r\n"), 400),
            ("a bad method", format!("G@T / HTTP/1.1\r\n{host}\r\n"), 400),
            ("HTTP/3.0", format!("GET / HTTP/3.0\r\n{host}\r\n"), 400),
        ];
        for (what, request, status) in cases {
            let answer = app.raw(request);
            assert_eq!(status_of(&answer), status, "{what}: {answer}");
        }
        // Old and unusual, but sound.
        for head in ["GET / HTTP/1.0", "GET http://localhost/ HTTP/1.1"] {
            assert_eq!(status_of(&raw_head(&app, head)), 200, "{head}");
        }
        let pipeline = "GET /livez HTTP/1.1\r\nhost: localhost\r\n\r\n".repeat(50);
        let answers = app.raw(format!("{pipeline}GET / HTTP/1.1\r\n{host}\r\n"));
        assert_eq!(answers.matches("HTTP/1.1 200 OK").count(), 51);
        app.client().get("/livez").await.expect(200);
    }

    async fn a_path_must_be_percent_encoded_utf_8_without_control_characters(backend: Backend) {
        let app = TestApp::start(backend);
        for path in ["/%ff", "/v1/programs/%C3%28", "/v1/programs/%00", "/v1/programs/a%0Ab", "/%zz", "/%4", "/%"] {
            let answer = raw_head(&app, &format!("GET {path} HTTP/1.1"));
            assert_eq!(status_of(&answer), 400, "{path}: {answer}");
            assert!(answer.contains("/problems/bad_request"), "{path}: {answer}");
        }
        // Decoded once: `%2541` is the text `%41`, not `A`.
        for path in ["/v1/programs/%2541", "/v1/programs/%2e%2e", "/v1/programs/..%2fproviders", "/v1/x/../programs"] {
            let answer = raw_head(&app, &format!("GET {path} HTTP/1.1"));
            assert_eq!(status_of(&answer), 404, "{path}: {answer}");
        }
    }

    async fn a_panic_answers_500_and_the_connection_goes_on(backend: Backend) {
        let app = TestApp::start(backend);
        let get = |path: &str| format!("GET {path} HTTP/1.1\r\nhost: localhost\r\n\r\n");
        let last = "GET /livez HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";
        let answers = app.raw(format!("{}{}{last}", get("/test/panic"), get("/test/panic")));
        assert_eq!(answers.matches("HTTP/1.1 500 ").count(), 2, "{answers}");
        assert_eq!(answers.matches("HTTP/1.1 200 OK").count(), 1, "{answers}");
        app.client().get("/test/panic").await.problem(500, "internal_error");
        assert!(app.state.metrics.render().contains("preceptor_handler_panics_total 3"));
    }

    async fn requests_are_counted_and_the_601st_is_429(backend: Backend) {
        let app = TestApp::start_with(backend, |config| config.rate_limits = true);
        let (client, holder) = (app.client(), app.participant().await);
        let first = client.get("/").await.expect(200);
        assert_eq!(first.header("ratelimit-policy"), "\"default\";q=600;w=60");
        assert_eq!(first.header("ratelimit"), "\"default\";r=599;t=1");
        let mut answered = 1;
        let refused = loop {
            let answer = client.get("/").await;
            if answer.status == 429 {
                break answer;
            }
            assert_eq!(answer.status, 200);
            answered += 1;
            assert!(answered < 1200, "never refused");
        };
        // Ten come back every second while the requests are sent.
        assert!(answered >= 600, "refused after {answered}");
        refused.problem(429, "too_many_requests");
        let wait: u64 = refused.header("retry-after").parse().unwrap();
        assert!((1..=60).contains(&wait), "{wait}");
        assert!(refused.header("ratelimit").starts_with("\"default\";r=0;t="));
        assert_armoured("429", &refused.headers);
        // Health is not counted; a verified token has a bucket of its own; a forged one has not.
        client.get("/livez").await.expect(200);
        client.get("/readyz").await.expect(200);
        let forged = client.with_token("forged");
        while forged.get("/v1/me/reviews").await.status != 429 {}
        while holder.get("/v1/me/reviews").await.status != 200 {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        while client.get("/").await.status != 429 {}
        let own = holder.get("/v1/me/reviews").await.expect(200);
        assert!(own.header("ratelimit").starts_with("\"default\";r=59"), "{}", own.header("ratelimit"));
    }
}
