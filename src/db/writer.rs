//! The SQLite writer: one thread, one connection, commits in groups.
//!
//! All writes that are waiting run in one `BEGIN IMMEDIATE` transaction, and are answered after the one commit (one
//! fsync) that makes them durable. A write that fails or panics takes nothing of another with it: the group is rolled
//! back and run again with a savepoint around each write. (Savepoints from the start would cost a sixth of the writer's
//! time, and failures are rare.) SQLite may abandon the whole transaction on a storage fault (disk full, I/O error);
//! then nothing of the group is kept, those that had run are told to try again, and the rest run in the next group.
//!
//! The write-ahead log is copied into the database file by a second thread, which holds nobody up: a commit that had
//! to do it would keep everyone waiting for the disk.

use std::{sync::mpsc::RecvTimeoutError, thread, time::Duration};

use diesel::{
    Connection,
    connection::{AnsiTransactionManager, SimpleConnection, TransactionManager},
};
use tokio::sync::{mpsc, oneshot};

use super::{CHECKOUT, Conn, Manager, OpenError, unpanicked};
use crate::http::Error;

/// Writes that may wait; the next one is answered 503.
const QUEUE: usize = 4096;
/// Writes in one commit; bounds how long the first of them waits.
const GROUP: usize = 256;

/// How often what the log holds is copied into the database file.
const CHECKPOINT: Duration = Duration::from_millis(500);

/// The queue's sending end. The threads end when the last handle is gone.
pub(super) struct Writer {
    queue: mpsc::Sender<Box<dyn Job>>,
    /// Dropped to end the checkpointing thread.
    _open: std::sync::mpsc::Sender<()>,
}

/// A queued write whose result type is known only to the one who asked.
trait Job: Send {
    /// Runs it; `Err` says what the transaction has come to.
    fn run(&mut self, conn: &mut Conn, guard: Guard) -> Result<(), Failed>;
    /// Tells the caller, now that the group is committed or not.
    fn answer(self: Box<Self>, committed: bool);
}

/// What stands between a write and the others of its group.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Guard {
    /// Nothing: what a failed write has done can only be undone with the group.
    None,
    /// A savepoint, which undoes a failed write alone.
    Savepoint,
}

enum Failed {
    /// Something of the write may be left in the transaction.
    Unguarded,
    /// The engine may have abandoned the transaction.
    Storage,
}

struct Write<T, F> {
    work: F,
    result: Option<Result<T, Error>>,
    reply: oneshot::Sender<Result<T, Error>>,
}

impl<T: Send, F: Fn(&mut Conn) -> Result<T, Error> + Send> Job for Write<T, F> {
    fn run(&mut self, conn: &mut Conn, guard: Guard) -> Result<(), Failed> {
        let work = &self.work;
        let result = match guard {
            Guard::None => unpanicked(conn, work),
            Guard::Savepoint => conn.transaction(|conn| unpanicked(conn, work)),
        };
        let failed = match &result {
            Err(error) if error.is_storage_fault() => Err(Failed::Storage),
            Err(_) if guard == Guard::None => Err(Failed::Unguarded),
            _ => Ok(()),
        };
        self.result = Some(result);
        failed
    }

    fn answer(self: Box<Self>, committed: bool) {
        let result = match self.result {
            Some(Ok(_)) if !committed => Err(Error::Unavailable("the write could not be made durable")),
            Some(result) => result,
            None => Err(Error::Unavailable("the write did not run")),
        };
        // A caller who has gone away does not hear the answer; the write stands.
        drop(self.reply.send(result));
    }
}

impl Writer {
    pub(super) fn start(manager: &Manager) -> Result<Self, OpenError> {
        let mut conn = manager.establish()?;
        let (sender, mut receiver) = mpsc::channel::<Box<dyn Job>>(QUEUE);
        thread::Builder::new().name("sqlite-writer".to_owned()).spawn(move || {
            let mut group = Vec::with_capacity(GROUP);
            while receiver.blocking_recv_many(&mut group, GROUP) > 0 {
                while !group.is_empty() {
                    commit_group(&mut conn, &mut group);
                }
            }
        })?;
        let mut conn = manager.establish()?;
        let (open, closed) = std::sync::mpsc::channel();
        thread::Builder::new().name("sqlite-checkpoint".to_owned()).spawn(move || {
            while closed.recv_timeout(CHECKPOINT) == Err(RecvTimeoutError::Timeout) {
                if let Err(error) = conn.batch_execute("PRAGMA wal_checkpoint(PASSIVE)") {
                    tracing::warn!(%error, "the write-ahead log could not be checkpointed");
                }
            }
        })?;
        Ok(Self { queue: sender, _open: open })
    }

    pub(super) async fn submit<T, F>(&self, work: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: Fn(&mut Conn) -> Result<T, Error> + Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        let job = Box::new(Write { work, result: None, reply });
        match self.queue.send_timeout(job, CHECKOUT).await {
            Ok(()) => answer.await.unwrap_or_else(|_| Err(Error::internal("the writer thread is gone"))),
            Err(_) => Err(Error::Unavailable("the write queue is full")),
        }
    }
}

/// Runs and answers as many of `group` as one transaction takes; what is left runs next.
fn commit_group(conn: &mut Conn, group: &mut Vec<Box<dyn Job>>) {
    let (done, committed) = match run_group(conn, group, Guard::None) {
        Ok(done) => (done, end(conn, true)),
        Err((_, Failed::Unguarded)) => {
            end(conn, false);
            match run_group(conn, group, Guard::Savepoint) {
                Ok(done) => (done, end(conn, true)),
                Err((done, _)) => (done, end(conn, false)),
            }
        }
        Err((done, Failed::Storage)) => (done, end(conn, false)),
    };
    for job in group.drain(..done) {
        job.answer(committed);
    }
}

/// Begins a transaction and runs the group in it, up to the first failure. Returns how many have run.
fn run_group(conn: &mut Conn, group: &mut [Box<dyn Job>], guard: Guard) -> Result<usize, (usize, Failed)> {
    if let Err(error) = begin(conn) {
        tracing::error!(%error, "cannot begin a write transaction");
        return Err((group.len(), Failed::Storage));
    }
    for (before, job) in group.iter_mut().enumerate() {
        job.run(conn, guard).map_err(|failed| (before + 1, failed))?;
    }
    Ok(group.len())
}

fn begin(conn: &mut Conn) -> diesel::QueryResult<()> {
    match conn {
        Conn::Sqlite(c) => AnsiTransactionManager::begin_transaction_sql(c, "BEGIN IMMEDIATE"),
        Conn::Postgres(c) => AnsiTransactionManager::begin_transaction_sql(c, "BEGIN"),
    }
}

fn end(conn: &mut Conn, sound: bool) -> bool {
    type Manager = <Conn as Connection>::TransactionManager;
    if sound {
        match Manager::commit_transaction(conn) {
            Ok(()) => return true,
            Err(error) => tracing::error!(%error, "a group of writes could not be committed"),
        }
    }
    if let Err(error) = Manager::rollback_transaction(conn) {
        tracing::warn!(%error, "rollback failed");
    }
    false
}
