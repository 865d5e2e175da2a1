//! The content of the gateway's own pages, built once at the start.

use bytes::Bytes;
use http::HeaderValue;
use serde_json::json;
use sha2::{Digest as _, Sha256};

use crate::{
    Config,
    contract::{Contract, quote},
    openapi,
};

/// How many bytes of a SHA-256 an entity tag has: enough to distinguish two documents.
const TAG_BYTES: usize = 16;

/// The bodies of the own pages.
pub(crate) struct OwnPages {
    /// The full names of the contract's services.
    pub(crate) services: Vec<String>,
    pub(crate) index: Bytes,
    pub(crate) health: Bytes,
    pub(crate) openapi: Bytes,
    pub(crate) openapi_tag: HeaderValue,
}

impl OwnPages {
    pub(crate) fn new(config: &Config, contract: &Contract) -> Self {
        let mut services: Vec<_> = contract.methods().iter().map(|m| m.service.full_name.clone()).collect();
        services.dedup();
        let index = json!({
            "services": services,
            "links": { "openapi": "/openapi.json", "health": "/health", "ready": "/readyz", "live": "/livez" },
        });
        let health = json!({"status": "ok", "region": config.region});
        let openapi = Bytes::from(openapi::document(contract));
        let hash = Sha256::digest(&openapi);
        let tag: String = hash.iter().take(TAG_BYTES).map(|byte| format!("{byte:02x}")).collect();
        let openapi_tag = HeaderValue::try_from(quote(&tag)).unwrap_or(HeaderValue::from_static("\"\""));
        Self {
            services,
            index: index.to_string().into(),
            health: health.to_string().into(),
            openapi,
            openapi_tag,
        }
    }
}
