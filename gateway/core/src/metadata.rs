//! The headers that pass through the gateway. They are listed here; no other header of a client reaches a service.

use http::{
    HeaderMap, HeaderName, HeaderValue,
    header::{AUTHORIZATION, CONTENT_TYPE, TE, WWW_AUTHENTICATE},
};
use storage::BOOKMARK_HEADER;

use crate::exchange::Exchange;

/// The headers of every request that are forwarded to a service. [`Exchange`] adds the gateway's own.
const FORWARDED: [HeaderName; 2] = [AUTHORIZATION, HeaderName::from_static(BOOKMARK_HEADER)];

/// The headers of the gRPC protocol that are forwarded from gRPC calls.
const GRPC: [HeaderName; 2] =
    [HeaderName::from_static("grpc-encoding"), HeaderName::from_static("grpc-accept-encoding")];

/// The metadata of a service that an HTTP response returns to the client.
const RETURNED: [HeaderName; 2] = [HeaderName::from_static(BOOKMARK_HEADER), WWW_AUTHENTICATE];

/// The metadata of the gRPC call that the gateway makes for a plain HTTP request.
pub(crate) fn from_http(request: &HeaderMap, exchange: &Exchange) -> HeaderMap {
    let mut metadata = HeaderMap::with_capacity(16);
    copy(&FORWARDED, request, &mut metadata);
    metadata.insert(CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
    metadata.insert(TE, HeaderValue::from_static("trailers"));
    exchange.write(&mut metadata);
    metadata
}

/// The metadata of a gRPC call that is forwarded.
pub(crate) fn from_grpc(request: &HeaderMap, exchange: &Exchange) -> HeaderMap {
    let mut metadata = from_http(request, exchange);
    copy(GRPC.iter().chain(&[CONTENT_TYPE]), request, &mut metadata);
    metadata
}

/// Copies the part of a service's `metadata` that a client may see to the headers of an HTTP response.
pub(crate) fn copy_to_response(metadata: &HeaderMap, response: &mut HeaderMap) {
    copy(&RETURNED, metadata, response);
}

/// Copies the headers with these names, and replaces existing ones.
pub(crate) fn copy<'n>(
    names: impl IntoIterator<Item = &'n HeaderName>,
    from: &HeaderMap,
    to: &mut HeaderMap,
) {
    for name in names {
        let mut values = from.get_all(name).iter();
        if let Some(first) = values.next() {
            to.insert(name, first.clone());
            values.for_each(|value| {
                to.append(name, value.clone());
            });
        }
    }
}
