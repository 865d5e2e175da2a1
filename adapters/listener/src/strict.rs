//! Rejects requests that HTTP forbids but hyper accepts. A request that states its host or the length of its body twice is
//! ambiguous: a proxy and this server may interpret it differently (request smuggling).

use http::{
    HeaderMap, HeaderValue, Request, Response, StatusCode, Version,
    header::{CONNECTION, CONTENT_TYPE, HOST, TRANSFER_ENCODING},
    uri::Authority,
};

/// Why a request is rejected before the service handles it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rejected {
    NoHost,
    SeveralHosts,
    MalformedHost,
    /// `Host` differs from the `:authority` of HTTP/2.
    AnotherHost,
    RepeatedCoding,
    UnknownCoding,
}

impl Rejected {
    const fn status(self) -> StatusCode {
        match self {
            Self::UnknownCoding => StatusCode::NOT_IMPLEMENTED,
            Self::NoHost
            | Self::SeveralHosts
            | Self::MalformedHost
            | Self::AnotherHost
            | Self::RepeatedCoding => StatusCode::BAD_REQUEST,
        }
    }

    const fn code(self) -> &'static str {
        match self {
            Self::UnknownCoding => "UNIMPLEMENTED",
            Self::NoHost
            | Self::SeveralHosts
            | Self::MalformedHost
            | Self::AnotherHost
            | Self::RepeatedCoding => "INVALID_ARGUMENT",
        }
    }

    const fn message(self) -> &'static str {
        match self {
            Self::NoHost => "The request has no Host header. Send one.",
            Self::SeveralHosts => "The request has several Host headers. Send one.",
            Self::MalformedHost => "The Host header is not a host with an optional port.",
            Self::AnotherHost => {
                "The Host header differs from :authority. Send the same in both, or no Host."
            }
            Self::RepeatedCoding => "Transfer-Encoding must be `chunked`, once.",
            Self::UnknownCoding => {
                "Transfer-Encoding has a coding other than `chunked`. Send the body without it."
            }
        }
    }

    /// The response, in the format of all errors. The connection is closed after it, because the end of the body is not known.
    pub(crate) fn response(self, version: Version) -> Response<String> {
        let body = format!(
            r#"{{"error":"{}","code":"{}","details":[],"request_id":""}}"#,
            self.message(),
            self.code()
        );
        let mut response = Response::new(body);
        *response.status_mut() = self.status();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if version < Version::HTTP_2 {
            headers.insert(CONNECTION, HeaderValue::from_static("close"));
        }
        response
    }
}

/// Checks how a request states its host and the length of its body.
///
/// # Errors
/// It states them in a way that HTTP forbids.
pub(crate) fn check<B>(request: &Request<B>) -> Result<(), Rejected> {
    check_host(request)?;
    check_codings(request.headers())
}

/// RFC 9112 section 3.2, RFC 9113 section 8.3.1.
fn check_host<B>(request: &Request<B>) -> Result<(), Rejected> {
    let mut hosts = request.headers().get_all(HOST).iter();
    let host = match (hosts.next(), hosts.next()) {
        (_, Some(_)) => return Err(Rejected::SeveralHosts),
        (Some(host), None) => host,
        (None, None) if request.version() == Version::HTTP_11 => return Err(Rejected::NoHost),
        (None, None) => return Ok(()),
    };
    let host = parse_authority(host).ok_or(Rejected::MalformedHost)?;
    let uri = request.uri();
    match uri.authority() {
        Some(named)
            if request.version() >= Version::HTTP_2 && !is_same_host(named, &host, uri.scheme_str()) =>
        {
            Err(Rejected::AnotherHost)
        }
        _ => Ok(()),
    }
}

/// Parses a host with an optional port, without a user.
fn parse_authority(value: &HeaderValue) -> Option<Authority> {
    let text = value.to_str().ok()?;
    let authority: Authority = text.parse().ok()?;
    let is_plain = !text.contains('@') && !authority.host().is_empty();
    // `http` accepts any text as a port; if it is not a number, `port_u16` returns `None`.
    let is_whole = authority.port_u16().is_some() || text.len() == authority.host().len();
    (is_plain && is_whole).then_some(authority)
}

