use std::time::Duration;

use runtime::{Clock, Instant, Timestamp};
use worker::{Date, wasm_bindgen::prelude::wasm_bindgen};

#[wasm_bindgen(wasm_bindgen = worker::wasm_bindgen)]
extern "C" {
    #[wasm_bindgen(js_namespace = performance, js_name = now)]
    fn performance_now() -> f64;
}

/// The runtime's clocks. In a Worker both advance only with I/O: a computation seems to take no time, but the time of a wait
/// is measured correctly.
#[derive(Clone, Copy, Debug, Default)]
pub struct WorkerClock;

impl Clock for WorkerClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(i64::try_from(Date::now().as_millis()).unwrap_or(i64::MAX))
    }

    fn instant(&self) -> Instant {
        Instant::from_elapsed(Duration::try_from_secs_f64(performance_now() / 1000.0).unwrap_or_default())
    }
}
