//! Headers that make proxies pass a stream on without buffering it.

use http::{HeaderMap, HeaderName, HeaderValue, header::CACHE_CONTROL};

/// nginx and compatible proxies buffer the responses of their upstream unless this header is `no`.
const X_ACCEL_BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");

/// Forbids proxies to buffer, store or change a response, so that its messages arrive as soon as they are sent. A proxy that
/// compresses would also buffer; `no-transform` forbids that (RFC 9111 section 5.2.2.6).
pub fn forbid_buffering(headers: &mut HeaderMap) {
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store, no-transform"));
    headers.insert(X_ACCEL_BUFFERING, HeaderValue::from_static("no"));
}
