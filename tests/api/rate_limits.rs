//! Quotas: who shares one, what takes from it, and how a client is told.

use futures_util::future::join_all;
use preceptor::{auth::Role, http::client_address::read_networks, ids::PrincipalId, reference::RedFlagKind};
use serde_json::{Value, json};

use crate::support::{Answer, Backend, Client, TestApp, builders, send};

/// The members of a Structured Field List of strings with integer parameters; anything else fails the test.
fn list(field: &str) -> Vec<(String, Vec<(String, u64)>)> {
    let member = |text: &str| {
        let mut parts = text.split(';');
        let name = parts.next().unwrap().strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap();
        let parameters = parts.map(|part| {
            let (key, value) = part.split_once('=').unwrap();
            assert!(
                key.bytes().all(|byte| byte.is_ascii_lowercase()) && value.bytes().all(|byte| byte.is_ascii_digit())
            );
            (key.to_owned(), value.parse().unwrap())
        });
        (name.to_owned(), parameters.collect())
    };
    field.split(", ").map(member).collect()
}

/// `r` and `t` of one policy.
fn left(answer: &Answer, policy: &str) -> (u64, u64) {
    let field = list(answer.header("ratelimit"));
    let (_, parameters) =
        field.iter().find(|(name, _)| name == policy).unwrap_or_else(|| panic!("{policy}: {field:?}"));
    let [(r, remaining), (t, reset)] = &parameters[..] else { panic!("{parameters:?}") };
    assert_eq!((r.as_str(), t.as_str()), ("r", "t"));
    (*remaining, *reset)
}

fn named(answer: &Answer) -> Vec<String> {
    list(answer.header("ratelimit-policy")).into_iter().map(|(name, _)| name).collect()
}

/// Fails unless the answer is a sound refusal by this policy.
#[track_caller]
fn assert_refused(answer: &Answer, policy: &str) {
    let problem = answer.problem(429, "too_many_requests");
    assert_eq!(problem["violated-policies"], json!([policy]));
    let (remaining, reset) = left(answer, policy);
    let wait: u64 = answer.header("retry-after").parse().unwrap();
    assert!(remaining == 0 && reset >= 1 && (reset..=reset + 30).contains(&wait), "r={remaining} t={reset} {wait}");
}

/// Asks until it is refused; how often it was answered before.
async fn until_refused(policy: &str, ask: impl AsyncFn() -> Answer) -> usize {
    for count in 0..1300 {
        let answer = ask().await;
        assert_eq!(named(&answer), ["default", policy]);
        if answer.status == 429 {
            assert_refused(&answer, policy);
            return count;
        }
    }
    panic!("{policy}: never refused");
}

fn limited(backend: Backend) -> TestApp {
    TestApp::start_with(backend, |config| config.rate_limits = true)
}

/// A report on a kind of its own for each number up to 34.
async fn report(author: &Client, made: &builders::Listed, number: usize) -> Answer {
    let mut body = builders::report();
    body["kind"] = json!(RedFlagKind::ALL[number]);
    author.post(&format!("{}/red-flag-reports", made.path), &body).await
}

/// A review of its own for each number up to 20, given four programs.
async fn review(author: &Client, programs: &[builders::Listed], number: usize) -> Answer {
    let mut body = builders::review(4);
    let months = [
        ("2023-09", "2023-10"),
        ("2024-03", "2024-04"),
        ("2024-09", "2024-10"),
        ("2025-03", "2025-04"),
        ("2025-07", "2025-08"),
        ("2024-01", "2024-02"),
    ];
    let (start, end) = months[number / programs.len() % 5];
    body["period"] = json!({"start_month": start, "end_month": end});
    author.post(&format!("{}/reviews", programs[number % programs.len()].path), &body).await
}

