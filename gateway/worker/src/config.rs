//! Reads the bindings and variables of this Worker.

use gateway_core::{AllowedOrigins, Config, Gateway, Ports, Upstreams};
use grpc_web::{GrpcWebClient, MarkEnd};
use proto::{
    annotations::v1::annotations_service_server::SERVICE_NAME as ANNOTATIONS,
    images::v1::images_service_server::SERVICE_NAME as IMAGES,
};
use storage_worker::{WorkerClock, WorkerEntropy, WorkerTimer};
use worker_host::{Bindings, Misconfigured, Upstream};

use crate::rate_limit::RateLimit;

const ALLOWED_ORIGINS: &str = "RETICLE_ALLOWED_ORIGINS";

/// The runtime closes an HTTP/1.1 connection whose request was not read. This limit covers an image that is somewhat too
/// large.
const MAX_DISCARDED_BYTES: u64 = 16 * 1024 * 1024;

/// The state that all requests of an isolate share.
pub(crate) struct Parts {
    pub(crate) gateway: Gateway,
    pub(crate) rate_limit: Option<RateLimit>,
    images: Upstream,
    annotations: Upstream,
}

impl Parts {
    /// Reads the configuration and builds the gateway from it. `colo` is the data centre.
    ///
    /// # Errors
    /// The first binding or variable that is missing or invalid.
    pub(crate) fn read(bindings: Bindings<'_>, colo: Option<String>) -> Result<Self, Misconfigured> {
        let images = Upstream::configured(bindings, "IMAGES", "IMAGES_URL")?;
        let annotations = Upstream::configured(bindings, "ANNOTATIONS", "ANNOTATIONS_URL")?;
        let grpc = |upstream: &Upstream| GrpcWebClient::new(MarkEnd::new(upstream.clone()));
        let upstreams = Upstreams::new().with(IMAGES, grpc(&images)).with(ANNOTATIONS, grpc(&annotations));
        let ports = Ports {
            authenticator: worker_host::authenticator(bindings)?,
            clock: WorkerClock,
            entropy: WorkerEntropy,
            timer: WorkerTimer,
        };
        let gateway = Gateway::new(config(bindings, colo)?, proto::FILE_DESCRIPTOR_SET, upstreams, ports)
            .map_err(|error| Misconfigured::new("The contract", format_args!("cannot be served: {error}")))?;
        Ok(Self { gateway, rate_limit: RateLimit::read(bindings)?, images, annotations })
    }

    /// The service with this full name.
    pub(crate) fn upstream(&self, service: &str) -> Option<Upstream> {
        match service {
            IMAGES => Some(self.images.clone()),
            ANNOTATIONS => Some(self.annotations.clone()),
            _ => None,
        }
    }
}

fn config(bindings: Bindings<'_>, colo: Option<String>) -> Result<Config, Misconfigured> {
    let origins = bindings.text(ALLOWED_ORIGINS)?.unwrap_or_default();
    let defaults = Config::default();
    Ok(Config {
        allowed_origins: AllowedOrigins::parse(origins.split(','))
            .map_err(|error| Misconfigured::new(ALLOWED_ORIGINS, format_args!("is not valid: {error}")))?,
        region: bindings.text("RETICLE_REGION")?.or(colo).unwrap_or(defaults.region),
        max_upload_bytes: bindings
            .max_upload_bytes()?
            .map_or(defaults.max_upload_bytes, |bytes| bytes.unsigned_abs().into()),
        max_discarded_bytes: MAX_DISCARDED_BYTES,
        ..defaults
    })
}
