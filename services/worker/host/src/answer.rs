//! An answer as the runtime wants it.

use futures_util::TryStreamExt as _;
use http::{Response, header::CONTENT_LENGTH};
use http_body::Body as _;
use tonic::body::Body;
use worker::{Error, FixedLengthStream, ResponseBuilder, worker_sys};

use crate::{
    headers,
    whole::{Outgoing, outgoing},
};

/// Gives `response` to the runtime, with its length where that is known: the runtime would leave it out.
///
/// # Errors
/// A header is no text, or the body of a short answer broke off.
pub async fn answer(response: Response<Body>) -> worker::Result<worker::Response> {
    let (head, body) = response.into_parts();
    let headers = headers::to_runtime(&head.headers)?;
    let builder = ResponseBuilder::new().with_status(head.status.as_u16());
    if body.is_end_stream() {
        return Ok(builder.with_headers(headers).empty());
    }
    let declared = head.headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
    let length = body.size_hint().exact().or(declared);
    match (outgoing(body), length) {
        (Outgoing::Whole(bytes), length) => {
            if length.is_some_and(|length| length != bytes.len() as u64) {
                return Err(Error::RustError("the body has another length than it said".to_owned()));
            }
            // For who reads it at the other end, and would take a body of unknown length as a stream.
            headers.set(CONTENT_LENGTH.as_str(), &bytes.len().to_string())?;
            Ok(builder.with_headers(headers).fixed(bytes.into()))
        }
        (Outgoing::Streamed(chunks), Some(length)) => {
            let chunks = chunks.map_ok(Into::into).map_err(broke_off);
            let stream: worker_sys::FixedLengthStream = FixedLengthStream::wrap(chunks, length).into();
            Ok(builder.with_headers(headers).stream(stream.readable()))
        }
        (Outgoing::Streamed(chunks), None) => {
            builder.with_headers(headers).from_stream(chunks.map_err(broke_off))
        }
    }
}

#[expect(clippy::needless_pass_by_value, reason = "for `map_err`")]
fn broke_off(status: tonic::Status) -> Error {
    Error::RustError(status.to_string())
}
