//! Converts a response for the runtime.

use futures_util::TryStreamExt as _;
use http::{HeaderValue, Response, header::CONTENT_LENGTH, response::Parts};
use http_body::Body as _;
use tonic::body::Body;
use worker::{Error, FixedLengthStream, js_sys::Uint8Array, wasm_bindgen::JsValue, web_sys, worker_sys};

use crate::{
    buffered::{Outgoing, read_ready},
    headers, runtime,
    stream::readable,
};

/// Converts `response` for the runtime. Sets its length if that is known, because the runtime would omit it.
///
/// # Errors
/// A header cannot be sent, or the length of a short body differs from its `content-length`.
pub fn into_js_response(response: Response<Body>) -> worker::Result<web_sys::Response> {
    let (mut head, body) = response.into_parts();
    if body.is_end_stream() {
        return new_response(&head, &JsValue::NULL);
    }
    let declared = head.headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
    let length = body.size_hint().exact().or(declared);
    match (read_ready(body), length) {
        (Outgoing::Buffered(bytes), length) => {
            if length.is_some_and(|length| length != bytes.len() as u64) {
                return Err(Error::RustError(
                    "the length of the body differs from its content-length".to_owned(),
                ));
            }
            // The receiver would read a body of unknown length as a stream.
            head.headers.insert(CONTENT_LENGTH, HeaderValue::from(bytes.len()));
            new_response(&head, &Uint8Array::from(bytes.as_ref()))
        }
        (Outgoing::Streamed(chunks), Some(length)) => {
            let chunks = chunks.map_ok(Into::into).map_err(to_worker_error);
            let stream: worker_sys::FixedLengthStream = FixedLengthStream::wrap(chunks, length).into();
            new_response(&head, &stream.readable())
        }
        (Outgoing::Streamed(chunks), None) => new_response(&head, &readable(chunks)),
    }
}

/// Makes a response with a body of the runtime, or null.
pub(crate) fn new_response(head: &Parts, body: &JsValue) -> worker::Result<web_sys::Response> {
    Ok(runtime::new_response(head.status.as_u16(), &headers::to_json(&head.headers)?, body)?)
}

#[expect(clippy::needless_pass_by_value, reason = "for `map_err`")]
fn to_worker_error(status: tonic::Status) -> Error {
    Error::RustError(status.to_string())
}
