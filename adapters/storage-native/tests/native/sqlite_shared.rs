//! Several processes on one file. For SQLite, a second open database in the same process is like another process.

use std::time::Duration;

use futures_util::future::join_all;
use storage::Error;
use storage_native::{SqliteDatabase, SqliteOptions};

use crate::fixture::{database_in, file_in, folder, note, notes, notes_in, write};

fn with_short_wait() -> SqliteOptions {
    SqliteOptions { max_wait: Duration::from_millis(50), queue: 1, ..SqliteOptions::default() }
}

/// A connection that holds the write lock until it is dropped.
async fn lock(folder: &tempfile::TempDir) -> sqlx::SqliteConnection {
    use sqlx::{ConnectOptions, Executor};
    let mut other =
        sqlx::sqlite::SqliteConnectOptions::new().filename(file_in(folder)).connect().await.unwrap();
    other.execute("BEGIN IMMEDIATE").await.unwrap();
    other
}

#[tokio::test(flavor = "multi_thread")]
async fn two_writers_share_a_file() {
    let folder = folder();
    let one = notes_in(&folder, &SqliteOptions::default()).await;
    let other = notes_in(&folder, &SqliteOptions::default()).await;

    let ids: Vec<String> = (0..100).map(|n| format!("{n:02}")).collect();
    let writes = ids
        .iter()
        .enumerate()
        .map(|(n, id)| write(if n % 2 == 0 { &one } else { &other }, vec![note(id, "x")]));
    assert!(join_all(writes).await.iter().all(Result::is_ok));

    assert_eq!(notes(&one).await.len(), 100);
    assert_eq!(notes(&other).await.len(), 100);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_file_may_be_opened_by_many_at_once() {
    let folder = folder();
    let options = SqliteOptions::default();
    let databases = join_all((0..8).map(|_| notes_in(&folder, &options))).await;
    write(&databases[0], vec![note("a", "x")]).await.unwrap();
    assert_eq!(notes(&databases[7]).await, ["a"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn writes_are_unavailable_while_another_process_holds_the_lock() {
    let folder = folder();
    let database = notes_in(&folder, &with_short_wait()).await;
    let lock = lock(&folder).await;

    let result = write(&database, vec![note("a", "x")]).await;
    assert!(matches!(result, Err(Error::Unavailable(_))), "{result:?}");
    assert!(notes(&database).await.is_empty(), "reads still work");

    sqlx::Connection::close(lock).await.unwrap();
    write(&database, vec![note("a", "x")]).await.unwrap();
    assert_eq!(notes(&database).await, ["a"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_queue_rejects_writes_after_the_maximum_wait() {
    let folder = folder();
    let long_wait = SqliteOptions { max_wait: Duration::from_secs(60), queue: 2, ..SqliteOptions::default() };
    drop(notes_in(&folder, &long_wait).await);
    let database =
        database_in(&folder, &SqliteOptions { max_wait: Duration::from_millis(300), ..long_wait }).await;
    let _lock = lock(&folder).await;

    let ids: Vec<String> = (0..600).map(|n| format!("{n}")).collect();
    let results = join_all(ids.iter().map(|id| write(&database, vec![note(id, "x")]))).await;

    assert!(results.iter().all(|result| matches!(result, Err(Error::Unavailable(_) | Error::Overloaded(_)))));
    assert!(results.iter().any(|result| matches!(result, Err(Error::Overloaded(_)))));
}

#[tokio::test(flavor = "multi_thread")]
async fn opening_a_locked_file_fails_after_the_maximum_wait() {
    use sqlx::{ConnectOptions, Executor};
    let folder = folder();
    let mut other = sqlx::sqlite::SqliteConnectOptions::new()
        .filename(file_in(&folder))
        .create_if_missing(true)
        .connect()
        .await
        .unwrap();
    other.execute("BEGIN EXCLUSIVE").await.unwrap();

    let result = SqliteDatabase::open(&file_in(&folder), &with_short_wait()).await;

    assert!(result.unwrap_err().to_string().contains("another process keeps the database locked"));
}
