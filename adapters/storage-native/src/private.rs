//! Files that only their owner may read: folders have the mode 0700, files 0600, independent of the umask.

use std::{
    fs::{self, DirBuilder, OpenOptions, Permissions},
    io,
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _},
    path::Path,
};

const FOLDER: u32 = 0o700;
const FILE: u32 = 0o600;

/// The mode bits of the group and of all other users.
const OTHERS: u32 = 0o077;

/// The sticky bit: the folder is shared by all users, as `/tmp` is.
const STICKY: u32 = 0o1000;

/// Makes the folder at `path` and its parents, if they do not exist, with the mode 0700.
///
/// # Errors
/// The system's error.
pub fn make_private_folder(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(FOLDER).create(path)
}

/// Makes an empty file at `path`, if there is none, with the mode 0600.
pub(crate) fn make_private_file(path: &Path) -> io::Result<()> {
    OpenOptions::new().append(true).create(true).mode(FILE).open(path).map(drop)
}

/// Removes the access of the group and of all other users to the file or folder at `path`, if it exists, and logs that. An
/// earlier version or an operator may have allowed it. A file of another user, and a folder that all users share (such as
/// `/tmp`), stay as they are, with a warning.
pub fn restrict_to_owner(path: &Path) {
    let Ok(found) = fs::metadata(path) else { return };
    let mode = found.permissions().mode();
    if mode & OTHERS == 0 {
        return;
    }
    if mode & STICKY != 0 {
        return tracing::warn!(path = %path.display(), "a folder that all users share holds private data");
    }
    match fs::set_permissions(path, Permissions::from_mode(mode & 0o7777 & !OTHERS)) {
        Ok(()) => {
            tracing::info!(path = %path.display(), "restricted {} to its owner", path.display());
        }
        Err(error) => {
            let path = path.display();
            tracing::warn!(%error, %path, "cannot restrict private data to its owner; other users may read it");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o7777
    }

    #[test]
    fn new_files_are_private_and_existing_ones_become_private() {
        let root = tempfile::tempdir().unwrap();
        let (folder, file) = (root.path().join("a/b"), root.path().join("a/b/c"));
        make_private_folder(&folder).unwrap();
        make_private_file(&file).unwrap();
        assert_eq!((mode(&root.path().join("a")), mode(&folder), mode(&file)), (0o700, 0o700, 0o600));
        for (path, open, private) in [(&folder, 0o755, 0o700), (&file, 0o644, 0o600), (&file, 0o440, 0o400)] {
            fs::set_permissions(path, Permissions::from_mode(open)).unwrap();
            restrict_to_owner(path);
            assert_eq!(mode(path), private, "{open:o}");
        }
        restrict_to_owner(&root.path().join("missing"));
    }

    #[test]
    fn a_shared_folder_is_not_changed() {
        let root = tempfile::tempdir().unwrap();
        fs::set_permissions(root.path(), Permissions::from_mode(0o1777)).unwrap();
        restrict_to_owner(root.path());
        assert_eq!(mode(root.path()), 0o1777);
    }
}
