//! The port's values as D1's JavaScript objects, and back.

use storage::{Bookmark, Value};
use storage_json::{Outcome, Query};
use worker::{
    js_sys::{Array, Function, JSON, Object, Promise, Reflect},
    wasm_bindgen::{JsCast, JsValue},
    worker_sys::{D1DatabaseSession, D1PreparedStatement, D1Result},
};

use super::failure::Failure;
use crate::promise::Thrown;

/// The statement with its parameters.
pub(super) fn prepare(session: &D1DatabaseSession, query: &Query<'_>) -> Result<D1PreparedStatement, Thrown> {
    let parameters = Array::new();
    for parameter in query.parameters.iter() {
        parameters.push(&js_value(parameter));
    }
    Ok(session.session_prepare(&query.sql)?.bind(parameters)?)
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

pub(super) fn outcome(query: &Query<'_>, result: &D1Result) -> Result<Outcome<String>, Failure> {
    let changes = if query.only_reads() { 0 } else { changes(result)? };
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
fn rows_of(result: &D1Result) -> Result<String, Failure> {
    let table = Array::new();
    for row in result.results()?.unwrap_or_default().iter() {
        let row: Object = row.unchecked_into();
        if table.length() == 0 {
            table.push(&Object::keys(&row));
        }
        table.push(&Object::values(&row));
    }
    Ok(text_of(&table)?)
}

thread_local! {
    /// The method that answers rows, and its options: the columns' names once, ahead of the rows, and not in each.
    static RAW: (JsValue, Object) = {
        let options = Object::new();
        let _ = Reflect::set(&options, &JsValue::from_str("columnNames"), &JsValue::TRUE);
        (JsValue::from_str("raw"), options)
    };
}

/// Runs a statement alone.
pub(super) fn raw(statement: &D1PreparedStatement) -> Result<Promise, JsValue> {
    RAW.with(|(raw, options)| {
        let raw: Function = Reflect::get(statement.as_ref(), raw)?.dyn_into()?;
        raw.call1(statement.as_ref(), options)?.dyn_into()
    })
}

/// A table of rows as one text for all: to fetch each value by itself would cross into JavaScript for each.
pub(super) fn text_of(table: &Array) -> Result<String, JsValue> {
    JSON::stringify(table).map(String::from)
}

/// How far the session has seen. A database that cannot tell serves no replicas either.
pub(super) fn bookmark(session: &D1DatabaseSession) -> Option<Bookmark> {
    session.get_bookmark().ok().flatten().as_deref().and_then(Bookmark::parse)
}
