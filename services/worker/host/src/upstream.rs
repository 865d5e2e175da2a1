//! Another service, called over HTTP: a Worker through its binding, any other server by its URL.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use http::{Request, Response, Uri, uri::PathAndQuery};
use tonic::body::Body;
use tower_service::Service;
use worker::{Error, wasm_bindgen::JsValue};

use crate::{
    Bindings, Misconfigured, buffered,
    stream::{self, Stream},
};

/// The origin for calls through a service binding, which accepts any host.
const BOUND_ORIGIN: &str = "https://reticle.internal";

type BoxFuture<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// A gRPC-web service; wrap it in a `grpc_web::GrpcWebClient` to make gRPC calls.
#[derive(Clone, Debug)]
pub enum Upstream {
    /// A Worker of the same account.
    Bound(JsValue),
    /// A server at this origin, as in `https://images.example.com`.
    Remote(String),
}

impl Upstream {
    /// The service `binding` if it is bound, else the server at the URL in the variable `url`.
    ///
    /// # Errors
    /// If both are missing, or one of them is invalid.
    pub fn configured(
        bindings: Bindings<'_>,
        binding: &'static str,
        url: &'static str,
    ) -> Result<Self, Misconfigured> {
        if let Some(fetcher) = bindings.service(binding)? {
            return Ok(Self::Bound(fetcher.into()));
        }
        let missing = || {
            Misconfigured::new(
                binding,
                format_args!("is missing: bind a service with this name, or set {url}"),
            )
        };
        let origin = bindings.origin(url)?.ok_or_else(missing)?;
        Ok(Self::Remote(origin.to_string().trim_end_matches('/').to_owned()))
    }

    async fn fetch(self, request: Request<Body>) -> Result<Response<Body>, Error> {
        let url = self.url_of(request.uri());
        buffered::exchange(self.bound(), &url, request).await
    }

    /// Forwards a gRPC-web call without reading its bodies.
    ///
    /// # Errors
    /// The service could not be called.
    pub async fn forward(self, request: Request<Stream>) -> Result<Response<Stream>, Error> {
        let (head, body) = request.into_parts();
        stream::fetch(self.bound(), &self.url_of(&head.uri), &head, &body.into()).await
    }

    fn bound(&self) -> Option<&JsValue> {
        match self {
            Self::Bound(fetcher) => Some(fetcher),
            Self::Remote(_) => None,
        }
    }

    /// The URL at this service with the path and the query of `uri`.
    fn url_of(&self, uri: &Uri) -> String {
        let origin = match self {
            Self::Bound(_) => BOUND_ORIGIN,
            Self::Remote(origin) => origin,
        };
        [origin, uri.path_and_query().map_or("/", PathAndQuery::as_str)].concat()
    }
}

impl Service<Request<Body>> for Upstream {
    type Response = Response<Body>;
    type Error = Error;
    type Future = BoxFuture<Result<Self::Response, Error>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        Box::pin(self.clone().fetch(request))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_keeps_its_path() {
        let upstream = Upstream::Remote("http://127.0.0.1:50051".to_owned());
        let uri = Uri::from_static("/reticle.images.v1.ImagesService/GetImage");
        let url = "http://127.0.0.1:50051/reticle.images.v1.ImagesService/GetImage";
        assert_eq!(upstream.url_of(&uri), url);
    }
}
