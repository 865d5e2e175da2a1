//! Response headers that restrict what browsers do with a response.

use http::{
    HeaderMap, HeaderName, HeaderValue,
    header::{
        CONTENT_SECURITY_POLICY, REFERRER_POLICY, STRICT_TRANSPORT_SECURITY, X_CONTENT_TYPE_OPTIONS,
        X_FRAME_OPTIONS,
    },
};

/// Which pages may embed a response without CORS, as `<img>` does.
pub(crate) const CROSS_ORIGIN_RESOURCE_POLICY: HeaderName =
    HeaderName::from_static("cross-origin-resource-policy");

/// Two years; browsers' preload lists require at least one.
const HSTS: HeaderValue = HeaderValue::from_static("max-age=63072000");

/// Adds the secure headers. A response is data, not a page: it runs no scripts, embeds nothing, and no page may embed it.
/// A header that the response already has stays, such as a file's own policy.
pub(crate) fn mark(headers: &mut HeaderMap, is_https: bool) {
    let policies = [
        (CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'"),
        (CROSS_ORIGIN_RESOURCE_POLICY, "same-origin"),
        (REFERRER_POLICY, "no-referrer"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (X_FRAME_OPTIONS, "DENY"),
    ];
    for (name, value) in policies {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
    if is_https {
        headers.insert(STRICT_TRANSPORT_SECURITY, HSTS);
    }
}
