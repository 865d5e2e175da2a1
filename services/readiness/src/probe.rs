//! Asks a probe on behalf of everybody who wants to know.

use std::{fmt, future::Future, pin::Pin, sync::Arc, time::Duration};

use futures_util::{
    FutureExt as _,
    future::{Either, join_all, select},
    lock::Mutex,
};
use storage::Timer;

use crate::{NotReady, Verdict};

/// How long a verdict holds.
const FRESH: Duration = Duration::from_secs(1);

/// How long a probe may take: less than those wait who ask for it.
const LIMIT: Duration = Duration::from_millis(1_500);

type BoxFuture<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// One thing that is needed to serve.
pub struct Need {
    name: &'static str,
    probe: Box<dyn Fn() -> BoxFuture<Verdict> + Send + Sync>,
}

impl Need {
    /// What is called `name`, as in "The database"; `probe` finds out whether it is there.
    pub fn new<F>(name: &'static str, probe: impl Fn() -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Verdict> + Send + 'static,
    {
        Self { name, probe: Box::new(move || Box::pin(probe())) }
    }
}

/// Whether a part can serve. Clones share what is known of it.
#[derive(Clone)]
pub struct Readiness {
    shared: Arc<Shared>,
}

struct Shared {
    needs: Vec<Need>,
    sleep: Box<dyn Fn(Duration) -> BoxFuture<()> + Send + Sync>,
    /// Held while the probes run, so that whoever asks meanwhile gets the same verdict. `None`: each asks for itself.
    latest: Option<Mutex<Option<Latest>>>,
}

struct Latest {
    verdict: Verdict,
    /// Resolves when the verdict does not hold any more. It is only ever polled to see whether it has.
    expiry: BoxFuture<()>,
}

impl Readiness {
    /// One that probes `needs` at most once a second, however many want to know, and gives each 1.5 seconds.
    pub fn new(needs: Vec<Need>, timer: impl Timer) -> Self {
        Self::build(needs, timer, Some(Mutex::new(None)))
    }

    /// One that probes `needs` for each who wants to know: for a Worker, where no request can wait for what another one has
    /// begun.
    pub fn unshared(needs: Vec<Need>, timer: impl Timer) -> Self {
        Self::build(needs, timer, None)
    }

    fn build(needs: Vec<Need>, timer: impl Timer, latest: Option<Mutex<Option<Latest>>>) -> Self {
        let sleep = Box::new(move |duration| -> BoxFuture<()> { Box::pin(timer.sleep(duration)) });
        Self { shared: Arc::new(Shared { needs, sleep, latest }) }
    }

    /// The verdict, not older than a second.
    ///
    /// # Errors
    /// [`NotReady`] says why the part cannot serve.
    pub async fn check(&self) -> Verdict {
        let Some(latest) = &self.shared.latest else { return self.shared.probe_all().await };
        let mut latest = latest.lock().await;
        let known = match latest.take().and_then(Latest::unless_expired) {
            Some(known) => known,
            None => Latest { verdict: self.shared.probe_all().await, expiry: (self.shared.sleep)(FRESH) },
        };
        latest.insert(known).verdict.clone()
    }
}

impl Shared {
    async fn probe_all(&self) -> Verdict {
        NotReady::all(join_all(self.needs.iter().map(|need| self.probe(need))).await)
    }

    async fn probe(&self, need: &Need) -> Verdict {
        match select((need.probe)(), (self.sleep)(LIMIT)).await {
            Either::Left((verdict, _)) => verdict,
            Either::Right(((), _)) => {
                let reason = format!("{} does not answer in time.", need.name);
                tracing::warn!("{reason}");
                Err(NotReady::because(reason))
            }
        }
    }
}

impl Latest {
    fn unless_expired(mut self) -> Option<Self> {
        self.expiry.as_mut().now_or_never().is_none().then_some(self)
    }
}

impl fmt::Debug for Need {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

impl fmt::Debug for Readiness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Readiness").field("needs", &self.shared.needs).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::{
        future::pending,
        sync::atomic::{AtomicUsize, Ordering},
    };

    use storage_native::TokioTimer;

    use super::*;

    /// A readiness whose probe takes a tenth of a second, and how often it was asked.
    fn counted(verdict: Verdict) -> (Readiness, Arc<AtomicUsize>) {
        let count = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&count);
        let probe = move || {
            counter.fetch_add(1, Ordering::SeqCst);
            let verdict = verdict.clone();
            async move {
                tokio::time::sleep(Duration::from_millis(100)).await;
                verdict
            }
        };
        (Readiness::new(vec![Need::new("The database", probe)], TokioTimer), count)
    }

    #[tokio::test(start_paused = true)]
    async fn many_who_ask_at_once_cost_one_probe_and_its_verdict_holds_for_a_second() {
        let (readiness, count) = counted(Err(NotReady::because("No.")));
        let verdicts = join_all((0..100).map(|_| readiness.check())).await;
        assert!(verdicts.iter().all(|verdict| *verdict == Err(NotReady::because("No."))));
        tokio::time::sleep(Duration::from_millis(900)).await;
        drop(readiness.check().await);
        assert_eq!(count.load(Ordering::SeqCst), 1);
        tokio::time::sleep(Duration::from_millis(200)).await;
        drop(readiness.check().await);
        assert_eq!(count.load(Ordering::SeqCst), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn a_probe_that_never_answers_is_a_part_that_is_not_ready() {
        let needs = vec![Need::new("A", || async { Ok(()) }), Need::new("The database", pending)];
        let verdict = Readiness::new(needs, TokioTimer).check().await;
        assert_eq!(verdict, Err(NotReady::because("The database does not answer in time.")));
    }

    #[tokio::test(start_paused = true)]
    async fn one_who_stops_asking_midway_leaves_the_others_their_verdict() {
        let (readiness, count) = counted(Ok(()));
        drop(tokio::time::timeout(Duration::from_millis(50), readiness.check()).await);
        assert_eq!(readiness.check().await, Ok(()));
        tokio::time::sleep(Duration::from_secs(2)).await;
        drop(tokio::time::timeout(Duration::from_millis(50), readiness.check()).await);
        assert_eq!(readiness.check().await, Ok(()));
        assert_eq!(count.load(Ordering::SeqCst), 4);
    }
}
