//! The pool of the connections that only read.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use sqlx::{Connection, SqliteConnection};
use storage::{Error, Outcome, Result, Row, Statement};
use tokio::{
    sync::{Semaphore, SemaphorePermit},
    time::timeout,
};

use super::{
    deadline::Deadline,
    error::{Failure, classify},
    identity::Identity,
    options,
    options::SqliteOptions,
    run::run,
};

/// A bounded number of readers, opened when they are first needed. The reader that was used last is used next, because its
/// caches are warm.
#[derive(Debug)]
pub(super) struct Readers {
    path: PathBuf,
    options: SqliteOptions,
    identity: Arc<Identity>,
    places: Semaphore,
    idle: Mutex<Vec<Reader>>,
}

impl Readers {
    pub(super) fn new(path: &Path, options: &SqliteOptions, identity: Arc<Identity>) -> Self {
        Self {
            path: path.to_owned(),
            options: options.clone(),
            identity,
            places: Semaphore::new(options.readers.max(1)),
            idle: Mutex::default(),
        }
    }

    pub(super) async fn read(&self, statement: Statement) -> Result<Vec<Row>> {
        let place = self.place().await?;
        let idle = self.idle().pop();
        let reader = match idle {
            Some(reader) => reader,
            None => self.connect().await?,
        };
        let mut lease = Lease { readers: self, reader: Some(reader), _place: place };
        lease.run(statement).await
    }

    /// Reads with a new connection, which has nothing in its caches.
    pub(super) async fn read_on_new_connection(&self, statement: Statement) -> Result<Vec<Row>> {
        let _place = self.place().await?;
        let mut reader = self.connect().await?;
        let outcome =
            reader.run(statement, self.options.max_read_time).await.map_err(|failure| failure.error)?;
        reader.connection.close().await.map_err(classify)?;
        Ok(outcome.rows)
    }

    /// Waits for running reads and closes all connections. Later reads fail.
    pub(super) async fn close(&self) {
        let places = u32::try_from(self.options.readers.max(1)).unwrap_or(u32::MAX);
        let all_places = self.places.acquire_many(places).await;
        self.places.close();
        drop(all_places);
        let readers = std::mem::take(&mut *self.idle());
        for reader in readers {
            if let Err(error) = reader.connection.close().await {
                tracing::warn!(%error, "cannot close a read connection of the database");
            }
        }
    }

    /// Opens a connection, and checks that it is to the file that was opened, not to one that has replaced it.
    async fn connect(&self) -> Result<Reader> {
        self.identity.check()?;
        let reader = Reader::connect(&self.path, &self.options).await.map_err(classify)?;
        self.identity.check()?;
        Ok(reader)
    }

    async fn place(&self) -> Result<SemaphorePermit<'_>> {
        // Most reads need not wait, and then need no timer.
        if let Ok(place) = self.places.try_acquire() {
            return Ok(place);
        }
        let place = timeout(self.options.max_wait, self.places.acquire()).await;
        place.map_err(Error::overloaded)?.map_err(Error::unavailable)
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<Reader>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A connection, and the deadline of its statement.
#[derive(Debug)]
struct Reader {
    connection: SqliteConnection,
    deadline: Deadline,
    /// Whether its thread may still run a statement whose caller has stopped waiting.
    is_busy: bool,
}

impl Reader {
    async fn connect(path: &Path, options: &SqliteOptions) -> Result<Self, sqlx::Error> {
        let mut connection = options::connect_reader(path, options).await?;
        let deadline = Deadline::of(&mut connection).await?;
        Ok(Self { connection, deadline, is_busy: false })
    }

    async fn run(&mut self, statement: Statement, limit: Duration) -> Result<Outcome, Failure> {
        if self.is_busy {
            // Until the thread has left the previous statement, the deadline applies to that one.
            self.connection.ping().await?;
        }
        self.is_busy = true;
        self.deadline.set(limit);
        let outcome = run(&mut self.connection, statement).await?;
        self.is_busy = false;
        Ok(outcome)
    }
}

/// A reader in use. When it is dropped, the reader returns to the pool, and a running statement is stopped.
struct Lease<'a> {
    readers: &'a Readers,
    reader: Option<Reader>,
    _place: SemaphorePermit<'a>,
}

impl Lease<'_> {
    async fn run(&mut self, statement: Statement) -> Result<Vec<Row>> {
        let Some(reader) = &mut self.reader else { return Ok(Vec::new()) };
        match reader.run(statement, self.readers.options.max_read_time).await {
            Ok(outcome) => Ok(outcome.rows),
            Err(failure) => {
                if failure.ends_transaction {
                    self.reader = None;
                }
                Err(failure.error)
            }
        }
    }
}

impl Drop for Lease<'_> {
    fn drop(&mut self) {
        let reader = self.reader.take();
        if let Some(reader) = reader.as_ref().filter(|reader| reader.is_busy) {
            reader.deadline.stop();
        }
        self.readers.idle().extend(reader);
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::Instant;

    use super::*;

    /// Given a database whose only reader is in use, when another call reads, then it is rejected after the maximum wait; when
    /// the reader is free, then reads work again.
    #[tokio::test(start_paused = true)]
    async fn reads_are_rejected_after_the_maximum_wait_if_all_readers_are_busy() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let options = SqliteOptions { readers: 1, ..SqliteOptions::default() };
        let identity = Arc::new(Identity::of(file.path()).unwrap());
        let readers = Readers::new(file.path(), &options, identity);
        let place = readers.place().await.unwrap();
        let start = Instant::now();

        let rejected = readers.read(Statement::new("SELECT 1")).await;

        assert!(matches!(rejected, Err(Error::Overloaded(_))), "{rejected:?}");
        assert_eq!(start.elapsed(), options.max_wait);
        drop(place);
        assert_eq!(readers.read(Statement::new("SELECT 1")).await.unwrap().len(), 1);
    }
}
