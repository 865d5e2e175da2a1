//! Clients of the generated code, with a token.

use std::net::SocketAddr;

use proto::{
    annotations::v1::annotations_service_client::AnnotationsServiceClient,
    images::v1::images_service_client::ImagesServiceClient,
};
use tonic::{
    Request, Status,
    metadata::{Ascii, MetadataValue},
    service::{Interceptor, interceptor::InterceptedService},
    transport::{Channel, Endpoint},
};

/// Puts a token on every call.
#[derive(Clone, Debug)]
pub struct Bearer(MetadataValue<Ascii>);

impl Interceptor for Bearer {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        request.metadata_mut().insert("authorization", self.0.clone());
        Ok(request)
    }
}

/// A client of the images service at `address`: its own port or the gateway's.
///
/// # Errors
/// Nobody listens there.
pub async fn images(
    address: SocketAddr,
    token: &str,
) -> anyhow::Result<ImagesServiceClient<InterceptedService<Channel, Bearer>>> {
    Ok(ImagesServiceClient::with_interceptor(channel(address).await?, bearer(token)?))
}

/// A client of the annotations service at `address`: its own port or the gateway's.
///
/// # Errors
/// Nobody listens there.
pub async fn annotations(
    address: SocketAddr,
    token: &str,
) -> anyhow::Result<AnnotationsServiceClient<InterceptedService<Channel, Bearer>>> {
    Ok(AnnotationsServiceClient::with_interceptor(channel(address).await?, bearer(token)?))
}

async fn channel(address: SocketAddr) -> anyhow::Result<Channel> {
    Ok(Endpoint::from_shared(format!("http://{address}"))?.connect().await?)
}

fn bearer(token: &str) -> anyhow::Result<Bearer> {
    Ok(Bearer(format!("Bearer {token}").parse()?))
}
