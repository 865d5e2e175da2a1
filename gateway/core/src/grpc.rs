//! gRPC calls that are forwarded to a service. gRPC-web calls have been translated to gRPC before they arrive here.

use std::{panic::AssertUnwindSafe, time::Duration};

use futures_util::FutureExt as _;
use grpc_rules::{DeadlineBody, GRPC_TIMEOUT, requested_timeout, timeout_header};
use http::{
    HeaderMap, HeaderValue, Method as HttpMethod, Request, Response, header::CONTENT_TYPE, request::Parts,
};
use identity::Denied;
use tonic::{Status, body::Body};
use tower::ServiceExt as _;
use transcoding::contract::Method;

use crate::{
    deadline::Deadline,
    error::Error,
    exchange::Exchange,
    metadata,
    shared::{Shared, record},
};

pub(crate) const GRPC_STATUS: &str = "grpc-status";

/// Whether a request is a native gRPC call.
pub(crate) fn is_call<B>(request: &Request<B>) -> bool {
    request.method() == HttpMethod::POST && grpc_web::is_native_grpc(request.headers())
}

/// Handles a gRPC call: returns the service's response, or the status of an error.
pub(crate) async fn handle(shared: &Shared, exchange: &Exchange, request: Request<Body>) -> Response<Body> {
    let response = match grpc_rules::check_head(&request) {
        Ok(()) => {
            shared.forward(exchange, request).await.unwrap_or_else(|error| trailers_only(&error.into()))
        }
        Err(rule) => rule.into_response(),
    };
    record_status(response.headers());
    response
}

/// Records the status in the head of a response, if it has one, in the log line of its request.
pub(crate) fn record_status(headers: &HeaderMap) {
    if let Some(status) = headers.get(GRPC_STATUS).and_then(|value| value.to_str().ok()) {
        record("grpc_status", status);
    }
}

/// A gRPC response without messages, whose headers have the status.
pub(crate) fn trailers_only(status: &Status) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.headers_mut() = grpc_web::trailers_from_status(status);
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
    response
}

/// How long a gRPC call may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TimeLimit {
    /// Until its last message. The service receives it as `grpc-timeout`.
    Call(Duration),
    /// Until the head of its response: what follows has no end of its own.
    Head(Duration),
    /// A stream in both directions, whose response may depend on any of its requests.
    None,
}

impl TimeLimit {
    /// The time until the head of the response.
    pub(crate) const fn of_head(self) -> Option<Duration> {
        match self {
            Self::Call(limit) | Self::Head(limit) => Some(limit),
            Self::None => None,
        }
    }
}

impl Shared {
    async fn forward(&self, exchange: &Exchange, request: Request<Body>) -> Result<Response<Body>, Error> {
        let (head, body) = request.into_parts();
        let (headers, limit) = self.admit(exchange, &head).await?;
        let call = self.call(head.uri.path(), headers, body);
        let Some(until_head) = limit.of_head() else { return call.await };
        let mut deadline = Deadline::start(&*self.host, until_head);
        let response = deadline.within(call).await??;
        Ok(match limit {
            TimeLimit::Call(_) => {
                response.map(|body| Body::new(DeadlineBody::new(body, deadline.into_sleep())))
            }
            TimeLimit::Head(_) | TimeLimit::None => response,
        })
    }

    /// Checks the head of a gRPC call. Returns the headers for its service, and its time limit.
    ///
    /// # Errors
    /// If there is no such RPC, or the caller may not call it.
    pub(crate) async fn admit(
        &self,
        exchange: &Exchange,
        head: &Parts,
    ) -> Result<(HeaderMap, TimeLimit), Error> {
        let path = head.uri.path();
        let method = self.rpc(path)?;
        record("route", path);
        self.authorize(method, &head.headers).await?;
        let limit = self.time_limit(method, &head.headers)?;
        let mut headers = metadata::from_grpc(&head.headers, exchange);
        if let TimeLimit::Call(timeout) = limit {
            headers.insert(GRPC_TIMEOUT, timeout_header(timeout));
        }
        Ok((headers, limit))
    }

    /// Whether there is an RPC at a path.
    pub(crate) fn has_rpc(&self, path: &str) -> bool {
        self.rpc(path).is_ok()
    }

