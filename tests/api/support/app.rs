//! A server for one test: its own thread, port, database and keys.

use std::{
    collections::BTreeMap,
    io::{Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{Arc, OnceLock},
    thread,
    time::Duration,
};

use actix_web::{HttpServer, dev::ServerHandle, web, web::Data};
use preceptor::{
    app::{State, app},
    auth::{
        Keys, Role, Tokens,
        principals::{self, Principal},
    },
    config::Config,
    db::{Conn, Db, Engine, Options, migrations},
    ids::{PrincipalId, ProviderId},
};
use tempfile::TempDir;
use uuid::Uuid;

use super::{
    Backend, Client,
    postgres::{self, Database},
};

/// A running server. It is stopped and its database is dropped with this value.
pub struct TestApp {
    address: SocketAddr,
    pub state: Data<State>,
    http: reqwest::Client,
    handle: ServerHandle,
    server: Option<thread::JoinHandle<()>>,
    setup: Option<Setup>,
}

/// A database and a directory for keys, without a server.
pub struct Setup {
    pub dir: TempDir,
    pub url: String,
    #[expect(dead_code, reason = "dropped with this value")]
    database: Option<Database>,
}

impl Setup {
    /// A database of the current schema.
    pub fn migrated(backend: Backend) -> Self {
        match backend {
            Backend::Sqlite => {
                let setup = Self::empty(backend);
                std::fs::write(setup.dir.path().join("test.db"), sqlite_template()).unwrap();
                setup
            }
            Backend::Postgres => Self::on(postgres::server().unwrap().migrated()),
        }
    }

    /// A database without tables.
    pub fn empty(backend: Backend) -> Self {
        match backend {
            Backend::Sqlite => {
                let dir = TempDir::new().unwrap();
                let url = format!("sqlite://{}", dir.path().join("test.db").display());
                Self { dir, url, database: None }
            }
            Backend::Postgres => Self::on(postgres::server().unwrap().empty()),
        }
    }

    fn on(database: Database) -> Self {
        Self { dir: TempDir::new().unwrap(), url: database.url(), database: Some(database) }
    }

    pub fn engine(&self) -> Engine {
        Engine::parse(&self.url).unwrap()
    }

    /// A connection of the test's own.
    pub fn connect(&self) -> Conn {
        postgres::connect(&self.url)
    }

    /// The variables of a server on this database. Port 1 stands for one not known yet.
    pub fn variables(&self) -> BTreeMap<String, String> {
        let data = self.dir.path().join("data");
        let pairs = [
            ("DATABASE_URL", self.url.as_str()),
            ("PRECEPTOR_DATA_DIR", data.to_str().unwrap()),
            ("PRECEPTOR_BIND", "127.0.0.1:1"),
            ("PRECEPTOR_RATE_LIMITS", "off"),
            ("PRECEPTOR_WORKERS", "2"),
            ("PRECEPTOR_POOL_SIZE", "4"),
            ("PRECEPTOR_DRAIN_SECONDS", "0"),
            // What most tests write is to be public at once.
            ("PRECEPTOR_SMALL_COHORT", "1"),
            ("PRECEPTOR_REVIEW_BURST", "100000"),
        ];
        pairs.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
    }
}

/// The bytes of a migrated database, made once per process.
fn sqlite_template() -> &'static [u8] {
    static TEMPLATE: OnceLock<Vec<u8>> = OnceLock::new();
    TEMPLATE.get_or_init(|| {
        let setup = Setup::empty(Backend::Sqlite);
        let mut conn = setup.connect();
        migrations::migrate(&mut conn).unwrap();
        // The last connection to close moves the write-ahead log into the file.
        drop(conn);
        std::fs::read(setup.dir.path().join("test.db")).unwrap()
    })
}

impl TestApp {
    /// A server with the tests' settings.
    pub fn start(backend: Backend) -> Self {
        Self::start_with(backend, |_| {})
    }

    /// A server with changed settings.
    pub fn start_with(backend: Backend, change: impl FnOnce(&mut Config)) -> Self {
        Self::on(Setup::migrated(backend), change)
    }

