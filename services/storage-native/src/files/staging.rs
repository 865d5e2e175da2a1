//! Where uploads grow.
//!
//! Each opened store has a folder of its own with a locked file in it. The system drops the lock with the process,
//! however that ends, so whoever opens the store next knows which folders nobody fills any more.

use std::{
    fs::{self, File, TryLockError},
    io,
    path::Path,
};

use tempfile::{NamedTempFile, TempDir};

use crate::private;

const LOCK: &str = "lock";

/// The staging folder of this store; it goes when the store is dropped.
#[derive(Debug)]
pub(super) struct Staging {
    folder: TempDir,
    _lock: File,
}

impl Staging {
    /// Removes the folders of dead processes below `parent`, and makes one of its own.
    pub(super) fn open(parent: &Path) -> io::Result<Self> {
        private::make_folder(parent)?;
        private::tighten(parent);
        // Held until the new folder is locked, lest another process takes it for a dead one's.
        let everyone = File::create(parent.join(LOCK))?;
        everyone.lock()?;
        sweep(parent)?;
        let folder = tempfile::Builder::new().prefix("").tempdir_in(parent)?;
        let lock = File::create(folder.path().join(LOCK))?;
        lock.lock()?;
        Ok(Self { folder, _lock: lock })
    }

    pub(super) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// A new file, which is removed when it is dropped before it gets its place.
    pub(super) fn file(&self) -> io::Result<NamedTempFile> {
        NamedTempFile::new_in(&self.folder)
    }
}

fn sweep(parent: &Path) -> io::Result<()> {
    for entry in fs::read_dir(parent)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() && is_dead(&entry.path())? {
            fs::remove_dir_all(entry.path())?;
        }
    }
    Ok(())
}

fn is_dead(folder: &Path) -> io::Result<bool> {
    let lock = match File::open(folder.join(LOCK)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(true),
        other => other?,
    };
    match lock.try_lock() {
        Ok(()) => Ok(true),
        Err(TryLockError::WouldBlock) => Ok(false),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_dead_process_left_is_swept_and_a_living_one_is_left_alone() {
        let parent = tempfile::tempdir().unwrap();
        let living = Staging::open(parent.path()).unwrap();
        let upload = living.file().unwrap();
        let dead = parent.path().join("dead");
        fs::create_dir(&dead).unwrap();
        fs::write(dead.join(LOCK), "").unwrap();
        fs::write(dead.join("half"), "an upload").unwrap();

        let _second = Staging::open(parent.path()).unwrap();

        assert!(!dead.exists());
        assert!(upload.path().exists());
    }
}
