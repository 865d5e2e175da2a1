//! A database file that is removed or replaced while it is open.

use std::fs;

use storage::{Database as _, Error, Statement};
use storage_native::SqliteOptions;

use crate::fixture::{file_in, folder, note, notes, notes_in, write};

#[tokio::test]
async fn nothing_is_acknowledged_once_the_file_is_removed() {
    for name in ["reticle.sqlite", "reticle.sqlite-wal"] {
        let folder = folder();
        let database = notes_in(&folder, &SqliteOptions::default()).await;
        write(&database, vec![note("before", "")]).await.unwrap();
        fs::remove_file(folder.path().join(name)).unwrap();

        for _ in 0..3 {
            let error = write(&database, vec![note("after", "")]).await.unwrap_err();
            assert!(matches!(error, Error::Unavailable(_)), "{name}: {error:?}");
            assert!(error.plain_cause().is_some_and(|cause| cause.0.contains("removed or replaced")));
        }
        assert!(!folder.path().join(name).exists(), "{name} must not be made again");
    }
}

#[tokio::test]
async fn a_replacement_file_is_neither_written_nor_read() {
    let (folder, other) = (folder(), folder());
    let database = notes_in(&folder, &SqliteOptions::default()).await;
    write(&database, vec![note("ours", "")]).await.unwrap();
    notes_in(&other, &SqliteOptions::default()).await.close().await;
    let before = fs::read(file_in(&other)).unwrap();
    fs::rename(file_in(&other), file_in(&folder)).unwrap();

    assert!(write(&database, vec![note("lost", "")]).await.is_err());
    let read = database.read(Statement::new("SELECT id FROM notes"), None).await;
    assert!(read.is_err(), "a new reader must not open the replacement: {read:?}");
    assert!(fs::read(file_in(&folder)).unwrap() == before);
}

#[tokio::test]
async fn writes_work_again_when_the_file_is_restored() {
    let folder = folder();
    let database = notes_in(&folder, &SqliteOptions::default()).await;
    let aside = folder.path().join("aside");
    fs::rename(file_in(&folder), &aside).unwrap();
    assert!(write(&database, vec![note("during", "")]).await.is_err());
    fs::rename(&aside, file_in(&folder)).unwrap();
    write(&database, vec![note("after", "")]).await.unwrap();
    assert_eq!(notes(&database).await, ["after"]);
}
