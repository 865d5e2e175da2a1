//! The single callback function that the runtime calls when a promise is settled or a timer fires. Its argument is the key of
//! the waiting future.
//!
//! A function for each promise or timer would cost more than most promises: the runtime makes several objects for each
//! function, and tracks it for finalization. And a function that is never called, because its future was dropped, would leak.

use std::{
    cell::RefCell,
    collections::BTreeMap,
    future::Future,
    pin::Pin,
    task::{Context, Poll, Waker},
};

use worker::{
    js_sys::Function,
    wasm_bindgen::{JsCast as _, JsValue, closure::Closure},
};

/// The result of a promise: its value, or the reason of its rejection.
pub type Settled = Result<JsValue, JsValue>;

thread_local! {
    static SETTLE: Closure<dyn Fn(u32, bool, JsValue)> = Closure::new(settle);
    static WAITING: RefCell<Waiting> = RefCell::default();
}

/// A future that resolves when the runtime calls back. If it is dropped before, a later call back has no effect.
#[derive(Debug)]
pub(crate) struct Callback {
    key: u32,
}

/// The states of the waiting futures, by their keys.
#[derive(Default)]
struct Waiting {
    last_key: u32,
    states: BTreeMap<u32, State>,
}

enum State {
    Awaited(Option<Waker>),
    Settled(Settled),
}

impl Callback {
    /// Calls `register` with the callback function and a new key. `register` must arrange that the runtime calls the function
    /// with the key, whether the promise was fulfilled, and its value or reason.
    pub(crate) fn register<T>(register: impl FnOnce(&Function, u32) -> T) -> (Self, T) {
        let key = WAITING.with_borrow_mut(Waiting::add);
        let registered = SETTLE.with(|function| register(function.as_ref().unchecked_ref(), key));
        (Self { key }, registered)
    }
}

impl Future for Callback {
    type Output = Settled;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Settled> {
        let awaited = State::Awaited(Some(cx.waker().clone()));
        // The old state is dropped after the borrow: its waker may own the last reference to a task, and dropping that may
        // drop other callbacks.
        let before = WAITING.with_borrow_mut(|waiting| waiting.states.insert(self.key, awaited));
        match before {
            Some(State::Settled(settled)) => Poll::Ready(settled),
            Some(State::Awaited(_)) | None => Poll::Pending,
        }
    }
}

impl Drop for Callback {
    fn drop(&mut self) {
        // Dropped after the borrow, as above.
        drop(WAITING.with_borrow_mut(|waiting| waiting.states.remove(&self.key)));
    }
}

fn settle(key: u32, is_fulfilled: bool, value: JsValue) {
    let settled = if is_fulfilled { Ok(value) } else { Err(value) };
    let waker = WAITING.with_borrow_mut(|waiting| waiting.settle(key, settled));
    if let Some(waker) = waker {
        waker.wake();
    }
}

impl Waiting {
    /// Adds a waiting future and returns its key. Keys repeat after four billion, long after the future with the same key.
    fn add(&mut self) -> u32 {
        self.last_key = self.last_key.wrapping_add(1);
        self.states.insert(self.last_key, State::Awaited(None));
        self.last_key
    }

    /// Stores the result and returns the waker of the future, if it still waits.
    fn settle(&mut self, key: u32, settled: Settled) -> Option<Waker> {
        let state = self.states.get_mut(&key)?;
        match std::mem::replace(state, State::Settled(settled)) {
            State::Awaited(waker) => waker,
            State::Settled(_) => None,
        }
    }
}
