//! The files of the keys, and how signing keys change without a request noticing.

use std::{
    cell::{Cell, RefCell},
    fs::{self, Permissions},
    os::unix::fs::{MetadataExt, PermissionsExt},
    time::Duration,
};

use diesel::prelude::*;
use futures_util::future::{join, join_all};
use preceptor::{
    audit::{
        AuditKey, AuditKind,
        store::{Outcome, verify},
    },
    auth::{
        KeyError, Keys, Role, Tokens, Unchanged,
        principals::{self, Principal},
    },
    db::schema::audit_events,
    ids::PrincipalId,
    time::Timestamp,
};
use serde_json::Value;
use uuid::Uuid;

use crate::support::{
    Backend, Client, Setup, eventually,
    process::{ISSUER, Process, run},
};

const MINE: &str = "/v1/me/reviews";

fn kids(keys: &Keys) -> Vec<String> {
    keys.published(Timestamp::now()).into_iter().map(|key| key.kid).collect()
}

/// Runs a command that has to succeed, beside what else goes on.
async fn succeed(setup: &Setup, arguments: &[&str]) -> String {
    let (settings, arguments) = (setup.variables(), arguments.iter().map(|&word| word.to_owned()).collect::<Vec<_>>());
    // Waited for on a thread, so that requests go on.
    let output = tokio::task::spawn_blocking(move || run(&settings, &arguments)).await.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// A server, a participant, and the keys as another process sees them.
struct Scene {
    setup: Setup,
    process: Process,
    client: Client,
    tokens: Tokens,
    person: PrincipalId,
}

impl Scene {
    async fn new(backend: Backend) -> Self {
        let setup = Setup::migrated(backend);
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        let process = Process::start(&setup, &http).await;
        let keys = Keys::load_or_create(&setup.dir.path().join("data")).unwrap();
        let tokens = Tokens::new(keys, ISSUER);
        let person = PrincipalId::from_uuid(Uuid::now_v7());
        let row = Principal::new(person, Role::Participant, Timestamp::now());
        principals::insert(&mut setup.connect(), &row).unwrap();
        let client = Client::new(http, process.base.clone(), None);
        Self { setup, process, client, tokens, person }
    }

    /// A fresh token, as a process that follows the keys makes it.
    fn token(&self) -> Client {
        self.tokens.keys().reload().unwrap();
        let hour = Duration::from_hours(1);
        let token = self.tokens.issue(self.person, Role::Participant, Timestamp::now(), hour, Uuid::new_v4());
        self.client.with_token(&token.unwrap())
    }

    fn written(&self, kind: AuditKind) -> i64 {
        let mut conn = self.setup.connect();
        let query = audit_events::table.filter(audit_events::kind.eq(kind));
        query.count().get_result(&mut conn).unwrap()
    }
}

fn kid(client: &Client) -> String {
    jsonwebtoken::decode_header(client.token()).unwrap().kid.unwrap()
}

async fn published(client: &Client) -> Vec<String> {
    let set = client.get("/.well-known/jwks.json").await.expect(200).json();
    set["keys"].as_array().unwrap().iter().map(|key: &Value| key["kid"].as_str().unwrap().to_owned()).collect()
}

on_both! {
    async fn a_rotation_under_load_refuses_no_request(backend: Backend) {
        let scene = Scene::new(backend).await;
        let first = scene.token();
        first.get(MINE).await.expect(200);
        let old = kid(&first);
        let (done, answered, signers) = (Cell::new(false), Cell::new(0), RefCell::new(Vec::<String>::new()));
        let load = join_all((0..4).map(async |_| {
            while !done.get() {
                let client = scene.token();
                let answer = client.get(MINE).await;
                assert_eq!(answer.status, 200, "after {} answers: {}", answered.get(), answer.text());
                first.get(MINE).await.expect(200);
                answered.set(answered.get() + 2);
                let kid = kid(&client);
                if !signers.borrow().contains(&kid) {
                    signers.borrow_mut().push(kid);
                }
            }
        }));
        let change = async {
            succeed(&scene.setup, &["keys", "rotate", "--in", "5s", "--early"]).await;
            // Published before it signs.
            let both = eventually("the next key is published", async || {
                Some(published(&scene.client).await).filter(|kids| kids.len() == 2)
            }).await;
            assert_eq!(both[0], old);
            let next = both[1].clone();
            eventually("the next key signs", async || signers.borrow().contains(&next).then_some(())).await;
            let so_far = answered.get();
            eventually("requests go on", async || (answered.get() > so_far + 100).then_some(())).await;
            done.set(true);
            next
        };
        let (_, next) = join(load, change).await;
        assert_eq!(*signers.borrow(), [old.clone(), next.clone()], "one after the other, and none came back");
        // The first key's tokens hold, also for a server that starts now.
        first.get(MINE).await.expect(200);
        assert_eq!(published(&scene.client).await, [old, next]);
        assert_eq!(scene.written(AuditKind::KeysRotated), 1);
    }

    async fn a_retired_key_ends_its_tokens_at_once(backend: Backend) {
        let scene = Scene::new(backend).await;
        let first = scene.token();
        let old = kid(&first);
        first.get(MINE).await.expect(200);
        succeed(&scene.setup, &["keys", "rotate", "--in", "0s", "--early"]).await;
        let second = scene.token();
        assert_ne!(kid(&second), old);
        eventually("the new key is taken", async || (second.get(MINE).await.status == 200).then_some(())).await;
        // Remembered by the server, and refused all the same.
        first.get(MINE).await.expect(200);
        succeed(&scene.setup, &["keys", "retire", &old]).await;
        scene.process.signal("HUP");
        let refused = async || Some(first.get(MINE).await).filter(|answer| answer.status != 200);
        let answer = eventually("the old key's token is refused", refused).await;
        answer.problem(401, "unauthorized");
        second.get(MINE).await.expect(200);
        assert_eq!(published(&scene.client).await, [kid(&second)]);
        // The last key: another one takes its place.
        succeed(&scene.setup, &["keys", "retire", &kid(&second)]).await;
        let third = scene.token();
        eventually("the third key is taken", async || (third.get(MINE).await.status == 200).then_some(())).await;
        second.get(MINE).await.problem(401, "unauthorized");
        assert_eq!((scene.written(AuditKind::KeysRotated), scene.written(AuditKind::KeyRetired)), (1, 2));
        let key = AuditKey::derive(scene.tokens.keys().secret());
        assert!(matches!(verify(&mut scene.setup.connect(), &key), Ok(Outcome::Sound { count: 3, .. })));
        // The private halves of ended keys are gone from the disk.
        let pems = fs::read_dir(scene.setup.dir.path().join("data/keys")).unwrap();
        let pems: Vec<_> = pems.map(|entry| entry.unwrap().path()).filter(|path| path.extension().is_some_and(|e| e == "pem")).collect();
        assert_eq!(pems.len(), 1, "{pems:?}");
    }

    async fn the_command_line_tells_the_keys_and_refuses_what_would_break(backend: Backend) {
        let setup = Setup::migrated(backend);
        let words = |line: &str| line.split("  ").map(str::to_owned).collect::<Vec<_>>();
        let list = async || succeed(&setup, &["keys", "list"]).await.lines().map(words).collect::<Vec<_>>();
        let only = list().await;
        assert_eq!((only.len(), only[0][1].as_str(), only[0][3].as_str()), (1, "signs", "-"));
        for soon in ["0s", "359s"] {
            let output = run(&setup.variables(), &["keys", "rotate", "--in", soon].map(str::to_owned));
            let complaint = String::from_utf8(output.stderr).unwrap();
            assert!(!output.status.success() && complaint.contains("--early"), "{complaint}");
        }
        assert_eq!(list().await, only);
        let said = succeed(&setup, &["keys", "rotate"]).await;
        let both = list().await;
        assert_eq!((both[0][1].as_str(), both[1][1].as_str()), ("signs", "waits"));
        assert!(said.starts_with(&both[1][0]) && both[0][3] != "-");
        for arguments in [&["keys", "rotate"][..], &["keys", "retire", "unknown"], &["keys", "rotate", "--in", "soon"]] {
            let arguments: Vec<_> = arguments.iter().map(|&word| word.to_owned()).collect();
            let output = run(&setup.variables(), &arguments);
            assert!(!output.status.success() && !output.stderr.is_empty(), "{arguments:?}");
        }
        assert_eq!(list().await, both);
        // A token made now is signed by the key that signs now.
        let token = succeed(&setup, &["token", "issue", "--role", "participant"]).await;
        assert_eq!(jsonwebtoken::decode_header(token.trim()).unwrap().kid.unwrap(), both[0][0]);
    }

    async fn a_command_with_the_wrong_data_directory_makes_no_keys_and_leaves_the_log_sound(backend: Backend) {
        let setup = Setup::migrated(backend);
        // The first command on a new database makes keys.
        succeed(&setup, &["token", "issue", "--role", "admin"]).await;
        let elsewhere = setup.dir.path().join("elsewhere");
        let mut wrong = setup.variables();
        wrong.insert("PRECEPTOR_DATA_DIR".to_owned(), elsewhere.to_str().unwrap().to_owned());
        for arguments in [
            "token issue --role admin",
            "client list",
            "code issue --program some-program --start 2025-03 --end 2025-04 --count 1",
            "principal remove 0195f8a0-1c2d-7abc-8def-0123456789ab",
            "audit verify",
            "keys list",
            "keys rotate",
            "keys retire x",
        ] {
            let output = run(&wrong, &arguments.split(' ').map(str::to_owned).collect::<Vec<_>>());
            let complaint = String::from_utf8(output.stderr).unwrap();
            assert_eq!(output.status.code(), Some(1), "{arguments}: {complaint}");
            assert!(complaint.contains("there are no keys in") && complaint.lines().count() == 1, "{complaint}");
            assert!(!elsewhere.exists(), "{arguments}");
        }
        assert!(succeed(&setup, &["audit", "verify"]).await.starts_with("1 entries"));
    }
}

#[test]
fn a_rotated_directory_is_its_owners_alone_and_is_followed() {
    let dir = tempfile::tempdir().unwrap();
    let (keys, follower) = (Keys::load_or_create(dir.path()).unwrap(), Keys::load_or_create(dir.path()).unwrap());
    let now = Timestamp::now();
    assert!(!follower.reload().unwrap());
    // What is prepared and not made changes nothing.
    drop(keys.rotate(now, now).unwrap());
    assert!(!follower.reload().unwrap());
    keys.rotate(now, now.plus_seconds(600)).unwrap().commit().unwrap();
    assert!(follower.reload().unwrap() && !follower.reload().unwrap());
    assert_eq!(kids(&follower).len(), 2);
    let refused = follower.rotate(now, now);
    assert!(matches!(refused, Err(KeyError::Unchanged(Unchanged::NextWaits))));
    for entry in fs::read_dir(dir.path().join("keys")).unwrap() {
        let path = entry.unwrap().path();
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o600, "{}", path.display());
    }
    // A list that cannot be read leaves the keys in use.
    let list = dir.path().join("keys/keys.json");
    let sound = fs::read_to_string(&list).unwrap();
    for broken in ["", "{}", "{\"keys\":[]}", &sound.replace(".pem", "/../x.pem"), &sound.replace("kid", "kit")] {
        fs::write(&list, broken).unwrap();
        assert!(follower.reload().is_err(), "{broken}");
        assert_eq!(kids(&follower).len(), 2);
        assert!(Keys::load_or_create(dir.path()).is_err(), "no second set of keys is made beside a broken list");
    }
    fs::write(&list, sound).unwrap();
    follower.reload().unwrap();
    assert_eq!(kids(&Keys::load_or_create(dir.path()).unwrap()), kids(&follower));
}

