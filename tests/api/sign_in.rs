//! Signing in by e-mail: what is sent, what holds, what is told, and what is kept.

use std::{fs, os::unix::fs::PermissionsExt, path::Path};

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use diesel::prelude::*;
use futures_util::future::join_all;
use preceptor::{
    audit::AuditKind,
    auth::secrets::SecretKind,
    db::schema::{audit_events, participant_addresses, principals, refresh_tokens, sessions, sign_in_codes},
    ids::{PrincipalId, UniversityId},
    mail,
    sessions::{
        model::{ABSOLUTE, SuccessorKey},
        store::{Refreshed, refresh},
    },
    sign_in,
    time::Timestamp,
    universities,
};
use serde_json::{Value, json};

use crate::support::{
    Answer, Backend, TestApp,
    dump::{dump, hex, holding},
    eventually, send,
};

mod smtp;

const EMAIL: &str = "anna.lee+x@mail.example.edu";

/// The letters written so far, the oldest first.
fn letters(app: &TestApp) -> Vec<String> {
    letters_in(&app.state.config.data_dir)
}

/// The letters below a data directory.
pub fn letters_in(data_dir: &Path) -> Vec<String> {
    let Ok(folder) = fs::read_dir(data_dir.join("mail")) else { return Vec::new() };
    let paths = folder.map(|entry| entry.unwrap().path());
    let mut paths: Vec<_> = paths.filter(|path| path.extension().is_some_and(|end| end == "eml")).collect();
    paths.sort();
    paths.iter().map(|path| fs::read_to_string(path).unwrap()).collect()
}

/// The code in a letter.
pub fn code_in(letter: &str) -> String {
    let line = letter.lines().find(|line| line.starts_with("    ")).expect("a line with the code");
    line.trim().to_owned()
}

async fn ask(app: &TestApp, email: &str) -> Answer {
    app.client().post("/v1/sign-in", &json!({"email": email})).await
}

/// Asks for a code and reads the letter.
async fn code_for(app: &TestApp, email: &str) -> String {
    let before = letters(app).len();
    ask(app, email).await.expect(202);
    let letter = eventually("a letter", async || letters(app).get(before).cloned()).await;
    assert!(letter.contains(&format!("To: {email}\r\n")), "{letter}");
    code_in(&letter)
}

async fn verify(app: &TestApp, email: &str, code: &str) -> Answer {
    app.client().post("/v1/sign-in/verify", &json!({"email": email, "code": code})).await
}

/// Signs in through both requests.
pub async fn sign_in(app: &TestApp, email: &str) -> Value {
    let code = code_for(app, email).await;
    verify(app, email, &code).await.expect(200).json()
}

/// The claims of an access token.
pub fn claims(tokens: &Value) -> Value {
    let token = tokens["access_token"].as_str().unwrap();
    serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(token.split('.').nth(1).unwrap()).unwrap()).unwrap()
}

pub fn subject(tokens: &Value) -> PrincipalId {
    claims(tokens)["sub"].as_str().unwrap().parse().unwrap()
}

/// How often this kind of thing was written down.
pub fn written(app: &TestApp, kind: AuditKind) -> i64 {
    audit_events::table.filter(audit_events::kind.eq(kind)).count().get_result(&mut app.connect()).unwrap()
}

/// What a client can tell answers by.
fn visible(answer: &Answer) -> (u16, Vec<String>, String) {
    let own = ["date", "x-request-id"];
    let headers = answer.headers.iter().filter(|(name, _)| !own.contains(&name.as_str()));
    let mut headers: Vec<_> = headers.map(|(name, value)| format!("{name}: {}", value.to_str().unwrap())).collect();
    headers.sort();
    (answer.status, headers, answer.text().replace(answer.header("x-request-id"), "-"))
}

