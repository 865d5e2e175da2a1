use std::{future::Future, time::Duration};

use crate::{Clock, Timer};

/// The longest pause, so that one slow batch does not stop the work for long.
const LONGEST: Duration = Duration::from_secs(1);

/// The pauses of background work that writes in batches: after each batch, as long as the batch took, at most one second.
///
/// The processes that share a SQLite file wait for its lock by polling: one that writes without a pause takes the lock again
/// before the others see that it is free.
#[derive(Debug)]
pub struct Pauses<'a, C, T> {
    clock: &'a C,
    timer: &'a T,
}

impl<'a, C: Clock, T: Timer> Pauses<'a, C, T> {
    /// Pauses that are measured by `clock` and waited by `timer`.
    pub const fn new(clock: &'a C, timer: &'a T) -> Self {
        Self { clock, timer }
    }

    /// Runs `batch`, and then pauses. Returns the result of the batch.
    pub async fn after<R>(&self, batch: impl Future<Output = R>) -> R {
        let start = self.clock.instant();
        let result = batch.await;
        self.timer.sleep(self.clock.instant().since(start).min(LONGEST)).await;
        result
    }
}

#[cfg(test)]
mod tests {
    use std::{
        pin::pin,
        sync::{Arc, Mutex},
        task::{Context, Poll, Waker},
    };

    use super::*;
    use crate::{Instant, Timestamp};

    /// A clock that a batch advances, and a timer that advances it, too, and records for how long.
    #[derive(Clone, Default)]
    struct Recorder(Arc<Mutex<(Duration, Vec<Duration>)>>);

    impl Recorder {
        fn advance(&self, by: Duration) {
            self.0.lock().unwrap().0 += by;
        }
    }

    impl Clock for Recorder {
        fn now(&self) -> Timestamp {
            Timestamp::from_millis(0)
        }

        fn instant(&self) -> Instant {
            Instant::from_elapsed(self.0.lock().unwrap().0)
        }
    }

    impl Timer for Recorder {
        fn sleep(&self, duration: Duration) -> impl Future<Output = ()> + Send + 'static {
            self.0.lock().unwrap().1.push(duration);
            std::future::ready(())
        }
    }

    #[test]
    fn a_pause_is_as_long_as_its_batch_but_at_most_a_second() {
        let recorder = Recorder::default();
        let pauses = Pauses::new(&recorder, &recorder);
        for (batch, pause) in [(0, 0), (30, 30), (1_000, 1_000), (5_000, 1_000)] {
            let run = pauses.after(async {
                recorder.advance(Duration::from_millis(batch));
                batch
            });
            let result = pin!(run).poll(&mut Context::from_waker(Waker::noop()));
            assert_eq!(result, Poll::Ready(batch));
            let last = recorder.0.lock().unwrap().1.last().copied();
            assert_eq!(last, Some(Duration::from_millis(pause)), "{batch}");
        }
    }
}
