//! An answer as the runtime wants it.

use futures_util::TryStreamExt as _;
use http::{Response, header::CONTENT_LENGTH};
use http_body::Body as _;
use http_body_util::{BodyDataStream, BodyExt as _};
use tonic::body::Body;
use worker::{Error, FixedLengthStream, ResponseBuilder, worker_sys};

use crate::headers;

/// Bodies of a known length up to this are given to the runtime whole: most answers are one short text.
const MAX_WHOLE_BYTES: u64 = 64 * 1024;

/// Gives `response` to the runtime, with its length where that is known: the runtime would leave it out.
///
/// # Errors
/// A header is no text, or the body of a short answer broke off.
pub async fn answer(response: Response<Body>) -> worker::Result<worker::Response> {
    let (head, body) = response.into_parts();
    let builder = ResponseBuilder::new()
        .with_status(head.status.as_u16())
        .with_headers(headers::to_runtime(&head.headers)?);
    if body.is_end_stream() {
        return Ok(builder.empty());
    }
    let declared = head.headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
    match body.size_hint().exact().or(declared) {
        Some(length) if length <= MAX_WHOLE_BYTES => {
            Ok(builder.fixed(body.collect().await.map_err(broke_off)?.to_bytes().into()))
        }
        Some(length) => {
            let chunks = BodyDataStream::new(body).map_ok(Into::into).map_err(broke_off);
            let stream: worker_sys::FixedLengthStream = FixedLengthStream::wrap(chunks, length).into();
            Ok(builder.stream(stream.readable()))
        }
        None => builder.from_stream(BodyDataStream::new(body).map_err(broke_off)),
    }
}

#[expect(clippy::needless_pass_by_value, reason = "for `map_err`")]
fn broke_off(status: tonic::Status) -> Error {
    Error::RustError(status.to_string())
}
