//! An answer as the runtime wants it.

use futures_util::TryStreamExt as _;
use http::{HeaderValue, Response, header::CONTENT_LENGTH, response::Parts};
use http_body::Body as _;
use tonic::body::Body;
use worker::{Error, FixedLengthStream, js_sys::Uint8Array, wasm_bindgen::JsValue, web_sys, worker_sys};

use crate::{
    headers, runtime,
    stream::readable,
    whole::{Outgoing, outgoing},
};

/// Gives `response` to the runtime, with its length where that is known: the runtime would leave it out.
///
/// # Errors
/// A header is no text, or the body of a short answer broke off.
pub fn answer(response: Response<Body>) -> worker::Result<web_sys::Response> {
    let (mut head, body) = response.into_parts();
    if body.is_end_stream() {
        return with_body(&head, &JsValue::NULL);
    }
    let declared = head.headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
    let length = body.size_hint().exact().or(declared);
    match (outgoing(body), length) {
        (Outgoing::Whole(bytes), length) => {
            if length.is_some_and(|length| length != bytes.len() as u64) {
                return Err(Error::RustError("the body has another length than it said".to_owned()));
            }
            // For who reads it at the other end, and would take a body of unknown length as a stream.
            head.headers.insert(CONTENT_LENGTH, HeaderValue::from(bytes.len()));
            with_body(&head, &Uint8Array::from(bytes.as_ref()))
        }
        (Outgoing::Streamed(chunks), Some(length)) => {
            let chunks = chunks.map_ok(Into::into).map_err(broke_off);
            let stream: worker_sys::FixedLengthStream = FixedLengthStream::wrap(chunks, length).into();
            with_body(&head, &stream.readable())
        }
        (Outgoing::Streamed(chunks), None) => with_body(&head, &readable(chunks)),
    }
}

/// An answer with a body as the runtime has them, or null.
pub(crate) fn with_body(head: &Parts, body: &JsValue) -> worker::Result<web_sys::Response> {
    Ok(runtime::answer(head.status.as_u16(), &headers::to_json(&head.headers)?, body)?)
}

#[expect(clippy::needless_pass_by_value, reason = "for `map_err`")]
fn broke_off(status: tonic::Status) -> Error {
    Error::RustError(status.to_string())
}
