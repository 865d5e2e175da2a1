//! What else the runtime gives.

#![expect(clippy::unwrap_used, reason = "these are tests")]

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use futures_util::FutureExt as _;
use storage::{Background, Clock, Entropy, Id};
use storage_worker::{WaitUntil, WorkerClock, WorkerEntropy, promised, sleep};
use worker::{js_sys::Promise, wasm_bindgen::JsValue};

use crate::memory::memory;

pub(crate) async fn time_passes(_: &WaitUntil) {
    let before = (WorkerClock.now(), WorkerClock.instant());
    sleep(Duration::from_millis(30)).await;
    let after = (WorkerClock.now(), WorkerClock.instant());
    let by_the_clock = after.0.as_millis() - before.0.as_millis();
    let by_the_stopwatch = after.1.since(before.1).as_millis();
    assert!((25..5_000).contains(&by_the_clock), "{by_the_clock} ms");
    assert!((25..5_000).contains(&by_the_stopwatch), "{by_the_stopwatch} ms");
    assert!(before.0.as_seconds() > 1_735_689_600, "past 2025");
}

/// Each request drops the timer of its deadline. There are so many here that no room which others left would hold what
/// they leave; nothing else runs in between.
pub(crate) async fn timers_that_are_dropped_leave_nothing(_: &WaitUntil) {
    let begin_and_drop = || assert!(sleep(Duration::from_secs(3_600)).now_or_never().is_none());
    begin_and_drop();
    let before = memory();
    (0..500_000).for_each(|_| begin_and_drop());
    assert_eq!(memory(), before, "bytes of memory");
}

/// A call that is cut off by its deadline drops its promise.
pub(crate) async fn promises_that_are_dropped_leave_nothing(_: &WaitUntil) {
    let never = Promise::new(&mut |_, _| {});
    let begin_and_drop = || assert!(promised(&never).now_or_never().is_none());
    begin_and_drop();
    let before = memory();
    (0..100_000).for_each(|_| begin_and_drop());
    assert_eq!(memory(), before, "bytes of memory");
}

pub(crate) async fn promises_tell_what_they_came_to(_: &WaitUntil) {
    let value = JsValue::from_str("a value");
    assert_eq!(promised(&Promise::resolve(&value)).await, Ok(value.clone()));
    assert_eq!(promised(&Promise::reject(&value)).await, Err(value.clone()));
    // One that is dropped does not give its answer to the next.
    drop(promised(&Promise::resolve(&JsValue::NULL)));
    assert_eq!(promised(&Promise::resolve(&value)).await, Ok(value));
}

pub(crate) async fn ids_differ(_: &WaitUntil) {
    let one = Id::generate(WorkerClock.now(), &WorkerEntropy);
    let other = Id::generate(WorkerClock.now(), &WorkerEntropy);
    assert_ne!(one, other);
    let mut long = vec![0; 70_000];
    WorkerEntropy.fill(&mut long);
    assert!(long.rchunks(1_000).all(|part| part.iter().any(|byte| *byte != 0)));
}

pub(crate) async fn background_work_is_done_as_far_as_there_is_room(background: &WaitUntil) {
    let done = Arc::new(AtomicUsize::new(0));
    for _ in 0..crate::BACKGROUND_TASKS + 1 {
        let done = Arc::clone(&done);
        background.run(Box::pin(async move {
            sleep(Duration::from_millis(1)).await;
            done.fetch_add(1, Ordering::Relaxed);
        }));
    }
    assert_eq!(done.load(Ordering::Relaxed), 0, "nothing runs before its caller waits");
    for _ in 0..100 {
        sleep(Duration::from_millis(5)).await;
        if Arc::strong_count(&done) == 1 {
            break;
        }
    }
    assert_eq!(Arc::try_unwrap(done).unwrap().into_inner(), crate::BACKGROUND_TASKS);
}
