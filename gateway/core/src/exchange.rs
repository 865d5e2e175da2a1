//! The identity of one request: its id, its span in a trace, and the host and scheme that the client used.

use http::{HeaderMap, HeaderName, HeaderValue, Request, header::HOST, uri::Authority};

use crate::ports::Host;

/// The request id: returned to the client, logged, and sent to the services.
pub(crate) const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
const TRACESTATE: HeaderName = HeaderName::from_static("tracestate");
const X_FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// The longest request id that is accepted from a client, in bytes.
const MAX_REQUEST_ID: usize = 128;

/// What the gateway itself sends to the services with a request. A client cannot forge these headers.
#[derive(Clone, Debug)]
pub(crate) struct Exchange {
    pub(crate) request_id: HeaderValue,
    traceparent: HeaderValue,
    tracestate: Option<HeaderValue>,
    authority: Option<HeaderValue>,
    scheme: &'static str,
}

impl Exchange {
    pub(crate) fn begin<B>(request: &Request<B>, host: &dyn Host) -> Self {
        let headers = request.headers();
        let parent = headers.get(TRACEPARENT).and_then(|value| value.to_str().ok()).and_then(Trace::parse);
        let tracestate = headers.get(TRACESTATE).filter(|_| parent.is_some()).cloned();
        let traceparent = parent.map_or_else(|| Trace::new(host), |trace| trace.child(host)).header();
        let named: Option<Authority> =
            request.uri().authority().cloned().or_else(|| headers.get(HOST)?.to_str().ok()?.parse().ok());
        let authority = named.filter(|authority| !authority.as_str().contains('@'));
        let authority = authority.and_then(|authority| HeaderValue::from_str(authority.as_str()).ok());
        Self {
            request_id: request_id(headers, host),
            traceparent,
            tracestate,
            authority,
            scheme: scheme(request),
        }
    }

    /// The request id as text.
    pub(crate) fn id(&self) -> &str {
        self.request_id.to_str().unwrap_or_default()
    }

    /// The trace id: 32 hex digits.
    pub(crate) fn trace_id(&self) -> &str {
        self.traceparent.to_str().ok().and_then(|text| text.get(3..35)).unwrap_or_default()
    }

    pub(crate) fn is_https(&self) -> bool {
        self.scheme == "https"
    }

    /// Writes all of it as headers for a service.
    pub(crate) fn write(&self, headers: &mut HeaderMap) {
        headers.insert(X_REQUEST_ID, self.request_id.clone());
        headers.insert(TRACEPARENT, self.traceparent.clone());
        headers.insert(X_FORWARDED_PROTO, HeaderValue::from_static(self.scheme));
        if let Some(tracestate) = &self.tracestate {
            headers.insert(TRACESTATE, tracestate.clone());
        }
        if let Some(authority) = &self.authority {
            headers.insert(X_FORWARDED_HOST, authority.clone());
        }
    }
}

/// The client's own request id, if it is short and plain; else a new one. A client's id can neither forge a log line nor
/// flood the log.
fn request_id(headers: &HeaderMap, host: &dyn Host) -> HeaderValue {
    let is_plain = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    let is_sane = |value: &&HeaderValue| {
        (1..=MAX_REQUEST_ID).contains(&value.len()) && value.as_bytes().iter().all(is_plain)
    };
    let generate =
        || HeaderValue::try_from(host.new_id().to_string()).unwrap_or(HeaderValue::from_static("0"));
    headers.get(X_REQUEST_ID).filter(is_sane).cloned().unwrap_or_else(generate)
}

/// The scheme that the client used. A proxy that terminates TLS sends `x-forwarded-proto`; with several proxies, the first
/// value is the client's. The host has already removed the header if an untrusted peer sent it.
fn scheme<B>(request: &Request<B>) -> &'static str {
    let forwarded = request.headers().get(X_FORWARDED_PROTO).map(HeaderValue::as_bytes);
    let first = forwarded.and_then(|value| value.split(|byte| *byte == b',').next()).map(<[u8]>::trim_ascii);
    let is_https = match (first, request.uri().scheme_str()) {
        (Some(first), _) => first.eq_ignore_ascii_case(b"https"),
        (None, scheme) => scheme == Some("https"),
    };
    if is_https { "https" } else { "http" }
}

/// A `traceparent` (W3C Trace Context, version 00).
struct Trace {
    trace_id: u128,
    span_id: u64,
    flags: u8,
}

impl Trace {
    fn parse(text: &str) -> Option<Self> {
        let hex = |part: &str, digits: usize| {
            let plain = part.len() == digits && part.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
            u128::from_str_radix(part, 16).ok().filter(|_| plain)
        };
        let mut parts = text.split('-');
        let (version, trace_id) = (hex(parts.next()?, 2)?, hex(parts.next()?, 32)?);
        let span_id = u64::try_from(hex(parts.next()?, 16)?).ok()?;
        let flags = u8::try_from(hex(parts.next()?, 2)?).ok()?;
        // Later versions may have more fields after the flags.
        let ends = parts.next().is_none() || version > 0;
        (version != 0xff && trace_id != 0 && span_id != 0 && ends).then_some(Self {
            trace_id,
            span_id,
            flags,
        })
    }

    fn new(host: &dyn Host) -> Self {
        let mut random = [0; 16];
        host.fill(&mut random);
        Self { trace_id: u128::from_be_bytes(random).max(1), span_id: 0, flags: 0 }.child(host)
    }

    /// The gateway's own span in the same trace.
    fn child(self, host: &dyn Host) -> Self {
        let mut random = [0; 8];
        host.fill(&mut random);
        Self { span_id: u64::from_be_bytes(random).max(1), ..self }
    }

    fn header(&self) -> HeaderValue {
        let text = format!("00-{:032x}-{:016x}-{:02x}", self.trace_id, self.span_id, self.flags);
        HeaderValue::try_from(text).unwrap_or(HeaderValue::from_static(""))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scheme_is_read_from_the_first_proxys_value() {
        for (forwarded, expected) in [
            ("https", "https"),
            ("HTTPS", "https"),
            ("https, http", "https"),
            (" https ,http", "https"),
            ("http, https", "http"),
            ("http", "http"),
            ("ftp", "http"),
            ("", "http"),
        ] {
            let request =
                Request::builder().uri("https://a/").header(X_FORWARDED_PROTO, forwarded).body(()).unwrap();
            assert_eq!(scheme(&request), expected, "{forwarded:?}");
        }
        assert_eq!(scheme(&Request::builder().uri("https://a/").body(()).unwrap()), "https");
        assert_eq!(scheme(&Request::builder().uri("/").body(()).unwrap()), "http");
    }

    #[test]
    fn a_traceparent_is_parsed_by_the_rules_of_trace_context() {
        let good = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        assert_eq!(Trace::parse(good).unwrap().header(), good);
        assert!(Trace::parse(&good.replacen("00", "cc", 1).replace("-01", "-01-more")).is_some());
        for wrong in [
            "",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331",
            "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "00-00000000000000000000000000000000-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
            "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more",
            "00-+af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        ] {
            assert!(Trace::parse(wrong).is_none(), "{wrong}");
        }
    }
}
