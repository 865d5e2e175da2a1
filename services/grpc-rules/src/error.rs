//! The rules that a call can break, and the response to each.

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

/// A rule of gRPC that a call breaks.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// HTTP 405: a call is a POST.
    #[error("This path takes gRPC and gRPC-web: send a POST")]
    Method,
    /// HTTP 415: it is not gRPC, or not with messages of protobuf.
    #[error(
        "This path takes gRPC and gRPC-web with messages of protobuf: send one of the content types {MEDIA_TYPES}"
    )]
    MediaType,
    /// UNIMPLEMENTED: its messages are compressed.
    #[error("The encoding `{0}` of grpc-encoding is not supported: send messages without compression")]
    Encoding(String),
    /// UNIMPLEMENTED: the server has no such RPC.
    #[error("There is no RPC {0}")]
    NoSuchRpc(String),
    /// INVALID_ARGUMENT: `grpc-timeout` is not as it must be.
    #[error("grpc-timeout must be one to eight digits and one of the units H, M, S, m, u, n")]
    Timeout,
    /// DEADLINE_EXCEEDED: the time of `grpc-timeout` is over.
    #[error("The answer did not come in time")]
    DeadlineExceeded,
    /// UNIMPLEMENTED: an RPC that takes one message was sent none.
    #[error("This RPC takes one request message, and there was none")]
    NoMessage,
    /// UNIMPLEMENTED: an RPC that takes one message was sent more.
    #[error("This RPC takes one request message, and there were more")]
    ManyMessages,
    /// RESOURCE_EXHAUSTED: a message is too large.
    #[error(
        "A message of {0} bytes is larger than the limit of {MAX_MESSAGE_BYTES} bytes: send less at a time"
    )]
    MessageTooLarge(u32),
    /// INTERNAL: a message says that it is compressed, and `grpc-encoding` does not say how.
    #[error("A message has the compressed flag, but grpc-encoding names no compression")]
    Compressed,
    /// INTERNAL: a message begins with a byte that means nothing.
    #[error("A message has the unknown flags {0:#04x}")]
    Flags(u8),
    /// INTERNAL: the request ended within a message.
    #[error("The request ended inside a message")]
    Truncated,
    /// ABORTED: the caller gave the call up while it sent.
    #[error("The request was given up before its end")]
    GivenUp,
}

impl Error {
    /// The whole response to a call that breaks this rule.
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
            Error::GivenUp => with(Code::Aborted, "REQUEST_GIVEN_UP"),
        }
    }
}
