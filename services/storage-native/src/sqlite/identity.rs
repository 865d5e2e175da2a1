//! Whether the database still is the file that was opened.
//!
//! A file that is removed or replaced stays open, and SQLite goes on writing into what nobody will ever find again. So each
//! commit looks at the names before it begins, and again before it is acknowledged.

use std::{
    ffi::OsString,
    fs, io,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
};

use storage::{Error, PlainCause, Result};

/// What an operator is told.
const GONE: PlainCause = PlainCause(
    "The database file was removed or replaced while the server runs. Stop the server, restore the file from a backup, and start it again.",
);

/// A file, whatever its name is.
type File = (u64, u64);

/// The file that a database was opened with.
#[derive(Debug)]
pub(super) struct Identity {
    path: PathBuf,
    database: File,
    log_path: PathBuf,
}

impl Identity {
    /// That of the database at `path`, which is open.
    pub(super) fn of(path: &Path) -> io::Result<Self> {
        let mut log_path = OsString::from(path);
        log_path.push("-wal");
        Ok(Self { path: path.to_owned(), database: file(path)?, log_path: log_path.into() })
    }

    /// Makes sure that the database is the file that it was.
    ///
    /// # Errors
    /// [`Error::Unavailable`] with a [`PlainCause`] if it was removed or replaced.
    pub(super) fn check(&self) -> Result<()> {
        let is_same = file(&self.path).is_ok_and(|found| found == self.database);
        if is_same { Ok(()) } else { Err(Error::unavailable(GONE)) }
    }
}

/// The log of the database, as one connection knows it: while none is open, SQLite removes it.
#[derive(Debug, Default)]
pub(super) struct Log(Option<File>);

impl Log {
    /// Makes sure that the log is the file that it was when this was called first; see [`Identity::check`].
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
