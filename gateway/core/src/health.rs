//! `/readyz`: checks the health of every service with `grpc.health.v1`.

use std::collections::BTreeMap;

use aip::{HEALTH, NOT_READY_REASON};
use futures_util::future::join_all;
use http::{
    HeaderMap, HeaderValue, Response, StatusCode,
    header::{CONTENT_TYPE, TE},
};
use prost::Message as _;
use serde_json::json;
use tonic::{Code, body::Body};

use crate::{
    config::READY_TIMEOUT,
    deadline::Deadline,
    error::Error,
    messages::{self, Messages},
    response,
    shared::Shared,
};

/// `grpc.health.v1.HealthCheckRequest`.
#[derive(Clone, PartialEq, prost::Message)]
struct HealthRequest {
    #[prost(string, tag = "1")]
    service: String,
}

/// `grpc.health.v1.HealthCheckResponse`.
#[derive(Clone, PartialEq, prost::Message)]
struct HealthResponse {
    #[prost(int32, tag = "1")]
    status: i32,
}

/// `HealthCheckResponse.ServingStatus.SERVING`.
const SERVING: i32 = 1;

/// The name of the gateway's own health in `grpc.health.v1`, on a host that has that service among its upstreams.
pub const OWN_HEALTH: &str = "gateway";

/// The response of `/readyz`: 200 if the gateway and every service of the contract are ready, else 503 with the names of
/// those that are not ready, and the reasons.
pub(crate) async fn ready(shared: &Shared) -> Response<Body> {
    let services = shared.own_pages.services.iter().map(|service| (service.as_str(), service.as_str()));
    // The upstream of this name reports the gateway's own health.
    let own = shared.upstreams.contains(HEALTH).then_some((HEALTH, OWN_HEALTH));
    let checks =
        services.chain(own).map(async |(upstream, name)| (name, check(shared, upstream, name).await));
    let not_ready: BTreeMap<&str, String> = join_all(checks)
        .await
        .into_iter()
        .filter_map(|(name, verdict)| verdict.err().map(|reason| (name, reason)))
        .collect();
    if not_ready.is_empty() {
        return response::json(StatusCode::OK, json!({"status": "ok"}).to_string());
    }
    let names: Vec<_> = not_ready.keys().collect();
    let body = json!({"status": "not ready", "not_ready": names, "reasons": not_ready});
    response::json(StatusCode::SERVICE_UNAVAILABLE, body.to_string())
}

/// Checks that the service `name` is ready. The error is the reason why it is not.
async fn check(shared: &Shared, upstream: &str, name: &str) -> Result<(), String> {
    let mut deadline = Deadline::start(&*shared.host, READY_TIMEOUT);
    match deadline.within(fetch_health(shared, upstream, name)).await {
        Ok(Ok(verdict)) => verdict,
        // The service responds but has no health service, such as a server in this process: it is ready.
        Ok(Err(Error::Service(status))) if status.code() == Code::Unimplemented => Ok(()),
        Ok(Err(error)) => {
            tracing::debug!(error = &error as &dyn std::error::Error, name, "the health check failed");
            Err("The service cannot be reached.".to_owned())
        }
        Err(_) => Err(format!("The service did not respond within {} s.", READY_TIMEOUT.as_secs())),
    }
}

/// Fetches the health of `name` from `upstream` itself, because only that instance knows its own health.
async fn fetch_health(shared: &Shared, upstream: &str, name: &str) -> Result<Result<(), String>, Error> {
    let request = HealthRequest { service: name.to_owned() }.encode_to_vec();
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
    headers.insert(TE, HeaderValue::from_static("trailers"));
    let path = format!("/{HEALTH}/Check");
    let response = shared.call_upstream(upstream, &path, headers, messages::body(&request)?).await?;
    let reason = response.headers().get(NOT_READY_REASON).and_then(|reason| reason.to_str().ok());
    let reason = reason.unwrap_or("The service reports that it is not serving.").to_owned();
    let (_, messages) = Messages::open(response)?;
    let (message, _) = messages.only().await?;
    let health = HealthResponse::decode(message);
    let health = health.map_err(|_| Error::Internal("the health response is malformed"))?;
    Ok(if health.status == SERVING { Ok(()) } else { Err(reason) })
}
