//! Data that only their owner may read: folders have the mode 0700, files 0600, whatever the umask is.

use std::{
    fs::{self, DirBuilder, OpenOptions, Permissions},
    io,
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _},
    path::Path,
};

const FOLDER: u32 = 0o700;
const FILE: u32 = 0o600;

/// What the group and all others may do.
const OTHERS: u32 = 0o077;

/// A folder that all may use, each for their own files: `/tmp`, say.
const STICKY: u32 = 0o1000;

/// Makes the folder at `path`, and those on the way, if they are not there.
///
/// # Errors
/// What the system says.
pub fn make_folder(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(FOLDER).create(path)
}

/// Makes an empty file at `path`, if there is none.
pub(crate) fn make_file(path: &Path) -> io::Result<()> {
    OpenOptions::new().append(true).create(true).mode(FILE).open(path).map(drop)
}

/// Takes from the group and all others what an earlier version or an operator has let them do with the file or folder at
/// `path`, if there is one, and logs it. What belongs to another user stays as it is, with a warning.
pub fn tighten(path: &Path) {
    let Ok(found) = fs::metadata(path) else { return };
    let mode = found.permissions().mode();
    if mode & OTHERS == 0 {
        return;
    }
    if mode & STICKY != 0 {
        return tracing::warn!(path = %path.display(), "a folder that everybody may use holds private data");
    }
    match fs::set_permissions(path, Permissions::from_mode(mode & 0o7777 & !OTHERS)) {
        Ok(()) => tracing::info!(path = %path.display(), "only the owner may read {} now", path.display()),
        Err(error) => tracing::warn!(%error, path = %path.display(), "others may read private data"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o7777
    }

    #[test]
    fn what_is_made_is_private_and_what_was_open_becomes_so() {
        let root = tempfile::tempdir().unwrap();
        let (folder, file) = (root.path().join("a/b"), root.path().join("a/b/c"));
        make_folder(&folder).unwrap();
        make_file(&file).unwrap();
        assert_eq!((mode(&root.path().join("a")), mode(&folder), mode(&file)), (0o700, 0o700, 0o600));
        for (path, open, private) in [(&folder, 0o755, 0o700), (&file, 0o644, 0o600), (&file, 0o440, 0o400)] {
            fs::set_permissions(path, Permissions::from_mode(open)).unwrap();
            tighten(path);
            assert_eq!(mode(path), private, "{open:o}");
        }
        tighten(&root.path().join("missing"));
    }

    #[test]
    fn a_folder_that_everybody_uses_is_left_alone() {
        let root = tempfile::tempdir().unwrap();
        fs::set_permissions(root.path(), Permissions::from_mode(0o1777)).unwrap();
        tighten(root.path());
        assert_eq!(mode(root.path()), 0o1777);
    }
}
