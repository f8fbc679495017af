//! PostgreSQL for the tests.
//!
//! With `TEST_DATABASE_URL`, databases are made on that server. Otherwise one cluster is started from
//! the installed binaries, and all test processes share it: `cargo test` is one process, nextest one
//! per test. Whoever needs the cluster holds a shared lock on a file beside it. A watchdog stops and
//! deletes it once nobody has held that lock, nor come by, for a minute. It listens on the loopback
//! address only, lets every local user in, and holds nothing but made-up data.
//!
//! Each test has a database of its own, copied from a migrated template and dropped at the end.

use std::{
    ffi::OsStr,
    fs::{self, File, OpenOptions},
    io::Write,
    net::TcpListener,
    os::unix::{
        fs::{DirBuilderExt, MetadataExt, chown},
        process::CommandExt,
    },
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::{
        OnceLock,
        atomic::{AtomicU32, Ordering},
    },
};

use diesel::{Connection, PgConnection, connection::SimpleConnection, prelude::*, sql_types::Bool};
use preceptor::db::{self, Conn, Engine, migrations};

/// A server on which databases can be made.
#[derive(Debug)]
pub struct Server {
    /// Everything before the database's name.
    prefix: String,
    /// Everything after it.
    suffix: String,
    /// The database to connect to for administration.
    admin: String,
    template: String,
    /// Held for as long as the process lives.
    _lease: Option<File>,
}

/// The server, or nothing where there is none. In CI there must be one.
pub fn server() -> Option<&'static Server> {
    static SERVER: OnceLock<Option<Server>> = OnceLock::new();
    let server = SERVER.get_or_init(|| {
        if let Ok(url) = std::env::var("TEST_DATABASE_URL") {
            return Some(Server::at(&url, None));
        }
        binaries().map(|binaries| {
            let (url, lease) = Cluster::new(binaries).share();
            Server::at(&url, Some(lease))
        })
    });
    let in_ci = std::env::var("CI").is_ok_and(|value| value == "true");
    assert!(server.is_some() || !in_ci, "CI needs PostgreSQL: install it or set TEST_DATABASE_URL");
    server.as_ref()
}

/// Says so where it is seen: the harness swallows `eprintln!` of tests that pass.
pub fn say_skipped(test: &str) {
    let why = "no PostgreSQL binaries are installed and TEST_DATABASE_URL is not set";
    let _ = writeln!(std::io::stderr(), "SKIPPED {test}: {why}");
}

impl Server {
    fn at(url: &str, lease: Option<File>) -> Self {
        let (before, after) = url.split_once("://").expect("TEST_DATABASE_URL is a URL");
        let (address, query) = after.split_once('?').map_or((after, ""), |(a, q)| (a, q));
        let (host, admin) = address.split_once('/').unwrap_or((address, "postgres"));
        let server = Self {
            prefix: format!("{before}://{host}/"),
            suffix: if query.is_empty() { String::new() } else { format!("?{query}") },
            admin: if admin.is_empty() { "postgres" } else { admin }.to_owned(),
            template: format!("preceptor_template_{}", schema_version()),
            _lease: lease,
        };
        server.make_template();
        server
    }

    fn url(&self, database: &str) -> String {
        format!("{}{database}{}", self.prefix, self.suffix)
    }

    fn admin(&self) -> PgConnection {
        PgConnection::establish(&self.url(&self.admin)).expect("the PostgreSQL server answers")
    }

    /// Made under another name and renamed when whole, by one process at a time.
    fn make_template(&self) {
        let mut admin = self.admin();
        let sql = "SET client_min_messages = warning; SELECT pg_advisory_lock(710202)";
        admin.batch_execute(sql).unwrap();
        let exists = format!("EXISTS (SELECT FROM pg_database WHERE datname = '{}')", self.template);
        if !diesel::select(diesel::dsl::sql::<Bool>(&exists)).get_result::<bool>(&mut admin).unwrap() {
            let new = format!("{}_new", self.template);
            admin.batch_execute(&format!("DROP DATABASE IF EXISTS {new}")).unwrap();
            admin.batch_execute(&format!("CREATE DATABASE {new}")).unwrap();
            let mut conn = connect(&self.url(&new));
            migrations::migrate(&mut conn).unwrap();
            drop(conn);
            let sql = format!("ALTER DATABASE {new} RENAME TO {}", self.template);
            admin.batch_execute(&sql).unwrap();
        }
    }

