//! A call's status as headers: `grpc-status`, `grpc-message` and `grpc-status-details-bin`.

use std::borrow::Cow;

use base64::{
    Engine as _, alphabet,
    engine::{
        DecodePaddingMode,
        general_purpose::{GeneralPurpose, GeneralPurposeConfig, STANDARD_NO_PAD},
    },
};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use percent_encoding::{AsciiSet, CONTROLS, percent_decode, utf8_percent_encode};
use tonic::{Code, Status};

use crate::error::Error;

pub(crate) const GRPC_STATUS: HeaderName = HeaderName::from_static("grpc-status");
pub(crate) const GRPC_MESSAGE: HeaderName = HeaderName::from_static("grpc-message");
const GRPC_STATUS_DETAILS: HeaderName = HeaderName::from_static("grpc-status-details-bin");

/// The bytes to escape in a `grpc-message`: all except 0x20 to 0x7E, and `%`.
const ESCAPED: &AsciiSet = &CONTROLS.add(b'%');

/// Values of binary metadata may have padding or not.
const EITHER_PADDING: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// The code for a response with an HTTP status and no `grpc-status` (gRPC's `http-grpc-status-mapping.md`).
#[must_use]
pub fn status_from_http(status: StatusCode) -> Code {
    match status {
        StatusCode::BAD_REQUEST => Code::Internal,
        StatusCode::UNAUTHORIZED => Code::Unauthenticated,
        StatusCode::FORBIDDEN => Code::PermissionDenied,
        StatusCode::NOT_FOUND => Code::Unimplemented,
        StatusCode::TOO_MANY_REQUESTS
        | StatusCode::BAD_GATEWAY
        | StatusCode::SERVICE_UNAVAILABLE
        | StatusCode::GATEWAY_TIMEOUT => Code::Unavailable,
        _ => Code::Unknown,
    }
}

/// Encodes a message as the value of `grpc-message`.
pub(crate) fn encode_message(message: &str) -> HeaderValue {
    let escaped = Cow::from(utf8_percent_encode(message, ESCAPED));
    // Only 0x20 to 0x7E is left, and a header value may contain all of these.
    HeaderValue::try_from(escaped.as_ref()).unwrap_or_else(|_| HeaderValue::from_static(""))
}

/// Decodes the value of `grpc-message`. Never fails: invalid escapes stay unchanged, and invalid UTF-8 becomes U+FFFD.
pub(crate) fn decode_message(value: &[u8]) -> String {
    percent_decode(value).decode_utf8_lossy().into_owned()
}

/// Whether a call's trailers report success.
#[must_use]
pub fn is_ok(trailers: &HeaderMap) -> bool {
    trailers.get(GRPC_STATUS).is_some_and(|status| status == "0")
}

/// The status in a call's trailers, or in the headers of a trailers-only response; `None` without a `grpc-status`.
///
/// Unlike [`Status::from_header_map`], it accepts malformed values: no message is lost, and no value causes a panic.
#[must_use]
pub fn status_from_trailers(trailers: &HeaderMap) -> Option<Status> {
    if !trailers.contains_key(GRPC_STATUS) {
        return None;
    }
    let mut trailers = trailers.clone();
    let status = take(&mut trailers)?;
    trailers.extend(status);
    Status::from_header_map(&trailers)
}

/// Encodes `status` as a call's trailers, including its metadata.
#[must_use]
pub fn trailers_from_status(status: &Status) -> HeaderMap {
    let mut trailers = HeaderMap::new();
    if status.add_header(&mut trailers).is_err() {
        trailers.insert(GRPC_STATUS, code_value(status.code()));
    }
    trailers
}

/// Removes the status from the headers of a response; `None` without a `grpc-status`.
pub(crate) fn take(headers: &mut HeaderMap) -> Option<HeaderMap> {
    let mut taken = HeaderMap::new();
    for name in [GRPC_STATUS, GRPC_MESSAGE, GRPC_STATUS_DETAILS] {
        let value = headers
            .remove(&name)
            .and_then(|value| readable(&name, value.as_bytes()).ok()?.into_iter().next());
        if let Some(value) = value {
            taken.insert(name, value);
        }
    }
    taken.contains_key(GRPC_STATUS).then_some(taken)
}

