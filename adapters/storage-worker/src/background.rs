use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use runtime::{Background, Task};
use worker::{Context, js_sys::futures::future_to_promise, wasm_bindgen::JsValue};

/// Background work after the response of one request (`waitUntil`). The runtime allows it 30 seconds.
#[derive(Clone, Debug)]
pub struct WaitUntil {
    context: Arc<Context>,
    room: Room,
}

impl WaitUntil {
    /// Runs up to `capacity` tasks of this request at a time, and drops further ones.
    #[must_use]
    pub fn new(context: Context, capacity: usize) -> Self {
        Self { context: Arc::new(context), room: Room(Arc::new(AtomicUsize::new(capacity))) }
    }
}

impl Background for WaitUntil {
    fn run(&self, task: Task) {
        let Some(place) = self.room.take() else {
            tracing::warn!("dropped a background task: the limit of concurrent tasks is reached");
            return;
        };
        let promise = future_to_promise(async move {
            task.await;
            drop(place);
            Ok(JsValue::UNDEFINED)
        });
        let context: &worker::worker_sys::Context = (*self.context).as_ref();
        if context.wait_until(&promise).is_err() {
            tracing::warn!(
                "a background task started after the end of its request; the runtime may cancel it"
            );
        }
    }
}

/// How many more tasks may run.
#[derive(Clone, Debug)]
struct Room(Arc<AtomicUsize>);

/// The place of one running task; it is released when dropped.
struct Place(Room);

impl Room {
    fn take(&self) -> Option<Place> {
        let left = self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1));
        left.is_ok().then(|| Place(self.clone()))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let Self(Room(left)) = self;
        left.fetch_add(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_capacity_limits_concurrent_tasks() {
        let room = Room(Arc::new(AtomicUsize::new(2)));
        let (first, second) = (room.take(), room.take());
        assert!(first.is_some() && second.is_some());
        assert!(room.take().is_none());
        drop(first);
        assert!(room.take().is_some());
    }
}
