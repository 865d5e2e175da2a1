//! Empties the stores before a test.

#![expect(clippy::unwrap_used, reason = "a test that cannot begin fails")]

use storage::{Database, ObjectStore, Row, Statement};
use storage_worker::{D1Database, R2Objects};

/// Drops all tables.
pub(crate) async fn empty_database(database: &D1Database) {
    // Newest first, since tables with foreign keys were created after the tables to which they refer.
    let names =
        "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT GLOB '_cf_*' ORDER BY rowid DESC";
    let tables = database.read(Statement::new(names), None).await.unwrap().value;
    let drop_table = |mut table: Row| {
        let name: String = table.take("name").unwrap();
        Statement::new(format!("DROP TABLE {name}").leak())
    };
    database.write(tables.into_iter().map(drop_table).collect(), None).await.unwrap();
}

/// Deletes all objects.
pub(crate) async fn empty_store(store: &R2Objects) {
    loop {
        let page = store.list("", None, 1_000).await.unwrap();
        store.delete(page.objects.into_iter().map(|object| object.key).collect()).await.unwrap();
        if !page.more {
            return;
        }
    }
}

/// For tests that need no empty store.
pub(crate) async fn nothing<T: Sync>(_: &T) {}
