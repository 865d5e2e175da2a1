//! What a port carries beside a service: `grpc.health.v1` and reflection.

use std::convert::Infallible;

use http::{Request, Response};
use tonic::{body::Body, server::NamedService, service::Routes};
use tonic_health::{ServingStatus, server::health_reporter};
use tower::Service;

use crate::shutdown::Lifetime;

/// The services of [`about`], by their full names.
pub(crate) const ABOUT: [&str; 3] =
    [HEALTH, "grpc.reflection.v1.ServerReflection", "grpc.reflection.v1alpha.ServerReflection"];

const HEALTH: &str = "grpc.health.v1.Health";

/// The routes of a service's own port, which may also stand behind a gateway in the same process: the service, and what
/// there is to ask about it.
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
    Ok(about(&[S::NAME], &[S::NAME], lifetime).await?.add_service(service).prepare())
}

/// Health and reflection: reflects the services `described`, and says that the process and the services `healthy` are
/// SERVING from now on, and NOT_SERVING once the process was told to stop.
///
/// # Errors
/// The descriptors cannot be reflected.
pub(crate) async fn about(
    described: &[&'static str],
    healthy: &[&'static str],
    lifetime: &Lifetime,
) -> anyhow::Result<Routes> {
    let reflection = || {
        let builder = tonic_reflection::server::Builder::configure()
            .register_encoded_file_descriptor_set(proto::FILE_DESCRIPTOR_SET)
            .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
            .with_service_name(HEALTH);
        described.iter().fold(builder, |builder, name| builder.with_service_name(*name))
    };
    let (health, health_service) = health_reporter();
    let mut names = healthy.to_vec();
    // The process as a whole.
    names.push("");
    for name in &names {
        health.set_service_status(name, ServingStatus::Serving).await;
    }
    let stopping = lifetime.stopping();
    lifetime.run(async move {
        stopping.await;
        for name in names {
            health.set_service_status(name, ServingStatus::NotServing).await;
        }
    });
    Ok(Routes::new(health_service)
        .add_service(reflection().build_v1()?)
        .add_service(reflection().build_v1alpha()?))
}
