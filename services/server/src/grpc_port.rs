//! What a port carries beside a service: `grpc.health.v1` and reflection.

use std::convert::Infallible;

use grpc_rules::{Deadlines, Rules};
use http::{Request, Response};
use readiness::{HEALTH, HealthService, Readiness};
use storage_native::TokioTimer;
use tonic::{body::Body, server::NamedService, service::Routes};
use tower::Service;

use crate::shutdown::Lifetime;

/// The services of [`about`], by their full names.
pub(crate) const ABOUT: [&str; 3] =
    [HEALTH, "grpc.reflection.v1.ServerReflection", "grpc.reflection.v1alpha.ServerReflection"];

/// Services as a port carries them: their calls keep the rules of gRPC, and end when their time is over.
pub(crate) type Calls = Rules<Deadlines<Routes, TokioTimer>>;

fn calls(routes: Routes) -> Calls {
    // Reflection is the only RPC here that takes a stream and is not of the contract.
    let takes_stream = |path: &str| proto::takes_stream(path) || path.ends_with("/ServerReflectionInfo");
    Rules::new(Deadlines::new(routes.prepare(), TokioTimer), takes_stream)
}

/// The routes of a service's own port, which may also stand behind a gateway in the same process: the service, and what
/// there is to ask about it.
///
/// # Errors
/// The descriptors cannot be reflected.
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
    Ok(calls(about_routes(&[S::NAME], vec![(S::NAME, readiness)], lifetime)?.add_service(service)))
}

/// Health and reflection: reflects the services `described`, and says of the services `healthy` and of the process whether
/// they are ready, which nothing is any more once the process drains.
///
/// # Errors
/// The descriptors cannot be reflected.
pub(crate) fn about(
    described: &[&'static str],
    healthy: Vec<(&'static str, Readiness)>,
    lifetime: &Lifetime,
) -> anyhow::Result<Calls> {
    Ok(calls(about_routes(described, healthy, lifetime)?))
}

fn about_routes(
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
