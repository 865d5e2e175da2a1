//! The passing of time.

use std::{
    cell::Cell,
    future::Future,
    panic::AssertUnwindSafe,
    pin::{Pin, pin},
    rc::Rc,
    task::{Context, Poll, Waker},
    time::Duration,
};

use futures_util::future::{Either, select};
use storage::Timer;
use worker::{
    js_sys::global,
    send::SendFuture,
    wasm_bindgen::{JsCast as _, closure::Closure},
    web_sys::WorkerGlobalScope,
};

/// Sleeps on the runtime's timer.
#[derive(Clone, Copy, Debug, Default)]
pub struct WorkerTimer;

impl Timer for WorkerTimer {
    fn sleep(&self, duration: Duration) -> impl Future<Output = ()> + Send + 'static {
        sleep(duration)
    }
}

/// Resolves when `duration` has passed.
pub fn sleep(duration: Duration) -> impl Future<Output = ()> + Send + 'static {
    // The runtime's timer calls back on the one thread there is.
    SendFuture::new(async move { Timeout::start(duration).await })
}

/// What `future` answers, or `None` if it has not answered within `limit`.
pub(crate) async fn within<F: Future + Send>(limit: Duration, future: F) -> Option<F::Output> {
    match select(pin!(future), pin!(sleep(limit))).await {
        Either::Left((answer, _)) => Some(answer),
        Either::Right(((), _)) => None,
    }
}

/// A timeout of the runtime, cleared when it is dropped: a request lasts as long as its timeouts. Not by a promise, of
/// which a future that is dropped before it settles keeps its callbacks for ever; and the library's own `Delay` wakes
/// only whoever polled it first, while a stream is polled by another task for each of its items.
struct Timeout {
    id: Option<i32>,
    state: Rc<State>,
    /// What the runtime calls, as long as this is here.
    _callback: Closure<dyn FnMut()>,
}

#[derive(Default)]
struct State {
    has_passed: Cell<bool>,
    waker: Cell<Option<Waker>>,
}

impl Timeout {
    fn start(duration: Duration) -> Self {
        let millis = i32::try_from(duration.as_millis()).unwrap_or(i32::MAX);
        let state = Rc::new(State::default());
        let passed = AssertUnwindSafe(Rc::clone(&state));
        let callback = Closure::<dyn FnMut()>::new(move || passed.pass());
        let function = callback.as_ref().unchecked_ref();
        let id = scope().set_timeout_with_callback_and_timeout_and_arguments_0(function, millis).ok();
        Self { id, state, _callback: callback }
    }
}

impl State {
    fn pass(&self) {
        self.has_passed.set(true);
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }
}

impl Future for Timeout {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        // Without a timer nothing is waited for.
        if self.state.has_passed.get() || self.id.is_none() {
            return Poll::Ready(());
        }
        self.state.waker.set(Some(cx.waker().clone()));
        Poll::Pending
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
