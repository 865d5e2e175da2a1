//! HTTP/JSON on the contract's routes. Each shape of RPC has a file.

mod disposition;
mod download;
mod field_names;
mod multipart;
mod part_head;
mod range;
mod request;
mod response_json;
mod stream;
mod unary;
mod upload;

use std::time::Duration;

use grpc_rules::{GRPC_TIMEOUT, timeout_header};
use http::{HeaderMap, Response, request::Parts};
use prost_reflect::MessageDescriptor;
use tonic::body::Body;
use transcoding::{
    contract::{Match, Method},
    json::Schema,
};

use crate::{
    error::Error,
    exchange::Exchange,
    messages::Messages,
    metadata,
    response::ErrorEncoder,
    shared::{Shared, record},
};

/// A request whose method and path match a route.
pub(crate) struct Call<'a> {
    pub(crate) shared: &'a Shared,
    pub(crate) exchange: &'a Exchange,
    pub(crate) head: &'a Parts,
    pub(crate) found: Match<'a, 'a>,
}

/// Handles a request on a route of the contract.
pub(crate) async fn handle(call: &Call<'_>, body: Body, errors: ErrorEncoder<'_>) -> Response<Body> {
    let route = call.found.route;
    record("route", &format!("{} {}", route.http_method, route.template));
    call.handle(body).await.unwrap_or_else(|error| {
        errors.encode_response(field_names::to_client_names(error, route), Some(&route.method.service))
    })
}

impl Call<'_> {
    async fn handle(&self, body: Body) -> Result<Response<Body>, Error> {
        let method = self.method();
        self.shared.authorize(Some(method), &self.head.headers).await?;
        match (&method.upload, &method.download) {
            (Some(upload), _) => upload::handle(self, upload, body).await,
            (None, Some(download)) => download::handle(self, download, body).await,
            (None, None) if method.server_streaming() => stream::handle(self, body).await,
            (None, None) => unary::handle(self, body).await,
        }
    }

    fn method(&self) -> &Method {
        &self.found.route.method
    }

    fn schema(&self, message: &MessageDescriptor) -> Result<Schema, Error> {
        self.shared
            .contract
            .schemas()
            .get(message)
            .ok_or(Error::Internal("a message is not part of the contract"))
    }

    /// Calls the service with `body`, and waits for the head of its response.
    async fn open(&self, body: Body, timeout: Option<Duration>) -> Result<(HeaderMap, Messages), Error> {
        let mut headers = metadata::from_http(&self.head.headers, self.exchange);
        headers.extend(timeout.map(|timeout| (GRPC_TIMEOUT, timeout_header(timeout))));
        let response = self.shared.call(&self.method().grpc_path, headers, body).await?;
        Messages::open(response)
    }
}
