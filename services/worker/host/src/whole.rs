//! Short bodies cross between the runtime and this side whole: each chunk of a stream costs several calls and promises,
//! and most bodies are one short text.

use bytes::{Bytes, BytesMut};
use futures_util::{FutureExt as _, StreamExt as _, stream};
use http::{HeaderMap, Request, Response, header::CONTENT_LENGTH};
use http_body::Frame;
use http_body_util::{BodyDataStream, BodyExt as _, Full, StreamBody};
use storage_worker::promised;
use tonic::{Status, body::Body};
use worker::{
    js_sys::{ArrayBuffer, Promise, Uint8Array},
    wasm_bindgen::{JsCast as _, JsValue},
    web_sys::{self, ReadableStream},
};

use crate::stream::{answer_head, head, readable};

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
pub(crate) fn to_runtime(body: Body) -> JsValue {
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
    let whole = || request.array_buffer();
    let body = body(head.headers(), whole, || request.body()).await?;
    Ok(head.map(|()| body))
}

/// An answer as it comes from the runtime.
///
/// # Errors
/// Its head is not HTTP as this side knows it.
pub(crate) async fn answered(response: &web_sys::Response) -> worker::Result<Response<Body>> {
    let head = answer_head(response)?;
    let body = body(head.headers(), || response.array_buffer(), || response.body()).await?;
    Ok(head.map(|()| body))
}

/// The body behind `headers`: read by `whole` if they say that it is short, else by its `stream`, if there is one.
async fn body(
    headers: &HeaderMap,
    whole: impl FnOnce() -> Result<Promise, JsValue>,
    stream: impl FnOnce() -> Option<ReadableStream>,
) -> worker::Result<Body> {
    let length = headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
    Ok(match length {
        Some(0) => Body::empty(),
        Some(..=MAX_WHOLE_BYTES) => read(whole()?).await,
        _ => stream().map_or_else(Body::empty, |stream| Body::new(worker::Body::new(stream))),
    })
}

/// The bytes, or a body that breaks off as they did.
async fn read(bytes: Promise) -> Body {
    match promised(&bytes).await {
        Ok(buffer) => {
            let bytes = Uint8Array::new(buffer.unchecked_ref::<ArrayBuffer>()).to_vec();
            Body::new(Full::new(Bytes::from(bytes)))
        }
        Err(problem) => {
            let broke_off = Status::cancelled(format!("The body broke off: {problem:?}"));
            let frame: Result<Frame<Bytes>, Status> = Err(broke_off);
            Body::new(StreamBody::new(stream::iter([frame])))
        }
    }
}
