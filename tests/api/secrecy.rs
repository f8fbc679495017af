//! No secret and no address in the database or in the log at its most talkative, whichever door it was used at.

use std::{fs, process::Stdio, time::Duration};

use preceptor::auth::{Keys, Role, Tokens};
use serde_json::{Value, json};

use crate::{
    cohorts::university,
    sign_in::{code_in, letters_in},
    support::{
        Answer, Backend, Client, TestApp, builders,
        dump::{dump, holding},
        eventually,
        process::{ISSUER, Process, run},
        send,
    },
};

const EMAIL: &str = "mira.okafor+walk@mail.example.edu";

/// What must stand nowhere.
#[derive(Default)]
struct Secrets(Vec<String>);

impl Secrets {
    fn keep(&mut self, secret: impl Into<String>) -> String {
        let secret = secret.into();
        assert!(secret.len() >= 8, "{secret}");
        self.0.push(secret.clone());
        secret
    }

    /// Keeps the tokens of an answer.
    fn tokens(&mut self, answer: &Answer) -> Value {
        let tokens = answer.json();
        for member in ["access_token", "refresh_token"] {
            if let Some(token) = tokens[member].as_str() {
                self.keep(token);
            }
        }
        tokens
    }
}

async fn form(client: &Client, path: &str, credentials: Option<(&str, &str)>, fields: &str) -> Answer {
    let request = client.bare("POST", path).header("content-type", "application/x-www-form-urlencoded");
    let request = match credentials {
        Some((id, secret)) => request.basic_auth(id, Some(secret)),
        None => request,
    };
    send(request.body(fields.to_owned())).await
}

