//! One data store, two engines: embedded SQLite (default) or PostgreSQL, chosen by the URL's scheme.
//!
//! [`Db::read`] gives a closure a consistent snapshot, [`Db::write`] gives it one transaction; both take a
//! `&mut` [`Conn`], the diesel multi-connection that every store function is written against. SQLite reads run
//! where they are called, because an indexed read takes a few microseconds and a thread hop takes longer; SQLite
//! writes go through one writer thread that commits them in groups (`writer`). PostgreSQL work runs on blocking
//! threads, bounded by the pool's size.

use std::{panic::AssertUnwindSafe, sync::Arc, time::Duration};

use diesel::r2d2::{Pool, PooledConnection};
use diesel::{
    Connection, PgConnection, SqliteConnection,
    connection::{AnsiTransactionManager, SimpleConnection, TransactionManager},
    result::{DatabaseErrorKind, Error as DieselError},
};
use tokio::sync::{Semaphore, SemaphorePermit};

use crate::http::Error;

pub mod lock;
mod manager;
pub mod migrations;
pub mod schema;
mod sql;
mod writer;

pub use manager::{Engine, Manager};
pub use sql::Sql;

/// A connection to either engine. Store functions take `&mut Conn` and are compiled once for both.
#[derive(diesel::MultiConnection)]
pub enum Conn {
    /// The embedded engine.
    Sqlite(SqliteConnection),
    /// The server engine.
    Postgres(PgConnection),
}

/// What stands for both engines in diesel's types.
pub type Backend = <Conn as Connection>::Backend;

/// Compiles one diesel statement once per engine, for the few that the multi-connection cannot express
/// (`ON CONFLICT`, batches of rows).
#[macro_export]
macro_rules! on_each_backend {
    ($conn:expr, |$c:ident| $body:expr) => {
        match $conn {
            $crate::db::Conn::Sqlite($c) => $body,
            $crate::db::Conn::Postgres($c) => $body,
        }
    };
}

/// How long a request waits for a connection or a place in the write queue before it is answered 503.
const CHECKOUT: Duration = Duration::from_secs(3);
/// Retries of a PostgreSQL transaction that lost a race (40001, 40P01).
const RETRIES: u32 = 5;

/// What the store is opened with.
#[derive(Debug, Clone)]
pub struct Options {
    /// The primary database.
    pub engine: Engine,
    /// A PostgreSQL server that reads may go to.
    pub replica: Option<Engine>,
    /// Connections per pool.
    pub pool_size: u32,
}

/// A handle to the store; cloning is cheap.
#[derive(Clone)]
pub struct Db(Arc<Inner>);

enum Inner {
    Sqlite { readers: Pool<Manager>, writer: writer::Writer },
    Postgres { primary: Gate, replica: Option<Gate> },
}

/// A pool whose queue is counted before a thread is taken, so that waiting requests hold no threads.
struct Gate {
    pool: Pool<Manager>,
    permits: Semaphore,
}

impl Gate {
    fn open(engine: Engine, size: u32) -> Result<Self, OpenError> {
        let pool = pool(Manager::read_write(engine), size)?;
        Ok(Self { pool, permits: Semaphore::new(size as usize) })
    }

    async fn permit(&self) -> Result<SemaphorePermit<'_>, Error> {
        match tokio::time::timeout(CHECKOUT, self.permits.acquire()).await {
            Ok(Ok(permit)) => Ok(permit),
            _ => Err(Error::Unavailable("every database connection is busy")),
        }
    }

    fn checkout(pool: &Pool<Manager>) -> Result<PooledConnection<Manager>, Error> {
        pool.get().map_err(|error| {
            tracing::warn!(%error, "no database connection");
            Error::Unavailable("the database cannot be reached")
        })
    }
}

