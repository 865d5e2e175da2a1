//! Applies migrations to the database, and records them in the table of `wrangler d1 migrations`, so that either tool can
//! continue.

use std::path::Path;

use sqlx::{Connection, Row, SqliteConnection};

use super::options::{SqliteOptions, connect_writer};
use crate::{
    OpenError,
    migrations::{Difference, MIGRATIONS, Migration, difference},
};

/// Applies the migrations that the database does not have yet, in order, each in one transaction with its record, and
/// returns their names. Several processes may do this at once: each migration runs once.
///
/// # Errors
/// [`OpenError::UnknownMigration`] if the database has a migration that this program does not know; then nothing changes.
/// [`OpenError::Migration`] if one fails; the earlier ones stay applied.
pub async fn migrate(path: &Path) -> Result<Vec<String>, OpenError> {
    let cannot_open = |source| OpenError::Database { path: path.to_owned(), source };
    let options = SqliteOptions::default();
    let mut connection = connect_writer(path, &options).await.map_err(cannot_open)?;
    let present = applied_names(&mut connection).await.map_err(cannot_open)?;
    if let Some(Difference::Unknown(name)) = difference(&present) {
        return Err(OpenError::UnknownMigration { name });
    }
    let mut applied = Vec::new();
    for migration in MIGRATIONS.iter().filter(|known| present.iter().all(|name| name != known.name)) {
        let run = apply_one(&mut connection, *migration).await;
        if run.map_err(|source| OpenError::Migration { name: migration.name.to_owned(), source })? {
            applied.push(migration.name.to_owned());
        }
    }
    connection.close().await.map_err(cannot_open)?;
    Ok(applied)
}

/// The recorded names, in order. It only reads, so that a start with an up-to-date database does not wait for a lock.
async fn applied_names(connection: &mut SqliteConnection) -> Result<Vec<String>, sqlx::Error> {
    let table = sqlx::query("SELECT 1 FROM sqlite_schema WHERE name = 'd1_migrations'")
        .fetch_optional(&mut *connection);
    if table.await?.is_none() {
        return Ok(Vec::new());
    }
    let rows = sqlx::query("SELECT name FROM d1_migrations ORDER BY id").fetch_all(connection).await?;
    rows.iter().map(|row| row.try_get(0)).collect()
}

/// Applies a migration, unless another process has done so meanwhile. Returns whether this process applied it.
async fn apply_one(connection: &mut SqliteConnection, migration: Migration) -> Result<bool, sqlx::Error> {
    // From here on, other processes that migrate wait, and the migrations that they applied before are visible.
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
