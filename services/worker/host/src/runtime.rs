//! The functions of `runtime.js`.

use worker::{
    js_sys::Promise,
    wasm_bindgen::{JsValue, prelude::wasm_bindgen},
    web_sys::{Request, Response},
};

#[wasm_bindgen(wasm_bindgen = worker::wasm_bindgen, js_sys = worker::js_sys, module = "/src/runtime.js")]
extern "C" {
    /// The method, the URL, and the name and value of each header, each on its own line.
    #[wasm_bindgen(js_name = requestHead)]
    pub(crate) fn request_head(request: &Request) -> String;

    /// The status, and the name and value of each header, each on its own line.
    #[wasm_bindgen(js_name = responseHead)]
    pub(crate) fn response_head(response: &Response) -> String;

    /// A promise of the bytes of the body of a request.
    #[wasm_bindgen(catch)]
    pub(crate) fn bytes(request: &Request) -> Result<Promise, JsValue>;

    /// A promise of the response of the Worker `bound`, or else of the host of `url`.
    #[wasm_bindgen(catch)]
    pub(crate) fn call(
        bound: Option<&JsValue>,
        url: &str,
        method: &str,
        headers: &str,
        body: &JsValue,
    ) -> Result<Promise, JsValue>;

    /// A promise of an array: the [`response_head`] of the response of [`call`], and its body. The body is its bytes if its
    /// `content-length` is at most `max_buffered`, else its stream, or null; or an error if reading the bytes failed.
    pub(crate) fn exchange(
        bound: Option<&JsValue>,
        url: &str,
        method: &str,
        headers: &str,
        body: &JsValue,
        max_buffered: usize,
    ) -> Promise;

    /// Creates a response. The runtime throws if a body is given and the status does not allow one.
    #[wasm_bindgen(catch, js_name = newResponse)]
    pub(crate) fn new_response(status: u16, headers: &str, body: &JsValue) -> Result<Response, JsValue>;
}
