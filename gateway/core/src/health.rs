//! `/readyz`: asks every service by `grpc.health.v1`.

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

/// 200 if every service of the contract is ready, else 503 with the names of those that are not.
pub(crate) async fn ready(shared: &Shared) -> Response<Body> {
    let services = &shared.own_pages.services;
    let checks = join_all(services.iter().map(|service| is_ready(shared, service))).await;
    let not_ready: Vec<_> =
        services.iter().zip(checks).filter(|(_, ready)| !ready).map(|(service, _)| service).collect();
    if not_ready.is_empty() {
        return answer::json(StatusCode::OK, json!({"status": "ok"}).to_string());
    }
    let body = json!({"status": "not ready", "not_ready": not_ready});
    answer::json(StatusCode::SERVICE_UNAVAILABLE, body.to_string())
}

async fn is_ready(shared: &Shared, service: &str) -> bool {
    let mut deadline = Deadline::start(&*shared.host, READY_TIMEOUT);
    match deadline.within(check(shared, service)).await {
        Ok(Ok(status)) => status == SERVING,
        // It answers, and says nothing of its health: a server in this process, say.
        Ok(Err(Error::Service(status))) => status.code() == Code::Unimplemented,
        Ok(Err(error)) | Err(error) => {
            tracing::debug!(error = &error as &dyn std::error::Error, service, "not ready");
            false
        }
    }
}

/// Asks the upstream of `service` itself, for it is that one's health that matters.
async fn check(shared: &Shared, service: &str) -> Result<i32, Error> {
    let request = Check { service: service.to_owned() }.encode_to_vec();
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
    headers.insert(TE, HeaderValue::from_static("trailers"));
    let response = shared.call_upstream(service, CHECK, headers, messages::body(&request)?).await?;
    let (_, messages) = Messages::open(response)?;
    let (message, _) = messages.only().await?;
    Checked::decode(message)
        .map(|checked| checked.status)
        .map_err(|_| Error::Broken("the health answer is malformed"))
}
