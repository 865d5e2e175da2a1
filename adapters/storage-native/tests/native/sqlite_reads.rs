//! Reads whose caller has stopped waiting, and reads that take too long.

use std::time::Duration;

use futures_util::FutureExt as _;
use storage::{Bookmarked, Database, Error, Result, Row, Statement};
use storage_native::{SqliteDatabase, SqliteOptions};
use tokio::time::timeout;

use crate::fixture::{database_in, folder};

/// Counts without end, and never returns a row.
const ENDLESS: &str = "WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers) SELECT count(*) FROM numbers";

async fn read(database: &SqliteDatabase, sql: &'static str) -> Result<Vec<Row>> {
    database.read(Statement::new(sql), None).await.map(|Bookmarked { value, .. }| value)
}

#[tokio::test]
async fn a_dropped_read_stops_and_its_reader_serves_the_next() {
    let folder = folder();
    let options = SqliteOptions { readers: 1, ..SqliteOptions::default() };
    let database = database_in(&folder, &options).await;

    for _ in 0..20 {
        let gone = timeout(Duration::from_millis(5), read(&database, ENDLESS)).await;
        assert!(gone.is_err(), "{gone:?}");
    }

    let rows = timeout(Duration::from_secs(5), read(&database, "SELECT 1 AS one")).await;
    assert_eq!(rows.unwrap().unwrap()[0].take::<i64>("one").unwrap(), 1);
}

/// Given reads that have started and are then not polled, as for clients that do not read their responses, when others
/// read, then they do not wait for those.
#[tokio::test]
async fn a_read_that_is_not_polled_does_not_block_a_reader() {
    let folder = folder();
    let options = SqliteOptions { readers: 1, ..SqliteOptions::default() };
    let database = database_in(&folder, &options).await;
    let one = "SELECT 1 AS one";
    let mut unpolled: Vec<_> = (0..3).map(|_| Box::pin(read(&database, one))).collect();
    for read in &mut unpolled {
        assert!(read.now_or_never().is_none(), "the read must have started, and not ended");
    }

    let rows = timeout(Duration::from_secs(5), read(&database, one)).await;

    assert!(rows.unwrap().is_ok());
    for read in unpolled {
        assert!(read.await.is_ok());
    }
}

#[tokio::test]
async fn a_read_that_takes_too_long_is_stopped_and_fails() {
    let folder = folder();
    let options =
        SqliteOptions { readers: 1, max_read_time: Duration::from_millis(20), ..SqliteOptions::default() };
    let database = database_in(&folder, &options).await;

    let late = read(&database, ENDLESS).await;

    assert!(matches!(late, Err(Error::Overloaded(_))), "{late:?}");
    assert!(read(&database, "SELECT 1 AS one").await.is_ok());
}
