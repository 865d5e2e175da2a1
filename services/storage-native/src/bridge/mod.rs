//! The database port on a D1 database behind a bridge (`services/bridge`): each call is one HTTPS request.
//!
//! The bridge itself tries again what D1 failed to do. This side tries again only what did not get to the bridge: a read
//! whose answer was lost, and a write that certainly was never sent.

mod connection;
mod failure;
mod open;
mod secret;
mod url;

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use storage::{Answer, Backoff, Bookmark, Database, Entropy as _, Error, Outcome, Result, Row, Statement};
use storage_json::{Batch, Kind, Query, Rows};
use tokio::{
    sync::Semaphore,
    time::{sleep, timeout},
};

use self::{
    connection::Connection,
    failure::{Failure, Sent},
};
pub use self::{
    open::BridgeError,
    secret::{BridgeSecret, InvalidSecret, MIN_SECRET_BYTES},
    url::{BridgeUrl, InvalidBridgeUrl},
};
use crate::OsEntropy;

/// How many calls are made at a time: D1 runs one statement after the other, so more would only wait there.
const CALLS: usize = 64;

/// How long a call waits for its turn.
const PATIENCE: Duration = Duration::from_secs(5);

/// How long a call may take, with all its attempts: a little longer than the bridge waits for D1.
const CALL_TIMEOUT: Duration = Duration::from_secs(35);

/// A D1 database behind a bridge. Clones share its connections.
#[derive(Clone, Debug)]
pub struct BridgeDatabase {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    connection: Connection,
    turns: Semaphore,
}

impl BridgeDatabase {
    /// The database behind the bridge at `url`. Nothing is called yet; [`BridgeDatabase::check`] does.
    ///
    /// # Errors
    /// [`BridgeError::Tls`] if TLS cannot be set up.
    pub fn new(url: &BridgeUrl, secret: &BridgeSecret) -> Result<Self, BridgeError> {
        let connection = Connection::new(url, secret)?;
        Ok(Self { shared: Arc::new(Shared { connection, turns: Semaphore::new(CALLS) }) })
    }

    async fn call(&self, batch: &Batch<'_>) -> Result<storage_json::Answer<Rows>, Failure> {
        let body = Bytes::from(serde_json::to_vec(batch).map_err(Failure::unreadable)?);
        let turn = timeout(PATIENCE, self.shared.turns.acquire()).await;
        let _turn = turn.map_err(|_| Failure::no_turn())?;
        let answer = timeout(CALL_TIMEOUT, self.attempts(body, batch.kind)).await;
        let answer = answer.unwrap_or_else(|_| Err(Failure::no_answer()))?;
        if answer.outcomes.len() == batch.statements.len() {
            Ok(answer)
        } else {
            Err(Failure::unreadable(format!("{} outcomes", answer.outcomes.len())))
        }
    }

    /// Makes attempts until one gets an answer, another might do harm, or there were enough.
    async fn attempts(&self, body: Bytes, kind: Kind) -> Result<storage_json::Answer<Rows>, Failure> {
        let mut backoff = Backoff::default();
        loop {
            let failure = match self.shared.connection.post(body.clone()).await {
                Ok(answer) => return Ok(answer),
                Err(failure) => failure,
            };
            let again = match failure.sent {
                Sent::Never => true,
                Sent::Perhaps => kind == Kind::Read,
                Sent::Answered => false,
            };
            let mut random = [0];
            OsEntropy.fill(&mut random);
            match backoff.next_pause(random[0]) {
                Some(pause) if again => sleep(pause).await,
                _ => return Err(failure),
            }
        }
    }
}

impl Database for BridgeDatabase {
    async fn read(&self, statement: Statement, at_least: Option<Bookmark>) -> Result<Answer<Vec<Row>>> {
        if !statement.only_reads() {
            return Err(Error::broken(format!("not a read: {}", statement.sql)));
        }
        let batch = Batch { kind: Kind::Read, at_least, statements: vec![Query::from(&statement)] };
        let answer = self.call(&batch).await?;
        let rows = answer.outcomes.into_iter().flat_map(|outcome| outcome.rows.0).collect();
        Ok(Answer { value: rows, bookmark: answer.bookmark })
    }

    async fn write(
        &self,
        statements: Vec<Statement>,
        at_least: Option<Bookmark>,
    ) -> Result<Answer<Vec<Outcome>>> {
        if statements.is_empty() {
            return Ok(Answer { value: Vec::new(), bookmark: at_least });
        }
        let queries = statements.iter().map(Query::from).collect();
        let answer = self.call(&Batch { kind: Kind::Write, at_least, statements: queries }).await?;
        let outcomes = answer.outcomes.into_iter();
        let outcomes = outcomes.map(|told| Outcome { rows: told.rows.0, changes: told.changes }).collect();
        Ok(Answer { value: outcomes, bookmark: answer.bookmark })
    }
}
