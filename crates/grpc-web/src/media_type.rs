//! Which requests and responses are gRPC-web, and in which of its two forms.

use http::{
    HeaderMap, HeaderValue,
    header::{ACCEPT, CONTENT_TYPE},
};

/// The two forms of a gRPC-web body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// Frames without further encoding: `application/grpc-web+proto`.
    Binary,
    /// Frames in base64, for clients that cannot read binary streams: `application/grpc-web-text+proto`.
    Text,
}

/// The endings of the accepted media types, after `application/grpc-web`.
const BINARY_FORMS: [&str; 2] = ["", "+proto"];
const TEXT_FORMS: [&str; 4] = ["-text", "-text+proto", "-text-base64", "-text-base64+proto"];

/// The kind of body that a content type stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MediaType {
    /// gRPC-web with protobuf messages.
    Web(Encoding),
    /// gRPC-web with messages in a format that is not protobuf.
    UnknownWeb,
    /// Native gRPC.
    Grpc,
    /// Another content type, or none.
    Other,
}

/// Whether the content type in `headers` is gRPC-web, including unsupported message formats.
#[must_use]
pub fn is_grpc_web(headers: &HeaderMap) -> bool {
    matches!(MediaType::of(headers), MediaType::Web(_) | MediaType::UnknownWeb)
}

/// Whether the content type in `headers` is native gRPC, with messages in any format.
#[must_use]
pub fn is_native_grpc(headers: &HeaderMap) -> bool {
    MediaType::of(headers) == MediaType::Grpc
}

impl MediaType {
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).map_or(Self::Other, Self::parse)
    }

    /// Ignores parameters, letter case and a duplicate value (`a, a`).
    fn parse(value: &str) -> Self {
        let essence = value.split([';', ',']).next().unwrap_or_default().trim();
        let Some(subtype) = strip_prefix(essence, "application/grpc") else {
            return Self::Other;
        };
        let Some(form) = strip_prefix(subtype, "-web") else {
            let is_native = subtype.is_empty() || subtype.starts_with('+');
            return if is_native { Self::Grpc } else { Self::Other };
        };
        if BINARY_FORMS.iter().any(|known| form.eq_ignore_ascii_case(known)) {
            Self::Web(Encoding::Binary)
        } else if TEXT_FORMS.iter().any(|known| form.eq_ignore_ascii_case(known)) {
            Self::Web(Encoding::Text)
        } else if form.starts_with(['+', '-']) {
            Self::UnknownWeb
        } else {
            Self::Other
        }
    }
}

fn strip_prefix<'a>(text: &'a str, prefix: &str) -> Option<&'a str> {
    let (head, tail) = text.split_at_checked(prefix.len())?;
    head.eq_ignore_ascii_case(prefix).then_some(tail)
}

impl Encoding {
    /// The content type of a body in this form.
    #[must_use]
    pub const fn content_type(self) -> HeaderValue {
        match self {
            Self::Binary => HeaderValue::from_static("application/grpc-web+proto"),
            Self::Text => HeaderValue::from_static("application/grpc-web-text+proto"),
        }
    }

    /// The form of the response: the one that `Accept` prefers, otherwise the form of the request, which is `self`.
    pub(crate) fn of_response(self, headers: &HeaderMap) -> Self {
        let other = match self {
            Self::Binary => Self::Text,
            Self::Text => Self::Binary,
        };
        let (own, other_preference) = (Preference::of(self, headers), Preference::of(other, headers));
        if other_preference.quality > 0.0 && other_preference > own { other } else { self }
    }
}

/// How much a client prefers a form. If two forms have equal quality, a named form takes precedence over a wildcard.
#[derive(Clone, Copy, Debug, Default, PartialEq, PartialOrd)]
struct Preference {
    quality: f32,
    specificity: u8,
}

impl Preference {
    /// The quality comes from the most specific range that matches (RFC 9110 section 12.5.1).
    fn of(encoding: Encoding, headers: &HeaderMap) -> Self {
        let mut best: Option<Self> = None;
        for range in
            headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok()).flat_map(|v| v.split(','))
        {
            let Some(specificity) = specificity(range, encoding) else { continue };
            if best.is_none_or(|best| specificity > best.specificity) {
                best = Some(Self { quality: quality(range), specificity });
            }
        }
        best.unwrap_or_default()
    }
}

fn specificity(range: &str, encoding: Encoding) -> Option<u8> {
    match range.split(';').next().unwrap_or_default().trim() {
        "*/*" => Some(0),
        essence if essence.eq_ignore_ascii_case("application/*") => Some(1),
        essence => (MediaType::parse(essence) == MediaType::Web(encoding)).then_some(2),
    }
}

/// The `q` of a range; 1 if it is absent or not valid.
fn quality(range: &str) -> f32 {
    range
        .split(';')
        .skip(1)
        .filter_map(|parameter| parameter.split_once('='))
        .find(|(name, _)| name.trim().eq_ignore_ascii_case("q"))
        .and_then(|(_, value)| value.trim().parse::<f32>().ok())
        .filter(|quality| (0.0..=1.0).contains(quality))
        .unwrap_or(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_grpc_web_is_recognized() {
        for (content_type, expected) in [
            ("application/grpc-web", true),
            ("APPLICATION/GRPC-WEB-TEXT ; charset=utf-8", true),
            ("application/grpc-web+json", true),
            ("application/grpc", false),
            ("application/grpc+proto", false),
            ("application/grpc-website", false),
            ("application/json", false),
            ("", false),
        ] {
            let headers = HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static(content_type))]);
            assert_eq!(is_grpc_web(&headers), expected, "{content_type}");
        }
        assert!(!is_grpc_web(&HeaderMap::new()));
    }

    #[test]
    fn native_grpc_is_recognized_with_any_message_format() {
        for (content_type, expected) in [
            ("application/grpc", true),
            ("Application/gRPC+json; charset=utf-8", true),
            ("application/grpc-web", false),
            ("application/grpcx", false),
            ("application/json", false),
        ] {
            let headers = HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static(content_type))]);
            assert_eq!(is_native_grpc(&headers), expected, "{content_type}");
        }
    }

    #[test]
    fn an_invalid_quality_is_1() {
        for (range, expected) in [
            ("a/b", 1.0),
            ("a/b;q=0.3", 0.3),
            ("a/b; v=1; Q = 0.3", 0.3),
            ("a/b;q=NaN", 1.0),
            ("a/b;q=7", 1.0),
        ] {
            assert!((quality(range) - expected).abs() < f32::EPSILON, "{range}");
        }
    }
}
