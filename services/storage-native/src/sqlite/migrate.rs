//! Brings the schema up to date, in the bookkeeping of `wrangler d1 migrations`, so that either tool can continue.

use std::{collections::HashSet, path::Path};

use sqlx::{Connection, Row, SqliteConnection};

use super::options::{SqliteOptions, connect_writer};
use crate::{
    OpenError,
    migrations::{MIGRATIONS, Migration},
};

/// Applies the migrations that the database does not have yet, in order, each with its record in one transaction, and
/// returns their names. Several processes may do so at once: each migration runs once.
///
/// # Errors
/// [`OpenError::FromTheFuture`] if the database has a migration that this program does not know; nothing is changed then.
/// [`OpenError::Migration`] if one fails; those before it stay.
pub async fn migrate(path: &Path) -> Result<Vec<String>, OpenError> {
    apply(path, MIGRATIONS).await
}

async fn apply(path: &Path, migrations: &[Migration]) -> Result<Vec<String>, OpenError> {
    let cannot_open = |source| OpenError::Database { path: path.to_owned(), source };
    let options = SqliteOptions::default();
    let mut connection = connect_writer(path, &options).await.map_err(cannot_open)?;
    let present = applied_names(&mut connection).await.map_err(cannot_open)?;
    if let Some(name) = present.iter().find(|name| migrations.iter().all(|known| known.name != **name)) {
        return Err(OpenError::FromTheFuture { name: name.clone() });
    }
    let mut applied = Vec::new();
    for migration in migrations.iter().filter(|migration| !present.contains(migration.name)) {
        let run = apply_one(&mut connection, *migration).await;
        if run.map_err(|source| OpenError::Migration { name: migration.name.to_owned(), source })? {
            applied.push(migration.name.to_owned());
        }
    }
    connection.close().await.map_err(cannot_open)?;
    Ok(applied)
}

/// The names on record. Reads only, so that a start on an up-to-date database waits for no lock.
async fn applied_names(connection: &mut SqliteConnection) -> Result<HashSet<String>, sqlx::Error> {
    let table = sqlx::query("SELECT 1 FROM sqlite_schema WHERE name = 'd1_migrations'")
        .fetch_optional(&mut *connection);
    if table.await?.is_none() {
        return Ok(HashSet::new());
    }
    let rows = sqlx::query("SELECT name FROM d1_migrations ORDER BY id").fetch_all(connection).await?;
    rows.iter().map(|row| row.try_get(0)).collect()
}

/// Returns whether it was this process that applied it.
async fn apply_one(connection: &mut SqliteConnection, migration: Migration) -> Result<bool, sqlx::Error> {
    // From here on, another process that migrates waits; what it did before is seen now.
    let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await?;
    sqlx::raw_sql(
        "CREATE TABLE IF NOT EXISTS d1_migrations (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            name TEXT UNIQUE,
            applied_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP NOT NULL
        )",
    )
    .execute(&mut *transaction)
    .await?;
    let record = sqlx::query("INSERT INTO d1_migrations (name) VALUES (?1) ON CONFLICT (name) DO NOTHING")
        .bind(migration.name)
        .execute(&mut *transaction)
        .await?;
    let is_new = record.rows_affected() == 1;
    if is_new {
        sqlx::raw_sql(migration.sql).execute(&mut *transaction).await?;
    }
    transaction.commit().await?;
    Ok(is_new)
}
