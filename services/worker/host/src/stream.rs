//! Calls whose bodies are the runtime's own streams: given on from one to the next, they are never copied to this side.

use bytes::Bytes;
use futures_util::{Stream as Chunks, TryStreamExt as _};
use http::{Request, Response, Uri, request::Parts};
use storage_worker::promised;
use tonic::Status;
use worker::{
    Fetcher,
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
    let text = runtime::request_head(request);
    let mut parts = text.splitn(3, '\n');
    let mut next = || parts.next().unwrap_or_default();
    let mut head = Request::builder().method(next()).uri(next()).body(())?;
    *head.headers_mut() = headers::from_lines(next())?;
    Ok(head)
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

/// Calls `uri`, at the Worker `bound` or where the URI says, with a body as `fetch` takes them.
pub(crate) async fn fetch(
    bound: Option<Fetcher>,
    uri: &Uri,
    head: &Parts,
    body: &JsValue,
) -> worker::Result<web_sys::Response> {
    let bound = bound.map(JsValue::from);
    let headers = headers::to_json(&head.headers)?;
    let response = runtime::call(bound.as_ref(), &uri.to_string(), head.method.as_str(), &headers, body)?;
    Ok(promised(&response).await?.dyn_into()?)
}

/// The status and the headers of an answer.
pub(crate) fn answer_head(response: &web_sys::Response) -> worker::Result<Response<()>> {
    let text = runtime::response_head(response);
    let (status, fields) = text.split_once('\n').unwrap_or((&text, ""));
    let mut head = Response::builder().status(status).body(())?;
    *head.headers_mut() = headers::from_lines(fields)?;
    Ok(head)
}

/// An answer with its body as the runtime has it.
pub(crate) fn of_runtime(response: &web_sys::Response) -> worker::Result<Response<Stream>> {
    Ok(answer_head(response)?.map(|()| response.body()))
}