on_both! {
    async fn no_secret_stands_in_the_database_or_in_the_log(backend: Backend) {
        let app = TestApp::start(backend);
        let made = builders::listed(&app, "secret").await;
        let admin_id = app.admin().await.id.unwrap();
        let (university, university_id) = university(&app, 0).await;
        let setup = app.stop();
        let data_dir = setup.dir.path().join("data");
        let log = setup.dir.path().join("log");
        let tokens = Tokens::new(Keys::load_or_create(&data_dir).unwrap(), ISSUER);
        let mut secrets = Secrets::default();
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        let process = Process::start_with(&setup, &http, |command| {
            command.env("PRECEPTOR_LOG", "trace").stderr(Stdio::from(fs::File::create(&log).unwrap()));
        })
        .await;
        let anyone = Client::new(http.clone(), process.base.clone(), None);
        let now = preceptor::time::Timestamp::now();
        let token = tokens.issue(admin_id, Role::Admin, now, Duration::from_hours(1), uuid::Uuid::new_v4()).unwrap();
        let admin = anyone.with_token(&secrets.keep(token));

        // A service client: both secrets, a token, what can be asked of it and done to it, and what is refused.
        let body = json!({"name": "A site", "role": "frontend", "scopes": ["frontend"]});
        let client = admin.post("/v1/clients", &body).await.expect(201);
        let (path, id) = (client.header("location").to_owned(), client.json()["id"].as_str().unwrap().to_owned());
        let first = secrets.keep(client.json()["secret"].as_str().unwrap());
        let more = admin.post(&format!("{path}/secrets"), &json!({})).await.expect(201);
        let second = secrets.keep(more.json()["secret"].as_str().unwrap());
        for secret in [&first, &second] {
            let answer = form(&anyone, "/oauth/token", Some((&id, secret)), "grant_type=client_credentials").await.expect(200);
            let token = secrets.tokens(&answer)["access_token"].as_str().unwrap().to_owned();
            anyone.with_token(&token).get("/v1/me").await.expect(200);
            let fields = format!("token={token}");
            form(&anyone, "/oauth/introspect", Some((&id, secret)), &fields).await.expect(200);
            form(&anyone, "/oauth/revoke", None, &fields).await.expect(200);
            anyone.with_token(&token).get("/v1/me").await.problem(401, "unauthorized");
        }
        let other_end = if first.ends_with('0') { '1' } else { '0' };
        let wrong = secrets.keep(format!("{}{other_end}", &first[..first.len() - 1]));
        form(&anyone, "/oauth/token", Some((&id, &wrong)), "grant_type=client_credentials").await.expect(401);

        // A participant by e-mail, with a refresh, and with a wrong code.
        anyone.post("/v1/sign-in", &json!({"email": secrets.keep(EMAIL)})).await.expect(202);
        let letter = eventually("a letter", async || letters_in(&data_dir).pop()).await;
        let code = secrets.keep(code_in(&letter));
        secrets.keep(code.replace('-', ""));
        secrets.keep("mira.okafor");
        let verify = async |code: &str| anyone.post("/v1/sign-in/verify", &json!({"email": EMAIL, "code": code})).await;
        verify("0000-0001").await.problem(401, "unauthorized");
        let signed_in = secrets.tokens(&verify(&code).await.expect(200));
        let refresh = signed_in["refresh_token"].as_str().unwrap();
        let fields = format!("grant_type=refresh_token&refresh_token={refresh}");
        let renewed = secrets.tokens(&form(&anyone, "/oauth/token", None, &fields).await.expect(200));
        let participant = anyone.with_token(renewed["access_token"].as_str().unwrap());
        participant.post(&format!("{}/reviews", made.path), &builders::review(4)).await.expect(201);
        // What a participant writes for a university, which reads it.
        let asked = json!({"program": made.program_id, "period": {"start_month": "2025-03", "end_month": "2025-04"},
            "university": university_id, "statement": secrets.keep("Mira Okafor, student number 40172")});
        let request = participant.post("/v1/me/confirmation-requests", &asked).await.expect(201).header("location").to_owned();
        participant.get("/v1/me/export").await.expect(200);
        let token = tokens.issue(university.id.unwrap(), Role::University, now, Duration::from_hours(1), uuid::Uuid::new_v4());
        let university = anyone.with_token(&secrets.keep(token.unwrap()));
        university.get(&request).await.expect(200);
        let reason = secrets.keep("That student was with us in spring.");
        let decision = json!({"action": "confirm", "reason": reason});
        university.post(&format!("{request}/decisions"), &decision).await.expect(200);
        let cohort = json!({"program": made.program_id, "period": asked["period"], "size": 2});
        for code in university.post("/v1/cohorts", &cohort).await.expect(201).json()["codes"].as_array().unwrap() {
            secrets.keep(code.as_str().unwrap());
        }

        // A participant by a code, used twice.
        let arguments = ["code", "issue", "--program", &made.program_id, "--start", "2025-03", "--end", "2025-04", "--count", "1"];
        let issued = run(&setup.variables(), &arguments.map(str::to_owned));
        assert!(issued.status.success(), "{}", String::from_utf8_lossy(&issued.stderr));
        let code = secrets.keep(String::from_utf8(issued.stdout).unwrap().trim());
        let redeem = async || anyone.post("/v1/participation-codes/redemption", &json!({"code": code})).await;
        let first = secrets.tokens(&redeem().await.expect(200));
        let again = secrets.tokens(&redeem().await.expect(200));
        assert_eq!(again["refresh_token"], first["refresh_token"]);
        process.kill();

        let log = fs::read_to_string(&log).unwrap();
        assert!(log.contains("/v1/sign-in/verify") && log.contains("/oauth/token"), "the log tells of the requests");
        let dump = dump(&mut setup.connect());
        assert!(dump["sessions"].len() == 2 && dump["idempotency_keys"].len() >= 3, "the database was used");
        for secret in &secrets.0 {
            assert_eq!(log.lines().find(|line| line.contains(secret)), None, "{secret} in the log");
            assert_eq!(holding(&dump, secret), [""; 0], "{secret} in the database");
        }
        assert!(secrets.0.len() >= 14, "{}", secrets.0.len());
    }
}
