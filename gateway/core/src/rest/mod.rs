//! HTTP/JSON by the contract's routes. Each shape of RPC has a file.

mod disposition;
mod download;
mod field_names;
mod multipart;
mod part_head;
mod range;
mod request;
mod response;
mod stream;
mod unary;
mod upload;

use std::time::Duration;

use grpc_rules::{GRPC_TIMEOUT, timeout_header};
use http::{HeaderMap, Response, request::Parts};
use tonic::body::Body;

use crate::{
    answer::Problems,
    contract::{Match, Method},
    descriptor::MessageDescriptor,
    error::Error,
    exchange::Exchange,
    json::Schema,
    messages::Messages,
    metadata,
    shared::{Shared, note},
};

/// A request that a route fits.
pub(crate) struct Call<'a> {
    pub(crate) shared: &'a Shared,
    pub(crate) exchange: &'a Exchange,
    pub(crate) head: &'a Parts,
    pub(crate) found: Match<'a, 'a>,
}

/// Answers it.
pub(crate) async fn answer(call: &Call<'_>, body: Body, problems: Problems<'_>) -> Response<Body> {
    let route = call.found.route;
    note("route", &format!("{} {}", route.http_method, route.template));
    call.answer(body).await.unwrap_or_else(|error| {
        problems.answer(field_names::of_the_client(error, route), Some(&route.method.service))
    })
}

impl Call<'_> {
    async fn answer(&self, body: Body) -> Result<Response<Body>, Error> {
        let method = self.method();
        self.shared.authorize(Some(method), &self.head.headers).await?;
        match (&method.upload, &method.download) {
            (Some(upload), _) => upload::answer(self, upload, body).await,
            (None, Some(download)) => download::answer(self, download, body).await,
            (None, None) if method.server_streaming() => stream::answer(self, body).await,
            (None, None) => unary::answer(self, body).await,
        }
    }

    fn method(&self) -> &Method {
        &self.found.route.method
    }

    fn schema(&self, message: &MessageDescriptor) -> Result<Schema, Error> {
        self.shared.schemas.get(message).ok_or(Error::Broken("a message is not part of the contract"))
    }

    /// Sends `body` to the service, and waits for the head of its answer.
    async fn open(&self, body: Body, timeout: Option<Duration>) -> Result<(HeaderMap, Messages), Error> {
        let further = &self.shared.config.forwarded_headers;
        let mut headers = metadata::of_http(&self.head.headers, further, self.exchange);
        headers.extend(timeout.map(|timeout| (GRPC_TIMEOUT, timeout_header(timeout))));
        let response = self.shared.call(&self.method().grpc_path, headers, body).await?;
        Messages::open(response)
    }
}
