//! Runs several batches in one transaction, in which each batch succeeds or fails alone.

use sqlx::{Executor, SqliteConnection};
use storage::{Outcome, Statement};

use super::{error::Failure, run::run, sql_text::returns_rows};

/// The result of one batch.
pub(super) type BatchResult = Result<Vec<Outcome>, Failure>;

/// Runs the batch `first`, then the batches that `more` returns until it returns `None`, and commits once. If one of the
/// batches from `more` fails, its changes are undone and the others are not affected.
///
/// # Errors
/// A failure of `first`, or of the whole transaction: then no batch was written.
pub(super) async fn commit(
    connection: &mut SqliteConnection,
    first: Vec<Statement>,
    more: impl FnMut() -> Option<Vec<Statement>> + Send,
) -> Result<Vec<BatchResult>, Failure> {
    // Takes the write lock at once: a transaction that begins with a read may fail to get it later.
    execute(connection, "BEGIN IMMEDIATE").await?;
    let result = match run_all(connection, first, more).await {
        Ok(results) => execute(connection, "COMMIT").await.map(|()| results),
        Err(failure) => Err(failure),
    };
    if result.is_err() {
        // After some failures SQLite has already rolled back; then this fails, and there is nothing to undo.
        drop(execute(connection, "ROLLBACK").await);
    }
    result
}

async fn run_all(
    connection: &mut SqliteConnection,
    first: Vec<Statement>,
    mut more: impl FnMut() -> Option<Vec<Statement>> + Send,
) -> Result<Vec<BatchResult>, Failure> {
    // It needs no savepoint: if it fails, the whole transaction is rolled back, and no other batch is in it yet.
    let mut results = vec![Ok(run_in_order(connection, first).await?)];
    while let Some(batch) = more() {
        let result = if is_undone_by_sqlite(&batch) {
            run_in_order(connection, batch).await
        } else {
            run_in_savepoint(connection, batch).await?
        };
        match result {
            Err(failure) if failure.ends_transaction => return Err(failure),
            settled => results.push(settled),
        }
    }
    Ok(results)
}

/// Whether `batch` needs no savepoint: SQLite undoes a single failed statement. But one that returns rows may also fail after
/// SQLite has run it, if a row cannot be converted.
fn is_undone_by_sqlite(batch: &[Statement]) -> bool {
    matches!(batch, [only] if !returns_rows(only.sql))
}

async fn run_in_savepoint(
    connection: &mut SqliteConnection,
    batch: Vec<Statement>,
) -> Result<BatchResult, Failure> {
    execute(connection, "SAVEPOINT batch").await?;
    let result = run_in_order(connection, batch).await;
    match &result {
        Ok(_) => execute(connection, "RELEASE batch").await?,
        // The savepoint may be gone with its transaction.
        Err(failure) if failure.ends_transaction => {}
        Err(_) => {
            execute(connection, "ROLLBACK TO batch").await?;
            execute(connection, "RELEASE batch").await?;
        }
    }
    Ok(result)
}

async fn run_in_order(connection: &mut SqliteConnection, batch: Vec<Statement>) -> BatchResult {
    let mut outcomes = Vec::with_capacity(batch.len());
    for statement in batch {
        outcomes.push(run(connection, statement).await?);
    }
    Ok(outcomes)
}

async fn execute(connection: &mut SqliteConnection, sql: &'static str) -> Result<(), Failure> {
    connection.execute(sqlx::query(sql)).await?;
    Ok(())
}
