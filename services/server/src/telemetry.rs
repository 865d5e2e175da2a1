//! Logs: readable text on a terminal, JSON lines otherwise. `RUST_LOG` selects what is logged; the default is `info`.

use std::io::{IsTerminal as _, stderr};

use log_format::{JsonLine, json_layer};
use tracing_subscriber::{
    EnvFilter, filter::LevelFilter, fmt::time::SystemTime, layer::SubscriberExt as _,
    util::SubscriberInitExt as _,
};

/// Sends all `tracing` events of the process to standard error.
pub(crate) fn start() {
    let filter = EnvFilter::builder().with_default_directive(LevelFilter::INFO.into()).from_env_lossy();
    if stderr().is_terminal() {
        tracing_subscriber::fmt()
            .with_env_filter(filter)
            .with_writer(stderr)
            // The error would be printed to standard error and could panic. Serving requests is more important than their log.
            .log_internal_errors(false)
            .compact()
            .with_target(false)
            .init();
    } else {
        let lines = json_layer(JsonLine::with_time(SystemTime), stderr);
        tracing_subscriber::registry().with(lines).with(filter).init();
    }
}
