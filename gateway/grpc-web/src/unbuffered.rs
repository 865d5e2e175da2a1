//! Headers that make proxies pass a stream on as it comes.

use http::{HeaderMap, HeaderName, HeaderValue, header::CACHE_CONTROL};

/// nginx, and what follows its lead, collects a response of its upstream unless this says `no`.
const X_ACCEL_BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");

/// Forbids whoever is between a server and its client to buffer, store or change a response: its messages must arrive when
/// they are sent. A proxy that compresses would buffer too, which `no-transform` forbids (RFC 9111 section 5.2.2.6).
pub fn forbid_buffering(headers: &mut HeaderMap) {
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store, no-transform"));
    headers.insert(X_ACCEL_BUFFERING, HeaderValue::from_static("no"));
}
