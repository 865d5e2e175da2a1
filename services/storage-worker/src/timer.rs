//! The passing of time.

use std::{
    future::Future,
    pin::{Pin, pin},
    task::{Context, Poll},
    time::Duration,
};

use futures_util::future::{Either, select};
use storage::Timer;
use worker::{
    js_sys::global,
    wasm_bindgen::{JsCast as _, JsValue},
    web_sys::WorkerGlobalScope,
};

use crate::callback::Callback;

/// Sleeps on the runtime's timer.
#[derive(Clone, Copy, Debug, Default)]
pub struct WorkerTimer;

impl Timer for WorkerTimer {
    fn sleep(&self, duration: Duration) -> impl Future<Output = ()> + Send + 'static {
        sleep(duration)
    }
}

/// Resolves when `duration` has passed.
pub async fn sleep(duration: Duration) {
    Timeout::start(duration).await;
}

/// What `future` answers, or `None` if it has not answered within `limit`.
pub(crate) async fn within<F: Future + Send>(limit: Duration, future: F) -> Option<F::Output> {
    match select(pin!(future), pin!(sleep(limit))).await {
        Either::Left((answer, _)) => Some(answer),
        Either::Right(((), _)) => None,
    }
}

/// A timeout of the runtime, cleared when it is dropped: a request lasts as long as its timeouts. Not the library's own
/// `Delay`, which wakes only whoever polled it first, while a stream is polled by another task for each of its items.
struct Timeout {
    id: Option<i32>,
    callback: Callback,
}

impl Timeout {
    fn start(duration: Duration) -> Self {
        let millis = i32::try_from(duration.as_millis()).unwrap_or(i32::MAX);
        let (callback, id) = Callback::of(|function, key| {
            let (key, is_kept) = (JsValue::from(key), JsValue::TRUE);
            let scope = scope();
            scope.set_timeout_with_callback_and_timeout_and_arguments_2(function, millis, &key, &is_kept).ok()
        });
        Self { id, callback }
    }
}

impl Future for Timeout {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        // Without a timer nothing is waited for.
        if self.id.is_none() {
            return Poll::Ready(());
        }
        Pin::new(&mut self.callback).poll(cx).map(drop)
    }
}

impl Drop for Timeout {
    fn drop(&mut self) {
        if let Some(id) = self.id {
            scope().clear_timeout_with_handle(id);
        }
    }
}

fn scope() -> WorkerGlobalScope {
    global().unchecked_into()
}
