//! `/readyz`: asks every service by `grpc.health.v1`.

use std::collections::BTreeMap;

use futures_util::future::join_all;
use http::{
    HeaderMap, HeaderValue, Response, StatusCode,
    header::{CONTENT_TYPE, TE},
};
use prost::Message as _;
use serde_json::json;
use tonic::{Code, body::Body};

use crate::{
    answer,
    config::READY_TIMEOUT,
    deadline::Deadline,
    error::Error,
    messages::{self, Messages},
    shared::Shared,
};

const CHECK: &str = "/grpc.health.v1.Health/Check";

/// The wire of `grpc.health.v1.HealthCheckRequest`, and of the response, whose only field has the same number.
#[derive(Clone, PartialEq, prost::Message)]
struct Check {
    #[prost(string, tag = "1")]
    service: String,
}

#[derive(Clone, PartialEq, prost::Message)]
struct Checked {
    #[prost(int32, tag = "1")]
    status: i32,
}

/// `HealthCheckResponse.ServingStatus.SERVING`.
const SERVING: i32 = 1;

/// What the gateway's own health is called, on a host that has `grpc.health.v1` among the upstreams.
pub const OWN_HEALTH: &str = "gateway";

/// The service that answers for the gateway itself.
const HEALTH: &str = "grpc.health.v1.Health";

/// Beside a status that is not SERVING: why, in plain words.
const REASON_HEADER: &str = "x-reticle-not-ready";

/// 200 if the gateway and every service of the contract are ready, else 503 with the names of those that are not, and why.
pub(crate) async fn ready(shared: &Shared) -> Response<Body> {
    let services = shared.own_pages.services.iter().map(|service| (service.as_str(), service.as_str()));
    let own = shared.upstreams.contains(HEALTH).then_some((HEALTH, OWN_HEALTH));
    let checks =
        services.chain(own).map(async |(upstream, name)| (name, check(shared, upstream, name).await));
    let not_ready: BTreeMap<&str, String> = join_all(checks)
        .await
        .into_iter()
        .filter_map(|(name, verdict)| verdict.err().map(|reason| (name, reason)))
        .collect();
    if not_ready.is_empty() {
        return answer::json(StatusCode::OK, json!({"status": "ok"}).to_string());
    }
    let names: Vec<_> = not_ready.keys().collect();
    let body = json!({"status": "not ready", "not_ready": names, "reasons": not_ready});
    answer::json(StatusCode::SERVICE_UNAVAILABLE, body.to_string())
}

/// Why the service `name` is not ready, if it is not.
async fn check(shared: &Shared, upstream: &str, name: &str) -> Result<(), String> {
    let mut deadline = Deadline::start(&*shared.host, READY_TIMEOUT);
    match deadline.within(ask(shared, upstream, name)).await {
        Ok(Ok(verdict)) => verdict,
        // It answers, and says nothing of its health: a server in this process, say.
        Ok(Err(Error::Service(status))) if status.code() == Code::Unimplemented => Ok(()),
        Ok(Err(error)) => {
            tracing::debug!(error = &error as &dyn std::error::Error, name, "not ready");
            Err("It cannot be reached.".to_owned())
        }
        Err(_) => Err("It does not answer in time.".to_owned()),
    }
}

/// Asks `upstream` itself for the health of `name`, for it is that one's health that matters.
async fn ask(shared: &Shared, upstream: &str, name: &str) -> Result<Result<(), String>, Error> {
    let request = Check { service: name.to_owned() }.encode_to_vec();
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
    headers.insert(TE, HeaderValue::from_static("trailers"));
    let response = shared.call_upstream(upstream, CHECK, headers, messages::body(&request)?).await?;
    let reason = response.headers().get(REASON_HEADER).and_then(|reason| reason.to_str().ok());
    let reason = reason.unwrap_or("It says that it is not serving.").to_owned();
    let (_, messages) = Messages::open(response)?;
    let (message, _) = messages.only().await?;
    let checked = Checked::decode(message);
    let checked = checked.map_err(|_| Error::Broken("the health answer is malformed"))?;
    Ok(if checked.status == SERVING { Ok(()) } else { Err(reason) })
}
