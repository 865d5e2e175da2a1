//! The SQL for the store id. All statements run on the primary, because a replica may not have the id yet.

use storage::{Database, Error, ObjectKey, Outcome, Result, Row, Session, Statement};

use super::{object_key, parsed};
use crate::store_id::StoreId;

/// The store id in the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Registered {
    pub(crate) id: StoreId,
    /// Whether the object store has been given the same id.
    pub(crate) is_bound: bool,
}

const SELECT: &str = "SELECT id, is_bound FROM store";

/// Reads the store id, if the database has one.
pub(crate) async fn find(database: &impl Database) -> Result<Option<Registered>> {
    let outcomes = database.write(vec![Statement::new(SELECT)], None).await?.value;
    row(outcomes).map(registered).transpose()
}

/// Checks that the database can be read and written.
pub(crate) async fn probe(database: &impl Database) -> Result<()> {
    database.probe(Statement::new(SELECT)).await.map(drop)
}

/// Stores `id` in the database unless it has a store id. Returns the store id that the database has afterwards.
pub(crate) async fn propose(database: &impl Database, id: StoreId) -> Result<Registered> {
    let insert = Statement::new(
        "INSERT INTO store (singleton, id, is_bound) VALUES (1, ?1, 0) ON CONFLICT (singleton) DO NOTHING",
    );
    register(database, insert, id).await
}

/// Replaces the store id of the database by `id`, which is not bound yet.
pub(crate) async fn replace(database: &impl Database, id: StoreId) -> Result<Registered> {
    let insert = Statement::new(
        "INSERT INTO store (singleton, id, is_bound) VALUES (1, ?1, 0)
         ON CONFLICT (singleton) DO UPDATE SET id = excluded.id, is_bound = 0",
    );
    register(database, insert, id).await
}

/// Records that the object store has the same id.
pub(crate) async fn confirm(database: &impl Database, id: StoreId) -> Result<()> {
    let update = Statement::new("UPDATE store SET is_bound = 1 WHERE id = ?1").bind(id.to_string());
    database.write(vec![update], None).await.map(drop)
}

/// Reads the object keys of the newest images, including deleted ones.
pub(crate) async fn newest_keys<D: Database>(
    session: &Session<'_, D>,
    limit: usize,
) -> Result<Vec<ObjectKey>> {
    let statement = Statement::new("SELECT r2_key FROM images ORDER BY id DESC LIMIT ?1")
        .bind(i64::try_from(limit).unwrap_or(i64::MAX));
    row_keys(session.write(vec![statement]).await?)
}

async fn register(database: &impl Database, insert: Statement, id: StoreId) -> Result<Registered> {
    let batch = vec![insert.bind(id.to_string()), Statement::new(SELECT)];
    let outcomes = database.write(batch, None).await?.value;
    registered(row(outcomes).ok_or_else(|| Error::broken("the database has no store id after the insert"))?)
}

fn row(outcomes: Vec<Outcome>) -> Option<Row> {
    outcomes.into_iter().flat_map(|outcome| outcome.rows).next()
}

fn row_keys(outcomes: Vec<Outcome>) -> Result<Vec<ObjectKey>> {
    outcomes.into_iter().flat_map(|outcome| outcome.rows).map(|mut row| object_key(&mut row)).collect()
}

fn registered(mut row: Row) -> Result<Registered> {
    Ok(Registered {
        id: parsed(&mut row, "id", StoreId::parse)?,
        is_bound: row.take::<i64>("is_bound")? != 0,
    })
}
