//! The database port on one SQLite file, which several processes may share.
//!
//! Write-ahead log with `synchronous=FULL`: what a write answers survives `kill -9` and a power cut. All writes of a
//! process go through one connection, which commits whatever is waiting at once (`writer`); reads have connections of
//! their own, which a write never blocks (`readers`).

mod convert;
mod deadline;
mod error;
mod migrate;
mod options;
mod readers;
mod run;
mod sql_text;
mod transaction;
mod writer;

use std::{path::Path, sync::Arc};

use storage::{Answer, Bookmark, Database, Outcome, Result, Row, Statement};

pub use self::{migrate::migrate, options::SqliteOptions};
use self::{readers::Readers, writer::Writer};
use crate::OpenError;

/// A SQLite database. Clones share its connections.
#[derive(Clone, Debug)]
pub struct SqliteDatabase {
    connections: Arc<Connections>,
}

#[derive(Debug)]
struct Connections {
    writer: Writer,
    readers: Readers,
}

impl SqliteDatabase {
    /// Opens the file, which is made if there is none; its folder must exist. [`migrate`] comes first.
    ///
    /// # Errors
    /// [`OpenError::Database`] if the file cannot be opened or is not a database.
    pub async fn open(path: &Path, options: &SqliteOptions) -> Result<Self, OpenError> {
        let connection = options::connect_writer(path, options)
            .await
            .map_err(|source| OpenError::Database { path: path.to_owned(), source })?;
        let writer = Writer::start(connection, path, options);
        Ok(Self { connections: Arc::new(Connections { writer, readers: Readers::new(path, options) }) })
    }

    /// Waits for the reads that run and the writes that wait, moves the log into the file and closes it. Later calls get
    /// [`storage::Error::Unavailable`].
    pub async fn close(&self) {
        self.connections.readers.close().await;
        self.connections.writer.close().await;
    }

    /// How many transactions this process has committed: fewer than its writes, where those came together.
    #[must_use]
    pub fn commits(&self) -> u64 {
        self.connections.writer.commits()
    }
}

impl Database for SqliteDatabase {
    async fn read(&self, statement: Statement, _at_least: Option<Bookmark>) -> Result<Answer<Vec<Row>>> {
        let value = self.connections.readers.read(statement).await?;
        Ok(Answer { value, bookmark: None })
    }

    async fn write(
        &self,
        statements: Vec<Statement>,
        _at_least: Option<Bookmark>,
    ) -> Result<Answer<Vec<Outcome>>> {
        let value = self.connections.writer.write(statements).await?;
        Ok(Answer { value, bookmark: None })
    }
}
