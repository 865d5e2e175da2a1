//! The head of an answer, which may tell the outcome before the body does.

use http::{HeaderMap, Response, StatusCode};

use crate::{
    frame::BodyKind,
    status::{self, GRPC_MESSAGE, GRPC_STATUS},
};

/// How an answer told its outcome ahead of its body.
#[derive(Debug)]
pub(crate) struct Head {
    http_status: StatusCode,
    outcome: Option<HeaderMap>,
}

impl Head {
    /// Takes the outcome out of the head of `response`, where it would hide the one behind the body.
    pub(crate) fn take<B>(response: &mut Response<B>) -> Self {
        Self { http_status: response.status(), outcome: status::take(response.headers_mut()) }
    }

    /// The trailers of a call whose body ended: those behind the body; else, for a body without messages alone, those
    /// ahead of it; else what the HTTP status says.
    pub(crate) fn conclude(&mut self, trailers: Option<HeaderMap>, body: BodyKind) -> HeaderMap {
        let mut trailers = trailers.unwrap_or_default();
        if trailers.contains_key(GRPC_STATUS) {
            return trailers;
        }
        match (self.outcome.take(), body) {
            (Some(outcome), BodyKind::Empty) => trailers.extend(outcome),
            (None, _) | (_, BodyKind::Messages) => {
                let message = format!("The answer (HTTP {}) has no gRPC status", self.http_status.as_u16());
                trailers.insert(GRPC_STATUS, status::code_value(status::status_from_http(self.http_status)));
                trailers.insert(GRPC_MESSAGE, status::encode_message(&message));
            }
        }
        trailers
    }
}
