//! What the log of a whole process holds, at its most talkative.

use std::{
    fs::File,
    net::TcpListener,
    process::{Child, Command, Stdio},
};

use serde_json::{Value, json};

use super::{EMAIL, code_in, letters_in};
use crate::support::{Backend, Client, Setup, eventually};

/// Ends with this value.
struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

on_both! {
    async fn it_holds_no_address_code_or_token(backend: Backend) {
        let setup = Setup::migrated(backend);
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let log = setup.dir.path().join("log");
        let mut command = Command::new(env!("CARGO_BIN_EXE_preceptor"));
        command.arg("serve").envs(setup.variables()).env("PRECEPTOR_BIND", format!("127.0.0.1:{port}"));
        command.env("PRECEPTOR_LOG", "trace").stdout(Stdio::null()).stderr(File::create(&log).unwrap());
        let process = Process(command.spawn().unwrap());
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        let client = Client::new(http.clone(), format!("http://127.0.0.1:{port}"), None);
        let ready = format!("http://127.0.0.1:{port}/readyz");
        eventually("the start", async || http.get(&ready).send().await.ok().filter(|answer| answer.status() == 200)).await;

        client.post("/v1/sign-in", &json!({"email": EMAIL})).await.expect(202);
        let data_dir = setup.dir.path().join("data");
        let letter = eventually("a letter", async || letters_in(&data_dir).pop()).await;
        let code = code_in(&letter);
        let verify = async |code: &str| client.post("/v1/sign-in/verify", &json!({"email": EMAIL, "code": code})).await;
        verify("0000-0001").await.problem(401, "unauthorized");
        let tokens: Value = verify(&code).await.expect(200).json();
        let access = tokens["access_token"].as_str().unwrap();
        client.with_token(access).get("/v1/me/reviews").await.expect(200);
        let unknown = "pct_pc_000000000000000000000000000000002a93qr";
        client.post("/v1/participation-codes/redemption", &json!({"code": unknown})).await.problem(404, "not_found");
        drop(process);

        let log = std::fs::read_to_string(&log).unwrap();
        assert!(log.contains("/v1/sign-in/verify"), "the log tells of the requests");
        let bare = code.replace('-', "");
        for secret in [EMAIL, "anna.lee", &code, &bare, access, tokens["refresh_token"].as_str().unwrap(), unknown] {
            let line = log.lines().find(|line| line.contains(secret));
            assert_eq!(line, None, "{secret}");
        }
    }
}
