//! Ends the calls that have no end of their own when the host shuts down.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use event_listener::Event;

/// Ends the open streams of a service when its host shuts down. A caller resumes elsewhere, from the last `next_offset` or
/// resume token that it received. Clones share one state.
#[derive(Clone, Debug, Default)]
pub struct Drain(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    has_begun: AtomicBool,
    begun: Event,
}

impl Drain {
    /// Ends all open streams, and every stream that is opened later.
    pub fn begin(&self) {
        self.0.has_begun.store(true, Ordering::Release);
        self.0.begun.notify(usize::MAX);
    }

    pub(crate) fn has_begun(&self) -> bool {
        self.0.has_begun.load(Ordering::Acquire)
    }

    /// Waits until [`Drain::begin`] is called.
    pub(crate) async fn wait_for_begin(&self) {
        let begun = self.0.begun.listen();
        // Checked after the listener is registered, so that no notification is missed.
        if !self.has_begun() {
            begun.await;
        }
    }
}
