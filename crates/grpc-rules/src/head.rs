//! Checks the head of a call: the method and the headers.

use http::{HeaderMap, HeaderValue, Method, Request, header::CONTENT_TYPE};

use crate::{error::Error, timeout};

/// Checks the head of a gRPC call.
///
/// # Errors
/// The first rule that it violates.
pub fn check<B>(request: &Request<B>) -> Result<(), Error> {
    if request.method() != Method::POST {
        return Err(Error::Method);
    }
    if !is_grpc(request.headers()) {
        return Err(Error::MediaType);
    }
    if let Some(encoding) = request.headers().get("grpc-encoding").filter(|value| *value != "identity") {
        return Err(Error::Encoding(String::from_utf8_lossy(encoding.as_bytes()).into_owned()));
    }
    timeout::requested(request.headers()).map(drop)
}

/// Whether the content type is gRPC with protobuf messages. Its parameters and letter case do not matter.
fn is_grpc(headers: &HeaderMap) -> bool {
    let media_type = headers.get(CONTENT_TYPE).map_or(&b""[..], HeaderValue::as_bytes);
    let essence = media_type.split(|byte| *byte == b';').next().unwrap_or_default().trim_ascii();
    [&b"application/grpc"[..], b"application/grpc+proto"]
        .iter()
        .any(|known| essence.eq_ignore_ascii_case(known))
}
