use storage::{Clock, Timestamp};
use worker::Date;

/// The runtime's clock. In a Worker it stands still between two pieces of I/O.
#[derive(Clone, Copy, Debug, Default)]
pub struct WorkerClock;

impl Clock for WorkerClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(i64::try_from(Date::now().as_millis()).unwrap_or(i64::MAX))
    }
}
