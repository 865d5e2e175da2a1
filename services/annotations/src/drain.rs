//! The end of calls that would last as long as their callers like.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use event_listener::Event;

/// Tells the streams of a service that its host is about to stop: each tells its caller how far it came, and ends.
#[derive(Clone, Debug, Default)]
pub struct Drain(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    has_begun: AtomicBool,
    begun: Event,
}

impl Drain {
    /// Ends all streams, those to come too.
    pub fn begin(&self) {
        self.0.has_begun.store(true, Ordering::Release);
        self.0.begun.notify(usize::MAX);
    }

    pub(crate) fn has_begun(&self) -> bool {
        self.0.has_begun.load(Ordering::Acquire)
    }

    /// Resolves when the streams shall end.
    pub(crate) async fn begun(&self) {
        let begun = self.0.begun.listen();
        // Looked at after there is a place to be told at: nothing goes by in between.
        if !self.has_begun() {
            begun.await;
        }
    }
}
