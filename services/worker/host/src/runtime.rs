//! The functions of `runtime.js`.

use worker::{
    js_sys::Promise,
    wasm_bindgen::{JsValue, prelude::wasm_bindgen},
    web_sys::{Request, Response},
};

#[wasm_bindgen(wasm_bindgen = worker::wasm_bindgen, js_sys = worker::js_sys, module = "/src/runtime.js")]
extern "C" {
    /// The method, the URL, and each header's name and value, a line each.
    #[wasm_bindgen(js_name = requestHead)]
    pub(crate) fn request_head(request: &Request) -> String;

    /// The status, and each header's name and value, a line each.
    #[wasm_bindgen(js_name = responseHead)]
    pub(crate) fn response_head(response: &Response) -> String;

    /// The promise of the bytes of a request's body.
    #[wasm_bindgen(catch)]
    pub(crate) fn bytes(request: &Request) -> Result<Promise, JsValue>;

    /// The promise of a response of the Worker `bound`, or of whoever serves `url`.
    #[wasm_bindgen(catch)]
    pub(crate) fn call(
        bound: Option<&JsValue>,
        url: &str,
        method: &str,
        headers: &str,
        body: &JsValue,
    ) -> Result<Promise, JsValue>;

    /// The promise of what [`response_head`] would say of [`call`]'s response, and of its body: its bytes if it says that
    /// there are at most `max_whole`, else its stream, or null; and what went wrong if the bytes broke off.
    pub(crate) fn exchange(
        bound: Option<&JsValue>,
        url: &str,
        method: &str,
        headers: &str,
        body: &JsValue,
        max_whole: usize,
    ) -> Promise;

    /// A response; the runtime throws if that has no body by its status and one is given.
    #[wasm_bindgen(catch)]
    pub(crate) fn answer(status: u16, headers: &str, body: &JsValue) -> Result<Response, JsValue>;
}
