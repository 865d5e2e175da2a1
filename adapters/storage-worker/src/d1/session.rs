//! Calls the functions of `session.js`, and converts the port's values to JavaScript's and back.

use storage::{Bookmark, Bookmarked, Value};
use storage_json::{Outcome, Query};
use worker::{
    js_sys::{Array, Promise},
    wasm_bindgen::{JsCast as _, JsValue, prelude::wasm_bindgen},
    worker_sys::D1Database,
};

use super::failure::Failure;
use crate::promise::wait_for_call;

#[wasm_bindgen(wasm_bindgen = worker::wasm_bindgen, js_sys = worker::js_sys, module = "/src/d1/session.js")]
extern "C" {
    #[wasm_bindgen(js_name = read)]
    fn js_read(database: &D1Database, from: &str, sql: &str, parameters: Vec<JsValue>) -> Promise;

    #[wasm_bindgen(js_name = write)]
    fn js_write(database: &D1Database, from: &str, statements: &Array) -> Promise;
}

/// Runs `query` in a session that starts at `from`, and returns its rows as a text for [`storage_json::parse_rows`].
pub(super) async fn read(
    database: &D1Database,
    from: &str,
    query: &Query<'_>,
) -> Result<Bookmarked<String>, Failure> {
    let parameters = query.parameters.iter().map(js_value).collect();
    let table = js_read(database, from, &query.sql, parameters);
    let result: Array = wait_for_call(Ok(table)).await?.unchecked_into();
    Ok(Bookmarked { value: text(&result.get(1)), bookmark: bookmark(&result.get(0)) })
}

/// Runs `queries` in one transaction, in a session that starts at `from`, and returns the outcome of each.
pub(super) async fn write(
    database: &D1Database,
    from: &str,
    queries: &[Query<'_>],
) -> Result<Bookmarked<Vec<Outcome<String>>>, Failure> {
    let statements: Array = queries.iter().map(statement).collect();
    let result: Array = wait_for_call(Ok(js_write(database, from, &statements))).await?.unchecked_into();
    let outcomes = (1..).step_by(2).zip(queries).map(|(index, query)| {
        let changes = if query.only_reads() { 0 } else { count(&result.get(index)) };
        Outcome { rows: text(&result.get(index + 1)), changes }
    });
    Ok(Bookmarked { value: outcomes.collect(), bookmark: bookmark(&result.get(0)) })
}

/// A statement for `session.js`: the SQL and its parameters.
fn statement(query: &Query<'_>) -> Array {
    let parameters: Array = query.parameters.iter().map(js_value).collect();
    Array::of2(&JsValue::from_str(&query.sql), &parameters)
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

/// The session's bookmark. A database that returns none has no replicas either.
fn bookmark(value: &JsValue) -> Option<Bookmark> {
    value.as_string().as_deref().and_then(Bookmark::parse)
}

/// A table as a JSON text; an empty text, which does not parse, if `value` is not a text.
fn text(value: &JsValue) -> String {
    value.as_string().unwrap_or_default()
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a count: whole and not negative"
)]
fn count(value: &JsValue) -> u64 {
    value.as_f64().unwrap_or(0.0) as u64
}
