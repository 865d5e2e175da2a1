//! The database port on a D1 binding.
//!
//! Reads run in a session that may be served by any replica that has seen the caller's bookmark, writes in one at the
//! primary; both answer the session's bookmark. Parameters and numbers in rows are JavaScript's: doubles.

mod convert;
mod failure;
mod retry;
mod rows;

use std::{future::Future, time::Duration};

use storage::{Answer, Bookmark, Database, Entropy, Error, Outcome, Result, Row, Statement};
use worker::{
    js_sys::Array,
    wasm_bindgen::{JsCast, JsValue},
    worker_sys::D1Database as Binding,
};

use self::{
    convert::{bookmark, outcome, prepare, raw, rows_in},
    failure::{Class, Failure},
    retry::{Call, Retries},
};
use crate::{WorkerEntropy, promise::settled, sleep, timer::within};

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

    async fn read_since(
        &self,
        statement: &Statement,
        at_least: Option<&Bookmark>,
    ) -> Result<Answer<Vec<Row>>, Failure> {
        match self.read_once(statement, at_least.map_or(ANYWHERE, Bookmark::as_str)).await {
            // A client may send anything as a bookmark. Whatever it has seen, the primary has.
            Err(failure) if failure.class == Class::Bookmark => self.read_once(statement, PRIMARY).await,
            answer => answer,
        }
    }

    async fn read_once(&self, statement: &Statement, from: &str) -> Result<Answer<Vec<Row>>, Failure> {
        let session = self.binding.with_session(Some(from))?;
        let table = settled(raw(&prepare(&session, statement)?)).await?.unchecked_into();
        Ok(Answer { value: rows_in(&table)?, bookmark: bookmark(&session) })
    }

    async fn write_once(&self, statements: &[Statement]) -> Result<Answer<Vec<Outcome>>, Failure> {
        let session = self.binding.with_session(Some(PRIMARY))?;
        let batch = Array::new();
        for statement in statements {
            batch.push(prepare(&session, statement)?.as_ref());
        }
        let results: Array = settled(session.session_batch(batch)).await?.unchecked_into();
        let outcomes = statements
            .iter()
            .zip(results.iter())
            .map(|(statement, result)| outcome(statement, result.unchecked_ref()));
        Ok(Answer { value: outcomes.collect::<Result<_, _>>()?, bookmark: bookmark(&session) })
    }
}

impl Database for D1Database {
    async fn read(&self, statement: Statement, at_least: Option<Bookmark>) -> Result<Answer<Vec<Row>>> {
        if !statement.only_reads() {
            return Err(Error::broken(format!("not a read: {}", statement.sql)));
        }
        patiently(Call::Read, || self.read_since(&statement, at_least.as_ref())).await
    }

    async fn write(
        &self,
        statements: Vec<Statement>,
        at_least: Option<Bookmark>,
    ) -> Result<Answer<Vec<Outcome>>> {
        if statements.is_empty() {
            return Ok(Answer { value: Vec::new(), bookmark: at_least });
        }
        patiently(Call::Write, || self.write_once(&statements)).await
    }
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