/// Why the store could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The engine refused a connection.
    #[error("cannot open the database: {0}")]
    Connection(#[from] diesel::ConnectionError),
    /// The pool could not be filled.
    #[error("cannot fill the connection pool: {0}")]
    Pool(#[from] diesel::r2d2::PoolError),
    /// The writer thread could not be started.
    #[error("cannot start the writer thread: {0}")]
    Thread(#[from] std::io::Error),
    /// The engine answered an error.
    #[error("the database answered: {0}")]
    Database(#[from] DieselError),
}

fn pool(manager: Manager, size: u32) -> Result<Pool<Manager>, OpenError> {
    Ok(Pool::builder()
        .max_size(size)
        .min_idle(Some(1))
        .test_on_check_out(manager.is_server())
        .connection_timeout(CHECKOUT)
        .build(manager)?)
}

impl Db {
    /// Opens the store; the schema must be in place ([`migrations::migrate`]).
    pub fn open(options: Options) -> Result<Self, OpenError> {
        let inner = match options.engine {
            engine @ Engine::Sqlite(_) => {
                // The writer opens first: it creates the write-ahead log that read-only connections need.
                let writer = writer::Writer::start(&Manager::read_write(engine.clone()))?;
                let readers = pool(Manager::read_only(engine), options.pool_size)?;
                Inner::Sqlite { readers, writer }
            }
            engine @ Engine::Postgres(_) => Inner::Postgres {
                primary: Gate::open(engine, options.pool_size)?,
                replica: options.replica.map(|url| Gate::open(url, options.pool_size)).transpose()?,
            },
        };
        Ok(Self(Arc::new(inner)))
    }

    /// Whether the embedded engine is in use.
    #[must_use]
    pub fn is_sqlite(&self) -> bool {
        matches!(*self.0, Inner::Sqlite { .. })
    }

    /// Runs an indexed read (microseconds) on one snapshot.
    pub async fn read<T, F>(&self, work: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: FnOnce(&mut Conn) -> Result<T, Error> + Send + 'static,
    {
        if let Inner::Sqlite { readers, .. } = &*self.0
            && let Some(mut conn) = readers.try_get()
        {
            return snapshot(&mut conn, work);
        }
        self.scan(work).await
    }

    /// Like [`Db::read`], but never from a replica, which may be behind: for rights, and for what a change starts from.
    pub async fn read_latest<T, F>(&self, work: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: FnOnce(&mut Conn) -> Result<T, Error> + Send + 'static,
    {
        match &*self.0 {
            Inner::Sqlite { .. } => self.read(work).await,
            Inner::Postgres { primary, .. } => {
                let pool = primary.pool.clone();
                let _permit = primary.permit().await?;
                on_thread(move || snapshot(&mut *Gate::checkout(&pool)?, work)).await
            }
        }
    }

    /// Runs a read that may walk many rows, on a thread of its own, on one snapshot.
    pub async fn scan<T, F>(&self, work: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: FnOnce(&mut Conn) -> Result<T, Error> + Send + 'static,
    {
        let (pool, _permit) = match &*self.0 {
            Inner::Sqlite { readers, .. } => (readers.clone(), None),
            Inner::Postgres { primary, replica } => {
                let gate = replica.as_ref().unwrap_or(primary);
                (gate.pool.clone(), Some(gate.permit().await?))
            }
        };
        on_thread(move || snapshot(&mut *Gate::checkout(&pool)?, work)).await
    }

    /// Runs `work` in one transaction: all of it is durable when this returns `Ok`, none of it otherwise.
    ///
    /// `work` may run again when PostgreSQL reports a lost race, so it must not have effects outside the database.
    /// It must not catch a database error and go on: PostgreSQL has then already abandoned the transaction.
    pub async fn write<T, F>(&self, work: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: Fn(&mut Conn) -> Result<T, Error> + Send + 'static,
    {
        match &*self.0 {
            Inner::Sqlite { writer, .. } => writer.submit(work).await,
            Inner::Postgres { primary, .. } => {
                let pool = primary.pool.clone();
                let _permit = primary.permit().await?;
                on_thread(move || {
                    let mut conn = Gate::checkout(&pool)?;
                    transaction(&mut conn, &work)
                })
                .await
            }
        }
    }
}

async fn on_thread<T: Send + 'static>(work: impl FnOnce() -> Result<T, Error> + Send + 'static) -> Result<T, Error> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(_) => Err(Error::internal("a database task was cancelled")),
    }
}

/// A panic in `work` becomes an error, so that the transaction around it is rolled back and the connection stays usable.
fn unpanicked<T>(conn: &mut Conn, work: impl FnOnce(&mut Conn) -> Result<T, Error>) -> Result<T, Error> {
    std::panic::catch_unwind(AssertUnwindSafe(|| work(conn)))
        .unwrap_or_else(|_| Err(Error::internal("a database closure panicked")))
}

fn snapshot<T>(conn: &mut Conn, work: impl FnOnce(&mut Conn) -> Result<T, Error>) -> Result<T, Error> {
    match conn {
        Conn::Sqlite(c) => AnsiTransactionManager::begin_transaction_sql(c, "BEGIN")?,
        Conn::Postgres(c) => {
            AnsiTransactionManager::begin_transaction_sql(c, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")?;
        }
    }
    finish(conn, work)
}

/// Commits what `work` did, or rolls it back. A connection that cannot roll back is marked broken by diesel and
/// thrown away by the pool.
fn finish<T>(conn: &mut Conn, work: impl FnOnce(&mut Conn) -> Result<T, Error>) -> Result<T, Error> {
    match unpanicked(conn, work) {
        Ok(value) => {
            <Conn as Connection>::TransactionManager::commit_transaction(conn)?;
            Ok(value)
        }
        Err(error) => {
            if let Err(rollback) = <Conn as Connection>::TransactionManager::rollback_transaction(conn) {
                tracing::warn!(error = %rollback, "rollback failed");
            }
            Err(error)
        }
    }
}

/// One write transaction on a connection of one's own (PostgreSQL pools, the command line, migrations).
pub fn transaction<T>(conn: &mut Conn, work: &impl Fn(&mut Conn) -> Result<T, Error>) -> Result<T, Error> {
    for attempt in 0.. {
        match conn {
            Conn::Sqlite(c) => AnsiTransactionManager::begin_transaction_sql(c, "BEGIN IMMEDIATE")?,
            Conn::Postgres(c) => AnsiTransactionManager::begin_transaction_sql(c, "BEGIN")?,
        }
        match finish(conn, work) {
            Err(Error::Database(error)) if lost_race(&error) && attempt < RETRIES => {
                tracing::debug!(attempt, "a transaction lost a race and is run again");
            }
            result => return result,
        }
    }
    unreachable!("the loop returns")
}

fn lost_race(error: &DieselError) -> bool {
    match error {
        DieselError::DatabaseError(DatabaseErrorKind::SerializationFailure, _) => true,
        DieselError::DatabaseError(_, info) => info.message().starts_with("deadlock detected"),
        _ => false,
    }
}

/// Opens one connection of one's own, for the command line and tests.
pub fn connect(engine: Engine) -> Result<Conn, OpenError> {
    Ok(Manager::read_write(engine).establish()?)
}

/// Asks the database for a trivial answer.
pub fn ping(conn: &mut Conn) -> Result<(), Error> {
    Ok(conn.batch_execute("SELECT 1")?)
}
