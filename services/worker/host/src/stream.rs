//! Calls whose bodies are the runtime's own streams: given on from one to the next, they are never copied to this side.

use bytes::Bytes;
use futures_util::{Stream as Chunks, TryStreamExt as _};
use http::{Request, Response, Uri, request::Parts};
use storage_worker::promised;
use tonic::Status;
use worker::{
    js_sys::Uint8Array,
    wasm_bindgen::{JsCast as _, JsValue},
    web_sys::{self, ReadableStream},
};

use crate::{answer::with_body, headers, runtime};

/// A body that the runtime has; `None` if there is none.
pub type Stream = Option<ReadableStream>;

/// The head of a request, whose body stays with the runtime until it is asked for: that costs, and many have none.
///
/// # Errors
/// The head is not HTTP as this side knows it.
pub fn head(request: &web_sys::Request) -> worker::Result<Request<()>> {
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

/// Gives an answer to the runtime.
///
/// # Errors
/// A header is no text.
pub fn answer_streamed(response: Response<Stream>) -> worker::Result<web_sys::Response> {
    let (head, body) = response.into_parts();
    with_body(&head, &body.into())
}

/// `chunks` as a stream of the runtime, which breaks off as they do.
pub(crate) fn readable(chunks: impl Chunks<Item = Result<Bytes, Status>> + 'static) -> ReadableStream {
    let chunks = chunks.map_ok(|chunk| Uint8Array::from(chunk.as_ref()).into());
    let chunks = chunks.map_err(|status| JsValue::from(status.to_string()));
    wasm_streams::ReadableStream::from_stream(chunks).into_raw().unchecked_into()
}

/// Calls `url`, at the Worker `bound` or where the URL says, with a body as `fetch` takes them.
pub(crate) async fn fetch(
    bound: Option<&JsValue>,
    url: &str,
    head: &Parts,
    body: &JsValue,
) -> worker::Result<Response<Stream>> {
    let headers = headers::to_json(&head.headers)?;
    let response = runtime::call(bound, url, head.method.as_str(), &headers, body)?;
    let response: web_sys::Response = promised(&response).await?.dyn_into()?;
    Ok(answer_head(runtime::response_head(&response))?.map(|()| response.body()))
}

/// The status and the headers of an answer, of which `text` tells.
pub(crate) fn answer_head(text: String) -> worker::Result<Response<()>> {
    let text = Bytes::from(text);
    let mut lines = lines(&text);
    let mut head = Response::builder().status(lines.next().unwrap_or_default()).body(())?;
    *head.headers_mut() = headers::from_lines(&text, lines)?;
    Ok(head)
}
