//! What the service cannot help: a second server, another schema, a full disk, a database that goes
//! away.

use std::{
    io::{Read, Write},
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    process::{Command, Stdio},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use diesel::connection::SimpleConnection;
use futures_util::future::join_all;
use preceptor::{
    auth::principals,
    db::{Db, Options, migrations},
    http::ProblemCode,
};
use serde_json::json;

use crate::{
    storage::{code, count, moderator, text, write},
    support::{self, Backend, Client, Setup, TestApp, eventually},
};

/// The release's own binary on this database, at an address of its own.
fn binary(setup: &Setup, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_preceptor"));
    command.args(arguments).envs(setup.variables()).env("PRECEPTOR_BIND", "127.0.0.1:0");
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Runs a command that must fail, and returns what it says.
fn refusal(command: &mut Command) -> String {
    let done = command.output().unwrap();
    assert_eq!(done.status.code(), Some(1), "{done:?}");
    String::from_utf8_lossy(&done.stderr).into_owned()
}

on_both! {
    async fn a_schema_of_another_release_is_refused(backend: Backend) {
        let setup = Setup::empty(backend);
        let old = refusal(binary(&setup, &["serve"]).env("PRECEPTOR_MIGRATE_ON_START", "off"));
        assert!(old.contains("preceptor migrate"), "{old}");
        let done = binary(&setup, &["migrate"]).output().unwrap();
        assert!(done.status.success(), "{done:?}");

        let mut conn = setup.connect();
        migrations::check(&mut conn).unwrap();
        conn.batch_execute("INSERT INTO __diesel_schema_migrations (version) VALUES ('29990101000001')").unwrap();
        for arguments in [["serve"].as_slice(), &["migrate"], &["rebuild"], &["token", "issue", "--role", "admin"]] {
            let new = refusal(&mut binary(&setup, arguments));
            assert!(new.contains("29990101000001"), "{arguments:?}: {new}");
        }
    }
}

#[test]
fn a_second_server_on_one_sqlite_file_is_refused() {
    let setup = Setup::migrated(Backend::Sqlite);
    let mut first = binary(&setup, &["serve"]).env("PRECEPTOR_LOG", "info").spawn().unwrap();
    // Its first words come after it has the lock.
    let mut word = [0];
    first.stderr.as_mut().unwrap().read_exact(&mut word).unwrap();
    let said = refusal(&mut binary(&setup, &["serve"]));
    assert!(said.contains("another preceptor server"), "{said}");
    // Commands are not servers.
    assert!(binary(&setup, &["rebuild", "--check"]).output().unwrap().status.success());
    first.kill().unwrap();
    first.wait().unwrap();
    // The lock ends with its holder, however that ended.
    let mut third = binary(&setup, &["serve"]).env("PRECEPTOR_LOG", "info").spawn().unwrap();
    third.stderr.as_mut().unwrap().read_exact(&mut word).unwrap();
    assert!(third.try_wait().unwrap().is_none());
    third.kill().unwrap();
    third.wait().unwrap();
}

#[test]
fn a_full_disk_is_503_and_writes_resume_when_there_is_room() {
    support::run(Backend::Sqlite, async |backend| {
        let app = TestApp::start(backend);
        let db = &app.state.db;
        let row = moderator();
        let pages = db.write(|conn| count(conn, "SELECT page_count FROM pragma_page_count")).await.unwrap();
        // A pragma of the one writing connection.
        write(db, format!("PRAGMA max_page_count = {pages}")).await.unwrap();
        let fill = "WITH RECURSIVE n (i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 20000) \
            INSERT INTO principals (id, role, tokens_valid_from, created_at) \
            SELECT randomblob(16), 'admin', 0, 0 FROM n";
        let error = write(db, fill).await.unwrap_err();
        assert_eq!(code(&error), ProblemCode::Unavailable, "{error:?}");
        app.client().get("/readyz").await.expect(200);
        let all = "SELECT count(*) FROM principals";
        assert_eq!(db.read(move |conn| count(conn, all)).await.unwrap(), 0);
        write(db, "PRAGMA max_page_count = 1000000").await.unwrap();
        db.write(move |conn| Ok(principals::insert(conn, &row)?)).await.unwrap();
        assert_eq!(db.read(|conn| text(conn, "SELECT * FROM pragma_integrity_check")).await.unwrap(), "ok");
    });
}

/// Stands between the service and the database, and can go down.
struct Line {
    address: SocketAddr,
    up: Arc<AtomicBool>,
    open: Arc<Mutex<Vec<TcpStream>>>,
}

impl Line {
    fn to(target: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (up, open) = (Arc::new(AtomicBool::new(true)), Arc::new(Mutex::new(Vec::new())));
        let (is_up, opened) = (Arc::clone(&up), Arc::clone(&open));
        thread::spawn(move || {
            for near in listener.incoming().flatten() {
                if !is_up.load(Ordering::SeqCst) {
                    continue;
                }
                let far = TcpStream::connect(&target).unwrap();
                for (mut from, mut to) in [(near.try_clone(), far.try_clone()), (far.try_clone(), near.try_clone())]
                    .map(|(from, to)| (from.unwrap(), to.unwrap()))
                {
                    thread::spawn(move || copy(&mut from, &mut to));
                }
                opened.lock().unwrap().extend([near, far]);
            }
        });
        Self { address, up, open }
    }

    fn set(&self, up: bool) {
        self.up.store(up, Ordering::SeqCst);
        if !up {
            for stream in self.open.lock().unwrap().drain(..) {
                let _ = stream.shutdown(Shutdown::Both);
            }
        }
    }
}

fn copy(from: &mut TcpStream, to: &mut TcpStream) {
    let mut buffer = vec![0; 65536];
    while let Ok(count @ 1..) = from.read(&mut buffer) {
        if to.write_all(&buffer[..count]).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Both);
}

#[test]
fn postgres_down_is_503_and_up_again_is_soon_200() {
    if support::postgres::server().is_none() {
        support::postgres::say_skipped("postgres_down_is_503_and_up_again_is_soon_200");
        return;
    }
    support::run(Backend::Postgres, async |backend| {
        let mut setup = Setup::migrated(backend);
        let host = setup.url.split('@').nth(1).unwrap().split('/').next().unwrap().to_owned();
        let line = Line::to(host.clone());
        setup.url = setup.url.replace(&host, &line.address.to_string());
        let app = TestApp::on(setup, |_| {});
        let (client, participant) = (app.client(), app.participant().await);
        client.get("/v1/programs").await.expect(200);

        line.set(false);
        let unavailable = async |client: &Client, path: &str, most: u64| {
            let start = Instant::now();
            let answer = client.get(path).await;
            answer.problem(503, "unavailable");
            assert!(answer.header("retry-after").parse::<u64>().is_ok());
            assert!(start.elapsed() < Duration::from_secs(most), "{path}: {:?}", start.elapsed());
        };
        unavailable(&client, "/readyz", 2).await;
        unavailable(&client, "/v1/programs", 6).await;
        unavailable(&participant, "/v1/me/reviews", 6).await;
        // No pile-up: many at once are answered within the time that one takes, and liveness at once.
        let many = join_all((0..40).map(|_| unavailable(&client, "/v1/programs", 10)));
        let alive = async {
            tokio::time::sleep(Duration::from_millis(500)).await;
            let start = Instant::now();
            client.get("/livez").await.expect(200);
            assert!(start.elapsed() < Duration::from_millis(500));
        };
        futures_util::future::join(many, alive).await;

        line.set(true);
        let start = Instant::now();
        eventually("recovery", async || {
            (client.get("/readyz").await.status == 200 && client.get("/v1/programs").await.status == 200).then_some(())
        })
        .await;
        assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
    });
}

#[test]
fn an_unreachable_database_ends_the_start_with_one_sentence() {
    let nowhere = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let mut setup = Setup::empty(Backend::Sqlite);
    setup.url = format!("postgres://user:geheim@{nowhere}/none");
    let said = refusal(&mut binary(&setup, &["serve"]));
    assert!(said.contains("cannot open the database") && !said.contains("geheim"), "{said}");
    let options = Options { engine: setup.engine(), replica: None, pool_size: 1 };
    assert!(Db::open(options).is_err());
}

#[test]
fn sigterm_fails_readiness_first_and_loses_no_request() {
    support::run(Backend::Sqlite, async |backend| {
        let setup = Setup::migrated(backend);
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let mut command = binary(&setup, &["serve"]);
        command.env("PRECEPTOR_BIND", address.to_string()).env("PRECEPTOR_DRAIN_SECONDS", "1");
        let mut server = command.env("PRECEPTOR_LOG", "error").spawn().unwrap();
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        let client = Client::new(http.clone(), format!("http://{address}"), None);
        let status = async |path: &str| {
            http.get(format!("http://{address}{path}")).send().await.ok().map(|answer| answer.status().as_u16())
        };
        eventually("readiness", async || (status("/readyz").await == Some(200)).then_some(())).await;
        let end = Command::new("kill").args(["-TERM", &server.id().to_string()]).status().unwrap();
        assert!(end.success());
        eventually("draining", async || (status("/readyz").await == Some(503)).then_some(())).await;
        let components = client.get("/readyz").await.problem(503, "unavailable")["components"].clone();
        assert_eq!(components[0], json!({ "name": "process", "status": "failing" }));
        assert_eq!(components[1], json!({ "name": "database", "status": "ok" }));
        client.get("/livez").await.expect(200);
        client.get("/v1/programs").await.expect(200);
        assert!(server.wait().unwrap().success());
    });
}