    /// A database of the current schema.
    pub fn migrated(&'static self) -> Database {
        self.database(&format!("TEMPLATE {}", self.template))
    }

    /// A database without tables.
    pub fn empty(&'static self) -> Database {
        self.database("")
    }

    fn database(&'static self, how: &str) -> Database {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let moment = preceptor::time::Timestamp::now().as_micros();
        let name = format!("preceptor_test_{moment}_{}_{number}", std::process::id());
        self.admin().batch_execute(&format!("CREATE DATABASE {name} {how}")).unwrap();
        Database { server: self, name }
    }
}

/// A database that is dropped with this value.
#[derive(Debug)]
pub struct Database {
    server: &'static Server,
    name: String,
}

impl Database {
    pub fn url(&self) -> String {
        self.server.url(&self.name)
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        let sql = format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name);
        if let Err(error) = self.server.admin().batch_execute(&sql) {
            eprintln!("{}: {error}", self.name);
        }
    }
}

pub fn connect(url: &str) -> Conn {
    db::connect(Engine::parse(url).unwrap()).unwrap()
}

/// Differs whenever a migration does.
fn schema_version() -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations/postgres");
    let mut scripts: Vec<_> = fs::read_dir(root).unwrap().map(|entry| entry.unwrap().path().join("up.sql")).collect();
    scripts.sort();
    let mut text = Vec::new();
    for script in scripts {
        text.extend(fs::read(script).unwrap());
    }
    let hash = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &text);
    let start = hash.as_ref().first_chunk().copied().unwrap_or_default();
    format!("{:016x}", u64::from_be_bytes(start))
}

/// The folder of `initdb` and `pg_ctl`: Debian's newest, else what `pg_config` or the path says.
fn binaries() -> Option<PathBuf> {
    let complete = |dir: &Path| dir.join("initdb").exists() && dir.join("pg_ctl").exists();
    let debian = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut debian: Vec<(u32, PathBuf)> = debian
        .filter_map(|entry| {
            let version = entry.file_name().to_str()?.parse().ok()?;
            Some((version, entry.path().join("bin")))
        })
        .filter(|(_, dir)| complete(dir))
        .collect();
    debian.sort();
    if let Some((_, dir)) = debian.pop() {
        return Some(dir);
    }
    if let Ok(answer) = Command::new("pg_config").arg("--bindir").output() {
        let dir = PathBuf::from(String::from_utf8_lossy(&answer.stdout).trim());
        if complete(&dir) {
            return Some(dir);
        }
    }
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).find(|dir| complete(dir))
}

struct Cluster {
    binaries: PathBuf,
    /// Holds the data, the log and the port's number.
    dir: PathBuf,
    lock: PathBuf,
    /// The server refuses to run as root; then it is this user's and group's.
    owner: Option<(u32, u32)>,
}

impl Cluster {
    fn new(binaries: PathBuf) -> Self {
        // Not below the target folder: the server's user may not be able to get there.
        let temp = std::env::temp_dir();
        let uid = tempfile::tempfile().unwrap().metadata().unwrap().uid();
        let name = format!("preceptor-test-postgres-{uid}");
        let owner = (uid == 0).then(unprivileged_user);
        Self { binaries, dir: temp.join(&name), lock: temp.join(name + ".lock"), owner }
    }

    /// Starts the cluster unless it runs. The file returned keeps it running.
    fn share(&self) -> (String, File) {
        let mut options = OpenOptions::new();
        let lock = options.create(true).append(true).read(true).open(&self.lock).unwrap();
        lock.lock().unwrap();
        let port = self.running().unwrap_or_else(|| self.start());
        fs::write(self.dir.join("heartbeat"), "").unwrap();
        // The watchdog cannot slip in between: the heartbeat is fresh.
        lock.unlock().unwrap();
        lock.lock_shared().unwrap();
        (format!("postgres://preceptor@127.0.0.1:{port}/postgres"), lock)
    }

