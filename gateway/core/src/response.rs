//! HTTP responses that the gateway makes itself: JSON, and the one shape of all errors.

use bytes::Bytes;
use http::{
    HeaderMap, HeaderValue, Response, StatusCode,
    header::{CACHE_CONTROL, CONTENT_RANGE, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE},
};
use http_body_util::Full;
use serde::Serialize;
use serde_json::value::RawValue;
use tonic::{Code, Status, body::Body};
use tonic_types::{StatusExt as _, pb};
use transcoding::{
    contract::Service,
    json::{self, Schemas},
};

use crate::{error::Error, metadata};

/// The key in a service's `ErrorInfo` metadata for the size of a file, when a requested range lies outside of it.
const SIZE_BYTES: &str = "size_bytes";

/// A JSON response. It is for one caller, so no cache may store it.
pub(crate) fn json(status: StatusCode, body: impl Into<Bytes>) -> Response<Body> {
    let mut response = Response::new(Body::new(Full::new(body.into())));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// A response with a status and no body.
pub(crate) fn empty(status: StatusCode) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    response
}

/// The body of every error.
#[derive(Serialize)]
struct ErrorBody<'a> {
    error: &'a str,
    code: &'static str,
    details: Vec<Box<RawValue>>,
    request_id: &'a str,
}

/// Encodes errors as HTTP responses.
#[derive(Clone, Copy)]
pub(crate) struct ErrorEncoder<'a> {
    pub(crate) schemas: &'a Schemas,
    pub(crate) request_id: &'a str,
}

impl ErrorEncoder<'_> {
    /// The response for `error`. `service` may declare its own HTTP statuses for error reasons.
    pub(crate) fn encode_response(self, error: Error, service: Option<&Service>) -> Response<Body> {
        let (http_status, headers) = (error.http_status(), error.headers());
        let status = Status::from(error);
        let by_reason = || service?.error_status(&status.get_details_error_info()?.reason);
        let http_status = http_status.or_else(by_reason).unwrap_or_else(|| http_status_of(status.code()));
        let mut response = json(http_status, self.encode_body(&status));
        response.headers_mut().extend(headers);
        add_error_headers(&status, http_status, response.headers_mut());
        response
    }

    /// The JSON of an error. A stream that fails after its headers were sent ends with it.
    pub(crate) fn encode_body(self, status: &Status) -> Vec<u8> {
        let details = <pb::Status as prost::Message>::decode(status.details()).unwrap_or_default().details;
        let body = ErrorBody {
            error: if status.message().is_empty() { status.code().description() } else { status.message() },
            code: name(status.code()),
            details: details.iter().filter_map(|detail| self.encode_detail(detail)).collect(),
            request_id: self.request_id,
        };
        // The fields are strings and finished JSON: serializing them cannot fail.
        serde_json::to_vec(&body).unwrap_or_default()
    }

    /// A detail of a type that the contract does not have is encoded as its bytes, so that no detail is lost.
    fn encode_detail(self, detail: &prost_types::Any) -> Option<Box<RawValue>> {
        let known = self.schemas.named("google.protobuf.Any").and_then(|schema| {
            let mut out = Vec::new();
            json::to_json(&schema, &prost::Message::encode_to_vec(detail), &mut out).ok()?;
            RawValue::from_string(String::from_utf8(out).ok()?).ok()
        });
        known.or_else(|| {
            use base64::{Engine as _, engine::general_purpose::STANDARD};
            let raw = serde_json::json!({"@type": detail.type_url, "value": STANDARD.encode(&detail.value)});
            serde_json::value::to_raw_value(&raw).ok()
        })
    }
}

/// Adds the HTTP headers that correspond to an error's details and metadata.
fn add_error_headers(status: &Status, http_status: StatusCode, headers: &mut HeaderMap) {
    metadata::copy_to_response(status.metadata().as_ref(), headers);
    if status.code() == Code::Unauthenticated && !headers.contains_key(WWW_AUTHENTICATE) {
        headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    if let Some(delay) = status.get_details_retry_info().and_then(|info| info.retry_delay) {
        let seconds = delay.as_secs() + u64::from(delay.subsec_nanos() > 0);
        headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    if http_status == StatusCode::RANGE_NOT_SATISFIABLE
        && let Some(size) =
            status.get_details_error_info().and_then(|mut info| info.metadata.remove(SIZE_BYTES))
        && let Ok(range) = HeaderValue::try_from(format!("bytes */{size}"))
    {
        headers.insert(CONTENT_RANGE, range);
    }
}

/// The HTTP status of a code, from the table in google/rpc/code.proto.
pub(crate) fn http_status_of(code: Code) -> StatusCode {
    match code {
        Code::Ok => StatusCode::OK,
        Code::Cancelled => client_closed_request(),
        Code::InvalidArgument | Code::FailedPrecondition | Code::OutOfRange => StatusCode::BAD_REQUEST,
        Code::DeadlineExceeded => StatusCode::GATEWAY_TIMEOUT,
        Code::NotFound => StatusCode::NOT_FOUND,
        Code::AlreadyExists | Code::Aborted => StatusCode::CONFLICT,
        Code::PermissionDenied => StatusCode::FORBIDDEN,
        Code::Unauthenticated => StatusCode::UNAUTHORIZED,
        Code::ResourceExhausted => StatusCode::TOO_MANY_REQUESTS,
        Code::Unimplemented => StatusCode::NOT_IMPLEMENTED,
        Code::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        Code::Unknown | Code::Internal | Code::DataLoss => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

/// 499, the status of CANCELLED in google/rpc/code.proto, is not a status of RFC 9110.
fn client_closed_request() -> StatusCode {
    StatusCode::from_u16(499).unwrap_or(StatusCode::BAD_REQUEST)
}

/// The name of a code, as google/rpc/code.proto spells it.
pub(crate) const fn name(code: Code) -> &'static str {
    match code {
        Code::Ok => "OK",
        Code::Cancelled => "CANCELLED",
        Code::Unknown => "UNKNOWN",
        Code::InvalidArgument => "INVALID_ARGUMENT",
        Code::DeadlineExceeded => "DEADLINE_EXCEEDED",
        Code::NotFound => "NOT_FOUND",
        Code::AlreadyExists => "ALREADY_EXISTS",
        Code::PermissionDenied => "PERMISSION_DENIED",
        Code::ResourceExhausted => "RESOURCE_EXHAUSTED",
        Code::FailedPrecondition => "FAILED_PRECONDITION",
        Code::Aborted => "ABORTED",
        Code::OutOfRange => "OUT_OF_RANGE",
        Code::Unimplemented => "UNIMPLEMENTED",
        Code::Internal => "INTERNAL",
        Code::Unavailable => "UNAVAILABLE",
        Code::DataLoss => "DATA_LOSS",
        Code::Unauthenticated => "UNAUTHENTICATED",
    }
}
