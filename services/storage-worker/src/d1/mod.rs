//! The database port on a D1 binding.
//!
//! Reads run in a session that may be served by any replica that has seen the caller's bookmark, writes in one at the
//! primary; both answer the session's bookmark. Parameters and numbers in rows are JavaScript's: doubles.

mod failure;
mod retry;
mod session;

use std::{future::Future, time::Duration};

use storage::{Answer, Bookmark, Database, Entropy, Error, Outcome, Result, Row, Statement};
use storage_json::{Query, parse_rows};
use worker::{
    wasm_bindgen::{JsCast, JsValue},
    worker_sys::D1Database as Binding,
};

use self::{
    failure::{Class, Failure},
    retry::{Call, Retries},
};
use crate::{WorkerEntropy, sleep, timer::within};

/// Any replica may answer.
const ANYWHERE: &str = "first-unconstrained";

/// Only the primary has every write.
const PRIMARY: &str = "first-primary";

/// How long a call may take, with all its attempts. D1 ends a query after as long.
const PATIENCE: Duration = Duration::from_secs(30);

/// A D1 database.
#[derive(Clone, Debug)]
pub struct D1Database {
    binding: Binding,
}

impl D1Database {
    /// The database behind `binding`. Its tables are made by `wrangler d1 migrations apply`.
    #[must_use]
    pub fn new(binding: worker::D1Database) -> Self {
        Self { binding: JsValue::from(binding).unchecked_into() }
    }

    /// What [`Database::read`] does, for a statement whose text is no literal; the rows are a text for
    /// [`storage_json::Rows`].
    ///
    /// # Errors
    /// Those of [`Database::read`].
    pub async fn read_text(&self, query: &Query<'_>, at_least: Option<&Bookmark>) -> Result<Answer<String>> {
        if !query.only_reads() {
            return Err(Error::broken(format!("not a read: {}", query.sql)));
        }
        patiently(Call::Read, || self.read_since(query, at_least)).await
    }

    /// What [`Database::write`] does, for statements whose texts are no literals; the rows of each are a text.
    ///
    /// # Errors
    /// Those of [`Database::write`].
    pub async fn write_text(
        &self,
        queries: &[Query<'_>],
        at_least: Option<Bookmark>,
    ) -> Result<Answer<Vec<storage_json::Outcome<String>>>> {
        if queries.is_empty() {
            return Ok(Answer { value: Vec::new(), bookmark: at_least });
        }
        patiently(Call::Write, || session::write(&self.binding, PRIMARY, queries)).await
    }

    async fn read_since(
        &self,
        query: &Query<'_>,
        at_least: Option<&Bookmark>,
    ) -> Result<Answer<String>, Failure> {
        match session::read(&self.binding, at_least.map_or(ANYWHERE, Bookmark::as_str), query).await {
            // A client may send anything as a bookmark. Whatever it has seen, the primary has.
            Err(failure) if failure.class == Class::Bookmark => {
                session::read(&self.binding, PRIMARY, query).await
            }
            answer => answer,
        }
    }
}

impl Database for D1Database {
    async fn read(&self, statement: Statement, at_least: Option<Bookmark>) -> Result<Answer<Vec<Row>>> {
        let answer = self.read_text(&Query::from(&statement), at_least.as_ref()).await?;
        Ok(Answer { value: rows_in(&answer.value)?, bookmark: answer.bookmark })
    }

    async fn write(
        &self,
        statements: Vec<Statement>,
        at_least: Option<Bookmark>,
    ) -> Result<Answer<Vec<Outcome>>> {
        let queries: Vec<_> = statements.iter().map(Query::from).collect();
        let answer = self.write_text(&queries, at_least).await?;
        let outcomes = answer.value.into_iter().map(|told| {
            let rows = rows_in(&told.rows)?;
            Ok(Outcome { rows, changes: told.changes })
        });
        Ok(Answer { value: outcomes.collect::<Result<_>>()?, bookmark: answer.bookmark })
    }
}

/// The rows that D1 told, if they are some.
fn rows_in(text: &str) -> Result<Vec<Row>> {
    parse_rows(text).map_err(Error::broken)
}

/// Makes `attempt`s until one succeeds, another would be of no use, or patience has an end.
async fn patiently<T, F>(call: Call, attempt: impl Fn() -> F + Send + Sync) -> Result<T>
where
    T: Send,
    F: Future<Output = Result<T, Failure>> + Send,
{
    let answer = within(PATIENCE, repeatedly(call, attempt)).await;
    answer.unwrap_or_else(|| Err(Failure::no_answer())).map_err(Error::from)
}

async fn repeatedly<T, F>(call: Call, attempt: impl Fn() -> F + Send + Sync) -> Result<T, Failure>
where
    T: Send,
    F: Future<Output = Result<T, Failure>> + Send,
{
    let mut retries = Retries::of(call);
    loop {
        let failure = match attempt().await {
            Ok(answer) => return Ok(answer),
            Err(failure) => failure,
        };
        let mut random = [0];
        WorkerEntropy.fill(&mut random);
        match retries.pause_after(&failure, random[0]) {
            Some(pause) => sleep(pause).await,
            None => return Err(failure),
        }
    }
}