/// Converts `value` to values that tonic can read. Makes a message valid UTF-8, encodes binary metadata as base64 where
/// the sender did not (some do not in the text form), and splits values that a proxy joined with commas.
pub(crate) fn readable(name: &HeaderName, value: &[u8]) -> Result<Vec<HeaderValue>, Error> {
    if name == GRPC_MESSAGE {
        let valid = percent_decode(value).decode_utf8().is_ok();
        let kept = HeaderValue::from_bytes(value).ok().filter(|_| valid);
        return Ok(vec![kept.unwrap_or_else(|| encode_message(&decode_message(value)))]);
    }
    let values = if !name.as_str().ends_with("-bin") {
        vec![HeaderValue::from_bytes(value)]
    } else if split(value).all(|part| EITHER_PADDING.decode(part).is_ok()) {
        split(value).map(HeaderValue::from_bytes).collect()
    } else {
        vec![HeaderValue::try_from(STANDARD_NO_PAD.encode(value))]
    };
    values.into_iter().collect::<Result<_, _>>().map_err(|_| Error::TrailerLine)
}

fn split(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    value.split(|byte| *byte == b',').map(<[u8]>::trim_ascii)
}

pub(crate) fn code_value(code: Code) -> HeaderValue {
    HeaderValue::from(i32::from(code))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_escapes_all_but_printable_ascii_and_survives_a_round_trip() {
        let message = "\t50% of caf\u{e9}: \u{263a} \u{1f608}\r\n\u{7f}~";
        let value = encode_message(message);
        assert_eq!(value, "%0950%25 of caf%C3%A9: %E2%98%BA %F0%9F%98%88%0D%0A%7F~");
        assert_eq!(decode_message(value.as_bytes()), message);
    }

    #[test]
    fn a_malformed_message_is_decoded() {
        assert_eq!(
            decode_message(b"100% sure, %zz, %f, \xe2\x28 %FF"),
            "100% sure, %zz, %f, \u{fffd}( \u{fffd}"
        );
    }

    #[test]
    fn a_status_survives_a_round_trip_through_trailers() {
        let mut status = Status::with_details(Code::NotFound, "100% gone", vec![8, 5].into());
        status.metadata_mut().append("x-tag", "a".parse().unwrap());
        status.metadata_mut().append("x-tag", "b".parse().unwrap());
        let trailers = trailers_from_status(&status);
        assert_eq!(trailers.get(GRPC_STATUS).unwrap(), "5");
        assert!(!is_ok(&trailers));
        let read = status_from_trailers(&trailers).unwrap();
        assert_eq!((read.code(), read.message(), read.details()), (Code::NotFound, "100% gone", &[8, 5][..]));
        assert_eq!(read.metadata().get_all("x-tag").iter().count(), 2);
    }

    #[test]
    fn trailers_without_a_status_have_none() {
        let trailers = HeaderMap::from_iter([(GRPC_MESSAGE, HeaderValue::from_static("error"))]);
        assert!(status_from_trailers(&trailers).is_none());
        assert!(!is_ok(&trailers));
    }

    #[test]
    fn success_is_recognized() {
        assert!(is_ok(&trailers_from_status(&Status::ok(""))));
    }

    #[test]
    fn details_are_read_with_and_without_padding_joined_and_raw() {
        for (value, expected) in
            [("CAU=", &[8, 5][..]), ("CAU", &[8, 5]), ("CAU=, CAU=", &[8, 5]), ("?", b"?")]
        {
            let trailers = HeaderMap::from_iter([
                (GRPC_STATUS, HeaderValue::from_static("3")),
                (GRPC_STATUS_DETAILS, HeaderValue::from_static(value)),
            ]);
            assert_eq!(status_from_trailers(&trailers).unwrap().details(), expected, "{value}");
        }
    }
}
