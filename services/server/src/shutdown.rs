//! The end of the process, in two steps. At the first SIGTERM nothing is ready any more, though everything still serves, so
//! that load balancers send their traffic elsewhere. Once they had the time for that, or at once at Ctrl-C, the listeners
//! close and requests under way may end. The next signal or the end of the grace period ends what is left.

use std::{future::Future, time::Duration};

use anyhow::Context as _;
use readiness::Draining;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// How long requests that are under way may take to end once the process was told to stop.
pub(crate) const GRACE_PERIOD: Duration = Duration::from_secs(20);

/// SIGTERM and Ctrl-C, which end the process at once until somebody listens for them.
pub(crate) struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    /// Listens from now on: whoever learns of a port may tell the process to stop.
    pub(crate) fn listen() -> anyhow::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate()).context("cannot listen for SIGTERM")?,
            interrupt: signal(SignalKind::interrupt()).context("cannot listen for Ctrl-C")?,
        })
    }

    async fn next(&mut self) -> Told {
        tokio::select! {
            _ = self.terminate.recv() => Told::Terminate,
            _ = self.interrupt.recv() => Told::Interrupt,
        }
    }
}

/// Which signal came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Told {
    /// SIGTERM: an orchestrator's.
    Terminate,
    /// Ctrl-C: somebody's at a terminal.
    Interrupt,
}

/// The tasks of the process and the word that ends them.
#[derive(Clone, Default)]
pub(crate) struct Lifetime {
    draining: Draining,
    stop: CancellationToken,
    tasks: TaskTracker,
}

impl Lifetime {
    /// Runs `task` until it ends; the process waits for it when it stops.
    pub(crate) fn run(&self, task: impl Future<Output = ()> + Send + 'static) {
        self.tasks.spawn(task);
    }

    /// Whether the process has been told to stop.
    pub(crate) fn draining(&self) -> Draining {
        self.draining.clone()
    }

    /// Resolves when the listeners close and calls are to end.
    pub(crate) fn stopping(&self) -> impl Future<Output = ()> + Send + 'static {
        self.stop.clone().cancelled_owned()
    }

    /// Waits for the signal, then for `drain_delay` while nothing is ready, then for the tasks, until the second signal or
    /// the end of the grace period.
    pub(crate) async fn wait(self, mut signals: Signals, drain_delay: Duration) {
        let told = signals.next().await;
        self.draining.begin();
        if told == Told::Terminate && !drain_delay.is_zero() {
            let drain_seconds = drain_delay.as_secs();
            tracing::info!(drain_seconds, "draining: not ready any more, but serving for now");
            tokio::select! {
                () = tokio::time::sleep(drain_delay) => {}
                _ = signals.next() => return tracing::warn!("told to stop again; requests were cut off"),
            }
        }
        tracing::info!("stopping: no new requests, those under way may end");
        self.stop.cancel();
        self.tasks.close();
        tokio::select! {
            () = self.tasks.wait() => {}
            () = tokio::time::sleep(GRACE_PERIOD) => tracing::warn!(
                grace_seconds = GRACE_PERIOD.as_secs(),
                "the grace period is over; requests were cut off"
            ),
            _ = signals.next() => tracing::warn!("told to stop again; requests were cut off"),
        }
    }
}
