//! The SQLite writer: one thread, one connection, commits in groups.
//!
//! All writes that are waiting run in one `BEGIN IMMEDIATE` transaction, each in a savepoint of its own, and are
//! answered after the one commit (one fsync) that makes them durable. A write that fails or panics rolls back its
//! savepoint only. SQLite may abandon the whole transaction on a storage fault (disk full, I/O error); then nothing
//! of the group is kept, those that had run are told to try again, and the rest run in the next group.
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
    /// Runs it in a savepoint; `Err` says that the whole transaction must be abandoned.
    fn run(&mut self, conn: &mut Conn) -> Result<(), Abandon>;
    /// Tells the caller, now that the group is committed or not.
    fn answer(self: Box<Self>, committed: bool);
}

struct Abandon;

struct Write<T, F> {
    work: F,
    result: Option<Result<T, Error>>,
    reply: oneshot::Sender<Result<T, Error>>,
}

impl<T: Send, F: Fn(&mut Conn) -> Result<T, Error> + Send> Job for Write<T, F> {
    fn run(&mut self, conn: &mut Conn) -> Result<(), Abandon> {
        let work = &self.work;
        let result = conn.transaction(|conn| unpanicked(conn, work));
        let fatal = matches!(&result, Err(error) if error.is_storage_fault());
        self.result = Some(result);
        if fatal { Err(Abandon) } else { Ok(()) }
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
    let mut done = 0;
    let committed = match begin(conn) {
        Ok(()) => {
            let mut sound = true;
            for job in group.iter_mut() {
                done += 1;
                if job.run(conn).is_err() {
                    sound = false;
                    break;
                }
            }
            end(conn, sound)
        }
        Err(error) => {
            tracing::error!(%error, "cannot begin a write transaction");
            done = group.len();
            false
        }
    };
    for job in group.drain(..done) {
        job.answer(committed);
    }
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
