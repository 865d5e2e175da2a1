//! The staging folders, which hold unfinished uploads.
//!
//! Each open store has its own folder with a locked file in it. The system releases the lock when the process ends, also
//! after a crash. So the next process that opens the store knows which folders are abandoned, and removes them.

use std::{
    fs::{self, File, TryLockError},
    io,
    path::Path,
};

use tempfile::{NamedTempFile, TempDir};

use crate::private;

const LOCK: &str = "lock";

/// The staging folder of this store; it is removed when the store is dropped.
#[derive(Debug)]
pub(super) struct Staging {
    folder: TempDir,
    _lock: File,
}

impl Staging {
    /// Removes the folders of crashed processes below `parent`, and makes a new one.
    pub(super) fn open(parent: &Path) -> io::Result<Self> {
        private::make_private_folder(parent)?;
        private::restrict_to_owner(parent);
        // Held until the new folder is locked, so that another process does not consider it abandoned.
        let parent_lock = File::create(parent.join(LOCK))?;
        parent_lock.lock()?;
        sweep(parent)?;
        let folder = tempfile::Builder::new().prefix("").tempdir_in(parent)?;
        let lock = File::create(folder.path().join(LOCK))?;
        lock.lock()?;
        Ok(Self { folder, _lock: lock })
    }

    pub(super) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// A new file, which is removed if it is dropped before it is moved to its path.
    pub(super) fn file(&self) -> io::Result<NamedTempFile> {
        NamedTempFile::new_in(&self.folder)
    }
}

fn sweep(parent: &Path) -> io::Result<()> {
    for entry in fs::read_dir(parent)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() && is_abandoned(&entry.path())? {
            fs::remove_dir_all(entry.path())?;
        }
    }
    Ok(())
}

fn is_abandoned(folder: &Path) -> io::Result<bool> {
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
    fn an_abandoned_folder_is_removed_and_a_locked_one_stays() {
        let parent = tempfile::tempdir().unwrap();
        let open = Staging::open(parent.path()).unwrap();
        let upload = open.file().unwrap();
        let abandoned = parent.path().join("abandoned");
        fs::create_dir(&abandoned).unwrap();
        fs::write(abandoned.join(LOCK), "").unwrap();
        fs::write(abandoned.join("half"), "an upload").unwrap();

        let _second = Staging::open(parent.path()).unwrap();

        assert!(!abandoned.exists());
        assert!(upload.path().exists());
    }
}
