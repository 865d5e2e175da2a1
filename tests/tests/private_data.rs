//! The file permissions of a program's data.

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

use anyhow::ensure;
use tests::Program;

/// Given a data folder that all users can read, when the program has run on it, then only its owner can read it.
#[tokio::test(flavor = "multi_thread")]
async fn only_the_owner_can_read_the_data_folder() -> anyhow::Result<()> {
    let program = Program::start(&[]).await?;
    program.target().new_user().new_image().await?;
    let folder = program.kill().await?;
    make_readable_by_all(folder.path())?;
    let program = Program::start_on(folder, &[]).await?;
    program.target().new_user().new_image().await?;
    let mut open: Vec<_> = list_below(program.data_dir())?;
    open.push(program.data_dir().to_owned());
    open.retain(|path| fs::metadata(path).is_ok_and(|found| found.permissions().mode() & 0o077 != 0));
    // Files in a folder that only its owner may enter need no change.
    open.retain(|path| !path.starts_with(program.data_dir().join("objects")));
    ensure!(open.is_empty(), "{open:?}");
    let objects = fs::metadata(program.data_dir().join("objects/objects"))?.permissions().mode();
    ensure!(objects & 0o777 == 0o700, "{objects:o}");
    Ok(())
}

fn make_readable_by_all(folder: &Path) -> anyhow::Result<()> {
    for path in list_below(folder)?.iter().map(AsRef::as_ref).chain([folder]) {
        let mode = if path.is_dir() { 0o755 } else { 0o644 };
        fs::set_permissions(path, fs::Permissions::from_mode(mode))?;
    }
    Ok(())
}

fn list_below(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let (mut folders, mut found) = (vec![folder.to_owned()], Vec::new());
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder)? {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path.clone());
            }
            found.push(path);
        }
    }
    Ok(found)
}
