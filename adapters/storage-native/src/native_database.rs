use storage::{Bookmark, Bookmarked, Database, Outcome, Result, Row, Statement};

use crate::{BridgeDatabase, SqliteDatabase};

/// The database of a native program, chosen by its settings.
#[derive(Clone, Debug)]
pub enum NativeDatabase {
    /// A file on this machine.
    Sqlite(SqliteDatabase),
    /// A D1 database behind a bridge.
    Bridge(BridgeDatabase),
}

impl NativeDatabase {
    /// Waits for running calls and closes the file, if the database is a file.
    pub async fn close(&self) {
        match self {
            Self::Sqlite(database) => database.close().await,
            Self::Bridge(_) => {}
        }
    }
}

impl Database for NativeDatabase {
    async fn read(&self, statement: Statement, at_least: Option<Bookmark>) -> Result<Bookmarked<Vec<Row>>> {
        match self {
            Self::Sqlite(database) => database.read(statement, at_least).await,
            Self::Bridge(database) => database.read(statement, at_least).await,
        }
    }

    async fn probe(&self, statement: Statement) -> Result<Vec<Row>> {
        match self {
            Self::Sqlite(database) => database.probe(statement).await,
            Self::Bridge(database) => database.probe(statement).await,
        }
    }

    async fn write(
        &self,
        statements: Vec<Statement>,
        at_least: Option<Bookmark>,
    ) -> Result<Bookmarked<Vec<Outcome>>> {
        match self {
            Self::Sqlite(database) => database.write(statements, at_least).await,
            Self::Bridge(database) => database.write(statements, at_least).await,
        }
    }

    fn for_caller(&self, caller: &str) -> Self {
        match self {
            Self::Sqlite(database) => Self::Sqlite(database.for_caller(caller)),
            Self::Bridge(database) => Self::Bridge(database.for_caller(caller)),
        }
    }

    fn is_contended(&self) -> bool {
        match self {
            Self::Sqlite(database) => database.is_contended(),
            Self::Bridge(database) => database.is_contended(),
        }
    }
}
