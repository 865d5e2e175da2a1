//! The time between the signal to stop and the end of the listeners.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use crate::{NotReady, Verdict};

/// Whether the process was told to stop. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct Draining(Arc<AtomicBool>);

impl Draining {
    /// From now on nothing is ready.
    pub fn begin(&self) {
        self.0.store(true, Ordering::Release);
    }

    pub(crate) fn verdict(&self) -> Verdict {
        if self.has_begun() { Err(NotReady::because("The server is shutting down.")) } else { Ok(()) }
    }

    pub(crate) fn has_begun(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}
