//! The start of an isolate, before its first request.

use crate::log;

/// Starts the log and the task runner.
pub fn start() {
    log::start();
    storage_worker::start_tasks();
}
