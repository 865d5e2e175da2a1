//! Everything that can go wrong in the gateway, and what the client is told: the only place that makes a status of it.

use std::time::Duration;

use aip::{Violation, Violations};
use http::{HeaderMap, HeaderValue, Method, StatusCode, header::ALLOW};
use identity::{Denied, Refused};
use tonic::{Code, Status};

use crate::{config::MAX_FORM_PARTS, contract::Malformed, json::JsonError};

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Why a request is not answered as it was meant to be. The sentences are for the client, save for those that say that
/// they are not.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("There is nothing at this path")]
    NotFound,
    #[error("This path takes {}", listed(.0))]
    MethodNotAllowed(Vec<Method>),
    #[error("There is no RPC {0}")]
    NoSuchRpc(String),
    #[error(transparent)]
    Refused(#[from] Refused),
    #[error(transparent)]
    Denied(#[from] Denied),

    #[error("The body is larger than {limit} bytes")]
    BodyTooLarge { limit: u64 },
    #[error("The body must be {expected}")]
    MediaType { expected: String },
    #[error("The body must be sent without Content-Encoding")]
    ContentEncoding,
    #[error("This request has no body")]
    UnexpectedBody,
    #[error("This request needs a body: send JSON")]
    BodyMissing,
    #[error("The body ended early")]
    BodyBroke(#[source] BoxError),
    #[error("The body stood still for too long")]
    BodyIdle,
    #[error("The body did not come in time")]
    BodyLate,
    #[error("The body is not valid JSON: {0}")]
    Syntax(String),
    #[error("{} fields are not valid", .0.count())]
    Fields(Violations),
    #[error("The form is not multipart/form-data as RFC 7578 has it: {0}")]
    Form(#[source] multer::Error),
    #[error("The form has no file part `{expected}`")]
    FilePartMissing { expected: String },
    #[error("The form has two parts `{file_part}`: send one file in a request")]
    SecondFile { file_part: String },
    #[error("The head of a form part is not valid: {0}")]
    Part(String),
    #[error("The form has more than {MAX_FORM_PARTS} parts besides the file")]
    TooManyParts,
    #[error("The text parts of the form are larger than {limit} bytes")]
    FormTooLarge { limit: u64 },

    #[error("The body makes a message of more than {limit} bytes: send less at a time")]
    MessageTooLarge { limit: usize },
    /// A rule of gRPC, of which some hold for plain HTTP, too.
    #[error(transparent)]
    Rule(#[from] grpc_rules::Error),

    #[error("Too many requests: try again in {} seconds", .retry_after.as_secs())]
    TooManyRequests { retry_after: Duration },

    /// What a service answered.
    #[error("{}", .0.message())]
    Service(Box<Status>),
    /// Not told to the client.
    #[error("a service cannot be reached")]
    Unreachable(#[source] BoxError),
    /// Not told to the client.
    #[error("a service answered HTTP {http_status} without a gRPC status")]
    NotGrpc { http_status: StatusCode, code: Code },
    /// Not told to the client.
    #[error("{0}")]
    Broken(&'static str),
}

impl Error {
    /// What is wrong with one field, as a phrase that continues its name.
    pub(crate) fn field(name: impl Into<String>, rule: impl Into<String>) -> Self {
        Self::Fields(Violation::new(name, rule).into())
    }

    /// The status of the HTTP answer where the gRPC code does not say it.
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

    /// Headers that the answer has because of this error alone.
    pub(crate) fn headers(&self) -> HeaderMap {
        let mut headers = HeaderMap::new();
        if let Self::MethodNotAllowed(methods) = self
            && let Ok(allow) = HeaderValue::try_from(listed(methods))
        {
            headers.insert(ALLOW, allow);
        }
        headers
    }

    /// Logs, once, what the client is not told.
    fn log(&self) {
        match self {
            Self::Unreachable(_) | Self::NotGrpc { .. } | Self::Broken(_) => {
                tracing::error!(error = self as &dyn std::error::Error, "an upstream failed");
            }
            Self::BodyBroke(source) => tracing::debug!(error = &**source as &dyn std::error::Error, "{self}"),
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
            Error::Refused(refused) => refused.into(),
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
            Error::BodyBroke(_) => invalid("BODY_INCOMPLETE"),
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
            Error::Unreachable(_) => away(),
            Error::NotGrpc { code: Code::Unavailable, .. } => away(),
            Error::NotGrpc { .. } | Error::Broken(_) => {
                aip::with_reason(Code::Internal, "INTERNAL", "Internal error")
            }
        }
    }
}

fn away() -> Status {
    aip::with_reason(Code::Unavailable, "SERVICE_UNAVAILABLE", "The service is not available at the moment")
}

fn listed(methods: &[Method]) -> String {
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
        Self::Broken("a message of the answer is not valid protobuf")
    }
}

/// A contract, or a host's wiring, that no gateway can be made of.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The descriptor set cannot be served.
    #[error(transparent)]
    Contract(#[from] crate::contract::ContractError),
    /// The contract has a service that nothing was registered for.
    #[error("no upstream is registered for the service {0}")]
    UpstreamMissing(String),
    /// A message of the contract has no JSON form.
    #[error("the message {0} is not part of the contract's descriptors")]
    SchemaMissing(String),
}
