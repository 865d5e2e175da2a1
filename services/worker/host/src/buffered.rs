//! Passes short bodies between the runtime and wasm as one buffer: each chunk of a stream costs several calls and promises, and
//! most bodies are short.

use bytes::{Bytes, BytesMut};
use futures_util::{FutureExt as _, StreamExt as _, stream};
use http::{Request, Response, header::CONTENT_LENGTH};
use http_body::Frame;
use http_body_util::{BodyDataStream, BodyExt as _, Full, StreamBody};
use storage_worker::wait_for_promise;
use tonic::{Status, body::Body};
use worker::{
    js_sys::{Array, Uint8Array},
    wasm_bindgen::{JsCast as _, JsValue},
    web_sys::{self, ReadableStream},
};

use crate::{
    headers, runtime,
    stream::{parse_response_head, readable, request_head},
};

/// Bodies up to this size are passed as one buffer: 256 KiB.
const MAX_BUFFERED_BYTES: usize = 256 * 1024;

/// A body to pass to the runtime.
pub(crate) enum Outgoing<S> {
    Buffered(Bytes),
    /// The body is long, or not all of it is available yet.
    Streamed(S),
}

/// Reads as much of `body` as is available without waiting.
pub(crate) fn read_ready(
    mut body: Body,
) -> Outgoing<impl futures_util::Stream<Item = Result<Bytes, Status>>> {
    let mut read = BytesMut::new();
    let failed = loop {
        match body.frame().now_or_never() {
            Some(None) => return Outgoing::Buffered(read.freeze()),
            Some(Some(Ok(frame))) => frame.into_data().map_or((), |data| read.extend_from_slice(&data)),
            Some(Some(Err(status))) => break Some(Err(status)),
            None => break None,
        }
        if read.len() > MAX_BUFFERED_BYTES {
            break None;
        }
    };
    let read = (!read.is_empty()).then(|| Ok(read.freeze()));
    let rest = if failed.is_some() { Body::empty() } else { body };
    Outgoing::Streamed(stream::iter(read.into_iter().chain(failed)).chain(BodyDataStream::new(rest)))
}

/// Converts a body for `fetch`.
fn to_runtime(body: Body) -> JsValue {
    match read_ready(body) {
        Outgoing::Buffered(bytes) => Uint8Array::from(bytes.as_ref()).into(),
        Outgoing::Streamed(chunks) => readable(chunks).into(),
    }
}

/// Converts a request of the runtime.
///
/// # Errors
/// The `http` crate cannot represent the head, or the body was read before.
pub async fn into_http_request(request: web_sys::Request) -> worker::Result<Request<Body>> {
    read_body(request_head(&request)?, &request).await
}

/// Adds the body to a request whose head was read with [`request_head`].
///
/// # Errors
/// The body was read before.
pub async fn read_body(head: Request<()>, request: &web_sys::Request) -> worker::Result<Request<Body>> {
    let length = head.headers().get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
    let body = match length {
        Some(0) => Body::empty(),
        Some(..=MAX_BUFFERED_BYTES) => match wait_for_promise(&runtime::bytes(request)?).await {
            Ok(bytes) => body_from_bytes(bytes.unchecked_ref()),
            Err(problem) => failing_body(&problem),
        },
        _ => request.body().map_or_else(Body::empty, body_from_stream),
    };
    Ok(head.map(|()| body))
}

/// Calls `url` at the Worker `bound`, or else at the host of the URL. A short response body is received together with the head.
///
/// # Errors
/// The call failed, or the `http` crate cannot represent the head of the response.
pub(crate) async fn exchange(
    bound: Option<&JsValue>,
    url: &str,
    request: Request<Body>,
) -> worker::Result<Response<Body>> {
    let (head, body) = request.into_parts();
    let headers = headers::to_json(&head.headers)?;
    let method = head.method.as_str();
    let promise = runtime::exchange(bound, url, method, &headers, &to_runtime(body), MAX_BUFFERED_BYTES);
    let result: Array = wait_for_promise(&promise).await?.unchecked_into();
    let head = parse_response_head(result.get(0).as_string().unwrap_or_default())?;
    Ok(head.map(|()| decode_body(result.get(1))))
}

/// Converts a body that `exchange` of `runtime.js` returned.
fn decode_body(body: JsValue) -> Body {
    if let Some(bytes) = body.dyn_ref() {
        return body_from_bytes(bytes);
    }
    if body.is_null() {
        return Body::empty();
    }
    body.dyn_into().map_or_else(|problem| failing_body(&problem), body_from_stream)
}

fn body_from_bytes(bytes: &Uint8Array) -> Body {
    Body::new(Full::new(Bytes::from(bytes.to_vec())))
}

fn body_from_stream(stream: ReadableStream) -> Body {
    Body::new(worker::Body::new(stream))
}

/// A body that fails because reading it in the runtime failed.
fn failing_body(problem: &JsValue) -> Body {
    let status = Status::cancelled(format!("Reading the body failed: {problem:?}"));
    let frame: Result<Frame<Bytes>, Status> = Err(status);
    Body::new(StreamBody::new(stream::iter([frame])))
}
