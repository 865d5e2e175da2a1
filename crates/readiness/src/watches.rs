//! Counts the open watches of a port, because `Watch` needs no token and has no end of its own.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use tonic::Status;

/// The maximum number of open watches of one port. A load balancer or an orchestrator has one for each of its processes.
pub const MAX_WATCHES: usize = 100;

/// The longest duration of a watch. It ends without an error, and its client starts another one. So a client that no longer
/// needs its watch does not keep it for the life of its connection.
pub const MAX_WATCH_DURATION: Duration = Duration::from_mins(10);

/// The time after which a rejected client may retry.
const RETRY_AFTER: Duration = Duration::from_secs(10);

/// The number of open watches. Clones share it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Watches(Arc<AtomicUsize>);

impl Watches {
    /// Counts one more watch, until the result is dropped.
    ///
    /// # Errors
    /// RESOURCE_EXHAUSTED with retry information if [`MAX_WATCHES`] are open.
    pub(crate) fn open(&self) -> Result<OpenWatch, Status> {
        let one_more = |open: usize| (open < MAX_WATCHES).then_some(open + 1);
        match self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_more) {
            Ok(_) => Ok(OpenWatch(self.clone())),
            Err(_) => Err(too_many_watches()),
        }
    }
}

fn too_many_watches() -> Status {
    let seconds = RETRY_AFTER.as_secs();
    let message = format!(
        "{MAX_WATCHES} health watches are open, the limit of this port. Retry after {seconds} s, or call Check."
    );
    aip::too_many_requests(message, RETRY_AFTER)
}

/// Counts as an open watch.
#[derive(Debug)]
pub(crate) struct OpenWatch(Watches);

impl Drop for OpenWatch {
    fn drop(&mut self) {
        let Watches(count) = &self.0;
        count.fetch_sub(1, Ordering::Relaxed);
    }
}
