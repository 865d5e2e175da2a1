//! Which file an object is.
//!
//! The segments of a key are folders, and the last one is the file. Two marks, which no key contains, keep this apart:
//! the folder of a segment is called `images+`, so that there may be an object `images` too; and whatever has a name of
//! `SHARD` characters or more is in a folder called after its first ones, `01934a2=`. Ids begin with their time, so
//! such a folder holds the uploads of some 17 minutes, and no folder grows without end.
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

/// The characters that a shard has in common: 7 hex digits of a time-ordered id change every 2^20 milliseconds.
pub(super) const SHARD: usize = 7;

/// Ends the name of the folder of a segment.
pub(super) const SEGMENT_MARK: char = '+';

/// Ends the name of the folder of a shard.
pub(super) const SHARD_MARK: char = '=';

/// How often a file is moved into a folder: it may be removed between its making and the move, with its last object.
const ATTEMPTS: usize = 8;

/// The folder of the objects.
#[derive(Debug)]
pub(super) struct Layout {
    root: PathBuf,
}

impl Layout {
    pub(super) fn open(root: PathBuf) -> io::Result<Self> {
        private::make_folder(&root)?;
        private::tighten(&root);
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

    /// Moves a finished file into its place and makes that durable, with the folders on the way: whoever made them may
    /// not have come to that yet.
    pub(super) fn install(&self, mut file: TempPath, path: &Path) -> io::Result<()> {
        for _ in 0..ATTEMPTS {
            self.folders_of(path).next().map_or(Ok(()), private::make_folder)?;
            match file.persist(path) {
                Ok(()) => return self.folders_of(path).chain([self.root()]).try_for_each(sync_folder),
                Err(failed) if failed.error.kind() == io::ErrorKind::NotFound => file = failed.path,
                Err(failed) => return Err(failed.error),
            }
        }
        Err(io::ErrorKind::ResourceBusy.into())
    }

    /// Moves an object's file to another path, as written at `now`, and makes that durable. Answers whether there was one.
    pub(super) fn rename(&self, from: &Path, to: &Path, now: SystemTime) -> io::Result<bool> {
        let file = match File::options().write(true).open(from) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
            other => other?,
        };
        // First: whoever sees the new name takes its time for that of the move.
        file.set_modified(now)?;
        for _ in 0..ATTEMPTS {
            self.folders_of(to).next().map_or(Ok(()), private::make_folder)?;
            match fs::rename(from, to) {
                Ok(()) => {
                    file.sync_all()?;
                    self.folders_of(to).chain([self.root()]).try_for_each(sync_folder)?;
                    self.tidy(from);
                    return Ok(true);
                }
                // Its new folder was removed again, or another call has moved or deleted it.
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
        self.tidy(path);
        Ok(())
    }

    /// Removes the folders of `path` that are empty.
    fn tidy(&self, path: &Path) {
        for folder in self.folders_of(path) {
            // It fails where there are other objects.
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
        // What was in it has been removed since.
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other?.sync_all(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_names_are_in_shards_and_folders_are_marked() {
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
    fn a_renamed_object_is_as_old_as_its_new_name_and_leaves_no_folder() {
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
