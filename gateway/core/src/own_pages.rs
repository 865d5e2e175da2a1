//! The content of the gateway's own pages.

use std::sync::OnceLock;

use bytes::Bytes;
use http::HeaderValue;
use serde_json::json;
use sha2::{Digest as _, Sha256};
use transcoding::contract::{Contract, quote};

use crate::{Config, api_description};

/// How many bytes of a SHA-256 an entity tag has: enough to distinguish two documents.
const TAG_BYTES: usize = 16;

/// The bodies of the own pages.
pub(crate) struct OwnPages {
    /// The full names of the contract's services.
    pub(crate) services: Vec<String>,
    pub(crate) index: Bytes,
    pub(crate) health: Bytes,
    openapi: OnceLock<Document>,
}

/// A body with its entity tag.
pub(crate) struct Document {
    pub(crate) body: Bytes,
    pub(crate) tag: HeaderValue,
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
        let (index, health) = (index.to_string().into(), health.to_string().into());
        Self { services, index, health, openapi: OnceLock::new() }
    }

    /// The OpenAPI document. The first request for it makes it, because it takes as long as the rest of a start, which the
    /// first request of each isolate waits for.
    pub(crate) fn openapi(&self, contract: &Contract) -> &Document {
        self.openapi.get_or_init(|| Document::new(api_description::document(contract).into()))
    }
}

impl Document {
    fn new(body: Bytes) -> Self {
        let hash = Sha256::digest(&body);
        let tag: String = hash.iter().take(TAG_BYTES).map(|byte| format!("{byte:02x}")).collect();
        let tag = HeaderValue::try_from(quote(&tag)).unwrap_or(HeaderValue::from_static("\"\""));
        Self { body, tag }
    }
}
