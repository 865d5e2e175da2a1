//! Checks that the path of the database still has the file that was opened.
//!
//! If an open file is removed or replaced, SQLite continues to write to the old file, which no longer has a name, and the
//! writes are lost. So each commit compares the files before it begins, and again before it is acknowledged.

use std::{
    ffi::OsString,
    fs, io,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
};

use storage::{Error, PlainCause, Result};

/// The message for the operator.
const GONE: PlainCause = PlainCause(
    "The database file was removed or replaced while the server runs. Stop the server, restore the file from a backup, and start it again.",
);

/// The device and inode of a file, which do not depend on its name.
type File = (u64, u64);

/// The file of an open database.
#[derive(Debug)]
pub(super) struct Identity {
    path: PathBuf,
    database: File,
    log_path: PathBuf,
}

impl Identity {
    /// The identity of the open database at `path`.
    pub(super) fn of(path: &Path) -> io::Result<Self> {
        let mut log_path = OsString::from(path);
        log_path.push("-wal");
        Ok(Self { path: path.to_owned(), database: file(path)?, log_path: log_path.into() })
    }

    /// Checks that the path still has the same file.
    ///
    /// # Errors
    /// [`Error::Unavailable`] with a [`PlainCause`] if it was removed or replaced.
    pub(super) fn check(&self) -> Result<()> {
        let is_same = file(&self.path).is_ok_and(|found| found == self.database);
        if is_same { Ok(()) } else { Err(Error::unavailable(GONE)) }
    }
}

/// The write-ahead log that one connection uses. SQLite removes the log when the last connection closes, so each connection
/// may have another one.
#[derive(Debug, Default)]
pub(super) struct Log(Option<File>);

impl Log {
    /// Checks that the log is the same file as at the first call; see [`Identity::check`].
    ///
    /// # Errors
    /// [`Error::Unavailable`] with a [`PlainCause`] if it was removed or replaced.
    pub(super) fn check(&mut self, identity: &Identity) -> Result<()> {
        let found = file(&identity.log_path).ok();
        match (self.0, found) {
            (None, found) => self.0 = found,
            (Some(log), Some(found)) if log == found => {}
            (Some(_), _) => return Err(Error::unavailable(GONE)),
        }
        Ok(())
    }
}

fn file(path: &Path) -> io::Result<File> {
    fs::metadata(path).map(|file| (file.dev(), file.ino()))
}
