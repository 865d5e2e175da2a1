//! Conditional requests (RFC 9110 section 13) for responses that are built completely before they are sent.

use http::{
    HeaderMap, Method, Response, StatusCode,
    header::{CACHE_CONTROL, ETAG, IF_NONE_MATCH},
};
use tonic::body::Body;
use transcoding::contract::{EntityTag, EntityTags};

use crate::{metadata, response::empty};

/// `response`, or 304 if the client's copy is current: `If-None-Match` contains the `ETag` of the response. The 304 has the
/// service's metadata as well: a bookmark is also about what the client did not have to read.
pub(crate) fn unless_current(
    method: &Method,
    request: &HeaderMap,
    response: Response<Body>,
) -> Response<Body> {
    let reads = method == Method::GET || method == Method::HEAD;
    if !reads || response.status() != StatusCode::OK || !is_current(request, response.headers()) {
        return response;
    }
    let mut unchanged = empty(StatusCode::NOT_MODIFIED);
    let kept = [ETAG, CACHE_CONTROL]
        .into_iter()
        .filter_map(|name| Some((name.clone(), response.headers().get(name)?.clone())));
    unchanged.headers_mut().extend(kept);
    metadata::copy_to_response(response.headers(), unchanged.headers_mut());
    unchanged
}

fn is_current(request: &HeaderMap, response: &HeaderMap) -> bool {
    let tag = response.get(ETAG).and_then(|value| value.to_str().ok()).and_then(EntityTag::parse);
    match (tag, none_match(request)) {
        (Some(_), Some(EntityTags::Any)) => true,
        (Some(tag), Some(EntityTags::Listed(known))) => known.iter().any(|known| known.value == tag.value),
        (None, _) | (_, None) => false,
    }
}

/// The tags in all `If-None-Match` headers; `None` if there is no such header, or no valid tag in it.
pub(crate) fn none_match(headers: &HeaderMap) -> Option<EntityTags> {
    let values: Vec<_> =
        headers.get_all(IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok()).collect();
    EntityTags::parse(&values.join(","))
}
