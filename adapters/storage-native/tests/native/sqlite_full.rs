//! A full disk.

use std::{
    io::Write,
    path::{Path, PathBuf},
    process::Command,
};

use bytes::Bytes;
use futures_util::{StreamExt, stream};
use storage::{Error, ObjectKey, ObjectStore, PutOptions};
use storage_native::{FileObjects, SqliteDatabase, SqliteOptions};

use crate::fixture::{folder, note, notes, notes_in, write};

#[tokio::test]
async fn a_file_at_its_size_limit_is_full_until_rows_are_deleted() {
    let folder = folder();
    let options = SqliteOptions { max_bytes: Some(200 * 1024), ..SqliteOptions::default() };
    let database = notes_in(&folder, &options).await;

    let stored = fill(&database).await;

    assert!(stored > 5, "{stored}");
    write(&database, vec![storage::Statement::new("DELETE FROM notes WHERE id < '0003'")]).await.unwrap();
    write(&database, vec![note("small", "x")]).await.unwrap();
    assert_eq!(notes(&database).await.len(), stored - 6 + 1);
}

#[tokio::test]
async fn writes_fail_on_a_full_disk_and_succeed_when_it_has_room() {
    let Some(disk) = SmallDisk::mount("database") else { return };
    let database =
        SqliteDatabase::open(&disk.path.join("db.sqlite"), &SqliteOptions::default()).await.unwrap();
    let create = "CREATE TABLE notes (id TEXT PRIMARY KEY, text TEXT) WITHOUT ROWID";
    write(&database, vec![storage::Statement::new(create)]).await.unwrap();
    let ballast = disk.path.join("ballast");
    std::fs::write(&ballast, vec![0; 2 * 1024 * 1024]).unwrap();

    let stored = fill(&database).await;

    assert_eq!(notes(&database).await.len(), stored, "reads still work, and see what was acknowledged");
    std::fs::remove_file(ballast).unwrap();
    write(&database, vec![note("small", "x")]).await.unwrap();
    assert_eq!(notes(&database).await.len(), stored + 1);
    database.close().await;
}

#[tokio::test]
async fn uploads_fail_on_a_full_disk_and_leave_nothing() {
    let Some(disk) = SmallDisk::mount("objects") else { return };
    let store = FileObjects::open(&disk.path).await.unwrap();
    let chunk = Bytes::from(vec![7; 64 * 1024]);
    let body = |bytes: usize| stream::iter(vec![chunk.clone(); bytes / chunk.len()]).map(Ok).boxed();
    let put = |name, bytes| {
        let (store, key, body) = (store.clone(), ObjectKey::parse(name).unwrap(), body(bytes));
        async move { store.put(&key, body, PutOptions::default()).await }
    };
    put("small", 1024 * 1024).await.unwrap();

    let result = put("too-large", 16 * 1024 * 1024).await;

    assert!(matches!(result, Err(Error::Full(_))), "{result:?}");
    let listed = store.list("", None, 10).await.unwrap().objects;
    assert_eq!(listed.len(), 1);
    put("another", 4 * 1024 * 1024).await.expect("the failed upload must free its space");
}

/// Writes until the disk or file is full, and returns how many notes were acknowledged.
async fn fill(database: &SqliteDatabase) -> usize {
    let text = "x".repeat(8_000);
    for n in 0..10_000 {
        match write(database, vec![note(&format!("{n:04}"), &text), note(&format!("{n:04} too"), "x")]).await
        {
            Ok(_) => {}
            Err(Error::Full(_)) => return 2 * n,
            Err(error) => panic!("note {n}: {error:?}"),
        }
    }
    panic!("it never became full");
}

/// A file system of 8 MiB in memory.
struct SmallDisk {
    path: PathBuf,
    _folder: tempfile::TempDir,
}

impl SmallDisk {
    /// `None`, with a message on the terminal, if this machine cannot mount one. Then the test tests nothing.
    fn mount(what: &str) -> Option<Self> {
        let folder = folder();
        let path = folder.path().to_owned();
        let mounted =
            Command::new("mount").args(["-t", "tmpfs", "-o", "size=8m", "tmpfs"]).arg(&path).status();
        if mounted.is_ok_and(|status| status.success()) {
            return Some(Self { path, _folder: folder });
        }
        // Not with `eprintln!`: the test harness hides what a passing test prints.
        let mut terminal = std::io::stderr();
        writeln!(terminal, "SKIPPED: a full disk under the {what}: mounting one needs root").unwrap();
        None
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        unmount(&self.path);
    }
}

fn unmount(path: &Path) {
    // Lazily: SQLite's threads may still be closing their files.
    drop(Command::new("umount").arg("--lazy").arg(path).status());
}
