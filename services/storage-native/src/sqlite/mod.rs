//! The database port on one SQLite file, which several processes may share.
//!
//! Write-ahead log with `synchronous=FULL`: what a write answers survives `kill -9` and a power cut. All writes of a
//! process go through one connection, which commits together what waits (`writer`), of all callers in turn (`queue`); reads
//! have connections of their own, which a write never blocks (`readers`). A file that is removed or replaced while it is
//! open is noticed (`identity`): nothing is acknowledged then.

mod convert;
mod deadline;
mod driven;
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

use storage::{Answer, Bookmark, Database, Outcome, Result, Row, Statement};

use self::{driven::driven, identity::Identity, readers::Readers, writer::Writer};
pub use self::{migrate::migrate, options::SqliteOptions};
use crate::{OpenError, files, write_probe::WriteProbe};

/// A SQLite database. Clones share its connections.
#[derive(Clone, Debug)]
pub struct SqliteDatabase {
    connections: Arc<Connections>,
    caller: queue::Caller,
}

#[derive(Debug)]
struct Connections {
    writer: Writer,
    readers: Readers,
    folder: PathBuf,
    write_probe: WriteProbe,
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

impl Connections {
    /// Looks at the disk, at the file as a new connection sees it, and at the lock that writes need.
    async fn probe(&self, statement: Statement) -> Result<Vec<Row>> {
        self.write_probe.run(self.folder.clone()).await.map_err(files::classify)?;
        let rows = self.readers.read_anew(statement).await?;
        self.writer.write(None, Vec::new()).await?;
        Ok(rows)
    }
}

impl Database for SqliteDatabase {
    async fn read(&self, statement: Statement, _at_least: Option<Bookmark>) -> Result<Answer<Vec<Row>>> {
        let connections = Arc::clone(&self.connections);
        let value = driven(async move { connections.readers.read(statement).await }).await?;
        Ok(Answer { value, bookmark: None })
    }

    async fn probe(&self, statement: Statement) -> Result<Vec<Row>> {
        let connections = Arc::clone(&self.connections);
        driven(async move { connections.probe(statement).await }).await
    }

    async fn write(
        &self,
        statements: Vec<Statement>,
        _at_least: Option<Bookmark>,
    ) -> Result<Answer<Vec<Outcome>>> {
        let value = self.connections.writer.write(self.caller.clone(), statements).await?;
        Ok(Answer { value, bookmark: None })
    }

    /// Its writes are in turn with those of other callers, whatever their number.
    fn for_caller(&self, caller: &str) -> Self {
        Self { connections: Arc::clone(&self.connections), caller: Some(caller.into()) }
    }

    fn is_contended(&self) -> bool {
        self.connections.writer.is_contended(&self.caller)
    }
}
