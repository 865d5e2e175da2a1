//! Maps keys to paths.
//!
//! The segments of a key are folders, and the last one is the file. Two marks, which no key contains, keep names apart. The
//! folder of a segment ends in `+`, as in `images+`, so that there may also be an object `images`. A name of `SHARD`
//! characters or more is in a shard folder, which has its first `SHARD` characters and ends in `=`, as in `01934a2=`. Ids
//! begin with their time, so a shard folder holds the uploads of some 17 minutes, and no folder grows without limit.
//!
//! Walking the folders in order walks the keys in byte order: see `list.rs`.

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    time::SystemTime,
};

use storage::ObjectKey;
use tempfile::TempPath;

use crate::private;

/// The number of first characters that all names in a shard share: 7 hex digits of a time-ordered id change every 2^20
/// milliseconds.
pub(super) const SHARD: usize = 7;

/// The last character of the name of a segment's folder.
pub(super) const SEGMENT_MARK: char = '+';

/// The last character of the name of a shard folder.
pub(super) const SHARD_MARK: char = '=';

/// The most attempts to move a file into a folder: after the folder is made, another call may remove it with its last object
/// before the move.
const ATTEMPTS: usize = 8;

/// The folder of the objects.
#[derive(Debug)]
pub(super) struct Layout {
    root: PathBuf,
}

impl Layout {
    pub(super) fn open(root: PathBuf) -> io::Result<Self> {
        private::make_private_folder(&root)?;
        private::restrict_to_owner(&root);
        Ok(Self { root })
    }

    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    /// The file of `key`.
    pub(super) fn path(&self, key: &ObjectKey) -> PathBuf {
        let mut path = self.root.clone();
        let mut segments = key.as_str().split('/').peekable();
        while let Some(segment) = segments.next() {
            if let Some(shard) = segment.get(..SHARD) {
                path.push(format!("{shard}{SHARD_MARK}"));
            }
            match segments.peek() {
                Some(_) => path.push(format!("{segment}{SEGMENT_MARK}")),
                None => path.push(segment),
            }
        }
        path
    }

    /// Moves a finished file to `path` and makes that durable. It also syncs the folders above: the call that made them may
    /// not have done so yet.
    pub(super) fn install(&self, mut file: TempPath, path: &Path) -> io::Result<()> {
        for _ in 0..ATTEMPTS {
            self.folders_of(path).next().map_or(Ok(()), private::make_private_folder)?;
            match file.persist(path) {
                Ok(()) => return self.folders_of(path).chain([self.root()]).try_for_each(sync_folder),
                Err(failed) if failed.error.kind() == io::ErrorKind::NotFound => file = failed.path,
                Err(failed) => return Err(failed.error),
            }
        }
        Err(io::ErrorKind::ResourceBusy.into())
    }

    /// Moves an object's file to another path, with `now` as its time of modification, and makes that durable.
    /// Returns whether there was a file.
    pub(super) fn rename(&self, from: &Path, to: &Path, now: SystemTime) -> io::Result<bool> {
        let file = match File::options().write(true).open(from) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
            other => other?,
        };
        // Before the move, so that a reader of the new name sees the time of the move.
        file.set_modified(now)?;
        for _ in 0..ATTEMPTS {
            self.folders_of(to).next().map_or(Ok(()), private::make_private_folder)?;
            match fs::rename(from, to) {
                Ok(()) => {
                    file.sync_all()?;
                    self.folders_of(to).chain([self.root()]).try_for_each(sync_folder)?;
                    self.remove_empty_folders(from);
                    return Ok(true);
                }
                // The new folder was removed again, or another call has moved or deleted the file.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    if !from.exists() {
                        return Ok(false);
                    }
                }
                Err(error) => return Err(error),
            }
        }
        Err(io::ErrorKind::ResourceBusy.into())
    }

    /// Removes an object's file, if there is one, and the folders that it leaves empty.
    pub(super) fn remove(&self, path: &Path) -> io::Result<()> {
        match fs::remove_file(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            other => other?,
        }
        self.remove_empty_folders(path);
        Ok(())
    }

    /// Removes the folders of `path` that are empty.
    fn remove_empty_folders(&self, path: &Path) {
        for folder in self.folders_of(path) {
            // This fails if the folder has other objects.
            if fs::remove_dir(folder).is_err() {
                break;
            }
        }
    }

    /// The folders between `path` and the root, innermost first.
    fn folders_of<'a>(&self, path: &'a Path) -> impl Iterator<Item = &'a Path> + use<'a> {
        let root = self.root.clone();
        path.ancestors().skip(1).take_while(move |folder| *folder != root)
    }
}

fn sync_folder(folder: &Path) -> io::Result<()> {
    match File::open(folder) {
        // Another call has removed the folder with its last object.
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other?.sync_all(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_names_are_in_shards_and_folders_have_marks() {
        let layout = Layout { root: PathBuf::from("/objects") };
        for (key, path) in [
            ("a", "/objects/a"),
            ("a/b", "/objects/a+/b"),
            ("images/01934a2b-cd", "/objects/images+/01934a2=/01934a2b-cd"),
            ("1234567/x", "/objects/1234567=/1234567+/x"),
        ] {
            let key = ObjectKey::parse(key).unwrap();
            assert_eq!(layout.path(&key), Path::new(path), "{key}");
        }
    }

    #[test]
    fn a_renamed_object_gets_the_time_of_the_move_and_leaves_no_folder() {
        let root = tempfile::tempdir().unwrap();
        let layout = Layout::open(root.path().join("objects")).unwrap();
        let [from, to] = ["images/old-name", "kept/images/old-name"]
            .map(|key| layout.path(&ObjectKey::parse(key).unwrap()));
        let file = tempfile::NamedTempFile::new_in(root.path()).unwrap();
        file.as_file().set_modified(SystemTime::UNIX_EPOCH).unwrap();
        layout.install(file.into_temp_path(), &from).unwrap();

        let now = SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(1_000);
        assert!(layout.rename(&from, &to, now).unwrap());

        assert_eq!(fs::metadata(&to).unwrap().modified().unwrap(), now);
        assert!(!layout.root().join("images+").exists());
        assert!(!layout.rename(&from, &to, now).unwrap());
    }

    #[test]
    fn removing_the_last_object_removes_its_folders_but_not_the_root() {
        let root = tempfile::tempdir().unwrap();
        let layout = Layout::open(root.path().join("objects")).unwrap();
        let path = layout.path(&ObjectKey::parse("a/b/c").unwrap());
        layout
            .install(tempfile::NamedTempFile::new_in(root.path()).unwrap().into_temp_path(), &path)
            .unwrap();

        layout.remove(&path).unwrap();

        assert!(!layout.root().join("a+").exists());
        assert!(layout.root().exists());
    }
}
