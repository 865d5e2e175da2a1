//! The runtime's timers.

use std::{
    future::Future,
    pin::{Pin, pin},
    task::{Context, Poll},
    time::Duration,
};

use futures_util::future::{Either, select};
use runtime::Timer;
use worker::{
    js_sys::Function,
    wasm_bindgen::{JsValue, prelude::wasm_bindgen},
};

use crate::callback::Callback;

#[wasm_bindgen(wasm_bindgen = worker::wasm_bindgen, js_sys = worker::js_sys, module = "/src/timer.js")]
extern "C" {
    #[wasm_bindgen(catch)]
    fn start(millis: u32, key: u32, settle: &Function) -> Result<JsValue, JsValue>;

    fn stop(timeout: &JsValue);
}

/// The longest timeout. The runtime treats a longer one as zero.
const MAX_MILLIS: u32 = i32::MAX.unsigned_abs();

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

/// The output of `future`, or `None` if it is not ready within `limit`.
pub(crate) async fn with_timeout<F: Future + Send>(limit: Duration, future: F) -> Option<F::Output> {
    match select(pin!(future), pin!(sleep(limit))).await {
        Either::Left((output, _)) => Some(output),
        Either::Right(((), _)) => None,
    }
}

/// A timeout of the runtime. It is cleared when dropped, because a request lasts as long as its timeouts. It replaces the
/// library's `Delay`, which wakes only the task that polled it first, while a stream may be polled by another task for each
/// item.
struct Timeout {
    timeout: Option<JsValue>,
    callback: Callback,
}

impl Timeout {
    fn start(duration: Duration) -> Self {
        let millis = u32::try_from(duration.as_millis()).unwrap_or(MAX_MILLIS).min(MAX_MILLIS);
        let (callback, timeout) = Callback::register(|settle, key| start(millis, key, settle).ok());
        Self { timeout, callback }
    }
}

impl Future for Timeout {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        // If the timer could not be started, the wait ends at once.
        if self.timeout.is_none() {
            return Poll::Ready(());
        }
        Pin::new(&mut self.callback).poll(cx).map(drop)
    }
}

impl Drop for Timeout {
    fn drop(&mut self) {
        if let Some(timeout) = &self.timeout {
            stop(timeout);
        }
    }
}
