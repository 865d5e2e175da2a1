//! JavaScript objects for fake bindings.

#![expect(clippy::unwrap_used, reason = "only tests use it")]

use worker::{
    js_sys::{Function, Object, Promise, Reflect},
    wasm_bindgen::{JsCast, JsValue, closure::Closure},
};

/// An object with these members.
pub(crate) fn object<const N: usize>(members: [(&str, JsValue); N]) -> JsValue {
    let object = Object::new();
    for (name, value) in members {
        Reflect::set(&object, &JsValue::from_str(name), &value).unwrap();
    }
    object.into()
}

/// A method that ignores its arguments.
pub(crate) fn method(body: impl FnMut() -> JsValue + 'static) -> JsValue {
    let method: Function = Closure::<dyn FnMut() -> JsValue>::new(body).into_js_value().unchecked_into();
    method.into()
}

/// A settled promise.
pub(crate) fn promise(settled: Result<JsValue, JsValue>) -> JsValue {
    match settled {
        Ok(value) => Promise::resolve(&value).into(),
        Err(error) => Promise::reject(&error).into(),
    }
}