    fn url(port: u16) -> String {
        format!("postgres://preceptor@127.0.0.1:{port}/postgres?connect_timeout=5")
    }

    fn running(&self) -> Option<u16> {
        let port = fs::read_to_string(self.dir.join("port")).ok()?.trim().parse().ok()?;
        PgConnection::establish(&Self::url(port)).ok().map(|_| port)
    }

    fn start(&self) -> u16 {
        if self.dir.exists() {
            let _ = self.pg_ctl(["stop", "--mode=immediate"]).status();
            fs::remove_dir_all(&self.dir).unwrap();
        }
        fs::DirBuilder::new().mode(0o700).create(&self.dir).unwrap();
        if let Some((user, group)) = self.owner {
            chown(&self.dir, Some(user), Some(group)).unwrap();
        }
        self.must(self.command("initdb").args([
            "--username=preceptor",
            "--auth=trust",
            "--encoding=UTF8",
            "--locale=C",
            "--no-sync",
            "--no-instructions",
            "--pgdata=cluster",
        ]));
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        // Made-up data may be lost; speed may not.
        let settings = format!(
            "-c listen_addresses=127.0.0.1 -c port={port} -c unix_socket_directories= \
             -c fsync=off -c full_page_writes=off -c max_connections=400 -c shared_buffers=128MB \
             -c wal_level=minimal -c max_wal_senders=0 -c autovacuum=off"
        );
        self.must(self.pg_ctl(["start", "--wait", "--timeout=60", "--log=log"]).args(["--options", &settings]));
        fs::write(self.dir.join("port"), port.to_string()).unwrap();
        self.watch();
        port
    }

    /// Outlives this process, and ends with the cluster.
    fn watch(&self) {
        const SCRIPT: &str = r#"
            while sleep 5; do
                exec 9<"$LOCK"
                if flock -n 9; then
                    if [ -z "$(find heartbeat -newermt '1 minute ago' 2>/dev/null)" ]; then
                        "$BINARIES/pg_ctl" --pgdata=cluster --mode=immediate stop
                        cd / && rm -rf "$CLUSTER"
                        exit 0
                    fi
                    flock -u 9
                fi
                exec 9<&-
            done"#;
        let mut command = Command::new("setsid");
        command.args(["sh", "-c", SCRIPT]).env("LOCK", &self.lock).env("CLUSTER", &self.dir);
        command.env("BINARIES", &self.binaries);
        // It need not be waited for: it is meant to stay.
        drop(self.owned(&mut command).spawn().unwrap());
    }

    fn pg_ctl<const N: usize>(&self, arguments: [&str; N]) -> Command {
        let mut command = self.command("pg_ctl");
        command.args(arguments).arg("--pgdata=cluster");
        command
    }

    fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(self.binaries.join(program.as_ref()));
        self.owned(&mut command);
        command
    }

    fn owned<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        command.current_dir(&self.dir).env("LC_ALL", "C").env_remove("HOME");
        if let Some((user, group)) = self.owner {
            command.uid(user).gid(group);
        }
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null())
    }

    fn must(&self, command: &mut Command) {
        let done = command.stderr(Stdio::inherit()).status().unwrap();
        if !done.success() {
            let log = fs::read_to_string(self.dir.join("log")).unwrap_or_default();
            panic!("{command:?}: {done}\n{log}");
        }
    }
}

/// The user postgres if there is one, else nobody.
fn unprivileged_user() -> (u32, u32) {
    let users = fs::read_to_string("/etc/passwd").unwrap_or_default();
    let find = |name: &str| {
        let line = users.lines().find(|line| line.split(':').next() == Some(name))?;
        let mut numbers = line.split(':').skip(2).map(|part| part.parse().ok());
        Some((numbers.next()??, numbers.next()??))
    };
    find("postgres").or_else(|| find("nobody")).unwrap_or((65534, 65534))
}
