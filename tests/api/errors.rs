//! Problem documents: one form for every error, faults that are named, nothing that is given away.

use preceptor::http::{FaultCode, ProblemCode};
use serde_json::{Value, json};

use crate::support::{Answer, Backend, Client, TestApp, builders, send};

async fn post_bytes(client: &Client, path: &str, kind: &str, body: impl Into<reqwest::Body>) -> Answer {
    send(client.request("POST", path).header("content-type", kind).body(body)).await
}

on_both! {
    async fn each_problem_type_has_an_address_that_explains_it(backend: Backend) {
        let app = TestApp::start(backend);
        for code in ProblemCode::ALL {
            let answer = app.client().get(&format!("/problems/{code}")).await.expect(200).json();
            assert_eq!(answer["code"], code.as_str());
            assert_eq!(answer["status"], code.status().as_u16());
            assert_eq!(answer["title"], code.title());
            assert!(answer["remedy"].as_str().unwrap().len() > 10);
        }
        // The `type` of a problem leads there.
        let problem = app.client().get("/nowhere").await.problem(404, "not_found");
        let address = problem["type"].as_str().unwrap();
        let page = reqwest::Client::builder().no_proxy().build().unwrap().get(address).send().await.unwrap();
        assert_eq!(page.json::<Value>().await.unwrap()["title"], problem["title"]);
    }

    async fn a_body_must_have_the_operations_media_type(backend: Backend) {
        let app = TestApp::start(backend);
        let admin = app.admin().await;
        let created = admin.post("/v1/providers", &builders::provider("one")).await.expect(201);
        let place = created.header("location").to_owned();
        let (json_type, patch_type) = ("application/json", "application/merge-patch+json");
        let wrong = ["", "text/plain", "application/xml", "application/x-www-form-urlencoded",
            "application/vnd.api+json", "application/json; charset=utf-16", "application/jsonx"];
        for (method, path, right, swapped) in [
            ("POST", "/v1/providers", json_type, patch_type),
            ("PATCH", place.as_str(), patch_type, json_type),
        ] {
            for kind in wrong.iter().chain([&swapped]) {
                let mut request = admin.request(method, path).header("if-match", "*").body("{}");
                if !kind.is_empty() {
                    request = request.header("content-type", *kind);
                }
                let answer = send(request).await;
                assert_eq!(answer.status, 415, "{method} {kind:?}: {}", answer.text());
                answer.problem(415, "unsupported_media_type");
                assert_eq!(answer.header("accept"), right, "{method} {kind}");
                let patch = if method == "PATCH" { right } else { "" };
                assert_eq!(answer.header("accept-patch"), patch);
            }
            for kind in [right.to_owned(), format!("{right}; charset=UTF-8"), right.to_uppercase()] {
                let request = admin.request(method, path).header("if-match", "*").header("content-type", &kind);
                let answer = send(request.body("{\"none\": 1}")).await;
                assert_eq!(answer.status, 422, "{method} {kind}: {}", answer.text());
            }
        }
        for coding in ["gzip", "br", "zstd", "identity, gzip"] {
            let request = admin.request("POST", "/v1/providers").header("content-encoding", coding);
            let answer = send(request.json(&builders::provider("two"))).await;
            answer.problem(415, "unsupported_media_type");
            assert_eq!(answer.header("accept-encoding"), "identity");
        }
        let request = admin.request("POST", "/v1/providers").header("content-encoding", "identity");
        send(request.json(&builders::provider("three"))).await.expect(201);
    }

    async fn what_is_not_json_is_400(backend: Backend) {
        let app = TestApp::start(backend);
        let admin = app.admin().await;
        let bodies: [(&str, Vec<u8>); 15] = [
            ("empty", b"".to_vec()),
            ("blank", b"  \n".to_vec()),
            ("broken off", b"{\"name\": \"a".to_vec()),
            ("trailing data", b"{} {}".to_vec()),
            ("trailing comma", b"{\"name\": \"a\",}".to_vec()),
            ("NaN", b"{\"name\": NaN}".to_vec()),
            ("single quotes", b"{'name': 'a'}".to_vec()),
            ("a comment", b"{/* a */}".to_vec()),
            ("a repeated key", b"{\"name\": \"a\", \"name\": \"b\"}".to_vec()),
            ("a repeated key below", b"{\"a\": [{\"b\": 1, \"b\": 2}]}".to_vec()),
            ("a byte order mark", b"\xef\xbb\xbf{}".to_vec()),
            ("bad UTF-8", b"{\"name\": \"\xff\xfe\"}".to_vec()),
            ("a raw control character", b"{\"name\": \"a\x01\"}".to_vec()),
            ("a lone surrogate", b"{\"name\": \"\\ud800\"}".to_vec()),
            ("nested 100,000 deep", "[".repeat(100_000).into_bytes()),
        ];
        for (what, body) in bodies {
            let answer = post_bytes(&admin, "/v1/providers", "application/json", body).await;
            assert_eq!(answer.status, 400, "{what}: {}", answer.text());
            answer.problem(400, "bad_request");
        }
        for number in ["1e400", "-1e400"] {
            let body = format!("{{\"name\": {number}}}");
            let answer = post_bytes(&admin, "/v1/providers", "application/json", body).await;
            assert!(matches!(answer.status, 400 | 422), "{number}: {}", answer.text());
        }
    }

    async fn every_fault_of_a_body_is_pointed_at(backend: Backend) {
        let app = TestApp::start(backend);
        let admin = app.admin().await;
        let bodies = [
            (json!([]), "#", "wrong_type"),
            (json!("text"), "#", "wrong_type"),
            (json!({"none": 1}), "#/none", "unknown_member"),
            (json!({"a/b~c d": 1}), "#/a~1b~0c%20d", "unknown_member"),
            (json!({"name": null}), "#/name", "wrong_type"),
            (json!({"name": 18_446_744_073_709_551_615_u64}), "#/name", "wrong_type"),
            (json!({"name": "a"}), "#/name", "too_short"),
            (json!({"name": "   a   "}), "#/name", "too_short"),
            (json!({"name": "a".repeat(141)}), "#/name", "too_long"),
            (json!({"name": "a\u{0}b"}), "#/name", "bad_format"),
            (json!({"name": "a\nb"}), "#/name", "bad_format"),
            (json!({"name": "a\u{202e}b"}), "#/name", "bad_format"),
            (json!({"description": "long enough and then a \u{0} NUL"}), "#/description", "bad_format"),
            (json!({"country": "np"}), "#/country", "bad_format"),
            (json!({"country": "ZZ"}), "#/country", "unknown_country"),
            (json!({"slug": "Not A Slug"}), "#/slug", "bad_format"),
            (json!({"website": "ftp://example.org"}), "#/website", "bad_format"),
            (json!({"contact_email": "nobody"}), "#/contact_email", "bad_format"),
        ];
        for (change, place, code) in bodies {
            let body = match &change {
                Value::Object(members) => {
                    let mut body = builders::provider("one");
                    body.as_object_mut().unwrap().extend(members.clone());
                    body
                }
                _ => change.clone(),
            };
            let answer = admin.post("/v1/providers", &body).await;
            assert_eq!(answer.status, 422, "{change}: {}", answer.text());
            answer.problem(422, "invalid");
            let wanted = (place.to_owned(), code.to_owned());
            assert!(answer.faults().contains(&wanted), "{change}: {}", answer.text());
        }
        // All at once, each a known code.
        let body = json!({"name": 1, "country": "x", "none": true});
        let answer = admin.post("/v1/providers", &body).await;
        let faults = answer.faults();
        let places: Vec<_> = faults.iter().map(|(place, _)| place.as_str()).collect();
        for place in ["#/name", "#/country", "#/none", "#/description"] {
            assert!(places.contains(&place), "{place} in {places:?}");
        }
        assert!(faults.iter().all(|(_, code)| code.parse::<FaultCode>().is_ok()), "{faults:?}");
    }

    async fn text_comes_back_trimmed_and_composed(backend: Backend) {
        let app = TestApp::start(backend);
        let admin = app.admin().await;
        let mut body = builders::provider("one");
        body["name"] = json!("  Cli\u{301}nica 医学 \u{1f600}  ");
        let created = admin.post("/v1/providers", &body).await.expect(201);
        assert_eq!(created.json()["name"], "Clínica 医学 \u{1f600}");
        let read = app.client().get(created.header("location")).await.expect(200);
        assert_eq!(read.json()["name"], "Clínica 医学 \u{1f600}");
    }

    async fn a_query_parameter_is_known_sound_and_given_once(backend: Backend) {
        let app = TestApp::start(backend);
        let client = app.client();
        let lists = ["/v1/programs", "/v1/providers", "/v1/universities"];
        for path in lists {
            for (query, parameter, code) in [
                ("limt=1", "limt", "unknown_member"),
                ("LIMIT=1", "LIMIT", "unknown_member"),
                ("limit=0", "limit", "bad_format"),
                ("limit=-1", "limit", "bad_format"),
                ("limit=101", "limit", "bad_format"),
                ("limit=x", "limit", "bad_format"),
                ("limit=", "limit", "bad_format"),
                ("limit=%2B1", "limit", "bad_format"),
                ("limit=1e1", "limit", "bad_format"),
                ("limit=99999999999999999999", "limit", "bad_format"),
                ("limit=1&limit=1", "limit", "duplicate"),
                ("q=%00", "q", "bad_format"),
                ("q=a%0Ab", "q", "bad_format"),
                ("q=%ff", "query", "bad_format"),
                ("q=%zz", "query", "bad_format"),
                ("access_token=x", "access_token", "unknown_member"),
            ] {
                let answer = client.get(&format!("{path}?{query}")).await;
                assert_eq!(answer.status, 400, "{path}?{query}: {}", answer.text());
                answer.problem(400, "invalid_parameter");
                let wanted = vec![(parameter.to_owned(), code.to_owned())];
                assert_eq!(answer.faults(), wanted, "{path}?{query}");
            }
            for limit in ["1", "20", "100"] {
                client.get(&format!("{path}?limit={limit}")).await.expect(200);
            }
        }
        client.get("/livez?x=1").await.problem(400, "invalid_parameter");
        client.get("/livez?").await.expect(200);
    }

    async fn a_cursor_works_on_its_own_list_only(backend: Backend) {
        let app = TestApp::start(backend);
        let admin = app.admin().await;
        for name in ["one", "two", "three"] {
            admin.post("/v1/providers", &builders::provider(name)).await.expect(201);
        }
        let client = app.client();
        let page = client.get("/v1/providers?limit=1").await.expect(200);
        let cursor = page.json()["next_cursor"].as_str().unwrap().to_owned();
        assert!(page.header("link").contains("rel=\"next\""), "{}", page.header("link"));
        // The limit may change on the way.
        let rest = client.get(&format!("/v1/providers?limit=100&cursor={cursor}")).await.expect(200).json();
        assert_eq!(rest["data"].as_array().unwrap().len(), 2);
        assert_eq!(rest["next_cursor"], Value::Null);
        let mut forged: Vec<String> = (0..cursor.len()).step_by(7).map(|at| {
            let other = if &cursor[at..=at] == "A" { "B" } else { "A" };
            format!("/v1/providers?cursor={}{other}{}", &cursor[..at], &cursor[at + 1..])
        }).collect();
        forged.extend([
            format!("/v1/providers?country=NP&cursor={cursor}"),
            format!("/v1/programs?cursor={cursor}"),
            format!("/v1/universities?cursor={cursor}"),
            format!("/v1/providers?cursor={cursor}A"),
            "/v1/providers?cursor=x".to_owned(),
            "/v1/providers?cursor=%2B%2F%3D".to_owned(),
        ]);
        for path in forged {
            let answer = client.get(&path).await;
            assert_eq!(answer.status, 400, "{path}: {}", answer.text());
            answer.problem(400, "invalid_cursor");
        }
        client.get("/v1/providers?cursor=").await.problem(400, "invalid_parameter");
        let long = format!("/v1/providers?cursor={}", "a".repeat(1001));
        client.get(&long).await.problem(400, "invalid_parameter");
    }

    async fn an_error_repeats_nothing_of_a_large_body_and_gives_nothing_away(backend: Backend) {
        let app = TestApp::start(backend);
        let admin = app.admin().await;
        let marker = "b7f3".repeat(250_000);
        let mut many = builders::provider("one");
        for number in 0..5_000 {
            many[format!("{}{number}", "m".repeat(150))] = json!(1);
        }
        let bodies = [
            json!({ "name": marker.clone() }).to_string(),
            json!({ marker.clone(): 1 }).to_string(),
            format!("{{\"name\": \"{marker}"),
            json!(vec![1; 300_000]).to_string(),
        ];
        for body in bodies {
            let answer = post_bytes(&admin, "/v1/providers", "application/json", body).await;
            assert!(matches!(answer.status, 400 | 422), "{}", answer.status);
            assert!(answer.body.len() < 4096, "{} bytes", answer.body.len());
        }
        let answer = admin.post("/v1/providers", &many).await;
        assert_eq!(answer.status, 422);
        assert!(answer.faults().len() <= 50);
        assert!(answer.body.len() < 24 * 1024, "{} bytes", answer.body.len());

        for path in ["/test/panic", "/test/fail"] {
            let answer = app.client().get(path).await;
            answer.problem(500, "internal_error");
            for secret in ["src/", "diesel", "SELECT", "purpose", "panick"] {
                assert!(!answer.text().contains(secret), "{secret}: {}", answer.text());
            }
        }
    }

    async fn rights_come_first_then_existence_then_preconditions_then_the_body(backend: Backend) {
        let app = TestApp::start(backend);
        let (admin, client, participant) = (app.admin().await, app.client(), app.participant().await);
        let created = admin.post("/v1/providers", &builders::provider("one")).await.expect(201);
        let (place, etag) = (created.header("location").to_owned(), created.etag().to_owned());
        let absent = "/v1/providers/0195f8a0-1c2d-7abc-8def-0123456789ab";
        let bad = |client: &Client, path: &str, etag: Option<&str>| {
            let request = client.request("PATCH", path).body("[");
            send(match etag {
                Some(etag) => request.header("if-match", etag),
                None => request,
            })
        };
        bad(&client, absent, None).await.problem(401, "unauthorized");
        bad(&participant, absent, None).await.problem(403, "forbidden");
        bad(&admin, absent, None).await.problem(404, "not_found");
        bad(&admin, &place, None).await.problem(428, "precondition_required");
        for stale in ["\"x\"", &format!("W/{etag}"), etag.trim_matches('"')] {
            bad(&admin, &place, Some(stale)).await.problem(412, "precondition_failed");
        }
        for fresh in [etag.as_str(), "*", &format!("\"x\", {etag}")] {
            bad(&admin, &place, Some(fresh)).await.problem(415, "unsupported_media_type");
        }
        admin.patch(&place, &etag, &json!({"name": 1})).await.problem(422, "invalid");
        admin.patch(&place, &etag, &json!({"name": null})).await.problem(422, "invalid");
        admin.patch(&place, &etag, &json!([])).await.problem(422, "invalid");
        let changed = admin.patch(&place, &etag, &json!({"name": "Another name"})).await.expect(200);
        assert_eq!(changed.json()["name"], "Another name");
        assert_ne!(changed.etag(), etag);
        admin.patch(&place, &etag, &json!({"name": "Once more"})).await.problem(412, "precondition_failed");
        assert_eq!(admin.get(&place).await.etag(), changed.etag());
    }
}
