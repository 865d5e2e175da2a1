//! Several batches in one transaction, each of which succeeds or fails alone.

use sqlx::{Executor, SqliteConnection};
use storage::{Outcome, Statement};

use super::{error::Failure, run::run};

/// What one batch answered.
pub(super) type BatchResult = Result<Vec<Outcome>, Failure>;

/// Runs the batch `first`, then those that `more` answers until it answers none, and commits once. One of these that fails
/// leaves nothing and does not disturb the others.
///
/// # Errors
/// A failure of `first`, or of the transaction as a whole: then nothing of any batch was written.
pub(super) async fn commit(
    connection: &mut SqliteConnection,
    first: Vec<Statement>,
    more: impl FnMut() -> Option<Vec<Statement>> + Send,
) -> Result<Vec<BatchResult>, Failure> {
    // The lock is taken at once: a transaction that begins by reading may find later that it cannot write.
    execute(connection, "BEGIN IMMEDIATE").await?;
    let result = match run_all(connection, first, more).await {
        Ok(results) => execute(connection, "COMMIT").await.map(|()| results),
        Err(failure) => Err(failure),
    };
    if result.is_err() {
        // SQLite has already rolled back after some failures; then there is nothing to undo, and this one fails.
        drop(execute(connection, "ROLLBACK").await);
    }
    result
}

async fn run_all(
    connection: &mut SqliteConnection,
    first: Vec<Statement>,
    mut more: impl FnMut() -> Option<Vec<Statement>> + Send,
) -> Result<Vec<BatchResult>, Failure> {
    // Nothing is lost if it is undone with its transaction.
    let mut results = vec![Ok(run_in_order(connection, first).await?)];
    while let Some(batch) = more() {
        // A statement that fails undoes itself.
        let result = if batch.len() == 1 {
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