on_both! {
    async fn the_code_in_the_letter_opens_a_session(backend: Backend) {
        let app = TestApp::start(backend);
        let asked = ask(&app, EMAIL).await.expect(202);
        assert_eq!((asked.json(), asked.header("cache-control")), (json!({"expires_in": 600}), "no-store"));
        let letter = eventually("a letter", async || letters(&app).pop()).await;
        let folder = app.state.config.data_dir.join("mail");
        assert_eq!(fs::metadata(&folder).unwrap().permissions().mode() & 0o777, 0o700);
        for entry in fs::read_dir(&folder).unwrap() {
            let entry = entry.unwrap();
            assert_eq!(entry.metadata().unwrap().permissions().mode() & 0o777, 0o600);
            assert!(!entry.file_name().to_str().unwrap().contains("anna"));
        }
        // As people type it.
        let code = code_in(&letter).to_lowercase().replace('-', " ");
        let answer = verify(&app, EMAIL, &code).await.expect(200);
        assert_eq!(answer.header("cache-control"), "no-store");
        let tokens = answer.json();
        assert_eq!((&tokens["token_type"], &tokens["expires_in"]), (&json!("Bearer"), &json!(900)));
        assert_eq!(tokens["scope"], "participant");
        let holder = app.client().with_token(tokens["access_token"].as_str().unwrap());
        holder.get("/v1/me/reviews").await.expect(200);
        let first = tokens["refresh_token"].as_str().unwrap();
        assert!(SecretKind::Refresh.fits(first));

        let key = SuccessorKey::derive(app.state.auth.keys().secret());
        let refreshed = refresh(&mut app.connect(), &key, first, Timestamp::now()).unwrap();
        let Refreshed::Granted(grant) = refreshed else { panic!("{refreshed:?}") };
        assert_eq!((grant.principal, grant.session.to_string().into()), (subject(&tokens), claims(&tokens)["sid"].clone()));
        assert_eq!(written(&app, AuditKind::SignedIn), 1);

        // The tokens of a session say one thing of where they come from, however they were got.
        let form = format!("grant_type=refresh_token&refresh_token={}", grant.refresh_token);
        let request = app.client().request("POST", "/oauth/token").header("content-type", "application/x-www-form-urlencoded");
        let renewed = send(request.body(form)).await.expect(200).json();
        assert_eq!(claims(&renewed)["client_id"], claims(&tokens)["client_id"]);

        // The same person, however the address is written; another session. Letters go to the address as typed.
        let again = sign_in(&app, "Anna.Lee@mail.example.edu").await;
        let code = code_for(&app, EMAIL).await;
        let capitals = verify(&app, " ANNA.lee+y@MAIL.Example.EDU ", &code).await.expect(200).json();
        assert_eq!((subject(&again), subject(&capitals)), (subject(&tokens), subject(&tokens)));
        assert_ne!(claims(&again)["sid"], claims(&tokens)["sid"]);
        assert_ne!(subject(&sign_in(&app, "other@mail.example.edu").await), subject(&tokens));
    }

    async fn answers_do_not_tell_who_is_known(backend: Backend) {
        let app = TestApp::start(backend);
        let known = sign_in(&app, EMAIL).await;
        let rows = |app: &TestApp| -> i64 { principals::table.count().get_result(&mut app.connect()).unwrap() };
        let before = rows(&app);
        let (one, other) = (ask(&app, EMAIL).await, ask(&app, "nobody@mail.example.edu").await);
        assert_eq!(visible(&one), visible(&other));
        assert_eq!(visible(&one).0, 202);
        assert_eq!(rows(&app), before, "asking makes nobody");
        ask(&app, "expired@example.org").await.expect(202);
        diesel::update(sign_in_codes::table).set(sign_in_codes::expires_at.eq(Timestamp::EPOCH)).execute(&mut app.connect()).unwrap();
        let code = code_for(&app, "disabled@example.org").await;
        let disabled = subject(&verify(&app, "disabled@example.org", &code).await.expect(200).json());
        diesel::update(principals::table.find(disabled)).set(principals::disabled_at.eq(Timestamp::now())).execute(&mut app.connect()).unwrap();
        let right = code_for(&app, "disabled@example.org").await;
        ask(&app, "wrong@example.org").await.expect(202);
        let failures = written(&app, AuditKind::SignInFailed);
        let refused = [
            ("wrong", verify(&app, "wrong@example.org", "0000-0000").await),
            ("expired", verify(&app, "expired@example.org", "0000-0000").await),
            ("used", verify(&app, "disabled@example.org", &code).await),
            ("unknown", verify(&app, "never@example.org", "0000-0000").await),
            ("of one without rights", verify(&app, "disabled@example.org", &right).await),
        ];
        for (what, answer) in &refused {
            answer.problem(401, "unauthorized");
            assert_eq!(visible(answer), visible(&refused[0].1), "{what}");
        }
        assert_eq!(written(&app, AuditKind::SignInFailed), failures + 5);
        assert_eq!(subject(&known), subject(&sign_in(&app, EMAIL).await));
    }

    async fn a_code_holds_once_for_a_while_and_until_the_next(backend: Backend) {
        let app = TestApp::start(backend);
        let first = code_for(&app, EMAIL).await;
        let second = code_for(&app, EMAIL).await;
        verify(&app, EMAIL, &first).await.problem(401, "unauthorized");
        verify(&app, "other@mail.example.edu", &second).await.problem(401, "unauthorized");
        verify(&app, EMAIL, &second).await.expect(200);
        verify(&app, EMAIL, &second).await.problem(401, "unauthorized");

        let code = code_for(&app, EMAIL).await;
        let mut conn = app.connect();
        let expire = |at: Timestamp| diesel::update(sign_in_codes::table).set(sign_in_codes::expires_at.eq(at));
        expire(Timestamp::now().plus_seconds(-1)).execute(&mut conn).unwrap();
        verify(&app, EMAIL, &code).await.problem(401, "unauthorized");
        expire(Timestamp::now().plus_seconds(60)).execute(&mut conn).unwrap();
        verify(&app, EMAIL, &code).await.expect(200);
    }

    async fn of_many_guesses_at_once_five_are_tried(backend: Backend) {
        let app = TestApp::start(backend);
        let right = code_for(&app, EMAIL).await;
        let wrong: Vec<_> = (0..64).map(|number| format!("0000-{number:04}")).filter(|code| *code != right).collect();
        let answers = join_all(wrong.iter().map(|code| verify(&app, EMAIL, code))).await;
        for answer in answers {
            answer.problem(401, "unauthorized");
        }
        let tries: i32 = sign_in_codes::table.select(sign_in_codes::attempts).first(&mut app.connect()).unwrap();
        assert_eq!(tries, 5);
        verify(&app, EMAIL, &right).await.problem(401, "unauthorized");

        // The fifth try may still be the right one.
        let right = code_for(&app, EMAIL).await;
        for code in wrong.iter().take(4) {
            verify(&app, EMAIL, code).await.problem(401, "unauthorized");
        }
        verify(&app, EMAIL, &right).await.expect(200);
    }

    async fn of_many_who_send_the_right_code_one_gets_in(backend: Backend) {
        let app = TestApp::start(backend);
        let code = code_for(&app, EMAIL).await;
        let answers = join_all((0..64).map(|_| verify(&app, EMAIL, &code))).await;
        assert_eq!(answers.iter().filter(|answer| answer.status == 200).count(), 1);
        assert_eq!(answers.iter().filter(|answer| answer.status == 401).count(), 63);
        let count: i64 = sessions::table.count().get_result(&mut app.connect()).unwrap();
        assert_eq!(count, 1);
    }

    async fn an_address_gets_three_codes_in_a_quarter_of_an_hour(backend: Backend) {
        let app = TestApp::start(backend);
        let mut codes = Vec::new();
        for _ in 0..3 {
            codes.push(code_for(&app, EMAIL).await);
        }
        let spellings: Vec<_> = (0..16).map(|tag| format!("Anna.Lee+{tag}@mail.example.edu")).collect();
        let more = join_all(spellings.iter().map(|email| ask(&app, email))).await;
        assert!(more.iter().all(|answer| answer.status == 202));
        // Its third code goes on holding.
        verify(&app, EMAIL, "0000-0000").await.problem(401, "unauthorized");
        let mut conn = app.connect();
        let sent: i32 = sign_in_codes::table.select(sign_in_codes::sent).first(&mut conn).unwrap();
        assert_eq!(sent, 3);
        let long_ago = Timestamp::now().plus_seconds(-901);
        diesel::update(sign_in_codes::table).set(sign_in_codes::counted_from.eq(long_ago)).execute(&mut conn).unwrap();
        let fourth = code_for(&app, EMAIL).await;
        assert_eq!(letters(&app).len(), 4);
        verify(&app, EMAIL, &codes[2]).await.problem(401, "unauthorized");
        verify(&app, EMAIL, &fourth).await.expect(200);
        // At once, too: the row counts.
        join_all((0..16).map(|_| ask(&app, "other@example.org"))).await;
        eventually("three letters", async || (letters(&app).len() >= 7).then_some(())).await;
        let sent: i32 = sign_in_codes::table.select(sign_in_codes::sent).first(&mut conn).unwrap();
        assert_eq!((sent, letters(&app).len()), (3, 7));
    }

    async fn a_university_is_known_by_its_mail_domain(backend: Backend) {
        let app = TestApp::start(backend);
        let university = |name: &str, domains: &[&str]| json!({"name": name, "country": "Peru", "alpha_two_code": "PE",
            "state-province": null, "domains": domains, "web_pages": ["https://example.org/"]});
        let list = |all: &[Value]| Value::from(all.to_vec()).to_string();
        let whole = university("Whole University", &["whole.example"]);
        let part = university("Part College", &["part.whole.example"]);
        let shared = [university("One of Two", &["shared.example"]), university("Two of Two", &["shared.example"])];
        let mut conn = app.connect();
        let mut all = vec![whole, part];
        all.extend(shared);
        universities::import::run(&mut conn, &list(&all), Timestamp::now()).unwrap();
        let of = |tokens: &Value| -> Option<UniversityId> {
            let row = participant_addresses::table.find(subject(tokens));
            row.select(participant_addresses::university_id).first(&mut app.connect()).unwrap()
        };
        let name = |id: Option<UniversityId>| {
            id.map(|id| universities::store::find(&mut app.connect(), id).unwrap().unwrap().name)
        };
        for (email, expected) in [
            ("a@whole.example", Some("Whole University")),
            ("a@Student.WHOLE.example", Some("Whole University")),
            ("a@mail.part.whole.example", Some("Part College")),
            ("a@shared.example", None),
            ("a@notwhole.example", None),
            ("a@later.example", None),
        ] {
            let email = email.parse::<sign_in::model::Address>().unwrap().to_string();
            assert_eq!(name(of(&sign_in(&app, &email).await)).as_deref(), expected, "{email}");
        }
        // One that is imported later counts from the next sign-in on.
        all.push(university("Later University", &["later.example"]));
        universities::import::run(&mut conn, &list(&all), Timestamp::now()).unwrap();
        assert_eq!(name(of(&sign_in(&app, "a@later.example").await)).as_deref(), Some("Later University"));
    }

    async fn the_database_holds_no_address_code_or_token(backend: Backend) {
        let app = TestApp::start(backend);
        let code = code_for(&app, EMAIL).await;
        let tokens = verify(&app, EMAIL, &code).await.expect(200).json();
        let waiting = code_for(&app, "waiting@mail.example.edu").await;
        let rows = dump(&mut app.connect());
        let bare = |code: &str| code.replace('-', "");
        let secrets = [
            EMAIL.to_owned(),
            "anna.lee".to_owned(),
            "waiting@".to_owned(),
            code.clone(),
            bare(&code),
            waiting.clone(),
            bare(&waiting),
            tokens["access_token"].as_str().unwrap().to_owned(),
            tokens["refresh_token"].as_str().unwrap().to_owned(),
        ];
        for secret in secrets {
            assert_eq!(holding(&rows, &secret), Vec::<String>::new());
        }
        // Nor what anyone can compute from an address.
        let plain = preceptor::auth::secrets::hash(EMAIL);
        assert!(!rows.values().flatten().any(|row| row.contains(&hex(plain))));
        // What is there is found.
        assert_eq!(holding(&rows, "sign_in.succeeded"), ["audit_events"]);
        let hashed = hex(preceptor::auth::secrets::hash(tokens["refresh_token"].as_str().unwrap()));
        assert!(rows["refresh_tokens"].iter().any(|row| row.contains(&hashed)));
    }

    async fn what_is_no_address_is_refused(backend: Backend) {
        let app = TestApp::start(backend);
        for email in ["a..b@example.edu", "a@localhost", "a@10.0.0.1", "a@example.edu."] {
            let answer = ask(&app, email).await;
            answer.problem(422, "invalid");
            assert_eq!(answer.faults(), [("#/email".to_owned(), "invalid_email".to_owned())], "{email}");
        }
        for email in ["ä@example.edu", "a@b\u{fc}cher.example", "a b@example.edu", "a\u{0}@example.edu", "", "@", "a@x@example.edu"] {
            ask(&app, email).await.problem(422, "invalid");
        }
        assert!(letters(&app).is_empty());
    }

    async fn mail_goes_to_the_server_that_is_set(backend: Backend) {
        let server = smtp::Server::start();
        let url = format!("smtp://127.0.0.1:{}", server.port);
        let app = TestApp::start_with(backend, |config| {
            config.smtp = Some(mail::Smtp::parse(&url).unwrap());
            config.mail_from = mail::sender("Preceptor <no-reply@example.net>").unwrap();
        });
        ask(&app, EMAIL).await.expect(202);
        let mail = eventually("a letter", async || server.received()).await;
        assert_eq!((mail.from.as_str(), mail.to.as_str()), ("no-reply@example.net", EMAIL));
        assert!(mail.text.contains("From: Preceptor <no-reply@example.net>\r\n"), "{}", mail.text);
        verify(&app, EMAIL, &code_in(&mail.text)).await.expect(200);
        assert!(letters(&app).is_empty());
        // What the mail server thinks of an address is not told.
        let refused = ask(&app, "refused@example.org").await;
        assert_eq!(visible(&refused), visible(&ask(&app, EMAIL).await));
        eventually("another letter", async || server.received()).await;
    }

    async fn what_has_expired_is_removed(backend: Backend) {
        let app = TestApp::start(backend);
        sign_in(&app, EMAIL).await;
        ask(&app, EMAIL).await.expect(202);
        let counts = |app: &TestApp| -> [i64; 3] {
            let conn = &mut app.connect();
            [
                sign_in_codes::table.count().get_result(conn).unwrap(),
                sessions::table.count().get_result(conn).unwrap(),
                refresh_tokens::table.count().get_result(conn).unwrap(),
            ]
        };
        let now = Timestamp::now();
        for (seconds, left) in [(601, [1, 1, 1]), (1600, [0, 1, 1]), (ABSOLUTE + 60, [0, 1, 1]), (ABSOLUTE + 3600, [0, 0, 0])] {
            sign_in::purge(&app.state.db, now.plus_seconds(seconds)).await.unwrap();
            assert_eq!(counts(&app), left, "after {seconds} s");
        }
        // One that was ended goes long before it would have expired, but stays for a day; another one stays.
        let (tokens, _) = (sign_in(&app, EMAIL).await, sign_in(&app, "other@mail.example.edu").await);
        app.client().with_token(tokens["access_token"].as_str().unwrap()).delete("/v1/me/sessions").await.expect(204);
        let now = Timestamp::now();
        for (seconds, left) in [(86_000, [0, 2, 2]), (86_500, [0, 1, 1])] {
            sign_in::purge(&app.state.db, now.plus_seconds(seconds)).await.unwrap();
            assert_eq!(counts(&app), left, "after {seconds} s");
        }
    }
}
