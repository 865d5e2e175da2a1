//! Futures that wait for JavaScript promises.

use std::future::Future;

use worker::{
    js_sys::{self, Function, Promise},
    wasm_bindgen::{JsCast, JsValue, prelude::wasm_bindgen},
};

use crate::callback::{Callback, Settled};

#[wasm_bindgen(wasm_bindgen = worker::wasm_bindgen, js_sys = worker::js_sys, module = "/src/promise.js")]
extern "C" {
    fn watch(promise: &Promise, key: u32, settle: &Function);
}

/// The most causes of an error that are read.
const DEEPEST_CAUSE: usize = 4;

/// Waits until `promise` is settled, and returns its value or the reason of its rejection.
pub fn wait_for_promise(promise: &Promise) -> impl Future<Output = Settled> + use<> {
    Callback::register(|settle, key| watch(promise, key, settle)).0
}

/// Waits for the result of a call of a binding's method, which may throw at once or return a promise that is rejected later.
pub(crate) async fn wait_for_call(promise: Result<Promise, JsValue>) -> Result<JsValue, Thrown> {
    wait_for_promise(&promise?).await.map_err(Thrown::from)
}

/// The error that a binding threw: its message, and the messages of its causes that add information.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Thrown(pub(crate) String);

impl From<JsValue> for Thrown {
    fn from(thrown: JsValue) -> Self {
        let mut text = String::new();
        let mut next = Some(thrown);
        for _ in 0..DEEPEST_CAUSE {
            let Some(thrown) = next.take() else { break };
            let message = match thrown.dyn_ref::<js_sys::Error>() {
                Some(error) => {
                    next = Some(error.cause()).filter(|cause| !cause.is_null() && !cause.is_undefined());
                    String::from(error.message())
                }
                None => thrown.as_string().unwrap_or_else(|| format!("{thrown:?}")),
            };
            if !text.contains(&message) {
                let colon = if text.is_empty() { "" } else { ": " };
                text = text + colon + &message;
            }
        }
        Self(text)
    }
}
