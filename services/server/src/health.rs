//! Checks whether a part in another process is ready, for orchestrators and scripts.

use std::time::Duration;

use anyhow::{Context as _, ensure};
use tonic::transport::Endpoint;
use tonic_health::pb::{
    HealthCheckRequest, health_check_response::ServingStatus, health_client::HealthClient,
};

use crate::settings::upstream_uri;

/// The timeout of the check. It is shorter than the usual timeout of orchestrators.
const TIMEOUT: Duration = Duration::from_secs(5);

/// Calls `grpc.health.v1` at `url`; every port has this service.
///
/// # Errors
/// There is no response within the timeout, or the part is not ready.
pub(crate) async fn check(url: &str) -> anyhow::Result<()> {
    let endpoint = Endpoint::from(upstream_uri("--url", url)?).connect_timeout(TIMEOUT).timeout(TIMEOUT);
    let channel = endpoint.connect().await.with_context(|| format!("{url} cannot be reached"))?;
    // The empty name means the whole process.
    let whole = HealthCheckRequest { service: String::new() };
    let response = HealthClient::new(channel)
        .check(whole)
        .await
        .with_context(|| format!("the health check of {url} failed"))?;
    ensure!(response.into_inner().status() == ServingStatus::Serving, "{url} is not ready to serve");
    Ok(())
}
