//! Waiting for what a binding promises.

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

/// How far a chain of causes is followed.
const DEEPEST_CAUSE: usize = 4;

/// What `promise` comes to.
pub fn promised(promise: &Promise) -> impl Future<Output = Settled> + use<> {
    Callback::of(|settle, key| watch(promise, key, settle)).0
}

/// Waits for the promise that a method of a binding returned, which may throw at once or reject later.
pub(crate) async fn settled(promise: Result<Promise, JsValue>) -> Result<JsValue, Thrown> {
    promised(&promise?).await.map_err(Thrown::from)
}

/// What a binding threw, in its own words: the message, and those of its causes that say more.
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
