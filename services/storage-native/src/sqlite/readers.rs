//! Connections that only read.

use std::{
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use sqlx::{Connection, SqliteConnection};
use storage::{Error, Result, Row, Statement};
use tokio::{
    sync::{Semaphore, SemaphorePermit},
    time::timeout,
};

use super::{error::classify, options, options::SqliteOptions, run::run};

/// A bounded number of readers, opened when they are first needed. The one that was used last is used next: its caches
/// are warm.
#[derive(Debug)]
pub(super) struct Readers {
    path: PathBuf,
    options: SqliteOptions,
    places: Semaphore,
    idle: Mutex<Vec<SqliteConnection>>,
}

impl Readers {
    pub(super) fn new(path: &Path, options: &SqliteOptions) -> Self {
        Self {
            path: path.to_owned(),
            options: options.clone(),
            places: Semaphore::new(options.readers.max(1)),
            idle: Mutex::default(),
        }
    }

    pub(super) async fn read(&self, statement: Statement) -> Result<Vec<Row>> {
        let place = self.place().await?;
        let idle = self.idle().pop();
        let connection = match idle {
            Some(connection) => connection,
            None => options::connect_reader(&self.path, &self.options).await.map_err(classify)?,
        };
        let mut lease = Lease { readers: self, connection: Some(connection), _place: place };
        lease.run(statement).await
    }

    /// Waits for the reads that run; later ones fail.
    pub(super) async fn close(&self) {
        let places = u32::try_from(self.options.readers.max(1)).unwrap_or(u32::MAX);
        let everyone = self.places.acquire_many(places).await;
        self.places.close();
        drop(everyone);
        let connections = std::mem::take(&mut *self.idle());
        for connection in connections {
            if let Err(error) = connection.close().await {
                tracing::warn!(%error, "a reader of the database did not close");
            }
        }
    }

    async fn place(&self) -> Result<SemaphorePermit<'_>> {
        // The timer is for those that must wait: most need not.
        if let Ok(place) = self.places.try_acquire() {
            return Ok(place);
        }
        let place = timeout(self.options.patience, self.places.acquire()).await;
        place.map_err(Error::overloaded)?.map_err(Error::unavailable)
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<SqliteConnection>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A connection on loan. It goes back even when its reader gives up: SQLite's thread stops at the next row and resets
/// the statement before it takes another.
struct Lease<'a> {
    readers: &'a Readers,
    connection: Option<SqliteConnection>,
    _place: SemaphorePermit<'a>,
}

impl Lease<'_> {
    async fn run(&mut self, statement: Statement) -> Result<Vec<Row>> {
        let Some(connection) = &mut self.connection else { return Ok(Vec::new()) };
        match run(connection, statement).await {
            Ok(outcome) => Ok(outcome.rows),
            Err(failure) => {
                if failure.ends_transaction {
                    self.connection = None;
                }
                Err(failure.error)
            }
        }
    }
}

impl Drop for Lease<'_> {
    fn drop(&mut self) {
        self.readers.idle().extend(self.connection.take());
    }
}
