//! The walk-throughs of the README and of docs/moderation.md, run as they stand: only the address and the way to call the
//! binary are put in.

use std::{
    collections::BTreeSet,
    fs,
    io::{BufRead, BufReader},
    net::TcpListener,
    path::Path,
    process::{Child, Command, Stdio},
};

use serde_json::Value;

use crate::support::{Backend, Setup};

/// The server is killed however the test ends.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The first shell block after the marker.
fn lines(page: &str) -> String {
    let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(page)).unwrap();
    let after = text.split("<!-- walk-through -->").nth(1).expect("the page marks its walk-through");
    let block = after.split("```sh\n").nth(1).and_then(|rest| rest.split("```").next());
    block.expect("a shell block follows the mark").to_owned()
}

on_both! {
    async fn the_walk_through_works_as_written(backend: Backend) {
        let answers = walk(&Setup::empty(backend), "README.md");
        let [list, before, review, triaged, substantiated, after] = answers.as_slice() else {
            panic!("six answers: {answers:#?}")
        };
        assert_eq!(list["data"][0]["slug"], "kestrel-internal-medicine-kumasi");
        assert_eq!(
            (&before["verdict"], &before["reasons"][0]["code"]),
            (&"meets_standard".into(), &"every_criterion_met".into())
        );
        assert!(before["holds_until"].is_string());
        assert_eq!(review["status"], "published");
        assert_eq!(triaged["status"], "in_triage");
        assert_eq!(substantiated["status"], "substantiated");
        assert_eq!(after["verdict"], "not_recommended");
        assert_eq!(after["reasons"][0]["report_ids"][0], substantiated["id"]);
    }

    async fn the_walk_through_for_moderators_works_as_written(backend: Backend) {
        let answers = walk(&Setup::empty(backend), "docs/moderation.md");
        let [
            queue, held, rejected, claimed, read, refused, taken_up, asked, unheard, questions, answered, found, proposed,
            confirmed, case, appeals, upheld, batch, record, figures,
        ] = answers.as_slice()
        else {
            panic!("twenty answers: {answers:#?}")
        };
        let waits = |item: &Value| queue["data"].as_array().unwrap().iter().any(|one| one["id"] == item["id"]);
        let kinds: BTreeSet<_> =
            queue["data"].as_array().unwrap().iter().map(|item| item["kind"].as_str().unwrap()).collect();
        for kind in ["appeal", "red_flag_report", "review", "review_case"] {
            assert!(kinds.contains(kind), "{kind}: {queue}");
        }
        assert_eq!(held["data"][0]["held_reasons"][0]["check"], "personal_data");
        assert_eq!((&rejected["id"], &rejected["status"]), (&held["data"][0]["id"], &"rejected".into()));
        assert!(waits(claimed) && claimed["claimed_by_me"] == true, "{claimed}");
        assert_eq!((&read["id"], &read["status"]), (&claimed["id"], &"submitted".into()));
        assert_eq!((&refused["status"], &taken_up["status"]), (&409.into(), &"in_triage".into()));
        assert_eq!((&asked["status"], &unheard["status"]), (&"in_triage".into(), &409.into()));
        assert_eq!((&questions["data"][0]["id"], &answered["id"]), (&read["id"], &read["id"]));
        assert_eq!(found["status"], "substantiated");
        assert_eq!((&proposed["status"], &proposed["proposal"]["action"]), (&"substantiated".into(), &"remediate".into()));
        assert_eq!((&confirmed["status"], &confirmed["proposal"]), (&"remediated".into(), &Value::Null));
        assert_eq!((&case["status"], &case["outcome"]), (&"closed".into(), &"kept".into()));
        assert_eq!((&upheld["id"], &upheld["status"]), (&appeals["data"][0]["id"], &"upheld".into()));
        assert_eq!(upheld["effect"], "reversed");
        assert_eq!(batch["results"][0]["status"], 200);
        let ruled: BTreeSet<_> =
            record["data"].as_array().unwrap().iter().map(|one| one["action"].as_str().unwrap()).collect();
        assert_eq!(ruled, BTreeSet::from(["deny", "uphold"]));
        assert!(figures["kinds"].is_array(), "{figures}");
    }
}

/// The answers of the page's commands that are JSON objects.
fn walk(setup: &Setup, page: &str) -> Vec<Value> {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let binary = env!("CARGO_BIN_EXE_preceptor");
    let address = format!("127.0.0.1:{port}");
    let mut settings = setup.variables();
    settings.insert("PRECEPTOR_BIND".to_owned(), address.clone());
    settings.insert("PRECEPTOR_LOG".to_owned(), "warn".to_owned());
    let mut server = Running(Command::new(binary).arg("demo").envs(&settings).stdout(Stdio::piped()).spawn().unwrap());
    let mut greeting = BufReader::new(server.0.stdout.take().unwrap()).lines();
    // It prints once the port is open.
    assert!(greeting.next().unwrap().unwrap().contains(&address));

    let script: String = lines(page)
        .lines()
        .map(|line| match line {
            _ if line.starts_with("B=") => format!("B=http://{address}\n"),
            _ if line.starts_with("preceptor()") => format!("preceptor() {{ {binary} \"$@\"; }}\n"),
            _ => format!("{line}\n"),
        })
        .collect();
    // One answer per line, so that each can be read by itself.
    let script = format!("set -eu\ncurl() {{ command curl \"$@\"; echo; }}\n{script}");
    let output = Command::new("bash").arg("-c").arg(&script).envs(&settings).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout)
        .unwrap()
        .lines()
        .filter(|line| line.starts_with('{'))
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}
