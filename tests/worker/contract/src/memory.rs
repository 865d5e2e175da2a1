//! The size of wasm's memory.

#![expect(clippy::unwrap_used, reason = "these are tests")]

use worker::{
    js_sys::{ArrayBuffer, Reflect},
    wasm_bindgen::{self, JsCast as _, JsValue},
};

/// The size of wasm's memory in bytes. It never decreases.
pub(crate) fn memory() -> u32 {
    let memory = Reflect::get(&wasm_bindgen::memory(), &JsValue::from_str("buffer")).unwrap();
    memory.unchecked_into::<ArrayBuffer>().byte_length()
}
