//! Whether a part in another process serves, as whoever watches over it asks.

use std::time::Duration;

use anyhow::{Context as _, ensure};
use tonic::transport::Endpoint;
use tonic_health::pb::{
    HealthCheckRequest, health_check_response::ServingStatus, health_client::HealthClient,
};

use crate::settings::upstream_uri;

/// How long the answer may take: less than those who ask usually wait.
const PATIENCE: Duration = Duration::from_secs(5);

/// Asks `grpc.health.v1` at `url`, which every port has.
///
/// # Errors
/// Nobody answers there in time, or what answers does not serve.
pub(crate) async fn ask(url: &str) -> anyhow::Result<()> {
    let endpoint = Endpoint::from(upstream_uri("--url", url)?).connect_timeout(PATIENCE).timeout(PATIENCE);
    let channel = endpoint.connect().await.with_context(|| format!("{url} cannot be reached"))?;
    // The process as a whole.
    let whole = HealthCheckRequest { service: String::new() };
    let answer =
        HealthClient::new(channel).check(whole).await.with_context(|| format!("{url} does not answer"))?;
    ensure!(answer.into_inner().status() == ServingStatus::Serving, "{url} is not serving");
    Ok(())
}
