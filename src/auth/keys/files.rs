//! The directory of the keys: files that are their owner's alone, written whole or not at all.

use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, Write},
    os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt},
    path::Path,
};

use serde::{Deserialize, Serialize};

use super::{KeyError, model::Entry};

/// The list of the signing keys; absent until the first rotation.
pub const MANIFEST: &str = "keys.json";
/// Held while the keys are changed.
const LOCK: &str = "lock";

/// What tells one state of the manifest from another without reading it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamp {
    inode: u64,
    size: u64,
    modified: (i64, i64),
}

impl Stamp {
    /// Of the manifest in `dir`; `None` when there is none.
    pub fn of(dir: &Path) -> Result<Option<Self>, KeyError> {
        let path = dir.join(MANIFEST);
        match fs::metadata(&path) {
            Ok(found) => {
                Ok(Some(Self { inode: found.ino(), size: found.size(), modified: (found.mtime(), found.mtime_nsec()) }))
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(io_error(&path, source)),
        }
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Manifest {
    keys: Vec<Entry>,
}

/// Reads the manifest; `None` when there is none.
pub fn read_manifest(dir: &Path) -> Result<Option<Vec<Entry>>, KeyError> {
    let path = dir.join(MANIFEST);
    if !path.exists() {
        return Ok(None);
    }
    let text = read(&path)?;
    let manifest: Manifest = serde_json::from_str(&text).map_err(|_| unusable(&path))?;
    // A file's name leads out of the directory only if somebody meddled.
    let sound = |entry: &Entry| !entry.file.is_empty() && !entry.file.contains('/') && entry.file != "..";
    if manifest.keys.is_empty() || !manifest.keys.iter().all(sound) {
        return Err(unusable(&path));
    }
    Ok(Some(manifest.keys))
}

/// Writes the manifest.
pub fn write_manifest(dir: &Path, keys: Vec<Entry>) -> Result<(), KeyError> {
    let path = dir.join(MANIFEST);
    let text = serde_json::to_string_pretty(&Manifest { keys }).map_err(|_| unusable(&path))?;
    write(&path, &text)
}

/// Takes the lock under which the keys are changed, waiting for it.
pub fn lock(dir: &Path) -> Result<File, KeyError> {
    let path = dir.join(LOCK);
    let open = || {
        let file = OpenOptions::new().create(true).truncate(false).write(true).mode(0o600).open(&path)?;
        file.lock()?;
        Ok(file)
    };
    open().map_err(|source| io_error(&path, source))
}

/// Makes a directory that only its owner may enter, if it is not there.
pub fn private_dir(path: &Path) -> Result<(), KeyError> {
    DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(|source| io_error(path, source))
}

pub(super) fn unusable(path: &Path) -> KeyError {
    KeyError::Unusable(path.display().to_string())
}

fn io_error(path: &Path, source: io::Error) -> KeyError {
    KeyError::Io { path: path.display().to_string(), source }
}

/// Reads a file that nobody else may read.
pub fn read(path: &Path) -> Result<String, KeyError> {
    let metadata = fs::metadata(path).map_err(|source| io_error(path, source))?;
    if metadata.mode() & 0o077 != 0 {
        return Err(KeyError::Exposed(path.display().to_string()));
    }
    fs::read_to_string(path).map_err(|source| io_error(path, source))
}

/// Writes text aside, on the disk.
fn write_aside(aside: &Path, text: &str) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(aside)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

fn sync_dir_of(path: &Path) -> io::Result<()> {
    path.parent().map_or(Ok(()), |dir| File::open(dir)?.sync_all())
}

/// Writes a file, replacing what was there: a reader sees the one or the other, also after a loss of power.
pub fn write(path: &Path, text: &str) -> Result<(), KeyError> {
    let aside = path.with_extension(format!("new-{}", std::process::id()));
    let work = || {
        write_aside(&aside, text)?;
        fs::rename(&aside, path)?;
        sync_dir_of(path)
    };
    work().map_err(|source| io_error(path, source))
}

/// Removes a file, if it is there.
pub fn remove(path: &Path) -> Result<(), KeyError> {
    match fs::remove_file(path).and_then(|()| sync_dir_of(path)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(io_error(path, error)),
        _ => Ok(()),
    }
}

/// Reads a secret file, or makes it. Written aside and linked into place, so that of two processes that start at once
/// both end up with the same whole file.
pub fn read_or_create(path: &Path, make: impl FnOnce() -> Option<String>) -> Result<String, KeyError> {
    if !path.exists() {
        let text = make().ok_or_else(|| unusable(path))?;
        let aside = path.with_extension(format!("new-{}", std::process::id()));
        let work = || {
            write_aside(&aside, &text)?;
            match fs::hard_link(&aside, path) {
                Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
                _ => fs::remove_file(&aside),
            }?;
            sync_dir_of(path)
        };
        work().map_err(|source| io_error(path, source))?;
    }
    read(path)
}
