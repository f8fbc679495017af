//! The lock that keeps a second server off an embedded database.

use std::{
    fs::{File, OpenOptions, TryLockError},
    io,
    os::unix::fs::OpenOptionsExt,
    path::Path,
};

/// Held for as long as the server runs; the operating system releases it however the process ends.
#[derive(Debug)]
pub struct ServerLock(#[expect(dead_code, reason = "the open file is the lock")] File);

/// Why the lock could not be had.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Another server has it.
    #[error("another preceptor server already uses {0}")]
    Held(String),
    /// The lock file cannot be opened.
    #[error("cannot open the lock file: {0}")]
    Io(#[from] io::Error),
}

impl ServerLock {
    /// Takes the lock of the database file at `path`.
    pub fn acquire(path: &Path) -> Result<Self, LockError> {
        let mut name = path.as_os_str().to_owned();
        name.push(".lock");
        let file = OpenOptions::new().create(true).truncate(false).write(true).mode(0o600).open(name)?;
        match file.try_lock() {
            Ok(()) => Ok(Self(file)),
            Err(TryLockError::WouldBlock) => Err(LockError::Held(path.display().to_string())),
            Err(TryLockError::Error(error)) => Err(error.into()),
        }
    }
}
