//! Logs: readable on a terminal, JSON lines otherwise. `RUST_LOG` chooses what is logged; `info` by default.

mod json;

use std::io::IsTerminal as _;

use tracing_subscriber::{EnvFilter, filter::LevelFilter};

use self::json::{JsonLine, JsonMembers};

/// Sends all `tracing` events of the process to standard error.
pub(crate) fn start() {
    let filter = EnvFilter::builder().with_default_directive(LevelFilter::INFO.into()).from_env_lossy();
    let logs = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        // It would be told on standard error, and panic: the requests matter more than the reader of their log.
        .log_internal_errors(false);
    if std::io::stderr().is_terminal() {
        logs.compact().with_target(false).init();
    } else {
        logs.fmt_fields(JsonMembers).event_format(JsonLine).init();
    }
}
