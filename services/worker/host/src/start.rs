//! What an isolate does before its first request.

use crate::log;

/// Starts the log and the running of tasks.
pub fn start() {
    log::start();
    storage_worker::start_tasks();
}
