//! Runs one statement on one connection.

use futures_util::TryStreamExt;
use sqlx::{Either, Executor, SqliteConnection};
use storage::{Error, Outcome, Statement};

use super::{
    convert::{Rows, arguments},
    error::Failure,
    sql_text::parameter_count,
};

/// Runs `statement` to its end. The connection keeps the prepared statement.
pub(super) async fn run(connection: &mut SqliteConnection, statement: Statement) -> Result<Outcome, Failure> {
    let only_reads = statement.only_reads();
    let Statement { sql, parameters } = statement;
    let (needed, given) = (parameter_count(sql), parameters.len());
    if needed != given {
        return Err(Error::broken(format!(
            "the statement has {needed} parameters, but {given} values: {sql}"
        ))
        .into());
    }
    let mut rows = Rows::default();
    let mut changes = 0;
    let mut results = connection.fetch_many(sqlx::query_with(sql, arguments(parameters)?));
    while let Some(result) = results.try_next().await? {
        match result {
            Either::Left(done) => changes = done.rows_affected(),
            Either::Right(row) => rows.push(&row)?,
        }
    }
    // After a read, SQLite still reports the number of rows that the previous statement changed.
    if only_reads {
        changes = 0;
    }
    Ok(Outcome { rows: rows.finish(), changes })
}