    /// A server on a database that stands already.
    pub fn on(setup: Setup, change: impl FnOnce(&mut Config)) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let mut config = Config::from_map(&setup.variables()).unwrap();
        config.bind = address;
        config.public_url = format!("http://{address}");
        change(&mut config);
        let keys = Keys::load_or_create(&config.data_dir).unwrap();
        let tokens = Tokens::new(keys, &config.public_url);
        let db = Db::open(Options {
            engine: config.database.clone(),
            replica: config.replica.clone(),
            pool_size: config.pool_size,
        });
        let state = Data::from(Arc::new(State::new(db.unwrap(), tokens, config)));
        let shared = state.clone();
        let (send, receive) = std::sync::mpsc::channel();
        let server = thread::spawn(move || {
            actix_web::rt::System::new().block_on(async move {
                let factory = move || app(shared.clone()).service(test_routes());
                let server = HttpServer::new(factory)
                    .workers(2)
                    // A test may compute for long between two requests on one connection.
                    .keep_alive(Duration::from_mins(2))
                    .client_request_timeout(Duration::from_secs(2))
                    .shutdown_timeout(1)
                    .disable_signals()
                    .listen(listener)
                    .unwrap()
                    .run();
                send.send(server.handle()).unwrap();
                server.await.unwrap();
            });
        });
        let handle = receive.recv().unwrap();
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        Self { address, state, http, handle, server: Some(server), setup: Some(setup) }
    }

    /// A client without a token.
    pub fn client(&self) -> Client {
        Client::new(self.http.clone(), format!("http://{}", self.address), None)
    }

    /// A new admin.
    pub async fn admin(&self) -> Client {
        self.principal(Role::Admin, |_| {}).await
    }

    /// A new moderator.
    pub async fn moderator(&self) -> Client {
        self.principal(Role::Moderator, |_| {}).await
    }

    /// A new participant.
    pub async fn participant(&self) -> Client {
        self.principal(Role::Participant, |_| {}).await
    }

    /// A new principal that acts for the provider with this id.
    pub async fn provider(&self, id: &str) -> Client {
        let id: ProviderId = id.parse().unwrap();
        self.principal(Role::Provider, |row| row.provider_id = Some(id)).await
    }

    /// A new principal with a token.
    pub async fn principal(&self, role: Role, change: impl FnOnce(&mut Principal)) -> Client {
        let now = self.state.now();
        let mut row = Principal::new(PrincipalId::from_uuid(Uuid::now_v7()), role, now);
        change(&mut row);
        let id = row.id;
        let insert = move |conn: &mut Conn| Ok(principals::insert(conn, &row)?);
        self.state.db.write(insert).await.unwrap();
        self.holder(id, role)
    }

    /// A new assessor.
    pub async fn assessor(&self) -> Client {
        self.principal(Role::Assessor, |_| {}).await
    }

    /// A client with a fresh token for a principal that exists, made at the server's time.
    pub fn holder(&self, id: PrincipalId, role: Role) -> Client {
        let hour = Duration::from_hours(1);
        let token = self.state.auth.issue(id, role, self.state.now(), hour, Uuid::new_v4());
        self.client().with_token(&token.unwrap()).with_id(id)
    }

    /// A connection of the test's own to the server's database.
    pub fn connect(&self) -> Conn {
        self.setup().connect()
    }

    /// Where the database file and the keys are.
    pub fn dir(&self) -> &std::path::Path {
        self.setup().dir.path()
    }

    /// The variables of another process on this server's database.
    pub fn variables(&self) -> BTreeMap<String, String> {
        self.setup().variables()
    }

    fn setup(&self) -> &Setup {
        self.setup.as_ref().unwrap()
    }

    /// Stops the server and hands its database on.
    pub fn stop(mut self) -> Setup {
        self.setup.take().unwrap()
    }

    /// Sends bytes as they are and reads until the server closes, at most ten seconds.
    pub fn raw(&self, bytes: impl AsRef<[u8]>) -> String {
        let mut stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        // The server may have answered and closed before it has read everything.
        let _ = stream.write_all(bytes.as_ref());
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        String::from_utf8_lossy(&answer).into_owned()
    }
}

/// What no release has: a handler that panics and one that fails as the store may fail.
fn test_routes() -> actix_web::Scope {
    async fn panics() -> &'static str {
        panic!("on purpose, in src/secret.rs: SELECT 1")
    }
    async fn fails() -> Result<&'static str, preceptor::http::Error> {
        Err(preceptor::http::Error::internal("SELECT * FROM src/secret.rs with diesel"))
    }
    web::scope("/test").route("/panic", web::get().to(panics)).route("/fail", web::get().to(fails))
}

impl Drop for TestApp {
    fn drop(&mut self) {
        drop(self.handle.stop(false));
        if let Some(server) = self.server.take() {
            // A panic of the server's thread was printed; the test's own outcome counts.
            let _ = server.join();
        }
    }
}
