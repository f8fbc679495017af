//! Cohorts: who vouches for whom, codes that are shown once, and counts that tell no moment.

use diesel::prelude::*;
use preceptor::{
    audit::AuditKind,
    auth::Role,
    cohorts::store::count_anew,
    db::schema::programs,
    ids::{ProgramId, UniversityId},
    time::Timestamp,
    universities,
};
use serde_json::{Value, json};

use crate::{
    program_lists::walk,
    sign_in::{subject, written},
    support::{Answer, Backend, Client, TestApp, builders, builders::Listed, send},
};

const REDEEM: &str = "/v1/participation-codes/redemption";

/// Somebody who acts for the university at this place of the list, and its id.
pub async fn university(app: &TestApp, place: usize) -> (Client, String) {
    universities::import::run(&mut app.connect(), universities::import::SAMPLE, Timestamp::now()).unwrap();
    let known = app.client().get("/v1/universities?limit=9").await.expect(200).json();
    let text = known["data"][place]["id"].as_str().unwrap().to_owned();
    let id: UniversityId = text.parse().unwrap();
    (app.principal(Role::University, |row| row.university_id = Some(id)).await, text)
}

pub fn cohort(made: &Listed, size: i32) -> Value {
    json!({"program": made.program_id, "period": {"start_month": "2025-03", "end_month": "2025-05"}, "size": size})
}

