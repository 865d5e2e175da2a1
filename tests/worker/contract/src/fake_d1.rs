//! A fake D1 binding that runs a script.

#![expect(clippy::unwrap_used, reason = "only tests use it")]

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
};

use storage_worker::D1Database;
use worker::{
    js_sys::{Array, Error, JSON},
    wasm_bindgen::{JsCast, JsValue, closure::Closure},
};

use crate::fake::{method, object, promise};

/// The result of one call: a failure with D1's text, or this JSON. A read returns the column names and the rows, as arrays; a
/// write returns the rows, as objects.
#[derive(Clone, Copy)]
pub(crate) enum Call {
    Fails(&'static str),
    Returns(&'static str),
}

/// A record of the calls.
#[derive(Clone, Default)]
pub(crate) struct Seen {
    sessions: Arc<Mutex<Vec<String>>>,
}

impl Seen {
    /// The constraint or bookmark of each session: one for each call.
    pub(crate) fn sessions(&self) -> Vec<String> {
        self.sessions.lock().unwrap().clone()
    }
}

/// A database whose calls return the results of `script`, one after the other.
pub(crate) fn database(script: &[Call]) -> (D1Database, Seen) {
    let seen = Seen::default();
    let script = Arc::new(Mutex::new(script.iter().copied().collect::<VecDeque<_>>()));
    let sessions = Arc::clone(&seen.sessions);
    let with_session = Closure::<dyn FnMut(JsValue) -> JsValue>::new(move |constraint: JsValue| {
        sessions.lock().unwrap().push(constraint.as_string().unwrap_or_default());
        session(&script)
    });
    let binding = object([("withSession", with_session.into_js_value())]);
    (D1Database::new(binding.unchecked_into()), seen)
}

type Script = Arc<Mutex<VecDeque<Call>>>;

fn session(script: &Script) -> JsValue {
    let (raw, batch) = (Arc::clone(script), Arc::clone(script));
    let raw = method(move || promise(next(&raw)));
    let batch = method(move || promise(next(&batch).map(results)));
    let bound = object([("raw", raw)]);
    let statement = object([("bind", method(move || bound.clone()))]);
    object([
        ("prepare", method(move || statement.clone())),
        ("batch", batch),
        ("getBookmark", method(|| JsValue::from_str("latest"))),
    ])
}

fn next(script: &Script) -> Result<JsValue, JsValue> {
    match script.lock().unwrap().pop_front().unwrap_or(Call::Fails("the script has no result for this call"))
    {
        Call::Fails(text) => Err(Error::new(&format!("D1_ERROR: {text}")).into()),
        Call::Returns(json) => Ok(JSON::parse(json).unwrap()),
    }
}

/// The result of a batch of one statement.
fn results(rows: JsValue) -> JsValue {
    let meta = object([("changes", JsValue::from_f64(1.0))]);
    Array::of1(&object([("results", rows), ("meta", meta)])).into()
}
