//! Another service, reached by HTTP: a Worker by its binding, anything else by its URL.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use http::{Request, Response, Uri, uri::PathAndQuery};
use tonic::body::Body;
use tower_service::Service;
use worker::{Error, Fetcher};

use crate::{
    Bindings, Misconfigured,
    stream::{self, Stream},
    whole::{answered, to_runtime},
};

/// What a service binding is called by: a binding takes any host.
const BOUND_ORIGIN: &str = "https://reticle.internal";

type BoxFuture<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// A service that speaks gRPC-web, to be wrapped in a `grpc_web::GrpcWebClient`.
#[derive(Clone, Debug)]
pub enum Upstream {
    /// A Worker of the same account.
    Bound(Fetcher),
    /// A server at this origin, as in `https://images.example.com`.
    Remote(Uri),
}

impl Upstream {
    /// The service `binding` if it is bound, else the one that the variable `url` names.
    ///
    /// # Errors
    /// If there is neither, or one of them is wrong.
    pub fn configured(
        bindings: Bindings<'_>,
        binding: &'static str,
        url: &'static str,
    ) -> Result<Self, Misconfigured> {
        if let Some(fetcher) = bindings.service(binding)? {
            return Ok(Self::Bound(fetcher));
        }
        let missing = || {
            Misconfigured::new(binding, format_args!("is missing: bind a service by this name, or set {url}"))
        };
        bindings.origin(url)?.map(Self::Remote).ok_or_else(missing)
    }

    async fn fetch(self, request: Request<Body>) -> Result<Response<Body>, Error> {
        let (head, body) = request.into_parts();
        let uri = self.uri_of(head.uri.path_and_query())?;
        let body = to_runtime(body);
        let response = stream::fetch(self.bound(), &uri, &head, &body).await?;
        answered(&response).await
    }

    fn bound(self) -> Option<Fetcher> {
        match self {
            Self::Bound(fetcher) => Some(fetcher),
            Self::Remote(_) => None,
        }
    }

    /// Makes a gRPC-web call whose bodies are not read on the way.
    ///
    /// # Errors
    /// The service could not be called.
    pub async fn pass_on(self, request: Request<Stream>) -> Result<Response<Stream>, Error> {
        let (head, body) = request.into_parts();
        let uri = self.uri_of(head.uri.path_and_query())?;
        stream::of_runtime(&stream::fetch(self.bound(), &uri, &head, &body.into()).await?)
    }

    fn uri_of(&self, path: Option<&PathAndQuery>) -> Result<Uri, Error> {
        let origin = match self {
            Self::Bound(_) => Uri::from_static(BOUND_ORIGIN),
            Self::Remote(origin) => origin.clone(),
        };
        let mut parts = origin.into_parts();
        parts.path_and_query = path.cloned().or(parts.path_and_query);
        Uri::from_parts(parts).map_err(|error| Error::RustError(error.to_string()))
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
        let upstream = Upstream::Remote(Uri::from_static("http://127.0.0.1:50051"));
        let path = PathAndQuery::from_static("/reticle.images.v1.ImagesService/GetImage");
        let uri = upstream.uri_of(Some(&path)).unwrap();
        assert_eq!(uri, "http://127.0.0.1:50051/reticle.images.v1.ImagesService/GetImage");
    }
}