/// Bodies that fit, with where and by whom they are sent.
pub async fn bodies(app: &TestApp, made: &Listed, author: &Client) -> [(&'static str, String, Client, Value); 4] {
    let (client, id) = university(app, 0).await;
    let placed = |answer: Answer| answer.expect(201).header("location").to_owned();
    let a_cohort = placed(client.post("/v1/cohorts", &cohort(made, 3)).await);
    let asked = json!({"program": made.program_id, "period": cohort(made, 1)["period"], "university": id,
        "statement": "Mira Okafor, student number 40172"});
    let own = "/v1/me/confirmation-requests";
    let a_request = placed(author.post(own, &asked).await);
    let refused = json!({"action": "refuse", "reason": "Nobody of that name was there."});
    [
        ("CohortInput", "/v1/cohorts".to_owned(), client.clone(), cohort(made, 3)),
        ("ReissueInput", format!("{a_cohort}/codes"), client.clone(), json!({"count": 1})),
        ("ConfirmationInput", own.to_owned(), author.clone(), asked),
        ("ConfirmationDecisionInput", format!("{a_request}/decisions"), client, refused),
    ]
}

/// The codes of an answer.
fn codes(answer: &Answer) -> Vec<String> {
    let body = answer.json();
    body["codes"].as_array().unwrap().iter().map(|code| code.as_str().unwrap().to_owned()).collect()
}

async fn redeem(client: &Client, code: &str) -> Answer {
    client.post(REDEEM, &json!({"code": code})).await
}

/// The participant whom a code makes.
async fn redeemed(app: &TestApp, code: &str) -> Client {
    let tokens = redeem(&app.client(), code).await.expect(200).json();
    app.client().with_token(tokens["access_token"].as_str().unwrap()).with_id(subject(&tokens))
}

fn issued(app: &TestApp, made: &Listed) -> i32 {
    let id: ProgramId = made.program_id.parse().unwrap();
    programs::table.find(id).select(programs::codes_issued).first(&mut app.connect()).unwrap()
}

fn counts(body: &Value) -> [i64; 6] {
    ["size", "issued", "open", "redeemed", "revoked", "expired"].map(|name| body[name].as_i64().unwrap())
}

on_both! {
    async fn a_review_says_in_which_role_somebody_vouched_and_never_who(backend: Backend) {
        let app = TestApp::start(backend);
        let made = builders::listed(&app, "vouched").await;
        let (university, name) = university(&app, 0).await;
        for (client, voucher) in [(&university, "university"), (&made.provider, "provider")] {
            let answer = client.post("/v1/cohorts", &cohort(&made, 2)).await.expect(201);
            let (own, codes) = (answer.json(), codes(&answer));
            assert_eq!((own["voucher"].as_str(), codes.len()), (Some(voucher), 2));
            let author = redeemed(&app, &codes[0]).await;
            let review = author.post(&format!("{}/reviews", made.path), &builders::review(4)).await.expect(201);
            let text = app.client().get(review.header("location")).await.expect(200);
            let shown = text.json()["verification"].clone();
            assert_eq!(shown["method"], "participation_code");
            assert_eq!((&shown["vouched_by"], &shown["vouched_month"]), (
                &json!(voucher), &json!(app.state.now().day().month().to_string())
            ));
            let alone = shown["not_checked"].as_array().unwrap().contains(&json!("independence"));
            assert_eq!(alone, voucher == "provider");
            for hidden in [own["id"].as_str().unwrap(), name.as_str(), "2025-03", "2025-05"] {
                assert!(!text.text().contains(hidden), "{hidden}");
            }
        }
        assert_eq!(issued(&app, &made), 4);
        assert_eq!(written(&app, AuditKind::CodesIssued), 2);
        let list = app.client().get(&format!("{}/reviews?verified=true", made.path)).await.expect(200).json();
        assert_eq!(list["data"].as_array().unwrap().len(), 2);
    }

    async fn of_two_who_vouch_the_more_independent_is_named(backend: Backend) {
        let app = TestApp::start(backend);
        let made = builders::listed(&app, "both").await;
        let (university, _) = university(&app, 0).await;
        let one = codes(&made.provider.post("/v1/cohorts", &cohort(&made, 1)).await.expect(201)).remove(0);
        let other = codes(&university.post("/v1/cohorts", &cohort(&made, 1)).await.expect(201)).remove(0);
        let author = redeemed(&app, &one).await;
        redeem(&author, &other).await.expect(200);
        let review = author.post(&format!("{}/reviews", made.path), &builders::review(4)).await.expect(201).json();
        assert_eq!(review["verification"]["vouched_by"], "university");
    }

    async fn codes_are_shown_once_as_json_or_as_one_column(backend: Backend) {
        let app = TestApp::start(backend);
        let made = builders::listed(&app, "column").await;
        let (university, _) = university(&app, 0).await;
        let key = "8e03978e-40d5-43e8-bc93-6894a57f9324";
        let ordered = async |accept: &str| {
            let request = university.bare("POST", "/v1/cohorts").header("idempotency-key", key).header("accept", accept);
            send(request.json(&cohort(&made, 3))).await.expect(201)
        };
        let csv = ordered("text/csv").await;
        assert_eq!(csv.header("content-type"), "text/csv; charset=utf-8; header=present");
        let text = csv.text();
        let lines: Vec<_> = text.split_terminator("\r\n").collect();
        assert_eq!((lines[0], lines.len()), ("code", 4));
        // The same request gives the same codes, in either form.
        for accept in ["application/json", "*/*", "application/json, text/csv;q=0.5", "nonsense"] {
            let again = ordered(accept).await;
            assert_eq!(again.header("idempotency-replayed"), "true");
            assert_eq!(codes(&again), lines[1..], "{accept}");
        }
        let again = ordered("text/csv, application/json;q=0.9").await;
        assert_eq!((again.text(), again.header("idempotency-replayed")), (text.clone(), "true"));
        let path = again.header("location");
        assert!(university.get(path).await.expect(200).json().get("codes").is_none());
        let bare = university.bare("POST", "/v1/cohorts").json(&cohort(&made, 3));
        send(bare).await.problem(400, "idempotency_key_required");
        assert_eq!(issued(&app, &made), 3);
    }

    async fn each_vouches_for_what_they_can_know(backend: Backend) {
        let app = TestApp::start(backend);
        let (made, draft) = (builders::listed(&app, "known").await, builders::draft(&app, "draft").await);
        let (university, _) = university(&app, 0).await;
        let faults = async |client: &Client, body: Value| {
            let answer = client.post("/v1/cohorts", &body).await;
            answer.problem(422, "invalid");
            answer.faults().remove(0)
        };
        let unknown = ("#/program".to_owned(), "unknown_reference".to_owned());
        assert_eq!(faults(&university, cohort(&draft, 1)).await, unknown);
        assert_eq!(faults(&made.provider, cohort(&draft, 1)).await, unknown);
        assert_eq!(faults(&draft.provider, cohort(&made, 1)).await, unknown);
        let large = faults(&made.provider, cohort(&made, 201)).await;
        assert_eq!(large, ("#/size".to_owned(), "too_large".to_owned()));
        university.post("/v1/cohorts", &cohort(&made, 201)).await.expect(201);
        made.provider.post("/v1/cohorts", &cohort(&made, 200)).await.expect(201);
        let mut early = cohort(&made, 1);
        early["period"] = json!({"start_month": "2025-03", "end_month": "2199-01"});
        assert_eq!(faults(&university, early).await.1, "in_the_future");
        assert_eq!(issued(&app, &made), 401);
    }

    async fn a_cohort_is_there_for_whoever_made_it_and_for_admins(backend: Backend) {
        let app = TestApp::start(backend);
        let made = builders::listed(&app, "owned").await;
        let stranger = builders::draft(&app, "stranger").await.provider;
        let ((one, _), (other, _), admin) = (university(&app, 0).await, university(&app, 1).await, app.admin().await);
        let mut paths = Vec::new();
        for client in [&one, &made.provider, &one] {
            paths.push(client.post("/v1/cohorts", &cohort(&made, 1)).await.expect(201).header("location").to_owned());
        }
        for client in [&other, &stranger, &made.provider] {
            client.get(&paths[0]).await.problem(404, "not_found");
            client.post(&format!("{}/codes", paths[0]), &json!({"count": 1})).await.problem(404, "not_found");
            client.act(&format!("{}/revocation", paths[0])).await.problem(404, "not_found");
        }
        one.get(&paths[1]).await.problem(404, "not_found");
        let ids: Vec<_> = paths.iter().rev().map(|path| path.rsplit('/').next().unwrap().to_owned()).collect();
        assert_eq!(walk(&one, "/v1/cohorts?limit=1", "id").await, [ids[0].clone(), ids[2].clone()]);
        assert_eq!(walk(&made.provider, "/v1/cohorts?limit=1", "id").await, [ids[1].clone()]);
        assert_eq!(walk(&other, "/v1/cohorts", "id").await, [""; 0]);
        assert_eq!(walk(&admin, "/v1/cohorts?limit=2", "id").await, ids);
        for path in &paths {
            admin.get(path).await.expect(200);
            admin.act(&format!("{path}/revocation")).await.problem(403, "forbidden");
        }
    }

    async fn redeemed_codes_are_counted_by_the_day(backend: Backend) {
        let app = TestApp::start(backend);
        let made = builders::listed(&app, "counted").await;
        let (university, _) = university(&app, 0).await;
        let answer = university.post("/v1/cohorts", &cohort(&made, 4)).await.expect(201);
        let (path, codes) = (answer.header("location").to_owned(), codes(&answer));
        let read = async || university.get(&path).await.expect(200).json();
        let before = read().await;
        assert_eq!(counts(&before), [4, 4, 4, 0, 0, 0]);
        redeemed(&app, &codes[0]).await;
        redeemed(&app, &codes[1]).await;
        // Nobody who asks again and again learns the moment.
        count_anew(&app.state.db, app.state.now()).await.unwrap();
        assert_eq!(read().await, before);
        let (today, day) = (app.state.now(), 86_400);
        for (later, expected) in [(1, [4, 4, 2, 2, 0, 0]), (181, [4, 4, 0, 2, 0, 2]), (400, [4, 4, 0, 2, 0, 2])] {
            app.state.clock.set(today.plus_seconds(later * day));
            let client = app.holder(university.id.unwrap(), Role::University);
            count_anew(&app.state.db, app.state.now()).await.unwrap();
            let body = client.get(&path).await.expect(200).json();
            assert_eq!(counts(&body), expected, "after {later} days");
            assert_eq!(body["counted_on"], json!(app.state.now().day()));
        }
    }

    async fn codes_made_anew_take_the_place_of_open_ones(backend: Backend) {
        let app = TestApp::start(backend);
        let made = builders::listed(&app, "anew").await;
        let (university, _) = university(&app, 0).await;
        let answer = university.post("/v1/cohorts", &cohort(&made, 4)).await.expect(201);
        let (path, first) = (answer.header("location").to_owned(), codes(&answer));
        redeemed(&app, &first[0]).await;
        let again = async |count: i32| university.post(&format!("{path}/codes"), &json!({"count": count})).await;
        let refused = again(4).await.problem(409, "conflict");
        assert!(!refused["detail"].as_str().unwrap().contains(char::is_numeric), "{refused}");
        let answer = again(2).await.expect(200);
        let second = codes(&answer);
        assert_eq!((second.len(), counts(&answer.json())), (2, [4, 6, 4, 0, 2, 0]));
        assert_eq!(issued(&app, &made), 4, "what the response rate is counted from");
        let mut gone = 0;
        for code in &first[1..] {
            gone += usize::from(redeem(&app.client(), code).await.status == 410);
        }
        assert_eq!(gone, 2);
        redeemed(&app, &second[0]).await;
        // Now one of four is open.
        let closed = university.act(&format!("{path}/revocation")).await.expect(200).json();
        assert_eq!(counts(&closed), [4, 6, 0, 3, 3, 0]);
        redeem(&app.client(), &second[1]).await.problem(410, "gone");
        assert_eq!(university.act(&format!("{path}/revocation")).await.expect(200).json(), closed);
        again(1).await.problem(409, "conflict");
        assert_eq!(issued(&app, &made), 3);
        assert_eq!((written(&app, AuditKind::CodesIssued), written(&app, AuditKind::CodesRevoked)), (2, 2));
        assert_eq!(preceptor::programs::rebuild(&mut app.connect(), true, Timestamp::now()).unwrap(), 0);
        let client = app.holder(university.id.unwrap(), Role::University);
        let answer = client.post("/v1/cohorts", &cohort(&made, 1)).await.expect(201);
        app.state.clock.set(app.state.now().plus_seconds(181 * 86_400));
        let client = app.holder(university.id.unwrap(), Role::University);
        let late = client.post(&format!("{}/codes", answer.header("location")), &json!({"count": 1})).await;
        late.problem(409, "conflict");
    }

    async fn whoever_gave_a_code_out_enters_no_account_and_learns_of_no_redemption_by_it(backend: Backend) {
        let app = TestApp::start(backend);
        let made = builders::listed(&app, "keeper").await;
        let codes = codes(&made.provider.post("/v1/cohorts", &cohort(&made, 2)).await.expect(201));
        let spy = redeemed(&app, &codes[0]).await;
        let (open, _) = (redeem(&spy, &codes[1]).await, redeemed(&app, &codes[1]).await);
        let used = redeem(&spy, &codes[1]).await;
        open.problem(409, "conflict");
        assert_eq!((open.status, &open.json()["detail"]), (used.status, &used.json()["detail"]));
        assert_eq!(redeem(&app.client(), &codes[1]).await.status, 410);
    }

    async fn what_a_provider_vouches_for_waits_for_its_day_and_counts_for_nobody_else(backend: Backend) {
        let app = TestApp::start_with(backend, |config| config.small_cohort = 2);
        let made = builders::listed(&app, "vouched").await;
        let (university, _) = university(&app, 0).await;
        let mut told = Vec::new();
        for issuer in [&made.provider, &university] {
            for code in codes(&issuer.post("/v1/cohorts", &cohort(&made, 2)).await.expect(201)) {
                let author = redeemed(&app, &code).await;
                let review = author.post(&format!("{}/reviews", made.path), &builders::review(4)).await;
                told.push(review.expect(201).json()["status"].clone());
            }
        }
        assert_eq!(told, ["pending", "pending", "pending", "published"]);
        let list = app.client().get(&format!("{}/reviews", made.path)).await.expect(200).json();
        let vouched: Vec<_> = list["data"].as_array().unwrap().iter().map(|one| &one["verification"]["vouched_by"]).collect();
        assert_eq!(vouched, ["university", "university"]);
    }
}
