//! Logs: readable text on a terminal, JSON lines otherwise. `RUST_LOG` selects what is logged; the default is `info`.

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
        // The error would be printed to standard error and could panic. Serving requests is more important than their log.
        .log_internal_errors(false);
    if std::io::stderr().is_terminal() {
        logs.compact().with_target(false).init();
    } else {
        logs.fmt_fields(JsonMembers).event_format(JsonLine).init();
    }
}
