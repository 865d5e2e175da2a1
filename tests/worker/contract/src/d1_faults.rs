//! How failures of D1 are handled.

#![expect(clippy::unwrap_used, reason = "these are tests")]

use storage::{Bookmark, Constraint, Database, Error, Result, Statement};
use storage_worker::D1Database;

use crate::fake_d1::{Call, Call::Fails, Call::Returns, database};

const LOST: Call = Fails("Network connection lost.");
const NOT_STARTED: Call = Fails("Cannot resolve D1 DB due to transient issue on remote node.");
const OVERLOADED: Call = Fails("D1 DB is overloaded. Requests queued for too long.");

async fn read(database: &D1Database) -> Result<i64> {
    let mut rows = database.read(Statement::new("SELECT 1 AS n"), None).await?.value;
    rows.remove(0).take("n")
}

async fn write(database: &D1Database) -> Result<u64> {
    let insert = Statement::new("INSERT INTO t VALUES (1)");
    Ok(database.write(vec![insert], None).await?.value.remove(0).changes)
}

pub(crate) async fn a_failed_read_is_retried((): &()) {
    let (database, seen) =
        database(&[LOST, Fails("D1 DB reset because its code was updated."), Returns(r#"[["n"],[7]]"#)]);
    assert_eq!(read(&database).await.unwrap(), 7);
    assert_eq!(seen.sessions().len(), 3);
}

pub(crate) async fn a_read_fails_after_the_last_retry((): &()) {
    let (database, seen) = database(&[LOST; 9]);
    assert!(matches!(read(&database).await, Err(Error::Unavailable(_))));
    assert_eq!(seen.sessions().len(), 3);
}

pub(crate) async fn a_possibly_committed_write_is_not_retried((): &()) {
    let (database, seen) = database(&[LOST, Returns("[]")]);
    assert!(matches!(write(&database).await, Err(Error::Unavailable(_))));
    assert_eq!(seen.sessions().len(), 1);
}

pub(crate) async fn a_write_that_did_not_start_is_retried((): &()) {
    let (database, seen) = database(&[NOT_STARTED, Returns("[]")]);
    assert_eq!(write(&database).await.unwrap(), 1);
    assert_eq!(seen.sessions().len(), 2);
}

pub(crate) async fn calls_to_an_overloaded_database_are_not_retried((): &()) {
    let (database, seen) = database(&[OVERLOADED; 2]);
    assert!(matches!(read(&database).await, Err(Error::Overloaded(_))));
    assert!(matches!(write(&database).await, Err(Error::Overloaded(_))));
    assert_eq!(seen.sessions().len(), 2);
}

pub(crate) async fn every_failure_is_classified((): &()) {
    let fails = async |text| write(&database(&[Fails(text)]).0).await.unwrap_err();
    assert!(matches!(
        fails("UNIQUE constraint failed: images.id: SQLITE_CONSTRAINT").await,
        Error::Constraint(Constraint::Unique)
    ));
    assert!(matches!(fails("database or disk is full: SQLITE_FULL").await, Error::Full(_)));
    assert!(matches!(fails("no such table: nowhere: SQLITE_ERROR").await, Error::Broken(_)));
    assert!(matches!(fails("D1 DB exceeded its CPU time limit and was reset.").await, Error::Overloaded(_)));
}

pub(crate) async fn reads_start_at_the_bookmark_and_writes_at_the_primary((): &()) {
    let (database, seen) = database(&[Returns("[]"); 3]);
    let bookmark = Bookmark::parse("0000-1111");
    database.read(Statement::new("SELECT 1"), None).await.unwrap();
    let read = database.read(Statement::new("SELECT 1"), bookmark.clone()).await.unwrap();
    let insert = Statement::new("INSERT INTO t VALUES (1)");
    let written = database.write(vec![insert], bookmark).await.unwrap();

    assert_eq!(seen.sessions(), ["first-unconstrained", "0000-1111", "first-primary"]);
    assert_eq!(read.bookmark, Bookmark::parse("latest"));
    assert_eq!(written.bookmark, read.bookmark);
}

pub(crate) async fn an_invalid_bookmark_is_ignored((): &()) {
    let (database, seen) = database(&[Fails("Invalid bookmark."), Returns("[]")]);
    database.read(Statement::new("SELECT 1"), Bookmark::parse("unknown")).await.unwrap();
    assert_eq!(seen.sessions(), ["unknown", "first-primary"]);
}

pub(crate) async fn an_invalid_row_is_an_error((): &()) {
    for rows in ["[1]", r#"[["blob"],[[1,2]]]"#] {
        let (database, _) = database(&[Returns(rows)]);
        assert!(matches!(read(&database).await, Err(Error::Broken(_))), "{rows}");
    }
}
