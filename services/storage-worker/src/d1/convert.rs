//! The port's values as D1's JavaScript objects, and back.

use storage::{Bookmark, Outcome, Row, Statement, Value};
use worker::{
    js_sys::{Array, Function, JSON, Object, Promise, Reflect},
    wasm_bindgen::{JsCast, JsValue},
    worker_sys::{D1DatabaseSession, D1PreparedStatement, D1Result},
};

use super::{failure::Failure, rows};
use crate::promise::Thrown;

/// The statement with its parameters.
pub(super) fn prepare(
    session: &D1DatabaseSession,
    statement: &Statement,
) -> Result<D1PreparedStatement, Thrown> {
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

pub(super) fn outcome(statement: &Statement, result: &D1Result) -> Result<Outcome, Failure> {
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
pub(super) fn raw(statement: &D1PreparedStatement) -> Result<Promise, JsValue> {
    let options = Object::new();
    Reflect::set(&options, &JsValue::from_str("columnNames"), &JsValue::TRUE)?;
    let raw: Function = Reflect::get(statement.as_ref(), &JsValue::from_str("raw"))?.dyn_into()?;
    raw.call1(statement.as_ref(), &options)?.dyn_into()
}

/// The rows of a table, by one text for all: to fetch each value by itself would cross into JavaScript for each.
pub(super) fn rows_in(table: &Array) -> Result<Vec<Row>, Failure> {
    let json = JSON::stringify(table)?;
    rows::parse(&String::from(json)).map_err(Failure::unreadable)
}

/// How far the session has seen. A database that cannot tell serves no replicas either.
pub(super) fn bookmark(session: &D1DatabaseSession) -> Option<Bookmark> {
    session.get_bookmark().ok().flatten().as_deref().and_then(Bookmark::parse)
}
