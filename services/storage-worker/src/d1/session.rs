//! The functions of `session.js`, and the port's values as they take and answer them.

use storage::{Answer, Bookmark, Value};
use storage_json::{Outcome, Query};
use worker::{
    js_sys::{Array, Promise},
    wasm_bindgen::{JsCast as _, JsValue, prelude::wasm_bindgen},
    worker_sys::D1Database,
};

use super::failure::Failure;
use crate::promise::settled;

#[wasm_bindgen(wasm_bindgen = worker::wasm_bindgen, js_sys = worker::js_sys, module = "/src/d1/session.js")]
extern "C" {
    #[wasm_bindgen(js_name = read)]
    fn js_read(database: &D1Database, from: &str, sql: &str, parameters: Vec<JsValue>) -> Promise;

    #[wasm_bindgen(js_name = write)]
    fn js_write(database: &D1Database, from: &str, statements: &Array) -> Promise;
}

/// The rows of `query`, as a text for [`storage_json::parse_rows`], in a session that begins at `from`.
pub(super) async fn read(
    database: &D1Database,
    from: &str,
    query: &Query<'_>,
) -> Result<Answer<String>, Failure> {
    let parameters = query.parameters.iter().map(js_value).collect();
    let table = js_read(database, from, &query.sql, parameters);
    let told: Array = settled(Ok(table)).await?.unchecked_into();
    Ok(Answer { value: text(&told.get(1)), bookmark: bookmark(&told.get(0)) })
}

/// What each of `queries` did, all in one transaction, in a session that begins at `from`.
pub(super) async fn write(
    database: &D1Database,
    from: &str,
    queries: &[Query<'_>],
) -> Result<Answer<Vec<Outcome<String>>>, Failure> {
    let statements: Array = queries.iter().map(statement).collect();
    let told: Array = settled(Ok(js_write(database, from, &statements))).await?.unchecked_into();
    let outcomes = (1..).step_by(2).zip(queries).map(|(place, query)| {
        let changes = if query.only_reads() { 0 } else { count(&told.get(place)) };
        Outcome { rows: text(&told.get(place + 1)), changes }
    });
    Ok(Answer { value: outcomes.collect(), bookmark: bookmark(&told.get(0)) })
}

/// The SQL and its parameters.
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

/// How far the session has seen. A database that cannot tell serves no replicas either.
fn bookmark(told: &JsValue) -> Option<Bookmark> {
    told.as_string().as_deref().and_then(Bookmark::parse)
}

/// A table, or what is none for whoever parses it.
fn text(told: &JsValue) -> String {
    told.as_string().unwrap_or_default()
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a count: whole and not negative"
)]
fn count(told: &JsValue) -> u64 {
    told.as_f64().unwrap_or(0.0) as u64
}
