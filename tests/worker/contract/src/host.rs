//! Other functions of the runtime: clocks, timers, promises, randomness and background tasks.

#![expect(clippy::unwrap_used, reason = "these are tests")]

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use futures_util::FutureExt as _;
use runtime::{Background, Clock, Entropy, Id};
use storage_worker::{WaitUntil, WorkerClock, WorkerEntropy, sleep, wait_for_promise};
use worker::{js_sys::Promise, wasm_bindgen::JsValue};

use crate::memory::memory;

pub(crate) async fn clocks_advance(_: &WaitUntil) {
    let before = (WorkerClock.now(), WorkerClock.instant());
    sleep(Duration::from_millis(30)).await;
    let after = (WorkerClock.now(), WorkerClock.instant());
    let by_clock = after.0.as_millis() - before.0.as_millis();
    let by_instant = after.1.since(before.1).as_millis();
    assert!((25..5_000).contains(&by_clock), "{by_clock} ms");
    assert!((25..5_000).contains(&by_instant), "{by_instant} ms");
    assert!(before.0.as_seconds() > 1_735_689_600, "past 2025");
}

/// Each request drops the timer of its deadline. There are so many timers here that a leak does not fit into free memory of
/// earlier tests. Nothing else runs in between.
pub(crate) async fn dropped_timers_leak_no_memory(_: &WaitUntil) {
    let start_and_drop = || assert!(sleep(Duration::from_secs(3_600)).now_or_never().is_none());
    start_and_drop();
    let before = memory();
    (0..500_000).for_each(|_| start_and_drop());
    assert_eq!(memory(), before, "bytes of memory");
}

/// A call that ends at its deadline drops its promise.
pub(crate) async fn dropped_promises_leak_no_memory(_: &WaitUntil) {
    let never = Promise::new(&mut |_, _| {});
    let start_and_drop = || assert!(wait_for_promise(&never).now_or_never().is_none());
    start_and_drop();
    let before = memory();
    (0..100_000).for_each(|_| start_and_drop());
    assert_eq!(memory(), before, "bytes of memory");
}

pub(crate) async fn promises_return_their_result(_: &WaitUntil) {
    let value = JsValue::from_str("a value");
    assert_eq!(wait_for_promise(&Promise::resolve(&value)).await, Ok(value.clone()));
    assert_eq!(wait_for_promise(&Promise::reject(&value)).await, Err(value.clone()));
    // A dropped promise does not pass its result to the next one.
    drop(wait_for_promise(&Promise::resolve(&JsValue::NULL)));
    assert_eq!(wait_for_promise(&Promise::resolve(&value)).await, Ok(value));
}

pub(crate) async fn ids_differ(_: &WaitUntil) {
    let one = Id::generate(WorkerClock.now(), &WorkerEntropy);
    let other = Id::generate(WorkerClock.now(), &WorkerEntropy);
    assert_ne!(one, other);
    let mut long = vec![0; 70_000];
    WorkerEntropy.fill(&mut long);
    assert!(long.rchunks(1_000).all(|part| part.iter().any(|byte| *byte != 0)));
}

pub(crate) async fn background_tasks_are_limited(background: &WaitUntil) {
    let done = Arc::new(AtomicUsize::new(0));
    for _ in 0..crate::BACKGROUND_TASKS + 1 {
        let done = Arc::clone(&done);
        background.run(Box::pin(async move {
            sleep(Duration::from_millis(1)).await;
            done.fetch_add(1, Ordering::Relaxed);
        }));
    }
    assert_eq!(done.load(Ordering::Relaxed), 0, "a task ran before its caller waited");
    for _ in 0..100 {
        sleep(Duration::from_millis(5)).await;
        if Arc::strong_count(&done) == 1 {
            break;
        }
    }
    assert_eq!(Arc::try_unwrap(done).unwrap().into_inner(), crate::BACKGROUND_TASKS);
}
