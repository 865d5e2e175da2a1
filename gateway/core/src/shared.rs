//! The state that all requests share. It is built once and does not change.

use std::sync::Arc;

use tracing::Span;
use transcoding::contract::Contract;

use crate::{Config, Upstreams, cors::Cors, own_pages::OwnPages, ports::Host};

/// The parts of a gateway.
pub(crate) struct Shared {
    pub(crate) config: Config,
    pub(crate) contract: Contract,
    pub(crate) upstreams: Upstreams,
    pub(crate) host: Arc<dyn Host>,
    pub(crate) own_pages: OwnPages,
    pub(crate) cors: Cors,
}

/// Records a field on the request's span, and so in its log line.
pub(crate) fn record(field: &'static str, value: &str) {
    Span::current().record(field, value);
}
