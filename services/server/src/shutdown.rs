//! The end of the process: the first SIGTERM or Ctrl-C drains, the second or the grace period ends what is left.

use std::{future::Future, time::Duration};

use anyhow::Context as _;
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

    async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

/// The tasks of the process and the word that ends them.
#[derive(Clone, Default)]
pub(crate) struct Lifetime {
    stop: CancellationToken,
    tasks: TaskTracker,
}

impl Lifetime {
    /// Runs `task` until it ends; the process waits for it when it stops.
    pub(crate) fn run(&self, task: impl Future<Output = ()> + Send + 'static) {
        self.tasks.spawn(task);
    }

    /// Resolves when the process is told to stop.
    pub(crate) fn stopping(&self) -> impl Future<Output = ()> + Send + 'static {
        self.stop.clone().cancelled_owned()
    }

    /// Waits for the signal, then for the tasks, until the second signal or the end of the grace period.
    pub(crate) async fn wait(self, mut signals: Signals) {
        signals.next().await;
        tracing::info!("stopping: no new requests, those under way may end");
        self.stop.cancel();
        self.tasks.close();
        tokio::select! {
            () = self.tasks.wait() => {}
            () = tokio::time::sleep(GRACE_PERIOD) => tracing::warn!(
                grace_seconds = GRACE_PERIOD.as_secs(),
                "the grace period is over; requests were cut off"
            ),
            () = signals.next() => tracing::warn!("told to stop again; requests were cut off"),
        }
    }
}
