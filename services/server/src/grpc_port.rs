//! The routes of a gRPC port: a service with `grpc.health.v1` and reflection.

use std::convert::Infallible;

use grpc_rules::{Deadlines, Rules};
use http::{Request, Response};
use readiness::{HEALTH, HealthService, Readiness};
use storage_native::TokioTimer;
use tonic::{body::Body, server::NamedService, service::Routes};
use tower::Service;

use crate::shutdown::Lifetime;

/// The full names of the services in [`health_and_reflection`].
pub(crate) const HEALTH_AND_REFLECTION: [&str; 3] =
    [HEALTH, "grpc.reflection.v1.ServerReflection", "grpc.reflection.v1alpha.ServerReflection"];

/// Services behind the rules of gRPC and with deadlines for their calls.
pub(crate) type Calls = Rules<Deadlines<Routes, TokioTimer>>;

fn calls(routes: Routes) -> Calls {
    // Reflection is the only RPC here that takes a stream and is not part of the contract.
    let takes_stream = |path: &str| proto::takes_stream(path) || path.ends_with("/ServerReflectionInfo");
    Rules::new(Deadlines::new(routes.prepare(), TokioTimer), takes_stream)
}

/// The routes of the port of a service: the service with its health and reflection. A gateway in the same process may also
/// use them.
///
/// # Errors
/// The descriptors are not valid for reflection.
pub(crate) fn routes<S>(service: S, readiness: Readiness, lifetime: &Lifetime) -> anyhow::Result<Calls>
where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible>
        + NamedService
        + Clone
        + Send
        + Sync
        + 'static,
    S::Future: Send + 'static,
{
    Ok(calls(
        health_and_reflection_routes(&[S::NAME], vec![(S::NAME, readiness)], lifetime)?.add_service(service),
    ))
}

/// Health and reflection: reflects the services `described`, and reports the readiness of the services `healthy` and of the
/// process. Once the process drains, nothing is ready.
///
/// # Errors
/// The descriptors are not valid for reflection.
pub(crate) fn health_and_reflection(
    described: &[&'static str],
    healthy: Vec<(&'static str, Readiness)>,
    lifetime: &Lifetime,
) -> anyhow::Result<Calls> {
    Ok(calls(health_and_reflection_routes(described, healthy, lifetime)?))
}

fn health_and_reflection_routes(
    described: &[&'static str],
    healthy: Vec<(&'static str, Readiness)>,
    lifetime: &Lifetime,
) -> anyhow::Result<Routes> {
    let reflection = || {
        let builder = tonic_reflection::server::Builder::configure()
            .register_encoded_file_descriptor_set(proto::FILE_DESCRIPTOR_SET)
            .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
            .with_service_name(HEALTH);
        described.iter().fold(builder, |builder, name| builder.with_service_name(*name))
    };
    let health = HealthService::new(healthy, lifetime.draining(), TokioTimer).into_server();
    Ok(Routes::new(health).add_service(reflection().build_v1()?).add_service(reflection().build_v1alpha()?))
}
