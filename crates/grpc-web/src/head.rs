//! The head of a response, which may have the call's status before the body has it.

use http::{HeaderMap, Response, StatusCode};

use crate::{
    frame::BodyKind,
    status::{self, GRPC_MESSAGE, GRPC_STATUS},
};

/// The status in the head of a response.
#[derive(Debug)]
pub(crate) struct Head {
    http_status: StatusCode,
    /// The `grpc-status` and its companions, if the head has them.
    status: Option<HeaderMap>,
}

impl Head {
    /// Removes the status from the head of `response`, where it would hide the status after the body.
    pub(crate) fn take<B>(response: &mut Response<B>) -> Self {
        Self { http_status: response.status(), status: status::take(response.headers_mut()) }
    }

    /// The trailers of a call whose body has ended. The status is that of the trailers, otherwise that of the head (only
    /// for a body without messages), otherwise the one for the HTTP status.
    pub(crate) fn conclude(&mut self, trailers: Option<HeaderMap>, body: BodyKind) -> HeaderMap {
        let mut trailers = trailers.unwrap_or_default();
        if trailers.contains_key(GRPC_STATUS) {
            return trailers;
        }
        match (self.status.take(), body) {
            (Some(status), BodyKind::Empty) => trailers.extend(status),
            (None, _) | (_, BodyKind::Messages) => {
                let message = format!("The response (HTTP {}) has no gRPC status", self.http_status.as_u16());
                trailers.insert(GRPC_STATUS, status::code_value(status::status_from_http(self.http_status)));
                trailers.insert(GRPC_MESSAGE, status::encode_message(&message));
            }
        }
        trailers
    }
}
