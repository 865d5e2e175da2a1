//! Generated gRPC clients with a token.

use std::net::SocketAddr;

use http::{Request, Response};
use http_body_util::BodyDataStream;
use hyper_util::rt::TokioExecutor;
use proto::{
    annotations::v1::annotations_service_client::AnnotationsServiceClient,
    images::v1::images_service_client::ImagesServiceClient,
};
use tonic::{
    Status,
    body::Body,
    metadata::{Ascii, MetadataValue},
    service::{Interceptor, interceptor::InterceptedService},
    transport::Endpoint,
};
use tower::{ServiceBuilder, ServiceExt as _, service_fn, util::BoxCloneSyncService};

use crate::target::Protocol;

/// A connection of either protocol.
pub type Connection = BoxCloneSyncService<Request<Body>, Response<Body>, Status>;

/// Adds a token to every call.
#[derive(Clone, Debug)]
pub struct Bearer(MetadataValue<Ascii>);

impl Interceptor for Bearer {
    fn call(&mut self, mut request: tonic::Request<()>) -> Result<tonic::Request<()>, Status> {
        request.metadata_mut().insert("authorization", self.0.clone());
        Ok(request)
    }
}

/// A client of the images service at `address`: its own port or the gateway's.
///
/// # Errors
/// No server listens there.
pub async fn images(
    protocol: Protocol,
    address: SocketAddr,
    token: &str,
) -> anyhow::Result<ImagesServiceClient<InterceptedService<Connection, Bearer>>> {
    Ok(ImagesServiceClient::with_interceptor(connect(protocol, address).await?, bearer(token)?))
}

/// A client of the annotations service at `address`: its own port or the gateway's.
///
/// # Errors
/// No server listens there.
pub async fn annotations(
    protocol: Protocol,
    address: SocketAddr,
    token: &str,
) -> anyhow::Result<AnnotationsServiceClient<InterceptedService<Connection, Bearer>>> {
    Ok(AnnotationsServiceClient::with_interceptor(connect(protocol, address).await?, bearer(token)?))
}

/// A connection to `address` that applies no rules of gRPC on the client side, for tests of the server's rules. Tonic's
/// channel would enforce a call's `grpc-timeout` before the server does.
pub(crate) async fn connect_unchecked(protocol: Protocol, address: SocketAddr) -> anyhow::Result<Connection> {
    if protocol == Protocol::GrpcWeb {
        return connect(protocol, address).await;
    }
    let mut builder = hyper_util::client::legacy::Client::builder(TokioExecutor::new());
    let client = builder.http2_only(true).build_http::<Body>();
    let calls = client.map_response(|response| response.map(Body::new));
    Ok(BoxCloneSyncService::new(calls.map_err(|error| Status::from_error(error.into()))))
}

/// A connection to `address` for all services.
async fn connect(protocol: Protocol, address: SocketAddr) -> anyhow::Result<Connection> {
    let url = format!("http://{address}");
    Ok(match protocol {
        Protocol::Grpc => {
            let channel = Endpoint::from_shared(url)?.connect().await?;
            BoxCloneSyncService::new(channel.map_err(|error| Status::from_error(error.into())))
        }
        Protocol::GrpcWeb => {
            let client = reqwest::Client::new();
            let fetch = service_fn(move |request| fetch(client.clone(), url.clone(), request));
            let web = ServiceBuilder::new().layer_fn(grpc_web::GrpcWebClient::new).service(fetch);
            BoxCloneSyncService::new(web)
        }
    })
}

async fn fetch(
    client: reqwest::Client,
    url: String,
    request: Request<Body>,
) -> Result<Response<reqwest::Body>, reqwest::Error> {
    let (head, body) = request.into_parts();
    let call = client.post(url + head.uri.path()).headers(head.headers);
    Ok(call.body(reqwest::Body::wrap_stream(BodyDataStream::new(body))).send().await?.into())
}

fn bearer(token: &str) -> anyhow::Result<Bearer> {
    Ok(Bearer(format!("Bearer {token}").parse()?))
}