on_both! {
    async fn each_policy_has_its_quota_and_failures_take_more_where_secrets_could_be_guessed(backend: Backend) {
        let app = limited(backend);
        let client = app.client();
        let wrong = json!({"grant_type": "none", "code": "none", "email": "none"});
        // Whatever these answer to nonsense, it is 4xx, and that takes four: 30 / 4 and 10 / 4, rounded up.
        let guess = async |path: &str| client.post(path, &wrong).await;
        assert_eq!(until_refused("token", async || guess("/oauth/token").await).await, 8);
        assert_eq!(until_refused("redeem", async || guess("/v1/participation-codes/redemption").await).await, 3);
        assert_eq!(until_refused("sign_in", async || guess("/v1/sign-in/verify").await).await, 3);
        // One bucket for all of a policy, however the path is spelt.
        for path in ["/oauth/introspect", "/oauth/revoke", "/oauth/%74oken"] {
            assert_refused(&guess(path).await, "token");
        }
        assert_refused(&guess("/v1/sign-in").await, "sign_in");
        // Two a second come back meanwhile.
        let searches = until_refused("search", async || client.get("/v1/programs?q=ward").await).await;
        assert!((120..200).contains(&searches), "{searches}");
        assert_refused(&client.get("/v1/programs/facets").await, "search");
        let author = app.participant().await;
        author.get("/v1/me/reviews").await.expect(200);
        assert_eq!(until_refused("export", async || author.get("/v1/me/export").await).await, 5);
        // The others go on.
        client.get("/v1/programs").await.expect(200);
        author.get("/v1/programs?q=ward").await.expect(200);
    }

    async fn a_token_gives_nobody_more_attempts_to_get_in(backend: Backend) {
        let app = limited(backend);
        let nobody = json!({"email": "none"});
        until_refused("sign_in", async || app.client().post("/v1/sign-in", &nobody).await).await;
        for role in [Role::Participant, Role::Frontend] {
            let known = app.principal(role, |_| {}).await;
            known.get("/v1/me").await.expect(200);
            assert_refused(&known.post("/v1/sign-in", &nobody).await, "sign_in");
        }
    }

    async fn a_service_client_has_one_quota_of_tokens_from_wherever_it_asks(backend: Backend) {
        let app = TestApp::start_with(backend, |config| {
            config.rate_limits = true;
            config.trusted_proxies = read_networks("127.0.0.0/8").unwrap();
        });
        let body = json!({"name": "A site", "role": "frontend", "scopes": ["frontend"]});
        let made = app.admin().await.post("/v1/clients", &body).await.expect(201).json();
        let (id, secret) = (made["id"].as_str().unwrap().to_owned(), made["secret"].as_str().unwrap().to_owned());
        let ask = async |number: usize, secret: &str| {
            let request = app.client().request("POST", "/oauth/token").basic_auth(&id, Some(secret));
            let request = request.header("x-forwarded-for", format!("203.0.113.{number}"));
            let form = "application/x-www-form-urlencoded";
            send(request.header("content-type", form).body("grant_type=client_credentials")).await
        };
        // What others get wrong takes nothing of the client's.
        for number in 100..140 {
            ask(number, "wrong").await.expect(401);
        }
        for number in 0..30 {
            ask(number, &secret).await.expect(200);
        }
        // One comes back every other second.
        let mut answer = ask(30, &secret).await;
        for number in 31..90 {
            if answer.status == 429 {
                break;
            }
            answer = ask(number, &secret).await;
        }
        assert_eq!(answer.problem(429, "too_many_requests")["violated-policies"], json!(["token"]));
    }

    async fn every_answer_tells_its_policies_and_what_is_left(backend: Backend) {
        let app = limited(backend);
        let client = app.client();
        let found = client.get("/v1/programs?q=ward").await.expect(200);
        assert_eq!(found.header("ratelimit-policy"), "\"default\";q=600;w=60, \"search\";q=120;w=60");
        assert_eq!(left(&found, "search"), (119, 1));
        let absent = client.get("/v1/nowhere").await;
        absent.problem(404, "not_found");
        assert_eq!(named(&absent), ["default"]);
        assert!((590..600).contains(&left(&absent, "default").0));
        let refused = client.act("/v1/sign-in").await;
        assert_eq!(left(&refused, "sign_in"), (6, 24));
        for path in ["/livez", "/readyz"] {
            assert_eq!(client.get(path).await.expect(200).header("ratelimit"), "");
        }
    }

    async fn the_daily_quota_of_reports_holds_across_restarts_and_for_all_at_once(backend: Backend) {
        let app = limited(backend);
        let made = builders::listed(&app, "daily").await;
        let author = app.participant().await;
        let id: PrincipalId = author.id.unwrap();
        let path = format!("{}/red-flag-reports", made.path);
        let body = builders::report();
        let keyed = |author: &Client| send(author.bare("POST", &path).header("idempotency-key", "the-first-of-them").json(&body));
        let first = keyed(&author).await.expect(201);
        assert_eq!(first.header("ratelimit-policy"), "\"default\";q=600;w=60, \"report\";q=20;w=86400");
        assert_eq!(left(&first, "report").0, 19);
        for used in 2..=12_usize {
            let made = report(&author, &made, used).await.expect(201);
            assert_eq!(left(&made, "report").0, 20 - u64::try_from(used).unwrap());
        }
        let answers = join_all((13..35).map(|number| report(&author, &made, number))).await;
        assert_eq!(answers.iter().filter(|answer| answer.status == 201).count(), 8, "8 of 20 were left");
        for answer in answers.iter().filter(|answer| answer.status != 201) {
            assert_eq!(answer.problem(429, "too_many_requests")["violated-policies"], json!(["report"]));
        }
        // Nothing counts against another: not a person, not a review.
        report(&app.participant().await, &made, 0).await.expect(201);
        review(&author, std::slice::from_ref(&made), 0).await.expect(201);

        let app = TestApp::on(app.stop(), |config| config.rate_limits = true);
        let author = app.holder(id, Role::Participant);
        let refused = report(&author, &made, 1).await;
        assert_refused(&refused, "report");
        assert!((86_000..=86_400).contains(&left(&refused, "report").1));
        // What was answered before is answered again.
        assert_eq!(keyed(&author).await.expect(201).body, first.body);
        let app = TestApp::on(app.stop(), |config| config.rate_limits = false);
        let free = report(&app.holder(id, Role::Participant), &made, 1).await.expect(201);
        assert_eq!(free.header("ratelimit"), "");
    }

    async fn the_21st_review_of_a_day_is_refused(backend: Backend) {
        let app = limited(backend);
        let mut programs = Vec::new();
        for name in ["one", "two", "three", "four"] {
            programs.push(builders::listed(&app, name).await);
        }
        let author = app.participant().await;
        for number in 0..20 {
            let written = review(&author, &programs, number).await.expect(201);
            assert_eq!(left(&written, "review").0, 19 - u64::try_from(number).unwrap());
        }
        let refused = author.post(&format!("{}/reviews", programs[0].path), &json!({})).await;
        assert_refused(&refused, "review");
        let own: Value = author.get("/v1/me/reviews?limit=100").await.expect(200).json();
        assert_eq!(own["data"].as_array().unwrap().len(), 20);
    }

    async fn only_a_trusted_proxy_names_the_client(backend: Backend) {
        let direct = limited(backend);
        let behind = TestApp::start_with(backend, |config| {
            config.rate_limits = true;
            config.trusted_proxies = read_networks("127.0.0.0/8,10.0.0.0/8").unwrap();
        });
        // Each takes four of ten, and one comes back every six seconds.
        let ask = async |app: &TestApp, forwarded: &[u8]| {
            let request = app.client().request("POST", "/v1/participation-codes/redemption");
            let forwarded = reqwest::header::HeaderValue::from_bytes(forwarded).unwrap();
            left(&send(request.header("x-forwarded-for", forwarded)).await, "redeem").0
        };
        // Nobody is trusted: whatever the header says, it is one caller.
        assert_eq!(ask(&direct, b"203.0.113.1").await, 6);
        assert_eq!(ask(&direct, b"203.0.113.2").await, 2);
        assert_eq!(ask(&direct, b"203.0.113.3, 10.0.0.1").await, 0);
        // The last address that is no proxy counts; what is written before it is anybody's.
        assert_eq!(ask(&behind, b"203.0.113.1").await, 6);
        assert_eq!(ask(&behind, b"203.0.113.2").await, 6);
        assert_eq!(ask(&behind, b"198.51.100.9, 203.0.113.1").await, 2);
        assert_eq!(ask(&behind, b"203.0.113.1, 10.0.0.1").await, 0);
        // What is no text hides no address beside it.
        assert_eq!(ask(&behind, b"\xe9, 203.0.113.2").await, 2);
        // One /64 is one caller.
        assert_eq!(ask(&behind, b"2001:db8:1:2::1").await, 6);
        assert_eq!(ask(&behind, b"2001:db8:1:2:ffff::9").await, 2);
        assert_eq!(ask(&behind, b"2001:db8:1:3::1").await, 6);
    }
}
