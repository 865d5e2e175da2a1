//! Runs the probes and caches their verdict.

use std::{fmt, future::Future, pin::Pin, sync::Arc, time::Duration};

use futures_util::{
    FutureExt as _,
    future::{Either, join_all, select},
    lock::Mutex,
};
use runtime::Timer;

use crate::{NotReady, Verdict};

/// How long a verdict is cached.
const CACHE_TTL: Duration = Duration::from_secs(1);

/// How long a probe may take. It must be shorter than the timeouts of the callers.
const PROBE_TIMEOUT: Duration = Duration::from_millis(1_500);

type BoxFuture<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// One dependency that a service needs to handle requests.
pub struct Need {
    name: &'static str,
    probe: Box<dyn Fn() -> BoxFuture<Verdict> + Send + Sync>,
}

impl Need {
    /// A dependency called `name`, for example "The database"; `probe` checks whether it works.
    pub fn new<F>(name: &'static str, probe: impl Fn() -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Verdict> + Send + 'static,
    {
        Self { name, probe: Box::new(move || Box::pin(probe())) }
    }
}

/// Checks whether a service is ready. Clones share the cached verdict.
#[derive(Clone)]
pub struct Readiness {
    shared: Arc<Shared>,
}

struct Shared {
    needs: Vec<Need>,
    sleep: Box<dyn Fn(Duration) -> BoxFuture<()> + Send + Sync>,
    /// Locked while the probes run, so that concurrent callers wait for the same verdict. `None`: nothing is cached.
    cache: Option<Mutex<Option<CachedVerdict>>>,
}

struct CachedVerdict {
    verdict: Verdict,
    /// Resolves when the verdict expires. Nothing waits for it; it is only polled to check whether it is ready.
    expiry: BoxFuture<()>,
}

impl Readiness {
    /// Probes `needs` at most once per second for all callers, each with a timeout of 1.5 seconds.
    pub fn new(needs: Vec<Need>, timer: impl Timer) -> Self {
        Self::build(needs, timer, Some(Mutex::new(None)))
    }

    /// Probes `needs` for each call of [`Self::check`], without a cache. Needed in a Worker, where a request cannot wait for
    /// a future of another request.
    pub fn uncached(needs: Vec<Need>, timer: impl Timer) -> Self {
        Self::build(needs, timer, None)
    }

    fn build(needs: Vec<Need>, timer: impl Timer, cache: Option<Mutex<Option<CachedVerdict>>>) -> Self {
        let sleep = Box::new(move |duration| -> BoxFuture<()> { Box::pin(timer.sleep(duration)) });
        Self { shared: Arc::new(Shared { needs, sleep, cache }) }
    }

    /// Returns a verdict that is at most one second old.
    ///
    /// # Errors
    /// [`NotReady`] with the reasons why the service is not ready.
    pub async fn check(&self) -> Verdict {
        let Some(cache) = &self.shared.cache else { return self.shared.probe_all().await };
        let mut cache = cache.lock().await;
        let current = match cache.take().and_then(CachedVerdict::unless_expired) {
            Some(cached) => cached,
            None => CachedVerdict {
                verdict: self.shared.probe_all().await,
                expiry: (self.shared.sleep)(CACHE_TTL),
            },
        };
        cache.insert(current).verdict.clone()
    }
}

impl Shared {
    async fn probe_all(&self) -> Verdict {
        NotReady::all(join_all(self.needs.iter().map(|need| self.probe(need))).await)
    }

    async fn probe(&self, need: &Need) -> Verdict {
        match select((need.probe)(), (self.sleep)(PROBE_TIMEOUT)).await {
            Either::Left((verdict, _)) => verdict,
            Either::Right(((), _)) => {
                let seconds = PROBE_TIMEOUT.as_secs_f32();
                let reason = format!("{} did not respond within {seconds} s.", need.name);
                tracing::warn!("{reason}");
                Err(NotReady::because(reason))
            }
        }
    }
}

impl CachedVerdict {
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

    /// A readiness whose probe takes 100 ms, and a counter of its probes.
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
    async fn concurrent_checks_share_one_probe_and_its_verdict_is_cached_for_one_second() {
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
    async fn a_probe_that_never_responds_makes_the_service_not_ready() {
        let needs = vec![Need::new("A", || async { Ok(()) }), Need::new("The database", pending)];
        let verdict = Readiness::new(needs, TokioTimer).check().await;
        assert_eq!(verdict, Err(NotReady::because("The database did not respond within 1.5 s.")));
    }

    #[tokio::test(start_paused = true)]
    async fn a_cancelled_check_does_not_affect_other_checks() {
        let (readiness, count) = counted(Ok(()));
        drop(tokio::time::timeout(Duration::from_millis(50), readiness.check()).await);
        assert_eq!(readiness.check().await, Ok(()));
        tokio::time::sleep(Duration::from_secs(2)).await;
        drop(tokio::time::timeout(Duration::from_millis(50), readiness.check()).await);
        assert_eq!(readiness.check().await, Ok(()));
        assert_eq!(count.load(Ordering::SeqCst), 4);
    }
}
