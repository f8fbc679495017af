//! The binary as people run it.

use std::{
    collections::BTreeMap,
    net::TcpListener,
    process::{Child, ChildStderr, Command, Output, Stdio},
    time::{Duration, Instant},
};

use super::Setup;

/// The issuer of the tokens of a [`Process`].
pub const ISSUER: &str = "http://preceptor.test";

/// Runs a command to its end.
pub fn run(settings: &BTreeMap<String, String>, arguments: &[String]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_preceptor"));
    command.args(arguments).envs(settings).env("PRECEPTOR_LOG", "error").stdin(Stdio::null());
    command.output().unwrap()
}

/// The service as a process of its own. It ends with this value.
pub struct Process {
    child: Child,
    pub base: String,
}

impl Process {
    pub async fn start(setup: &Setup, http: &reqwest::Client) -> Self {
        Self::start_with(setup, http, |_| {}).await
    }

    pub async fn start_with(setup: &Setup, http: &reqwest::Client, change: impl FnOnce(&mut Command)) -> Self {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let base = format!("http://127.0.0.1:{port}");
        let mut command = Command::new(env!("CARGO_BIN_EXE_preceptor"));
        command.arg("serve").envs(setup.variables()).env("PRECEPTOR_BIND", format!("127.0.0.1:{port}"));
        command.env("PRECEPTOR_PUBLIC_URL", ISSUER).env("PRECEPTOR_LOG", "error");
        command.stdin(Stdio::null()).stdout(Stdio::null());
        change(&mut command);
        let start = Instant::now();
        let mut process = Self { child: command.spawn().unwrap(), base };
        let ready = format!("{}/readyz", process.base);
        while !http.get(&ready).send().await.is_ok_and(|answer| answer.status() == 200) {
            assert!(process.child.try_wait().unwrap().is_none(), "the service did not start");
            assert!(start.elapsed() < Duration::from_secs(10), "the service takes too long to start");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        process
    }

    /// Sends it a signal by name.
    pub fn signal(&self, name: &str) {
        let status = Command::new("kill").arg(format!("-{name}")).arg(self.child.id().to_string()).status().unwrap();
        assert!(status.success());
    }

    /// What it writes there, if that was made a pipe.
    pub fn stderr(&mut self) -> ChildStderr {
        self.child.stderr.take().unwrap()
    }

    /// SIGKILL: no destructor runs, no buffer is written out.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
