//! Calls whose bodies are streams of the runtime. They are passed from one call to the next and never copied into wasm.

use bytes::Bytes;
use futures_util::{Stream as Chunks, TryStreamExt as _};
use http::{Request, Response, Uri, request::Parts};
use storage_worker::wait_for_promise;
use tonic::Status;
use worker::{
    js_sys::Uint8Array,
    wasm_bindgen::{JsCast as _, JsValue},
    web_sys::{self, ReadableStream},
};

use crate::{headers, response::new_response, runtime};

/// A body as a stream of the runtime; `None` if there is none.
pub type Stream = Option<ReadableStream>;

/// The head of a request. The body stays in the runtime until it is needed: reading it is expensive, and many requests have
/// none.
///
/// # Errors
/// The `http` crate cannot represent the head.
pub fn request_head(request: &web_sys::Request) -> worker::Result<Request<()>> {
    let text = Bytes::from(runtime::request_head(request));
    let mut lines = lines(&text);
    let method = lines.next().unwrap_or_default();
    let uri = Uri::from_maybe_shared(text.slice_ref(lines.next().unwrap_or_default()))
        .map_err(http::Error::from)?;
    let mut head = Request::builder().method(method).uri(uri).body(())?;
    *head.headers_mut() = headers::from_lines(&text, lines)?;
    Ok(head)
}

fn lines(text: &Bytes) -> impl Iterator<Item = &[u8]> {
    text.split(|byte| *byte == b'\n')
}

/// Converts a response for the runtime.
///
/// # Errors
/// A header cannot be sent.
pub fn into_js_stream_response(response: Response<Stream>) -> worker::Result<web_sys::Response> {
    let (head, body) = response.into_parts();
    new_response(&head, &body.into())
}

/// Converts `chunks` to a stream of the runtime, which fails if they do.
pub(crate) fn readable(chunks: impl Chunks<Item = Result<Bytes, Status>> + 'static) -> ReadableStream {
    let chunks = chunks.map_ok(|chunk| Uint8Array::from(chunk.as_ref()).into());
    let chunks = chunks.map_err(|status| JsValue::from(status.to_string()));
    wasm_streams::ReadableStream::from_stream(chunks).into_raw().unchecked_into()
}

/// Calls `url` at the Worker `bound`, or else at the host of the URL, with a body of the runtime.
pub(crate) async fn fetch(
    bound: Option<&JsValue>,
    url: &str,
    head: &Parts,
    body: &JsValue,
) -> worker::Result<Response<Stream>> {
    let headers = headers::to_json(&head.headers)?;
    let response = runtime::call(bound, url, head.method.as_str(), &headers, body)?;
    let response: web_sys::Response = wait_for_promise(&response).await?.dyn_into()?;
    Ok(parse_response_head(runtime::response_head(&response))?.map(|()| response.body()))
}

/// Parses the status and the headers of a response from the text of [`runtime::response_head`].
pub(crate) fn parse_response_head(text: String) -> worker::Result<Response<()>> {
    let text = Bytes::from(text);
    let mut lines = lines(&text);
    let mut head = Response::builder().status(lines.next().unwrap_or_default()).body(())?;
    *head.headers_mut() = headers::from_lines(&text, lines)?;
    Ok(head)
}
