//! How much of it there is.

#![expect(clippy::unwrap_used, reason = "these are tests")]

use worker::{
    js_sys::{ArrayBuffer, Reflect},
    wasm_bindgen::{self, JsCast as _, JsValue},
};

/// The bytes of wasm's memory, which never shrinks.
pub(crate) fn memory() -> u32 {
    let memory = Reflect::get(&wasm_bindgen::memory(), &JsValue::from_str("buffer")).unwrap();
    memory.unchecked_into::<ArrayBuffer>().byte_length()
}
