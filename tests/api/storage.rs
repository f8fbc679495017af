//! The store under strain: settings, groups of writes, locks, faults, a database that goes away.

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

use diesel::{connection::SimpleConnection, dsl::sql, prelude::*, sql_types::{BigInt, Text}};
use futures_util::future::join_all;
use preceptor::{
    auth::{Role, principals::{self, Principal}},
    db::{Conn, Db, Options, migrations},
    http::{Error, ProblemCode},
    ids::PrincipalId,
    on_each_backend,
    time::Timestamp,
};
use uuid::Uuid;

use crate::support::{Backend, Client, Setup, TestApp, eventually};

fn text(conn: &mut Conn, query: &str) -> Result<String, Error> {
    Ok(on_each_backend!(conn, |c| sql::<Text>(query).get_result(c))?)
}

fn count(conn: &mut Conn, query: &str) -> Result<i64, Error> {
    Ok(on_each_backend!(conn, |c| sql::<BigInt>(query).get_result(c))?)
}

fn code(error: &Error) -> ProblemCode {
    let problem = serde_json::to_value(error.problem()).unwrap();
    let status = u16::try_from(problem["status"].as_u64().unwrap()).unwrap();
    *ProblemCode::ALL.iter().find(|code| code.status().as_u16() == status).unwrap()
}

/// `sql` as a write of the store.
async fn write(db: &Db, sql: impl Into<String>) -> Result<(), Error> {
    let sql = sql.into();
    db.write(move |conn| Ok(conn.batch_execute(&sql)?)).await
}

