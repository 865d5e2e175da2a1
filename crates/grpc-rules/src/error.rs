//! The rules that a call can violate, and the response to each violation.

use aip::MAX_MESSAGE_BYTES;
use http::{
    HeaderName, HeaderValue, Response, StatusCode,
    header::{ALLOW, CONTENT_TYPE},
};
use http_body_util::Full;
use tonic::{Code, Status, body::Body, metadata::MetadataValue};

const ACCEPT_POST: HeaderName = HeaderName::from_static("accept-post");

/// The media types of a port: gRPC, and gRPC-web in its two forms.
const MEDIA_TYPES: &str = "application/grpc, application/grpc-web+proto, application/grpc-web-text+proto";

/// A rule of gRPC that a call violates.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// HTTP 405: a call must be a POST.
    #[error("This path accepts only gRPC and gRPC-web calls: send a POST")]
    Method,
    /// HTTP 415: the content type is not gRPC with protobuf messages.
    #[error(
        "This path accepts only gRPC and gRPC-web with protobuf: send one of the content types {MEDIA_TYPES}"
    )]
    MediaType,
    /// UNIMPLEMENTED: the messages are compressed.
    #[error("The encoding `{0}` of grpc-encoding is not supported: send messages without compression")]
    Encoding(String),
    /// UNIMPLEMENTED: the server has no such RPC.
    #[error("There is no RPC {0}")]
    NoSuchRpc(String),
    /// INVALID_ARGUMENT: the value of `grpc-timeout` is malformed.
    #[error("grpc-timeout must be one to eight digits and one of the units H, M, S, m, u, n")]
    Timeout,
    /// DEADLINE_EXCEEDED: the time for the call is over.
    #[error("The response did not arrive in time")]
    DeadlineExceeded,
    /// UNIMPLEMENTED: the request has no message, but the RPC needs one.
    #[error("This RPC needs exactly one request message, but the request has none")]
    NoMessage,
    /// UNIMPLEMENTED: the request has several messages, but the RPC needs one.
    #[error("This RPC needs exactly one request message, but the request has more")]
    ManyMessages,
    /// RESOURCE_EXHAUSTED: a message is too large.
    #[error(
        "A message of {0} bytes is larger than the limit of {MAX_MESSAGE_BYTES} bytes: send smaller messages"
    )]
    MessageTooLarge(u32),
    /// INTERNAL: a message has the compressed flag, but the request has no `grpc-encoding`.
    #[error("A message has the compressed flag, but grpc-encoding names no compression")]
    Compressed,
    /// INTERNAL: the first byte of a message has unknown flags.
    #[error("A message has the unknown flags {0:#04x}")]
    Flags(u8),
    /// INTERNAL: the request ended inside a message.
    #[error("The request ended inside a message")]
    Truncated,
    /// ABORTED: the caller cancelled the call before it had sent the whole request.
    #[error("The caller cancelled the request before its end")]
    Cancelled,
}

impl Error {
    /// The complete response to a call that violates this rule.
    #[must_use]
    pub fn into_response(self) -> Response<Body> {
        let (status, name, value) = match self {
            Self::Method => (StatusCode::METHOD_NOT_ALLOWED, ALLOW, "POST"),
            Self::MediaType => (StatusCode::UNSUPPORTED_MEDIA_TYPE, ACCEPT_POST, MEDIA_TYPES),
            other => return Status::from(other).into_http(),
        };
        let mut response = Response::new(Body::new(Full::from(format!("{self}\n"))));
        *response.status_mut() = status;
        response.headers_mut().insert(name, HeaderValue::from_static(value));
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain"));
        response
    }
}

impl From<Error> for Status {
    fn from(error: Error) -> Self {
        let text = error.to_string();
        let with = |code, reason| aip::with_reason(code, reason, &*text);
        match error {
            Error::Method => with(Code::Unimplemented, "METHOD_NOT_ALLOWED"),
            Error::MediaType => with(Code::InvalidArgument, "UNSUPPORTED_MEDIA_TYPE"),
            Error::Encoding(_) => {
                let mut status = with(Code::Unimplemented, "UNSUPPORTED_ENCODING");
                let accepted = MetadataValue::from_static("identity");
                status.metadata_mut().insert("grpc-accept-encoding", accepted);
                status
            }
            Error::NoSuchRpc(_) => with(Code::Unimplemented, "NO_SUCH_RPC"),
            Error::Timeout => with(Code::InvalidArgument, "INVALID_TIMEOUT"),
            Error::DeadlineExceeded => with(Code::DeadlineExceeded, "DEADLINE_EXCEEDED"),
            Error::NoMessage | Error::ManyMessages => with(Code::Unimplemented, "MESSAGE_COUNT"),
            Error::MessageTooLarge(_) => aip::with_metadata(
                Code::ResourceExhausted,
                "MESSAGE_TOO_LARGE",
                text,
                [("max_bytes", MAX_MESSAGE_BYTES.to_string())],
            ),
            Error::Compressed | Error::Flags(_) | Error::Truncated => {
                with(Code::Internal, "MALFORMED_REQUEST")
            }
            Error::Cancelled => with(Code::Aborted, "REQUEST_GIVEN_UP"),
        }
    }
}
