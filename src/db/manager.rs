//! Opens connections with the settings that the rest of the code relies on.

use std::path::{Path, PathBuf};

use diesel::{
    Connection, ConnectionError, ConnectionResult, PgConnection, SqliteConnection, connection::SimpleConnection,
    r2d2::R2D2Connection,
};
use secrecy::{ExposeSecret, SecretString};

use super::Conn;

/// Which database to open.
#[derive(Debug, Clone)]
pub enum Engine {
    /// The file of an embedded database.
    Sqlite(PathBuf),
    /// The URL of a PostgreSQL server; it may hold a password, so it never prints.
    Postgres(SecretString),
}

impl Engine {
    /// Reads `sqlite://path` (also `sqlite:path`) or `postgres://…` / `postgresql://…`.
    ///
    /// # Errors
    /// A sentence for the operator, without the URL's secrets, when the scheme is another.
    pub fn parse(url: &str) -> Result<Self, String> {
        if url.starts_with("postgres://") || url.starts_with("postgresql://") {
            return Ok(Self::Postgres(SecretString::from(url)));
        }
        match url.strip_prefix("sqlite://").or_else(|| url.strip_prefix("sqlite:")) {
            Some(path) if !path.is_empty() => Ok(Self::Sqlite(PathBuf::from(path))),
            _ => Err("a database URL begins with sqlite:// or postgres://".to_owned()),
        }
    }

    /// The file of an embedded database.
    #[must_use]
    pub fn path(&self) -> Option<&Path> {
        match self {
            Self::Sqlite(path) => Some(path),
            Self::Postgres(_) => None,
        }
    }
}

/// The r2d2 manager. (`Conn::establish` would try each engine in turn; this one keys on the URL's scheme.)
#[derive(Debug, Clone)]
pub struct Manager {
    engine: Engine,
    read_only: bool,
}

/// `busy_timeout` comes first: the other pragmas take locks themselves. FULL, because in WAL mode NORMAL can lose
/// an answered commit on power loss. The writer's second thread checkpoints; a commit does so itself only at 256 MiB.
const SQLITE_PRAGMAS: &str = "PRAGMA busy_timeout = 5000; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; \
    PRAGMA foreign_keys = ON; PRAGMA trusted_schema = OFF; PRAGMA journal_size_limit = 268435456; PRAGMA wal_autocheckpoint = 65536; \
    PRAGMA temp_store = MEMORY; PRAGMA cache_size = -32768; PRAGMA mmap_size = 2147418112;";

const SQLITE_READER_PRAGMAS: &str = "PRAGMA busy_timeout = 5000; PRAGMA query_only = ON; PRAGMA foreign_keys = ON; \
    PRAGMA trusted_schema = OFF; PRAGMA temp_store = MEMORY; PRAGMA cache_size = -65536; \
    PRAGMA mmap_size = 2147418112;";

const POSTGRES_SETTINGS: &str = "SET application_name = 'preceptor'; SET statement_timeout = '10s'; \
    SET lock_timeout = '5s'; SET idle_in_transaction_session_timeout = '15s'; SET synchronous_commit = on; \
    SET timezone = 'UTC';";

impl Manager {
    /// Connections that may write.
    #[must_use]
    pub fn read_write(engine: Engine) -> Self {
        Self { engine, read_only: false }
    }

    /// Connections that the engine itself keeps from writing.
    #[must_use]
    pub fn read_only(engine: Engine) -> Self {
        Self { engine, read_only: true }
    }

    /// Whether a connection can be lost behind our back.
    pub(super) fn is_server(&self) -> bool {
        matches!(self.engine, Engine::Postgres(_))
    }

    /// Opens one connection.
    pub fn establish(&self) -> ConnectionResult<Conn> {
        let refused = |error: diesel::result::Error| ConnectionError::CouldntSetupConfiguration(error);
        match &self.engine {
            Engine::Sqlite(path) => {
                let mode = if self.read_only { "ro" } else { "rwc" };
                let uri = format!("file:{}?mode={mode}", escape(path));
                let mut conn = SqliteConnection::establish(&uri)?;
                let pragmas = if self.read_only { SQLITE_READER_PRAGMAS } else { SQLITE_PRAGMAS };
                conn.batch_execute(pragmas).map_err(refused)?;
                Ok(Conn::Sqlite(conn))
            }
            Engine::Postgres(url) => {
                let mut conn = PgConnection::establish(url.expose_secret())?;
                conn.batch_execute(POSTGRES_SETTINGS).map_err(refused)?;
                Ok(Conn::Postgres(conn))
            }
        }
    }
}

/// Escapes what SQLite's URI file names give a meaning to.
fn escape(path: &Path) -> String {
    path.to_string_lossy().replace('%', "%25").replace('?', "%3f").replace('#', "%23")
}

impl diesel::r2d2::ManageConnection for Manager {
    type Connection = Conn;
    type Error = ConnectionError;

    fn connect(&self) -> Result<Conn, ConnectionError> {
        self.establish()
    }

    fn is_valid(&self, conn: &mut Conn) -> Result<(), ConnectionError> {
        match conn {
            Conn::Sqlite(_) => Ok(()),
            Conn::Postgres(c) => c.ping().map_err(ConnectionError::CouldntSetupConfiguration),
        }
    }

    fn has_broken(&self, conn: &mut Conn) -> bool {
        match conn {
            Conn::Sqlite(c) => c.is_broken(),
            Conn::Postgres(c) => c.is_broken(),
        }
    }
}
