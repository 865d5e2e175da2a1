//! Checks whether a part in another process is ready, for orchestrators and scripts.

use std::time::Duration;

use anyhow::{Context as _, ensure};
use tokio::time::timeout;
use tonic::transport::Endpoint;
use tonic_health::pb::{
    HealthCheckRequest, health_check_response::ServingStatus, health_client::HealthClient,
};

use crate::{settings::UpstreamTrust, upstream::Upstream};

/// The timeout of the check, from the connection to the response. It is shorter than the usual timeout of orchestrators.
const TIMEOUT: Duration = Duration::from_secs(5);

/// Calls `grpc.health.v1` at `url`; every port has this service.
///
/// # Errors
/// There is no response within the timeout, or the part is not ready.
pub(crate) async fn check(url: &str, trust: &UpstreamTrust) -> anyhow::Result<()> {
    let endpoint = Upstream::new(trust)?.endpoint("--url", url)?;
    let status = timeout(TIMEOUT, fetch_status(endpoint, url)).await;
    let status =
        status.with_context(|| format!("{url} did not respond within {} s", TIMEOUT.as_secs()))??;
    ensure!(status == ServingStatus::Serving, "{url} is not ready to serve");
    Ok(())
}

async fn fetch_status(endpoint: Endpoint, url: &str) -> anyhow::Result<ServingStatus> {
    let channel = endpoint.connect().await.with_context(|| format!("{url} cannot be reached"))?;
    // The empty name means the whole process.
    let whole = HealthCheckRequest { service: String::new() };
    let response = HealthClient::new(channel).check(whole).await;
    let response = response.with_context(|| format!("the health check of {url} failed"))?;
    Ok(response.into_inner().status())
}
