//! Helpers of the tests.

use std::path::PathBuf;

use storage::{Database, Outcome, Result, Statement};
use storage_native::{SqliteDatabase, SqliteOptions};
use tempfile::TempDir;

pub(crate) fn folder() -> TempDir {
    tempfile::tempdir().unwrap()
}

pub(crate) fn file_in(folder: &TempDir) -> PathBuf {
    folder.path().join("reticle.sqlite")
}

pub(crate) async fn database_in(folder: &TempDir, options: &SqliteOptions) -> SqliteDatabase {
    SqliteDatabase::open(&file_in(folder), options).await.unwrap()
}

/// A database with the table `notes (id TEXT PRIMARY KEY, text TEXT)`.
pub(crate) async fn notes_in(folder: &TempDir, options: &SqliteOptions) -> SqliteDatabase {
    let database = database_in(folder, options).await;
    let create = "CREATE TABLE IF NOT EXISTS notes (id TEXT PRIMARY KEY, text TEXT) WITHOUT ROWID";
    write(&database, vec![Statement::new(create)]).await.unwrap();
    database
}

pub(crate) fn note(id: &str, text: &str) -> Statement {
    Statement::new("INSERT INTO notes (id, text) VALUES (?1, ?2)").bind(id).bind(text)
}

pub(crate) async fn write(database: &SqliteDatabase, statements: Vec<Statement>) -> Result<Vec<Outcome>> {
    database.write(statements, None).await.map(|result| result.value)
}

/// The ids of the notes, in order.
pub(crate) async fn notes(database: &SqliteDatabase) -> Vec<String> {
    let rows = database.read(Statement::new("SELECT id FROM notes ORDER BY id"), None).await.unwrap().value;
    rows.into_iter().map(|mut row| row.take("id").unwrap()).collect()
}
