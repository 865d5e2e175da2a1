//! What all requests share: built once, read by all.

use std::sync::Arc;

use tracing::Span;

use crate::{
    Config, Upstreams, contract::Contract, cors::Cors, json::Schemas, own_pages::OwnPages, ports::Host,
};

/// The parts of a gateway.
pub(crate) struct Shared {
    pub(crate) config: Config,
    pub(crate) contract: Contract,
    pub(crate) schemas: Schemas,
    pub(crate) upstreams: Upstreams,
    pub(crate) host: Arc<dyn Host>,
    pub(crate) own_pages: OwnPages,
    pub(crate) cors: Cors,
}

/// Notes on the request's span, and so in its log line.
pub(crate) fn note(field: &'static str, value: &str) {
    Span::current().record(field, value);
}
