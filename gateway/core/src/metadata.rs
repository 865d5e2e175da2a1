//! Which headers cross the gateway: few, and named here. Anything else that a client sends never reaches a service.

use http::{
    HeaderMap, HeaderName, HeaderValue,
    header::{AUTHORIZATION, CONTENT_TYPE, TE, WWW_AUTHENTICATE},
};
use storage::BOOKMARK_HEADER;

use crate::exchange::Exchange;

/// What reaches a service from every request; [`Exchange`] adds what the gateway says itself.
const FORWARDED: [HeaderName; 2] = [AUTHORIZATION, HeaderName::from_static(BOOKMARK_HEADER)];

/// What belongs to gRPC's own protocol, and reaches a service from gRPC calls.
const GRPC: [HeaderName; 2] =
    [HeaderName::from_static("grpc-encoding"), HeaderName::from_static("grpc-accept-encoding")];

/// What a client sees of a service's metadata in an HTTP answer.
const ANSWERED: [HeaderName; 2] = [HeaderName::from_static(BOOKMARK_HEADER), WWW_AUTHENTICATE];

/// The metadata of the call that a plain HTTP request becomes.
pub(crate) fn of_http(request: &HeaderMap, further: &[HeaderName], exchange: &Exchange) -> HeaderMap {
    let mut metadata = HeaderMap::with_capacity(16);
    copy(FORWARDED.iter().chain(further), request, &mut metadata);
    metadata.insert(CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
    metadata.insert(TE, HeaderValue::from_static("trailers"));
    exchange.write(&mut metadata);
    metadata
}

/// The metadata of a gRPC call that is passed on.
pub(crate) fn of_grpc(request: &HeaderMap, further: &[HeaderName], exchange: &Exchange) -> HeaderMap {
    let mut metadata = of_http(request, further, exchange);
    copy(GRPC.iter().chain(&[CONTENT_TYPE]), request, &mut metadata);
    metadata
}

/// Copies what a client may see of a service's `metadata` to the headers of an HTTP answer.
pub(crate) fn answer(metadata: &HeaderMap, response: &mut HeaderMap) {
    copy(&ANSWERED, metadata, response);
}

/// Copies the headers with these names, in place of what was there.
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
