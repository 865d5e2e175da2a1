//! How woken tasks come to run.

use worker::{
    js_sys::{Reflect, futures::spawn_local, global},
    wasm_bindgen::JsValue,
};

/// Makes tasks run as reactions of a promise, to be called before there is one. The library prefers `queueMicrotask`, but
/// of each function given to that the runtime makes an object of its own, which costs more than most tasks.
pub fn start_tasks() {
    let _ = Reflect::set(&global(), &JsValue::from_str("queueMicrotask"), &JsValue::UNDEFINED);
    // The library looks for it once, with the first task.
    spawn_local(async {});
}
