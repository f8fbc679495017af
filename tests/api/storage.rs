//! The store under strain: settings, groups of writes, locks, faults.

use std::{thread, time::Duration};

use diesel::{
    connection::SimpleConnection,
    dsl::sql,
    prelude::*,
    sql_types::{BigInt, Text},
};
use futures_util::future::join_all;
use preceptor::{
    auth::{
        Role,
        principals::{self, Principal},
    },
    db::{Conn, Db},
    http::{Error, ProblemCode},
    ids::PrincipalId,
    on_each_backend,
    time::Timestamp,
};
use serde_json::json;
use uuid::Uuid;

use crate::support::{Backend, Setup, TestApp};

pub fn text(conn: &mut Conn, query: &str) -> Result<String, Error> {
    Ok(on_each_backend!(conn, |c| sql::<Text>(query).get_result(c))?)
}

pub fn count(conn: &mut Conn, query: &str) -> Result<i64, Error> {
    Ok(on_each_backend!(conn, |c| sql::<BigInt>(query).get_result(c))?)
}

pub fn code(error: &Error) -> ProblemCode {
    let problem = serde_json::to_value(error.problem()).unwrap();
    let status = u16::try_from(problem["status"].as_u64().unwrap()).unwrap();
    *ProblemCode::ALL.iter().find(|code| code.status().as_u16() == status).unwrap()
}

/// `sql` as a write of the store.
pub async fn write(db: &Db, sql: impl Into<String>) -> Result<(), Error> {
    let sql = sql.into();
    db.write(move |conn| Ok(conn.batch_execute(&sql)?)).await
}

pub fn moderator() -> Principal {
    Principal::new(PrincipalId::from_uuid(Uuid::now_v7()), Role::Moderator, Timestamp::now())
}

on_both! {
    async fn connections_have_their_settings(backend: Backend) {
        let app = TestApp::start(backend);
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
        let app = TestApp::start(backend);
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
        let app = TestApp::start(backend);
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
        let app = TestApp::start(backend);
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
        let app = TestApp::start(backend);
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
        let app = TestApp::start(backend);
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
        let app = TestApp::start(backend);
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

    async fn readiness_names_each_part_and_how_it_does(backend: Backend) {
        let app = TestApp::on(Setup::migrated(backend), |config| config.disk_reserve = u64::MAX);
        let ready = app.client().get("/readyz").await.expect(200);
        let part = |name: &str, status: &str| json!({ "name": name, "status": status });
        let parts = [part("process", "ok"), part("database", "ok"), part("migrations", "ok"), part("disk", "degraded")];
        assert_eq!(ready.json(), json!({ "status": "degraded", "components": parts }));

        // A later release has migrated the database meanwhile.
        write(&app.state.db, "INSERT INTO __diesel_schema_migrations (version) VALUES ('29991231000000')").await.unwrap();
        let problem = app.client().get("/readyz").await.problem(503, "unavailable");
        assert_eq!(problem["components"][2], part("migrations", "failing"));
    }
}