    /// The RPC at a gRPC path; `None` if its service is not in the contract, but the host has registered it.
    fn rpc(&self, path: &str) -> Result<Option<&Method>, Error> {
        let unknown = || Error::NoSuchRpc(path.trim_start_matches('/').to_owned());
        if let Some(method) = self.contract.method(path) {
            return Ok(Some(method));
        }
        let service = service_of(path).ok_or_else(unknown)?;
        let in_contract = self.contract.methods().iter().any(|method| method.service.full_name == service);
        if in_contract || !self.upstreams.contains(service) { Err(unknown()) } else { Ok(None) }
    }

    /// Rejects an invalid token, and a missing one if the method needs a token. A service checks the token again where it
    /// needs the caller.
    ///
    /// # Errors
    /// If the token is invalid or missing.
    pub(crate) async fn authorize(&self, method: Option<&Method>, headers: &HeaderMap) -> Result<(), Error> {
        let error = match self.host.authenticate(headers).await {
            Ok(Some(caller)) => {
                record("caller", caller.user_id().as_str());
                return Ok(());
            }
            Ok(None) if method.is_none_or(|method| method.token_optional) => return Ok(()),
            Ok(None) => Error::from(Denied::NoToken),
            Err(rejection) => rejection.into(),
        };
        record("auth_error", &error.to_string());
        Err(error)
    }

    /// The time limit of a gRPC call, which depends on its shape: see [`Config`](crate::Config).
    fn time_limit(&self, method: Option<&Method>, headers: &HeaderMap) -> Result<TimeLimit, Error> {
        let streams = method.map(|method| (method.client_streaming(), method.server_streaming()));
        let otherwise = match streams {
            Some((false, false)) => return self.unary_timeout(headers).map(TimeLimit::Call),
            Some((true, false)) => return self.upload_timeout(headers).map(TimeLimit::Call),
            Some((true, true)) => TimeLimit::None,
            Some((false, true)) | None => TimeLimit::Head(self.config.default_timeout),
        };
        Ok(requested_timeout(headers)?.map_or(otherwise, TimeLimit::Call))
    }

    /// The time limit of an upload.
    ///
    /// # Errors
    /// If the caller's `grpc-timeout` is not valid.
    pub(crate) fn upload_timeout(&self, headers: &HeaderMap) -> Result<Duration, Error> {
        let longest = self.config.upload_timeout;
        Ok(requested_timeout(headers)?.map_or(longest, |requested| requested.min(longest)))
    }

    /// The time limit of a unary call.
    ///
    /// # Errors
    /// If the caller's `grpc-timeout` is not valid.
    pub(crate) fn unary_timeout(&self, headers: &HeaderMap) -> Result<Duration, Error> {
        let requested = requested_timeout(headers)?.unwrap_or(self.config.default_timeout);
        Ok(requested.min(self.config.max_timeout))
    }

    /// Calls the RPC at `path` on the upstream that is registered for its service.
    ///
    /// # Errors
    /// If there is no such upstream, or it cannot be reached.
    pub(crate) async fn call(
        &self,
        path: &str,
        headers: HeaderMap,
        body: Body,
    ) -> Result<Response<Body>, Error> {
        self.call_upstream(service_of(path).unwrap_or_default(), path, headers, body).await
    }

    /// Calls the RPC at `path` on the upstream of the service `registered`.
    ///
    /// # Errors
    /// If there is no such upstream, or it cannot be reached.
    pub(crate) async fn call_upstream(
        &self,
        registered: &str,
        path: &str,
        headers: HeaderMap,
        body: Body,
    ) -> Result<Response<Body>, Error> {
        let upstream = self.upstreams.get(registered);
        let upstream = upstream.ok_or(Error::Internal("no upstream is registered for the service"))?.clone();
        let mut request = Request::new(body);
        *request.method_mut() = HttpMethod::POST;
        *request.version_mut() = http::Version::HTTP_2;
        *request.uri_mut() = http::Uri::try_from(path)
            .map_err(|_| Error::Internal("the name of an RPC is not a valid path"))?;
        *request.headers_mut() = headers;
        // A panic in a service of this process must not close the client's connection, which may carry other calls.
        let result = AssertUnwindSafe(upstream.oneshot(request)).catch_unwind().await;
        result.map_err(|_| Error::Internal("a service panicked"))?.map_err(Error::Unreachable)
    }
}

/// The full name of the service that a gRPC path names.
pub(crate) fn service_of(path: &str) -> Option<&str> {
    path.strip_prefix('/')?.split_once('/').map(|(service, _)| service)
}
