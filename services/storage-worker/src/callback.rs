//! The one function of this side that the runtime calls back, with the number of who waits for it.
//!
//! A function for each promise or timer would cost more than most of what is waited for: the runtime makes several objects
//! of it, and watches it for finalization. And one that is never called, since nobody waits any more, would stay for ever.

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

/// What a promise came to: its value, or the reason why it has none.
pub type Settled = Result<JsValue, JsValue>;

thread_local! {
    static CALLED_BACK: Closure<dyn Fn(u32, bool, JsValue)> = Closure::new(settle);
    static WAITING: RefCell<Waiting> = RefCell::default();
}

/// Resolves once the runtime has called back. What is dropped before is forgotten.
#[derive(Debug)]
pub(crate) struct Callback {
    key: u32,
}

/// Who waits, by their numbers.
#[derive(Default)]
struct Waiting {
    next: u32,
    states: BTreeMap<u32, State>,
}

enum State {
    Awaited(Option<Waker>),
    Over(Settled),
}

impl Callback {
    /// Has `ask` ask the runtime to call a function with a number, whether all is well, and a value.
    pub(crate) fn of<T>(ask: impl FnOnce(&Function, u32) -> T) -> (Self, T) {
        let key = WAITING.with_borrow_mut(Waiting::begin);
        let asked = CALLED_BACK.with(|function| ask(function.as_ref().unchecked_ref(), key));
        (Self { key }, asked)
    }
}

impl Future for Callback {
    type Output = Settled;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Settled> {
        let awaited = State::Awaited(Some(cx.waker().clone()));
        // Dropped after the borrow: a waker may be the last to hold a task, and that may hold others who wait.
        let before = WAITING.with_borrow_mut(|waiting| waiting.states.insert(self.key, awaited));
        match before {
            Some(State::Over(settled)) => Poll::Ready(settled),
            Some(State::Awaited(_)) | None => Poll::Pending,
        }
    }
}

impl Drop for Callback {
    fn drop(&mut self) {
        // As above.
        drop(WAITING.with_borrow_mut(|waiting| waiting.states.remove(&self.key)));
    }
}

fn settle(key: u32, is_kept: bool, value: JsValue) {
    let settled = if is_kept { Ok(value) } else { Err(value) };
    let waker = WAITING.with_borrow_mut(|waiting| waiting.settle(key, settled));
    if let Some(waker) = waker {
        waker.wake();
    }
}

impl Waiting {
    /// Numbers come again after four billion: long after whoever had them.
    fn begin(&mut self) -> u32 {
        self.next = self.next.wrapping_add(1);
        self.states.insert(self.next, State::Awaited(None));
        self.next
    }

    /// The one to be woken, if somebody still waits.
    fn settle(&mut self, key: u32, settled: Settled) -> Option<Waker> {
        let state = self.states.get_mut(&key)?;
        match std::mem::replace(state, State::Over(settled)) {
            State::Awaited(waker) => waker,
            State::Over(_) => None,
        }
    }
}
