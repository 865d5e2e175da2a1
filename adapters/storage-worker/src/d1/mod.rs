//! The database port for a D1 binding.
//!
//! Reads run in a session on any replica that has the data of the caller's bookmark, writes run in a session on the primary;
//! both return the session's bookmark. Parameters and numbers in rows are JavaScript numbers: doubles.

mod failure;
mod session;

use std::{future::Future, time::Duration};

use storage::{Bookmark, Bookmarked, Database, Error, Outcome, Result, Row, Statement, retry};
use storage_json::{Kind, Query, parse_rows};
use worker::{
    wasm_bindgen::{JsCast, JsValue},
    worker_sys::D1Database as Binding,
};

use self::failure::{Class, Failure};
use crate::{WorkerEntropy, WorkerTimer, timer::with_timeout};

/// Starts a session on any replica.
const ANYWHERE: &str = "first-unconstrained";

/// Starts a session on the primary, which has every write.
const PRIMARY: &str = "first-primary";

/// The timeout of a call with all its attempts. D1 ends a query after the same time.
const CALL_TIMEOUT: Duration = Duration::from_secs(30);

/// A D1 database, through its binding.
#[derive(Clone, Debug)]
pub struct D1Database {
    binding: Binding,
}

impl D1Database {
    /// The database behind `binding`. `wrangler d1 migrations apply` makes its tables.
    #[must_use]
    pub fn new(binding: worker::D1Database) -> Self {
        Self { binding: JsValue::from(binding).unchecked_into() }
    }

    /// Like [`Database::read`], for a statement whose text is not a literal. The rows are a JSON text for
    /// [`storage_json::Rows`].
    ///
    /// # Errors
    /// Those of [`Database::read`].
    pub async fn read_text(
        &self,
        query: &Query<'_>,
        at_least: Option<&Bookmark>,
    ) -> Result<Bookmarked<String>> {
        if !query.only_reads() {
            return Err(Error::broken(format!("the statement of a read must only read: {}", query.sql)));
        }
        call_with_retries(Kind::Read, || self.read_since(query, at_least)).await
    }

    /// Like [`Database::write`], for statements whose texts are not literals. The rows of each are a JSON text.
    ///
    /// # Errors
    /// Those of [`Database::write`].
    pub async fn write_text(
        &self,
        queries: &[Query<'_>],
        at_least: Option<Bookmark>,
    ) -> Result<Bookmarked<Vec<storage_json::Outcome<String>>>> {
        if queries.is_empty() {
            return Ok(Bookmarked { value: Vec::new(), bookmark: at_least });
        }
        call_with_retries(Kind::Write, || session::write(&self.binding, PRIMARY, queries)).await
    }

    async fn read_since(
        &self,
        query: &Query<'_>,
        at_least: Option<&Bookmark>,
    ) -> Result<Bookmarked<String>, Failure> {
        match session::read(&self.binding, at_least.map_or(ANYWHERE, Bookmark::as_str), query).await {
            // A client may send any text as a bookmark. The primary has all data that the client may have seen.
            Err(failure) if failure.class == Class::Bookmark => {
                session::read(&self.binding, PRIMARY, query).await
            }
            result => result,
        }
    }
}

impl Database for D1Database {
    async fn read(&self, statement: Statement, at_least: Option<Bookmark>) -> Result<Bookmarked<Vec<Row>>> {
        let result = self.read_text(&Query::from(&statement), at_least.as_ref()).await?;
        Ok(Bookmarked { value: parse(&result.value)?, bookmark: result.bookmark })
    }

    async fn write(
        &self,
        statements: Vec<Statement>,
        at_least: Option<Bookmark>,
    ) -> Result<Bookmarked<Vec<Outcome>>> {
        let queries: Vec<_> = statements.iter().map(Query::from).collect();
        let result = self.write_text(&queries, at_least).await?;
        let outcomes = result.value.into_iter().map(|outcome| {
            let rows = parse(&outcome.rows)?;
            Ok(Outcome { rows, changes: outcome.changes })
        });
        Ok(Bookmarked { value: outcomes.collect::<Result<_>>()?, bookmark: result.bookmark })
    }

    fn for_caller(&self, _caller: &str) -> Self {
        self.clone()
    }

    fn is_contended(&self) -> bool {
        false
    }
}

/// Parses the rows in D1's JSON text.
fn parse(text: &str) -> Result<Vec<Row>> {
    parse_rows(text).map_err(Error::broken)
}

/// Runs `attempt` with the retries that are safe, until [`CALL_TIMEOUT`] is over.
async fn call_with_retries<T, F>(kind: Kind, attempt: impl Fn() -> F + Send) -> Result<T>
where
    T: Send,
    F: Future<Output = Result<T, Failure>> + Send,
{
    let may_retry = |failure: &Failure| failure.retry().allows(kind == Kind::Read);
    let result = with_timeout(CALL_TIMEOUT, retry(&WorkerTimer, &WorkerEntropy, may_retry, attempt)).await;
    result.unwrap_or_else(|| Err(Failure::timeout())).map_err(Error::from)
}
