//! What a service's own port carries: the service, `grpc.health.v1`, reflection, all of it over gRPC-web too.

use std::convert::Infallible;

use http::{Request, Response};
use tonic::{body::Body, server::NamedService, service::Routes};
use tonic_health::server::health_reporter;
use tower::Service;

use crate::shutdown::Lifetime;

/// The routes of a port, which may also stand behind a gateway in the same process.
///
/// Health says SERVING from now on, and NOT_SERVING once the process was told to stop.
///
/// # Errors
/// The descriptors cannot be reflected.
pub(crate) async fn routes<S>(service: S, lifetime: &Lifetime) -> anyhow::Result<Routes>
where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible>
        + NamedService
        + Clone
        + Send
        + Sync
        + 'static,
    S::Future: Send + 'static,
{
    let reflection = || {
        tonic_reflection::server::Builder::configure()
            .register_encoded_file_descriptor_set(proto::FILE_DESCRIPTOR_SET)
            .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
            .with_service_name(S::NAME)
            .with_service_name("grpc.health.v1.Health")
    };
    let (health, health_service) = health_reporter();
    health.set_serving::<S>().await;
    let stopping = lifetime.stopping();
    lifetime.run(async move {
        stopping.await;
        health.set_not_serving::<S>().await;
        health.set_service_status("", tonic_health::ServingStatus::NotServing).await;
    });
    Ok(Routes::new(service)
        .add_service(health_service)
        .add_service(reflection().build_v1()?)
        .add_service(reflection().build_v1alpha()?)
        .prepare())
}
