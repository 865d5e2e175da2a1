//! The phase between the shutdown signal and the close of the listeners.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use crate::NotReady;

/// Whether the server is draining: it still handles requests, but reports that it is not ready. Clones share the state.
#[derive(Clone, Debug, Default)]
pub struct Draining(Arc<AtomicBool>);

impl Draining {
    /// Starts draining: from now on no service is ready.
    pub fn begin(&self) {
        self.0.store(true, Ordering::Release);
    }

    /// Why no service is ready; `None` before the drain begins.
    pub(crate) fn reason(&self) -> Option<NotReady> {
        self.has_begun().then(|| NotReady::because("The server is shutting down."))
    }

    pub(crate) fn has_begun(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}