fn is_same_host(a: &Authority, b: &Authority, scheme: Option<&str>) -> bool {
    let default = if scheme == Some("https") { 443 } else { 80 };
    let port = |authority: &Authority| authority.port_u16().unwrap_or(default);
    a.host().eq_ignore_ascii_case(b.host()) && port(a) == port(b)
}

/// RFC 9112 section 6.1. hyper reads a body as chunked if the last coding is `chunked`, and ignores the codings before it.
fn check_codings(headers: &HeaderMap) -> Result<(), Rejected> {
    let mut codings = headers
        .get_all(TRANSFER_ENCODING)
        .iter()
        .flat_map(|value| value.as_bytes().split(|byte| *byte == b','))
        .map(<[u8]>::trim_ascii);
    let is_chunked = |coding: &[u8]| coding.eq_ignore_ascii_case(b"chunked");
    match (codings.next(), codings.next()) {
        (None, _) => Ok(()),
        (Some(coding), None) if is_chunked(coding) => Ok(()),
        (Some(first), second) if is_chunked(first) && second.is_some_and(is_chunked) => {
            Err(Rejected::RepeatedCoding)
        }
        _ => Err(Rejected::UnknownCoding),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(version: Version, uri: &str, headers: &[(&str, &str)]) -> Request<()> {
        let builder = Request::builder().version(version).uri(uri);
        headers.iter().fold(builder, |builder, (name, value)| builder.header(*name, *value)).body(()).unwrap()
    }

    #[test]
    fn http_1_1_has_one_well_formed_host() {
        let check = |hosts: &[&str]| {
            let headers: Vec<_> = hosts.iter().map(|host| ("host", *host)).collect();
            check(&request(Version::HTTP_11, "/", &headers))
        };
        for host in ["a", "a.example:80", "127.0.0.1:8787", "[::1]", "[::1]:8787", "A_b.c"] {
            assert_eq!(check(&[host]), Ok(()), "{host}");
        }
        for host in ["", "a b", "a/b", "a@b", "a:b", "a:99999", "a:", "[::1", "a?b", "a#b", "http://a"] {
            assert_eq!(check(&[host]), Err(Rejected::MalformedHost), "{host}");
        }
        assert_eq!(check(&[]), Err(Rejected::NoHost));
        assert_eq!(check(&["a", "a"]), Err(Rejected::SeveralHosts));
    }

    #[test]
    fn http_1_0_needs_no_host() {
        assert_eq!(check(&request(Version::HTTP_10, "/", &[])), Ok(()));
    }

    #[test]
    fn the_host_of_http_2_is_its_authority() {
        let check = |hosts: &[(&str, &str)]| check(&request(Version::HTTP_2, "http://a.example:80/", hosts));
        assert_eq!(check(&[]), Ok(()));
        assert_eq!(check(&[("host", "A.example")]), Ok(()));
        assert_eq!(check(&[("host", "a.example:81")]), Err(Rejected::AnotherHost));
        assert_eq!(check(&[("host", "b.example")]), Err(Rejected::AnotherHost));
        assert_eq!(check(&[("host", "a.example"), ("host", "b.example")]), Err(Rejected::SeveralHosts));
    }

    #[test]
    fn the_only_transfer_coding_is_chunked() {
        let check = |values: &[&str]| {
            let headers = [("host", "a")].into_iter();
            let headers: Vec<_> =
                headers.chain(values.iter().map(|value| ("transfer-encoding", *value))).collect();
            check(&request(Version::HTTP_11, "/", &headers))
        };
        assert_eq!(check(&[]), Ok(()));
        assert_eq!(check(&["Chunked"]), Ok(()));
        for repeated in [&["chunked, chunked"][..], &["chunked", "chunked"], &["chunked,chunked,gzip"]] {
            assert_eq!(check(repeated), Err(Rejected::RepeatedCoding), "{repeated:?}");
        }
        for unknown in
            [&["gzip, chunked"][..], &["gzip", "chunked"], &["identity"], &["xchunked"], &[""], &["chunked,"]]
        {
            assert_eq!(check(unknown), Err(Rejected::UnknownCoding), "{unknown:?}");
        }
    }
}
