//! How the runtime runs woken tasks.

use worker::{
    js_sys::{Reflect, futures::spawn_local, global},
    wasm_bindgen::JsValue,
};

/// Makes `js_sys::futures` run tasks as reactions of a promise. Call it before the first task. By default the library uses
/// `queueMicrotask`, for which the runtime makes a new object for each task; that costs more than most tasks.
pub fn start_tasks() {
    let _ = Reflect::set(&global(), &JsValue::from_str("queueMicrotask"), &JsValue::UNDEFINED);
    // The library checks for `queueMicrotask` once, at the first task.
    spawn_local(async {});
}
