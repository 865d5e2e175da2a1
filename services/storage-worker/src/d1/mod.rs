//! The database port on a D1 binding.
//!
//! Reads run in a session that may be served by any replica that has seen the caller's bookmark, writes in one at the
//! primary; both answer the session's bookmark. Parameters and numbers in rows are JavaScript's: doubles.

mod failure;
mod retry;
mod rows;

use std::{future::Future, time::Duration};

use storage::{Answer, Bookmark, Database, Entropy, Error, Outcome, Result, Row, Statement, Value};
use worker::{
    js_sys::{Array, Function, JSON, Object, Promise, Reflect},
    wasm_bindgen::{JsCast, JsValue},
    worker_sys::{D1Database as Binding, D1DatabaseSession, D1PreparedStatement, D1Result},
};

use self::{
    failure::{Class, Failure},
    retry::{Call, Retries},
};
use crate::{
    WorkerEntropy,
    promise::{Thrown, settled},
    sleep,
    timer::within,
};

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

fn prepare(session: &D1DatabaseSession, statement: &Statement) -> Result<D1PreparedStatement, Thrown> {
    let parameters = Array::new();
    for parameter in &statement.parameters {
        parameters.push(&js_value(parameter));
    }
    Ok(session.session_prepare(statement.sql)?.bind(parameters)?)
}

#[expect(clippy::cast_precision_loss, reason = "the port keeps integers within what a double holds exactly")]
fn js_value(value: &Value) -> JsValue {
    match value {
        Value::Null => JsValue::NULL,
        Value::Integer(integer) => JsValue::from_f64(*integer as f64),
        Value::Real(real) => JsValue::from_f64(*real),
        Value::Text(text) => JsValue::from_str(text),
    }
}

fn outcome(statement: &Statement, result: &D1Result) -> Result<Outcome, Failure> {
    let changes = if statement.only_reads() { 0 } else { changes(result)? };
    Ok(Outcome { rows: rows_of(result)?, changes })
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a count: whole and not negative"
)]
fn changes(result: &D1Result) -> Result<u64, Thrown> {
    let changes = Reflect::get(result.meta()?.as_ref(), &JsValue::from_str("changes"))?;
    Ok(changes.as_f64().unwrap_or(0.0) as u64)
}

/// The rows that a statement of a batch returned: objects, of which there are few.
fn rows_of(result: &D1Result) -> Result<Vec<Row>, Failure> {
    let Some(results) = result.results()? else { return Ok(Vec::new()) };
    let table = Array::new();
    for row in results.iter() {
        let row: Object = row.unchecked_into();
        if table.length() == 0 {
            table.push(&Object::keys(&row));
        }
        table.push(&Object::values(&row));
    }
    rows_in(&table)
}

/// Runs a statement alone. The answer has the columns' names once, ahead of the rows, and not in each.
fn raw(statement: &D1PreparedStatement) -> Result<Promise, JsValue> {
    let options = Object::new();
    Reflect::set(&options, &JsValue::from_str("columnNames"), &JsValue::TRUE)?;
    let raw: Function = Reflect::get(statement.as_ref(), &JsValue::from_str("raw"))?.dyn_into()?;
    raw.call1(statement.as_ref(), &options)?.dyn_into()
}

/// The rows of a table, by one text for all: to fetch each value by itself would cross into JavaScript for each.
fn rows_in(table: &Array) -> Result<Vec<Row>, Failure> {
    let json = JSON::stringify(table)?;
    rows::parse(&String::from(json)).map_err(Failure::unreadable)
}

/// How far the session has seen. A database that cannot tell serves no replicas either.
fn bookmark(session: &D1DatabaseSession) -> Option<Bookmark> {
    session.get_bookmark().ok().flatten().as_deref().and_then(Bookmark::parse)
}
