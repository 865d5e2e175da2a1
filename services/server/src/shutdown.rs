//! The shutdown of the process, in two steps. After the first SIGTERM, the process drains: it is not ready any more but still
//! serves, so that load balancers send their traffic elsewhere. After the drain delay, or immediately after Ctrl-C, it stops:
//! the listeners close and open requests may complete. The next signal, or the end of the grace period, aborts the rest.

use std::{future::Future, time::Duration};

use anyhow::Context as _;
use readiness::Draining;
use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    time::Instant,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// The time for open requests and background tasks to complete after the listeners have closed. Together with the default
/// drain delay, it is shorter than the 30 s after which orchestrators commonly kill a process.
pub(crate) const GRACE_PERIOD: Duration = Duration::from_secs(20);

/// SIGTERM and Ctrl-C. Before [`Signals::listen`], they end the process immediately.
pub(crate) struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    /// Starts to listen for the signals. Call it before binding ports: once a port is known, a signal may arrive.
    pub(crate) fn listen() -> anyhow::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate()).context("cannot listen for SIGTERM")?,
            interrupt: signal(SignalKind::interrupt()).context("cannot listen for Ctrl-C")?,
        })
    }
}

/// A source of stop signals.
pub(crate) trait StopSignals: Send {
    /// Waits for the next signal. A canceled wait loses none.
    fn next(&mut self) -> impl Future<Output = StopSignal> + Send;
}

impl StopSignals for Signals {
    async fn next(&mut self) -> StopSignal {
        tokio::select! {
            _ = self.terminate.recv() => StopSignal::Terminate,
            _ = self.interrupt.recv() => StopSignal::Interrupt,
        }
    }
}

/// The signal that was received.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum StopSignal {
    /// SIGTERM, from an orchestrator.
    Terminate,
    /// Ctrl-C, from a user at a terminal.
    Interrupt,
}

/// The tasks of the process, and the state of its shutdown.
#[derive(Clone, Default)]
pub(crate) struct Lifetime {
    draining: Draining,
    stop: CancellationToken,
    tasks: TaskTracker,
}

impl Lifetime {
    /// Spawns `task`; the process waits for its end during the shutdown.
    pub(crate) fn run(&self, task: impl Future<Output = ()> + Send + 'static) {
        self.tasks.spawn(task);
    }

    /// Whether the process is draining.
    pub(crate) fn draining(&self) -> Draining {
        self.draining.clone()
    }

    /// Resolves when the listeners close and calls must end.
    pub(crate) fn stopping(&self) -> impl Future<Output = ()> + Send + 'static {
        self.stop.clone().cancelled_owned()
    }

    /// Waits for the first signal, then for `drain_delay` while nothing is ready, then for the tasks. The second signal or the
    /// end of the grace period ends the wait. Returns the rest of the grace period, which is all that remains for closing the
    /// stores: orchestrators kill a process that stops too slowly.
    pub(crate) async fn wait(self, mut signals: impl StopSignals, drain_delay: Duration) -> Duration {
        let signal = signals.next().await;
        self.draining.begin();
        let is_hurried = signal == StopSignal::Terminate
            && !drain_delay.is_zero()
            && drain(&mut signals, drain_delay).await == Drained::SecondSignal;
        self.stop.cancel();
        self.tasks.close();
        if is_hurried {
            return abort_after_second_signal();
        }
        tracing::info!("stopping: no new requests are accepted, open requests may complete");
        let start = Instant::now();
        tokio::select! {
            () = self.tasks.wait() => GRACE_PERIOD.saturating_sub(start.elapsed()),
            () = tokio::time::sleep(GRACE_PERIOD) => {
                let grace_seconds = GRACE_PERIOD.as_secs();
                tracing::warn!(grace_seconds, "the grace period is over; open requests were aborted");
                Duration::ZERO
            }
            _ = signals.next() => abort_after_second_signal(),
        }
    }
}

/// How the drain delay ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Drained {
    DelayIsOver,
    SecondSignal,
}

/// Waits for `delay`, or until the next signal.
async fn drain(signals: &mut impl StopSignals, delay: Duration) -> Drained {
    let drain_seconds = delay.as_secs();
    tracing::info!(drain_seconds, "draining: reporting not ready, still serving for {drain_seconds} s");
    tokio::select! {
        () = tokio::time::sleep(delay) => Drained::DelayIsOver,
        _ = signals.next() => Drained::SecondSignal,
    }
}

/// The rest of the grace period after a second signal.
fn abort_after_second_signal() -> Duration {
    tracing::warn!("received a second signal; open requests were aborted");
    Duration::ZERO
}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use super::*;

    const DELAY: Duration = Duration::from_secs(3);

    /// Signals that arrive at these times.
    struct Scheduled(Vec<(Instant, StopSignal)>);

    impl StopSignals for Scheduled {
        async fn next(&mut self) -> StopSignal {
            let Some((time, signal)) = self.0.first().copied() else { return pending().await };
            tokio::time::sleep_until(time).await;
            self.0.remove(0);
            signal
        }
    }

    /// The rest of the grace period, and how long the wait was, if `signals` arrive after these times, and a task ends `task`
    /// after the listeners close.
    async fn rest_after(signals: &[(Duration, StopSignal)], task: Duration) -> (Duration, Duration) {
        let (lifetime, start) = (Lifetime::default(), Instant::now());
        let (stopping, stopped) = (lifetime.stopping(), lifetime.stopping());
        lifetime.run(async move {
            stopping.await;
            tokio::time::sleep(task).await;
        });
        let signals = signals.iter().map(|(after, signal)| (start + *after, *signal)).collect();
        let rest = lifetime.wait(Scheduled(signals), DELAY).await;
        let waited = start.elapsed();
        let is_stopping = tokio::time::timeout(Duration::from_secs(1), stopped).await.is_ok();
        assert!(is_stopping, "the listeners were not closed");
        (rest, waited)
    }

    #[tokio::test(start_paused = true)]
    async fn tasks_and_stores_share_one_grace_period() {
        let terminate = [(Duration::ZERO, StopSignal::Terminate)];
        let task = Duration::from_secs(5);
        assert_eq!(rest_after(&terminate, task).await, (GRACE_PERIOD - task, DELAY + task));
        assert_eq!(rest_after(&terminate, GRACE_PERIOD * 2).await, (Duration::ZERO, DELAY + GRACE_PERIOD));
        let interrupt = [(Duration::ZERO, StopSignal::Interrupt)];
        assert_eq!(rest_after(&interrupt, task).await, (GRACE_PERIOD - task, task));
    }

    #[tokio::test(start_paused = true)]
    async fn a_second_signal_leaves_no_grace_period() {
        for seconds in [1, 4] {
            let second = Duration::from_secs(seconds);
            let signals = [(Duration::ZERO, StopSignal::Terminate), (second, StopSignal::Terminate)];
            assert_eq!(rest_after(&signals, Duration::from_secs(10)).await, (Duration::ZERO, second));
        }
    }
}
