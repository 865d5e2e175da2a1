//! The database port for a D1 database behind a bridge (`services/bridge`): each call is one HTTPS request.
//!
//! The bridge retries calls in which D1 failed. This adapter retries only calls that did not reach the bridge or whose
//! response was lost: a read, or a write that was certainly never sent.

mod connection;
mod failure;
mod open;
mod secret;
mod url;

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use storage::{Bookmark, Bookmarked, Database, Error, Outcome, Result, Row, Statement, retry};
use storage_json::{Batch, Kind, Query, Rows};
use tokio::{sync::Semaphore, time::timeout};

use self::{connection::Connection, failure::Failure};
pub use self::{
    open::BridgeError,
    secret::{BridgeSecret, InvalidSecret, MIN_SECRET_BYTES},
    url::{BridgeUrl, InvalidBridgeUrl},
};
use crate::{OsEntropy, TokioTimer};

/// The most calls at a time. D1 runs one statement after the other, so more calls would only wait there.
const MAX_CALLS: usize = 64;

/// How long a call waits until there are fewer than [`MAX_CALLS`].
const MAX_WAIT: Duration = Duration::from_secs(5);

/// The timeout of a call with all its attempts: a little longer than the bridge waits for D1.
const CALL_TIMEOUT: Duration = Duration::from_secs(35);

/// A D1 database behind a bridge. Clones share its connections.
#[derive(Clone, Debug)]
pub struct BridgeDatabase {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    connection: Connection,
    running_calls: Semaphore,
}

impl BridgeDatabase {
    /// The database behind the bridge at `url`. This makes no call; [`BridgeDatabase::check`] makes the first one.
    ///
    /// # Errors
    /// [`BridgeError::Tls`] if TLS cannot be set up.
    pub fn new(url: &BridgeUrl, secret: &BridgeSecret) -> Result<Self, BridgeError> {
        let connection = Connection::new(url, secret)?;
        Ok(Self { shared: Arc::new(Shared { connection, running_calls: Semaphore::new(MAX_CALLS) }) })
    }

    async fn call(&self, batch: &Batch<'_>) -> Result<storage_json::BatchResponse<Rows>, Failure> {
        let body = Bytes::from(serde_json::to_vec(batch).map_err(Failure::invalid_message)?);
        let permit = timeout(MAX_WAIT, self.shared.running_calls.acquire()).await;
        let _permit = permit.map_err(|_| Failure::too_many_calls())?;
        let may_retry = |failure: &Failure| failure.retry.allows(batch.kind == Kind::Read);
        let attempt = || self.shared.connection.post(body.clone());
        let response = timeout(CALL_TIMEOUT, retry(&TokioTimer, &OsEntropy, may_retry, attempt)).await;
        let response = response.unwrap_or_else(|_| Err(Failure::timeout()))?;
        let (outcomes, statements) = (response.outcomes.len(), batch.statements.len());
        if outcomes == statements {
            Ok(response)
        } else {
            let problem = format!("the bridge returned {outcomes} outcomes for {statements} statements");
            Err(Failure::invalid_message(problem))
        }
    }
}

impl Database for BridgeDatabase {
    async fn read(&self, statement: Statement, at_least: Option<Bookmark>) -> Result<Bookmarked<Vec<Row>>> {
        if !statement.only_reads() {
            return Err(Error::broken(format!("the statement of a read must only read: {}", statement.sql)));
        }
        let batch = Batch { kind: Kind::Read, at_least, statements: vec![Query::from(&statement)] };
        let response = self.call(&batch).await?;
        let rows = response.outcomes.into_iter().flat_map(|outcome| outcome.rows.0).collect();
        Ok(Bookmarked { value: rows, bookmark: response.bookmark })
    }

    async fn write(
        &self,
        statements: Vec<Statement>,
        at_least: Option<Bookmark>,
    ) -> Result<Bookmarked<Vec<Outcome>>> {
        if statements.is_empty() {
            return Ok(Bookmarked { value: Vec::new(), bookmark: at_least });
        }
        let queries = statements.iter().map(Query::from).collect();
        let response = self.call(&Batch { kind: Kind::Write, at_least, statements: queries }).await?;
        let outcomes = response.outcomes.into_iter();
        let outcomes = outcomes.map(|one| Outcome { rows: one.rows.0, changes: one.changes }).collect();
        Ok(Bookmarked { value: outcomes, bookmark: response.bookmark })
    }

    fn for_caller(&self, _caller: &str) -> Self {
        self.clone()
    }

    fn is_contended(&self) -> bool {
        false
    }
}