fn moderator() -> Principal {
    Principal::new(PrincipalId::from_uuid(Uuid::now_v7()), Role::Moderator, Timestamp::now())
}

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
    async fn connections_have_their_settings(backend: Backend) {
        let app = TestApp::start(backend).await;
        let both: &[(&str, &str)] = match backend {
            Backend::Sqlite => &[
                ("journal_mode", "wal"), ("synchronous", "2"), ("foreign_keys", "1"), ("trusted_schema", "0"),
                ("busy_timeout", "5000"), ("temp_store", "2"),
            ],
            Backend::Postgres => &[
                ("application_name", "preceptor"), ("statement_timeout", "10s"), ("lock_timeout", "5s"),
                ("idle_in_transaction_session_timeout", "15s"), ("synchronous_commit", "on"), ("TimeZone", "UTC"),
            ],
        };
        let query = move |name: &str| match backend {
            Backend::Sqlite => format!("SELECT CAST((SELECT * FROM pragma_{name}) AS TEXT)"),
            Backend::Postgres => format!("SELECT current_setting('{name}')"),
        };
        for (name, wanted) in both {
            let written = app.state.db.write(move |conn| text(conn, &query(name))).await.unwrap();
            assert_eq!(written, *wanted, "{name} of the writer");
            // On a reader, synchronous does not count.
            if *name != "synchronous" {
                let read = app.state.db.read(move |conn| text(conn, &query(name))).await.unwrap();
                assert_eq!(read, *wanted, "{name} of a reader");
            }
        }
        let (name, writer, reader) = match backend {
            Backend::Sqlite => ("query_only", "0", "1"),
            Backend::Postgres => ("transaction_read_only", "off", "on"),
        };
        assert_eq!(app.state.db.write(move |conn| text(conn, &query(name))).await.unwrap(), writer);
        assert_eq!(app.state.db.read(move |conn| text(conn, &query(name))).await.unwrap(), reader);
        assert_eq!(app.state.db.scan(move |conn| text(conn, &query(name))).await.unwrap(), reader);
    }

    async fn a_read_cannot_write(backend: Backend) {
        let app = TestApp::start(backend).await;
        let row = moderator();
        let id = row.id;
        let other = row.clone();
        let insert = move |conn: &mut Conn| Ok(principals::insert(conn, &row)?);
        assert!(app.state.db.read(insert).await.is_err());
        let insert = move |conn: &mut Conn| {
            if backend == Backend::Sqlite {
                conn.batch_execute("PRAGMA query_only = OFF")?;
            }
            Ok(principals::insert(conn, &other)?)
        };
        assert!(app.state.db.scan(insert).await.is_err());
        let found = app.state.db.read(move |conn| Ok(principals::find(conn, id)?)).await.unwrap();
        assert!(found.is_none());
    }

    async fn a_write_that_fails_or_panics_leaves_nothing_and_its_neighbours_alone(backend: Backend) {
        let app = TestApp::start(backend).await;
        // While the first one takes its time, the others gather in one group behind it.
        let slow = app.state.db.write(|_| {
            thread::sleep(Duration::from_millis(100));
            Ok(())
        });
        let writes = (0..60).map(|number| {
            let row = moderator();
            let id = row.id;
            let write = app.state.db.write(move |conn| {
                principals::insert(conn, &row)?;
                match number % 6 {
                    1 => Err(Error::Conflict("on purpose".to_owned())),
                    2 => panic!("on purpose"),
                    // A violation, which PostgreSQL answers by abandoning the transaction.
                    3 => Ok(principals::insert(conn, &row)?),
                    _ => Ok(()),
                }
            });
            async move { (number, id, write.await) }
        });
        let (first, done) = futures_util::future::join(slow, join_all(writes)).await;
        first.unwrap();
        for (number, id, result) in done {
            let answered = result.as_ref().err().map(code);
            let wanted = match number % 6 {
                1 | 3 => Some(ProblemCode::Conflict),
                2 => Some(ProblemCode::InternalError),
                _ => None,
            };
            assert_eq!(answered, wanted, "write {number}: {result:?}");
            let found = app.state.db.read(move |conn| Ok(principals::find(conn, id)?)).await.unwrap();
            assert_eq!(found.is_some(), result.is_ok(), "write {number}");
        }
    }

    async fn a_read_sees_one_moment(backend: Backend) {
        let app = TestApp::start(backend).await;
        let db = app.state.db.clone();
        let (started, wait) = std::sync::mpsc::channel();
        let (resume, resumed) = std::sync::mpsc::channel::<()>();
        let all = "SELECT count(*) FROM principals";
        let reading = tokio::spawn(async move {
            db.scan(move |conn| {
                let before = count(conn, all)?;
                started.send(()).unwrap();
                resumed.recv().unwrap();
                Ok((before, count(conn, all)?))
            })
            .await
        });
        tokio::task::spawn_blocking(move || wait.recv().unwrap()).await.unwrap();
        app.participant().await;
        resume.send(()).unwrap();
        let (before, after) = reading.await.unwrap().unwrap();
        assert_eq!(before, after);
        assert_eq!(app.state.db.read(move |conn| count(conn, all)).await.unwrap(), before + 1);
    }

    async fn sixty_four_writers_never_see_an_error(backend: Backend) {
        let app = TestApp::start(backend).await;
        let counter = moderator();
        let id = counter.id;
        app.state.db.write(move |conn| Ok(principals::insert(conn, &counter)?)).await.unwrap();
        let hex = id.as_uuid().simple().to_string();
        let id = if backend == Backend::Sqlite { format!("x'{hex}'") } else { format!("'\\x{hex}'") };
        let add = format!("UPDATE principals SET created_at = created_at + 1 WHERE id = {id}");
        let value = format!("SELECT created_at FROM principals WHERE id = {id}");
        let read = value.clone();
        let start = app.state.db.read(move |conn| count(conn, &read)).await.unwrap();
        let writers = (0..64).map(|_| {
            let (db, add) = (app.state.db.clone(), add.clone());
            async move {
                for _ in 0..50 {
                    let (row, add) = (moderator(), add.clone());
                    let write = db.write(move |conn| {
                        principals::insert(conn, &row)?;
                        Ok(conn.batch_execute(&add)?)
                    });
                    write.await.unwrap();
                }
            }
        });
        join_all(writers).await;
        let end = app.state.db.read(move |conn| count(conn, &value)).await.unwrap();
        assert_eq!(end - start, 64 * 50);
        let all = "SELECT count(*) FROM principals";
        assert_eq!(app.state.db.read(move |conn| count(conn, all)).await.unwrap(), 64 * 50 + 1);
    }

    async fn each_kind_of_database_error_has_its_status(backend: Backend) {
        let app = TestApp::start(backend).await;
        let sqlite = backend == Backend::Sqlite;
        let bytes = |number: u8| {
            let hex = format!("{number:02x}").repeat(16);
            if sqlite { format!("x'{hex}'") } else { format!("'\\x{hex}'") }
        };
        let insert = |id: String, role: &str, provider: &str, from: &str| {
            format!(
                "INSERT INTO principals (id, role, provider_id, tokens_valid_from, created_at) \
                 VALUES ({id}, '{role}', {provider}, {from}, 0)"
            )
        };
        let db = &app.state.db;
        write(db, insert(bytes(1), "admin", "NULL", "0")).await.unwrap();
        for (what, sql, wanted) in [
            ("unique", insert(bytes(1), "admin", "NULL", "0"), ProblemCode::Conflict),
            ("foreign key", insert(bytes(2), "provider", &bytes(9), "0"), ProblemCode::Conflict),
            ("check", insert(bytes(3), "king", "NULL", "0"), ProblemCode::Invalid),
            ("not null", insert(bytes(4), "admin", "NULL", "NULL"), ProblemCode::Invalid),
            ("out of range", insert(bytes(5), "admin", "NULL", "9223372036854775807 + 1"), ProblemCode::Invalid),
            ("no such table", "SELECT * FROM nothing".to_owned(), ProblemCode::InternalError),
        ] {
            let error = write(db, sql).await.expect_err(what);
            assert_eq!(code(&error), wanted, "{what}: {error:?}");
            let shown = serde_json::to_string(&error.problem()).unwrap();
            for secret in ["principals", "INSERT", "constraint", "diesel"] {
                assert!(!shown.contains(secret), "{what}: {shown}");
            }
        }
        let absent = db.read(|conn| {
            use preceptor::db::schema::principals::dsl;
            Ok(dsl::principals.filter(dsl::created_at.lt(0)).select(dsl::role).first::<String>(conn)?)
        });
        assert_eq!(code(&absent.await.unwrap_err()), ProblemCode::NotFound);
        if !sqlite {
            for (what, sql) in [
                ("40001", "DO $$ BEGIN RAISE SQLSTATE '40001'; END $$"),
                ("40P01", "DO $$ BEGIN RAISE EXCEPTION 'deadlock detected' USING ERRCODE = '40P01'; END $$"),
                ("a slow statement", "SET LOCAL statement_timeout = 20; SELECT pg_sleep(1)"),
                ("a lost connection", "SELECT pg_terminate_backend(pg_backend_pid())"),
            ] {
                let error = write(db, sql).await.expect_err(what);
                assert_eq!(code(&error), ProblemCode::Unavailable, "{what}: {error:?}");
            }
        }
        // Nothing of this harmed the store.
        write(db, insert(bytes(6), "admin", "NULL", "0")).await.unwrap();
    }

    async fn a_lock_held_too_long_is_503_and_passes(backend: Backend) {
        let app = TestApp::start(backend).await;
        let row = moderator();
        app.state.db.write(move |conn| Ok(principals::insert(conn, &row)?)).await.unwrap();
        let mut holder = app.connect();
        let begin = if backend == Backend::Sqlite { "BEGIN IMMEDIATE" } else { "BEGIN" };
        let change = "UPDATE principals SET created_at = created_at + 1";
        holder.batch_execute(&format!("{begin}; {change}")).unwrap();
        // Reads go on meanwhile.
        let writing = write(&app.state.db, change);
        let client = app.client();
        let reading = async { client.get("/readyz").await.expect(200) };
        let (error, _) = futures_util::future::join(writing, reading).await;
        assert_eq!(code(&error.unwrap_err()), ProblemCode::Unavailable);
        holder.batch_execute("ROLLBACK").unwrap();
        write(&app.state.db, change).await.unwrap();
    }

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
    crate::support::run(Backend::Sqlite, async |backend| {
        let app = TestApp::start(backend).await;
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
    let mut buffer = [0; 65536];
    while let Ok(count @ 1..) = from.read(&mut buffer) {
        if to.write_all(&buffer[..count]).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Both);
}

#[test]
fn postgres_down_is_503_and_up_again_is_soon_200() {
    if crate::support::postgres::server().is_none() {
        crate::support::postgres::say_skipped("postgres_down_is_503_and_up_again_is_soon_200");
        return;
    }
    crate::support::run(Backend::Postgres, async |backend| {
        let mut setup = Setup::migrated(backend);
        let host = setup.url.split('@').nth(1).unwrap().split('/').next().unwrap().to_owned();
        let line = Line::to(host.clone());
        setup.url = setup.url.replace(&host, &line.address.to_string());
        let app = TestApp::on(backend, setup, |_| {}).await;
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
        let live = async {
            tokio::time::sleep(Duration::from_millis(500)).await;
            let start = Instant::now();
            client.get("/livez").await.expect(200);
            assert!(start.elapsed() < Duration::from_millis(500));
        };
        futures_util::future::join(many, live).await;

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