#[test]
fn key_files_are_their_owners_alone_and_survive_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let first = Keys::load_or_create(dir.path()).unwrap();
    let keys = dir.path().join("keys");
    assert_eq!(fs::metadata(&keys).unwrap().mode() & 0o777, 0o700);
    let files: Vec<_> = fs::read_dir(&keys).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert_eq!(files.len(), 2, "{files:?}");
    for file in &files {
        assert_eq!(fs::metadata(file).unwrap().mode() & 0o777, 0o600, "{}", file.display());
    }
    let second = Keys::load_or_create(dir.path()).unwrap();
    assert_eq!((kids(&first), first.secret()), (kids(&second), second.secret()));

    for file in &files {
        for mode in [0o644, 0o640, 0o602] {
            fs::set_permissions(file, Permissions::from_mode(mode)).unwrap();
            assert!(matches!(Keys::load_or_create(dir.path()), Err(KeyError::Exposed(_))), "{mode:o}");
        }
        fs::set_permissions(file, Permissions::from_mode(0o600)).unwrap();
        let whole = fs::read(file).unwrap();
        fs::write(file, "").unwrap();
        assert!(matches!(Keys::load_or_create(dir.path()), Err(KeyError::Unusable(_))));
        fs::write(file, whole).unwrap();
    }
    assert!(Keys::load_or_create(dir.path()).is_ok());
}
