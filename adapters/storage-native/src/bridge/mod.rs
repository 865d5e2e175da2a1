//! The database port for a D1 database behind a bridge (`services/bridge`): each call is one HTTPS request.
//!
//! The bridge retries calls in which D1 failed. This adapter retries only calls that did not reach the bridge or whose
//! response was lost: a read, or a write that was certainly never sent.

mod connection;
mod failure;
mod open;
mod secret;
mod url;

use std::{num::NonZeroUsize, sync::Arc, time::Duration};

use bytes::Bytes;
use runtime::CallerShare;
use storage::{Bookmark, Bookmarked, Database, Error, Outcome, Result, Row, Statement, retry};
use storage_json::{Batch, BatchResponse, Kind, Query, Rows};
use tokio::time::timeout;

use self::{connection::Connection, failure::Failure};
pub use self::{
    open::BridgeError,
    secret::{BridgeSecret, InvalidSecret, MIN_SECRET_BYTES},
    url::{BridgeUrl, InvalidBridgeUrl},
};
use crate::{
    OsEntropy, TokioTimer,
    places::{Caller, Places},
    spawn::spawn_and_join,
};

/// The most calls at a time. D1 runs one statement after the other, so more calls would only wait there.
const MAX_CALLS: NonZeroUsize = NonZeroUsize::new(64).unwrap();

/// How long a call waits until there are fewer than [`MAX_CALLS`], and its caller has fewer than its share of them.
const MAX_WAIT: Duration = Duration::from_secs(5);

/// The timeout of a call with all its attempts: a little longer than the bridge waits for D1.
const CALL_TIMEOUT: Duration = Duration::from_secs(35);

/// A D1 database behind a bridge. Clones share its connections.
#[derive(Clone, Debug)]
pub struct BridgeDatabase {
    shared: Arc<Shared>,
    caller: Caller,
}

#[derive(Debug)]
struct Shared {
    connection: Connection,
    calls: Places,
}

impl BridgeDatabase {
    /// The database behind the bridge at `url`. One caller may have `share` of the calls that run at a time. This makes no
    /// call; [`BridgeDatabase::check`] makes the first one.
    ///
    /// # Errors
    /// [`BridgeError::Tls`] if TLS cannot be set up.
    pub fn new(url: &BridgeUrl, secret: &BridgeSecret, share: CallerShare) -> Result<Self, BridgeError> {
        let connection = Connection::new(url, secret)?;
        let shared = Shared { connection, calls: Places::new(MAX_CALLS, share) };
        Ok(Self { shared: Arc::new(shared), caller: None })
    }

    /// Runs the call as a task, so that it never holds one of the places while nothing polls it.
    async fn call(&self, batch: &Batch<'_>) -> Result<BatchResponse<Rows>, Failure> {
        let body = Bytes::from(serde_json::to_vec(batch).map_err(Failure::invalid_message)?);
        let (shared, caller, kind) = (Arc::clone(&self.shared), self.caller.clone(), batch.kind);
        let response = spawn_and_join(async move { shared.call(&caller, kind, body).await }).await?;
        let (outcomes, statements) = (response.outcomes.len(), batch.statements.len());
        if outcomes == statements {
            Ok(response)
        } else {
            let problem = format!("the bridge returned {outcomes} outcomes for {statements} statements");
            Err(Failure::invalid_message(problem))
        }
    }
}

impl Shared {
    /// Posts `body` as soon as there is a place, with the retries that are safe.
    async fn call(&self, caller: &Caller, kind: Kind, body: Bytes) -> Result<BatchResponse<Rows>, Failure> {
        let place = self.calls.acquire(caller, MAX_WAIT).await;
        let _place = place.map_err(|_| Failure::too_many_calls())?;
        let may_retry = |failure: &Failure| failure.retry.allows(kind == Kind::Read);
        let attempt = || self.connection.post(body.clone());
        let response = timeout(CALL_TIMEOUT, retry(&TokioTimer, &OsEntropy, may_retry, attempt)).await;
        response.unwrap_or_else(|_| Err(Failure::timeout()))
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

    /// This caller has at most its share of the calls that run at a time, however many it makes.
    fn for_caller(&self, caller: &str) -> Self {
        Self { shared: Arc::clone(&self.shared), caller: Some(caller.into()) }
    }

    /// A long transaction uses one place, as a short one does, so that other callers do not wait for its end here.
    fn is_contended(&self) -> bool {
        false
    }
}
