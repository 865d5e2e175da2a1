//! Which web pages may call the gateway, and which response headers they may read (CORS, as in the Fetch standard).

use std::collections::HashSet;

use http::{
    HeaderMap, HeaderValue, Method, Request,
    header::{
        ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
        ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_METHOD, ORIGIN, VARY,
    },
};

const METHODS: HeaderValue = HeaderValue::from_static("GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS");

const REQUEST_HEADERS: HeaderValue = HeaderValue::from_static(
    "authorization, content-type, accept, grpc-timeout, x-grpc-web, x-user-agent, x-request-id, x-requested-with, \
     x-reticle-bookmark, traceparent, tracestate, baggage, sentry-trace, if-match, if-none-match, if-range, range, \
     last-event-id",
);

const EXPOSED: HeaderValue = HeaderValue::from_static(
    "grpc-status, grpc-message, grpc-status-details-bin, grpc-encoding, etag, content-range, accept-ranges, \
     content-disposition, x-request-id, x-reticle-bookmark, retry-after, www-authenticate, allow",
);

/// How long a browser remembers a preflight: two hours, the most that Chromium keeps.
const MAX_AGE_SECONDS: HeaderValue = HeaderValue::from_static("7200");

const PREFLIGHT_VARY: HeaderValue =
    HeaderValue::from_static("origin, access-control-request-method, access-control-request-headers");

/// The web origins whose pages may call the gateway.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AllowedOrigins {
    /// None: only pages of the gateway's own origin may call, and clients that are not browsers.
    None,
    /// All. The token is sent in a header, which a browser never adds by itself, so a page without a token cannot read
    /// a user's data.
    Any,
    /// Only these origins, each as browsers send it: `https://app.example.com`.
    Listed(HashSet<String>),
}

/// A text that is not a web origin.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a web origin: write it as `https://host` or `https://host:port`, or `*` alone for all")]
pub struct InvalidOrigin(String);

impl AllowedOrigins {
    /// Parses a list of origins, or `*` alone. Empty texts are ignored.
    ///
    /// # Errors
    /// If one of the texts is not an origin, or `*` is not alone.
    pub fn parse<T: AsRef<str>>(texts: impl IntoIterator<Item = T>) -> Result<Self, InvalidOrigin> {
        let texts: Vec<String> = texts.into_iter().map(|text| text.as_ref().trim().to_owned()).collect();
        let mut texts = texts.into_iter().filter(|text| !text.is_empty()).peekable();
        match (texts.next(), texts.peek()) {
            (None, _) => Ok(Self::None),
            (Some(only), None) if only == "*" => Ok(Self::Any),
            (Some(first), _) => {
                std::iter::once(first).chain(texts).map(origin).collect::<Result<_, _>>().map(Self::Listed)
            }
        }
    }

    fn allow(&self, origin: &HeaderValue) -> Option<HeaderValue> {
        match self {
            Self::None => None,
            Self::Any => Some(HeaderValue::from_static("*")),
            Self::Listed(origins) => origins.contains(origin.to_str().ok()?).then(|| origin.clone()),
        }
    }
}

fn origin(text: String) -> Result<String, InvalidOrigin> {
    let lower = text.to_ascii_lowercase();
    let authority = lower.strip_prefix("https://").or_else(|| lower.strip_prefix("http://"));
    let is_authority = |rest: &str| {
        !rest.contains('@')
            && rest.parse::<http::uri::Authority>().is_ok_and(|parsed| parsed.as_str() == rest)
    };
    if authority.is_some_and(is_authority) { Ok(lower) } else { Err(InvalidOrigin(text)) }
}

/// CORS with an allow-list of origins.
#[derive(Debug)]
pub(crate) struct Cors {
    origins: AllowedOrigins,
}

impl Cors {
    /// Allows the pages of `origins`.
    pub(crate) const fn new(origins: AllowedOrigins) -> Self {
        Self { origins }
    }

    /// Whether the request is a preflight: a browser asks for permission before it calls.
    pub(crate) fn is_preflight<B>(request: &Request<B>) -> bool {
        let headers = request.headers();
        request.method() == Method::OPTIONS
            && headers.contains_key(ORIGIN)
            && headers.contains_key(ACCESS_CONTROL_REQUEST_METHOD)
    }

    /// Writes the allowed methods and headers for a preflight. [`Cors::mark`] adds the allowed origin.
    pub(crate) fn permit(headers: &mut HeaderMap) {
        headers.insert(ACCESS_CONTROL_ALLOW_METHODS, METHODS);
        headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, REQUEST_HEADERS);
        headers.insert(ACCESS_CONTROL_MAX_AGE, MAX_AGE_SECONDS);
        headers.insert(VARY, PREFLIGHT_VARY);
    }

    /// Lets the calling page read the response, if its origin is allowed. Every response passes here, errors too.
    pub(crate) fn mark(&self, origin: Option<&HeaderValue>, headers: &mut HeaderMap) {
        if matches!(self.origins, AllowedOrigins::Listed(_)) && headers.get(VARY) != Some(&PREFLIGHT_VARY) {
            headers.append(VARY, HeaderValue::from_static("origin"));
        }
        if let Some(allowed) = origin.and_then(|origin| self.origins.allow(origin)) {
            headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, allowed);
            headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allowed(origins: &[&str], origin: &'static str) -> Option<HeaderValue> {
        AllowedOrigins::parse(origins).unwrap().allow(&HeaderValue::from_static(origin))
    }

    #[test]
    fn only_listed_origins_are_allowed_and_a_star_allows_all() {
        let listed = ["https://app.example.com", " http://localhost:5173 ", ""];
        assert_eq!(allowed(&listed, "http://localhost:5173").unwrap(), "http://localhost:5173");
        for other in
            ["https://app.example.com.evil.test", "http://app.example.com", "null", "http://localhost"]
        {
            assert_eq!(allowed(&listed, other), None, "{other}");
            assert_eq!(allowed(&[], other), None, "{other}");
            assert_eq!(allowed(&["*"], other).unwrap(), "*");
        }
    }

    #[test]
    fn a_text_that_is_not_an_origin_is_rejected_and_named() {
        for wrong in ["app.example.com", "https://a/", "https://a/b", "ftp://a", "https://u@a", "https://"] {
            assert_eq!(AllowedOrigins::parse([wrong]), Err(InvalidOrigin(wrong.to_owned())));
        }
        assert!(AllowedOrigins::parse(["https://a", "*"]).is_err());
    }
}
