//! Short bodies cross between the runtime and this side whole: each chunk of a stream costs several calls and promises,
//! and most bodies are one short text.

use bytes::{Bytes, BytesMut};
use futures_util::{FutureExt as _, StreamExt as _, stream};
use http::{Request, Response, header::CONTENT_LENGTH};
use http_body::Frame;
use http_body_util::{BodyDataStream, BodyExt as _, Full, StreamBody};
use storage_worker::promised;
use tonic::{Status, body::Body};
use worker::{
    js_sys::{Array, Uint8Array},
    wasm_bindgen::{JsCast as _, JsValue},
    web_sys::{self, ReadableStream},
};

use crate::{
    headers, runtime,
    stream::{answer_head, head, readable},
};

/// Bodies up to this are taken and given whole: 256 KiB.
const MAX_WHOLE_BYTES: usize = 256 * 1024;

/// A body on its way to the runtime.
pub(crate) enum Outgoing<S> {
    Whole(Bytes),
    /// It is long, or not all of it is there.
    Streamed(S),
}

/// Reads `body` as far as that takes no waiting.
pub(crate) fn outgoing(mut body: Body) -> Outgoing<impl futures_util::Stream<Item = Result<Bytes, Status>>> {
    let mut begun = BytesMut::new();
    let failed = loop {
        match body.frame().now_or_never() {
            Some(None) => return Outgoing::Whole(begun.freeze()),
            Some(Some(Ok(frame))) => frame.into_data().map_or((), |data| begun.extend_from_slice(&data)),
            Some(Some(Err(status))) => break Some(Err(status)),
            None => break None,
        }
        if begun.len() > MAX_WHOLE_BYTES {
            break None;
        }
    };
    let begun = (!begun.is_empty()).then(|| Ok(begun.freeze()));
    let rest = if failed.is_some() { Body::empty() } else { body };
    Outgoing::Streamed(stream::iter(begun.into_iter().chain(failed)).chain(BodyDataStream::new(rest)))
}

/// A body as `fetch` takes it.
fn to_runtime(body: Body) -> JsValue {
    match outgoing(body) {
        Outgoing::Whole(bytes) => Uint8Array::from(bytes.as_ref()).into(),
        Outgoing::Streamed(chunks) => readable(chunks).into(),
    }
}

/// A request as it comes from the runtime.
///
/// # Errors
/// Its head is not HTTP as this side knows it, or its body was read already.
pub async fn incoming(request: web_sys::Request) -> worker::Result<Request<Body>> {
    taken_in(head(&request)?, &request).await
}

/// The call whose [`head`] was read of a request, with a body of this side.
///
/// # Errors
/// Its body was read already.
pub async fn taken_in(head: Request<()>, request: &web_sys::Request) -> worker::Result<Request<Body>> {
    let length = head.headers().get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
    let body = match length {
        Some(0) => Body::empty(),
        Some(..=MAX_WHOLE_BYTES) => match promised(&runtime::bytes(request)?).await {
            Ok(bytes) => whole(bytes.unchecked_ref()),
            Err(problem) => broken_off(&problem),
        },
        _ => request.body().map_or_else(Body::empty, streamed),
    };
    Ok(head.map(|()| body))
}

/// Calls `url`, at the Worker `bound` or where the URL says. The answer's head comes with its body if that is short.
///
/// # Errors
/// Nobody could be called, or the answer's head is not HTTP as this side knows it.
pub(crate) async fn exchange(
    bound: Option<&JsValue>,
    url: &str,
    request: Request<Body>,
) -> worker::Result<Response<Body>> {
    let (head, body) = request.into_parts();
    let headers = headers::to_json(&head.headers)?;
    let method = head.method.as_str();
    let told = runtime::exchange(bound, url, method, &headers, &to_runtime(body), MAX_WHOLE_BYTES);
    let told: Array = promised(&told).await?.unchecked_into();
    let head = answer_head(told.get(0).as_string().unwrap_or_default())?;
    Ok(head.map(|()| received(told.get(1))))
}

/// A body as `exchange` of `runtime.js` tells it.
fn received(told: JsValue) -> Body {
    if let Some(bytes) = told.dyn_ref() {
        return whole(bytes);
    }
    if told.is_null() {
        return Body::empty();
    }
    told.dyn_into().map_or_else(|problem| broken_off(&problem), streamed)
}

fn whole(bytes: &Uint8Array) -> Body {
    Body::new(Full::new(Bytes::from(bytes.to_vec())))
}

fn streamed(stream: ReadableStream) -> Body {
    Body::new(worker::Body::new(stream))
}

/// A body that breaks off as the runtime's did.
fn broken_off(problem: &JsValue) -> Body {
    let broke_off = Status::cancelled(format!("The body broke off: {problem:?}"));
    let frame: Result<Frame<Bytes>, Status> = Err(broke_off);
    Body::new(StreamBody::new(stream::iter([frame])))
}
