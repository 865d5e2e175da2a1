//! Helpers for the tests of a [`Database`].

use crate::{Database, Outcome, Result, Row, Statement};

pub(super) const CREATE_PARENTS: &str =
    "CREATE TABLE parents (id TEXT PRIMARY KEY, score INTEGER NOT NULL CHECK (score >= 0)) WITHOUT ROWID";
pub(super) const CREATE_CHILDREN: &str = "CREATE TABLE children (
    id INTEGER PRIMARY KEY,
    parent_id TEXT NOT NULL REFERENCES parents (id) ON DELETE CASCADE
)";
pub(super) const CREATE_BOXES: &str = "CREATE TABLE boxes (id TEXT, x REAL, area INTEGER, label TEXT)";

pub(super) async fn create(database: &impl Database, tables: &[&'static str]) {
    write(database, tables.iter().map(|sql| Statement::new(sql)).collect()).await.unwrap();
}

pub(super) async fn write(database: &impl Database, statements: Vec<Statement>) -> Result<Vec<Outcome>> {
    database.write(statements, None).await.map(|result| result.value)
}

pub(super) async fn read(database: &impl Database, statement: Statement) -> Result<Vec<Row>> {
    database.read(statement, None).await.map(|result| result.value)
}

pub(super) async fn one_row(database: &impl Database, sql: &'static str) -> Row {
    let mut rows = read(database, Statement::new(sql)).await.unwrap();
    assert_eq!(rows.len(), 1, "{sql}");
    rows.remove(0)
}

pub(super) async fn count(database: &impl Database, sql: &'static str) -> i64 {
    one_row(database, sql).await.take("total").unwrap()
}
