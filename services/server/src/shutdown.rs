//! The shutdown of the process, in two steps. After the first SIGTERM, the process drains: it is not ready any more but still
//! serves, so that load balancers send their traffic elsewhere. After the drain delay, or immediately after Ctrl-C, it stops:
//! the listeners close and open requests may complete. The next signal, or the end of the grace period, aborts the rest.

use std::{future::Future, time::Duration};

use anyhow::Context as _;
use readiness::Draining;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// The time for open requests to complete after the listeners have closed.
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

    async fn next(&mut self) -> StopSignal {
        tokio::select! {
            _ = self.terminate.recv() => StopSignal::Terminate,
            _ = self.interrupt.recv() => StopSignal::Interrupt,
        }
    }
}

/// The signal that was received.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum StopSignal {
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
    /// end of the grace period ends the wait.
    pub(crate) async fn wait(self, mut signals: Signals, drain_delay: Duration) {
        let signal = signals.next().await;
        self.draining.begin();
        if signal == StopSignal::Terminate && !drain_delay.is_zero() {
            let drain_seconds = drain_delay.as_secs();
            tracing::info!(
                drain_seconds,
                "draining: reporting not ready, still serving for {drain_seconds} s"
            );
            tokio::select! {
                () = tokio::time::sleep(drain_delay) => {}
                _ = signals.next() => {
                    return tracing::warn!("received a second signal; open requests were aborted");
                }
            }
        }
        tracing::info!("stopping: no new requests are accepted, open requests may complete");
        self.stop.cancel();
        self.tasks.close();
        tokio::select! {
            () = self.tasks.wait() => {}
            () = tokio::time::sleep(GRACE_PERIOD) => tracing::warn!(
                grace_seconds = GRACE_PERIOD.as_secs(),
                "the grace period is over; open requests were aborted"
            ),
            _ = signals.next() => tracing::warn!("received a second signal; open requests were aborted"),
        }
    }
}
