//! Every error of the gateway, and what the client receives for it. Only this file converts an error to a status.

use std::time::Duration;

use aip::{Violation, Violations};
use http::{HeaderMap, HeaderValue, Method, StatusCode, header::ALLOW};
use identity::{Denied, TokenRejection};
use tonic::{Code, Status};
use transcoding::{contract::Malformed, json::JsonError};

use crate::config::MAX_FORM_PARTS;

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Why a request fails. The client receives the messages, except those that are marked as not sent to it.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("There is nothing at this path")]
    NotFound,
    #[error("This path accepts {}", join_methods(.0))]
    MethodNotAllowed(Vec<Method>),
    #[error("There is no RPC {0}")]
    NoSuchRpc(String),
    #[error(transparent)]
    InvalidToken(#[from] TokenRejection),
    #[error(transparent)]
    Denied(#[from] Denied),

    #[error("The body is larger than {limit} bytes")]
    BodyTooLarge { limit: u64 },
    #[error("The body must be {expected}")]
    MediaType { expected: String },
    #[error("The body must be sent without Content-Encoding")]
    ContentEncoding,
    #[error("This request must not have a body")]
    UnexpectedBody,
    #[error("This request needs a body: send JSON")]
    BodyMissing,
    #[error("The body is incomplete: send the whole request again")]
    BodyIncomplete(#[source] BoxError),
    #[error("The body stalled: no bytes arrived within the idle timeout")]
    BodyIdle,
    #[error("The body did not arrive within the time limit of the call")]
    BodyLate,
    #[error("The body is not valid JSON: {0}")]
    Syntax(String),
    #[error("{} fields are not valid", .0.count())]
    Fields(Violations),
    #[error("The form is not valid multipart/form-data (RFC 7578): {0}")]
    Form(#[source] multer::Error),
    #[error("The form has no file part `{expected}`")]
    FilePartMissing { expected: String },
    #[error("The form has more than one file part `{file_part}`: send one file per request")]
    SecondFile { file_part: String },
    #[error("The headers of a form part are not valid: {0}")]
    Part(String),
    #[error("The form has more than {MAX_FORM_PARTS} parts besides the file")]
    TooManyParts,
    #[error("The text parts of the form are larger than {limit} bytes")]
    FormTooLarge { limit: u64 },

    #[error("The body encodes to a message of more than {limit} bytes: split it into smaller requests")]
    MessageTooLarge { limit: usize },
    /// A violation of a gRPC rule. Some of the rules apply to plain HTTP, too.
    #[error(transparent)]
    Rule(#[from] grpc_rules::Error),

    #[error("Too many requests: retry after {} seconds", .retry_after.as_secs())]
    TooManyRequests { retry_after: Duration },

    /// The error status that a service returned.
    #[error("{}", .0.message())]
    Service(Box<Status>),
    /// Not sent to the client.
    #[error("a service cannot be reached")]
    Unreachable(#[source] BoxError),
    /// Not sent to the client.
    #[error("a service responded with HTTP {http_status} and no gRPC status")]
    NotGrpc { http_status: StatusCode, code: Code },
    /// Not sent to the client.
    #[error("{0}")]
    Internal(&'static str),
}

impl Error {
    /// The error of one field. `rule` is a phrase that follows the field's name, such as `must be UTF-8`.
    pub(crate) fn field(name: impl Into<String>, rule: impl Into<String>) -> Self {
        Self::Fields(Violation::new(name, rule).into())
    }

    /// The HTTP status, where the gRPC code does not determine it.
    pub(crate) const fn http_status(&self) -> Option<StatusCode> {
        match self {
            Self::MethodNotAllowed(_) => Some(StatusCode::METHOD_NOT_ALLOWED),
            Self::BodyTooLarge { .. } | Self::FormTooLarge { .. } | Self::MessageTooLarge { .. } => {
                Some(StatusCode::PAYLOAD_TOO_LARGE)
            }
            Self::MediaType { .. } | Self::ContentEncoding => Some(StatusCode::UNSUPPORTED_MEDIA_TYPE),
            Self::BodyIdle | Self::BodyLate => Some(StatusCode::REQUEST_TIMEOUT),
            _ => None,
        }
    }

    /// The response headers that only this error adds.
    pub(crate) fn headers(&self) -> HeaderMap {
        let mut headers = HeaderMap::new();
        if let Self::MethodNotAllowed(methods) = self
            && let Ok(allow) = HeaderValue::try_from(join_methods(methods))
        {
            headers.insert(ALLOW, allow);
        }
        headers
    }

    /// Logs, once, the details that the client does not receive.
    fn log(&self) {
        match self {
            Self::Unreachable(_) | Self::NotGrpc { .. } | Self::Internal(_) => {
                tracing::error!(error = self as &dyn std::error::Error, "an upstream failed");
            }
            Self::BodyIncomplete(source) => {
                tracing::debug!(error = &**source as &dyn std::error::Error, "{self}");
            }
            _ => {}
        }
    }
}

impl From<Error> for Status {
    fn from(error: Error) -> Self {
        error.log();
        let text = error.to_string();
        let invalid = |reason| aip::with_reason(Code::InvalidArgument, reason, &*text);
        match error {
            Error::NotFound => aip::with_reason(Code::NotFound, "NO_SUCH_PATH", text),
            Error::MethodNotAllowed(_) => aip::with_reason(Code::Unimplemented, "METHOD_NOT_ALLOWED", text),
            Error::NoSuchRpc(_) => aip::with_reason(Code::Unimplemented, "NO_SUCH_RPC", text),
            Error::InvalidToken(rejection) => rejection.into(),
            Error::Denied(denied) => denied.into(),
            Error::BodyTooLarge { limit } | Error::FormTooLarge { limit } => aip::with_metadata(
                Code::InvalidArgument,
                "BODY_TOO_LARGE",
                text,
                [("max_bytes", limit.to_string())],
            ),
            Error::MessageTooLarge { limit } => aip::with_metadata(
                Code::InvalidArgument,
                "BODY_TOO_LARGE",
                text,
                [("max_bytes", limit.to_string())],
            ),
            Error::MediaType { .. } | Error::ContentEncoding => invalid("UNSUPPORTED_MEDIA_TYPE"),
            Error::UnexpectedBody => invalid("UNEXPECTED_BODY"),
            Error::BodyMissing => invalid("BODY_MISSING"),
            Error::BodyIncomplete(_) => invalid("BODY_INCOMPLETE"),
            Error::BodyIdle => aip::with_reason(Code::Aborted, "BODY_IDLE", text),
            Error::BodyLate => aip::with_reason(Code::DeadlineExceeded, "BODY_LATE", text),
            Error::Syntax(_) => invalid("INVALID_JSON"),
            Error::Fields(violations) => aip::invalid_argument(&violations),
            Error::Form(_)
            | Error::FilePartMissing { .. }
            | Error::SecondFile { .. }
            | Error::Part(_)
            | Error::TooManyParts => invalid("INVALID_FORM"),
            Error::Rule(rule) => rule.into(),
            Error::TooManyRequests { retry_after } => aip::too_many_requests(text, retry_after),
            Error::Service(status) => *status,
            Error::Unreachable(_) => unavailable(),
            Error::NotGrpc { code: Code::Unavailable, .. } => unavailable(),
            Error::NotGrpc { .. } | Error::Internal(_) => {
                aip::with_reason(Code::Internal, "INTERNAL", "Internal error")
            }
        }
    }
}

fn unavailable() -> Status {
    aip::with_reason(Code::Unavailable, "SERVICE_UNAVAILABLE", "The service is not available. Retry later.")
}

fn join_methods(methods: &[Method]) -> String {
    methods.iter().map(Method::as_str).collect::<Vec<_>>().join(", ")
}

impl From<Violations> for Error {
    fn from(violations: Violations) -> Self {
        Self::Fields(violations)
    }
}

impl From<JsonError> for Error {
    fn from(error: JsonError) -> Self {
        match error {
            JsonError::Syntax(reason) => Self::Syntax(reason),
            JsonError::Fields(violations) => Self::Fields(violations),
            JsonError::TooLarge => Self::MessageTooLarge { limit: aip::MAX_MESSAGE_BYTES },
        }
    }
}

impl From<Malformed> for Error {
    fn from(_: Malformed) -> Self {
        Self::Internal("a response message is not valid protobuf")
    }
}

/// Why a gateway cannot be built: the contract or the host's setup is not valid.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The descriptor set cannot be served.
    #[error(transparent)]
    Contract(#[from] transcoding::contract::ContractError),
    /// The contract has a service without a registered upstream.
    #[error("no upstream is registered for the service {0}")]
    UpstreamMissing(String),
}
