//! The database port for one SQLite file, which several processes may share.
//!
//! The file has a write-ahead log with `synchronous=FULL`, so that an acknowledged write survives `kill -9` and a power
//! failure. All writes of a process use one connection, which commits waiting writes together (`writer`), of all callers in
//! turn (`queue`). Reads have their own connections, which a write never blocks (`readers`). If the file is removed or
//! replaced while it is open, writes fail and are not acknowledged (`identity`).

mod convert;
mod deadline;
mod error;
mod identity;
mod migrate;
mod options;
mod queue;
mod readers;
mod run;
mod sql_text;
mod transaction;
mod writer;

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use storage::{Bookmark, Bookmarked, Database, Outcome, Result, Row, Statement};

use self::{identity::Identity, readers::Readers, writer::Writer};
pub use self::{migrate::migrate, options::SqliteOptions};
use crate::{OpenError, files, places::Caller, spawn::spawn_and_join, write_probe::WriteProbe};

/// A SQLite database. Clones share its connections.
#[derive(Clone, Debug)]
pub struct SqliteDatabase {
    connections: Arc<Connections>,
    caller: Caller,
}

#[derive(Debug)]
struct Connections {
    writer: Writer,
    readers: Readers,
    folder: PathBuf,
    write_probe: WriteProbe,
}

impl SqliteDatabase {
    /// Opens the file, and makes it if it does not exist; its folder must exist. Call [`migrate`] first.
    ///
    /// # Errors
    /// [`OpenError::Database`] if the file cannot be opened or is not a database.
    pub async fn open(path: &Path, options: &SqliteOptions) -> Result<Self, OpenError> {
        let connection = options::connect_writer(path, options)
            .await
            .map_err(|source| OpenError::Database { path: path.to_owned(), source })?;
        let identity = Identity::of(path)
            .map_err(|error| OpenError::Database { path: path.to_owned(), source: error.into() })?;
        let identity = Arc::new(identity);
        let writer = Writer::start(connection, path, options, Arc::clone(&identity));
        let readers = Readers::new(path, options, identity);
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        let folder = folder.unwrap_or_else(|| Path::new(".")).to_owned();
        let connections = Connections { writer, readers, folder, write_probe: WriteProbe::default() };
        Ok(Self { connections: Arc::new(connections), caller: None })
    }

    /// Waits for running reads and waiting writes, moves the log into the file and closes it. Later calls fail with
    /// [`storage::Error::Unavailable`].
    pub async fn close(&self) {
        self.connections.readers.close().await;
        self.connections.writer.close().await;
    }

    /// How many transactions this process has committed: fewer than its writes, if writes were committed together.
    #[must_use]
    pub fn commits(&self) -> u64 {
        self.connections.writer.commits()
    }
}

impl Connections {
    /// Checks that the disk accepts a file, that a new connection can read the database, and that a write gets the lock.
    async fn probe(&self, statement: Statement) -> Result<Vec<Row>> {
        self.write_probe.run(self.folder.clone()).await.map_err(files::classify)?;
        let rows = self.readers.read_on_new_connection(statement).await?;
        self.writer.write(None, Vec::new()).await?;
        Ok(rows)
    }
}

impl Database for SqliteDatabase {
    async fn read(&self, statement: Statement, _at_least: Option<Bookmark>) -> Result<Bookmarked<Vec<Row>>> {
        let connections = Arc::clone(&self.connections);
        let value = spawn_and_join(async move { connections.readers.read(statement).await }).await?;
        Ok(Bookmarked { value, bookmark: None })
    }

    async fn probe(&self, statement: Statement) -> Result<Vec<Row>> {
        let connections = Arc::clone(&self.connections);
        spawn_and_join(async move { connections.probe(statement).await }).await
    }

    async fn write(
        &self,
        statements: Vec<Statement>,
        _at_least: Option<Bookmark>,
    ) -> Result<Bookmarked<Vec<Outcome>>> {
        let value = self.connections.writer.write(self.caller.clone(), statements).await?;
        Ok(Bookmarked { value, bookmark: None })
    }

    /// The writer serves this caller's writes in turn with those of other callers, however many each caller has.
    fn for_caller(&self, caller: &str) -> Self {
        Self { connections: Arc::clone(&self.connections), caller: Some(caller.into()) }
    }

    fn is_contended(&self) -> bool {
        self.connections.writer.is_contended(&self.caller)
    }
}
