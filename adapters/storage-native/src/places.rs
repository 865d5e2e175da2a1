//! A limited number of places that all callers share, of which one caller may have its share.

use std::{
    collections::HashMap,
    num::NonZeroUsize,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use runtime::CallerShare;
use storage::{Error, Result};
use tokio::{
    sync::{AcquireError, OwnedSemaphorePermit, Semaphore, TryAcquireError},
    time::timeout,
};

/// The caller of a call: a user, or `None` for the program itself, which counts as one more caller.
pub(crate) type Caller = Option<Arc<str>>;

/// The places. A caller that has its share waits for one of its own places, so that it does not delay the others.
#[derive(Debug)]
pub(crate) struct Places {
    all: Arc<Semaphore>,
    of_a_caller: NonZeroUsize,
    callers: Arc<Mutex<HashMap<Caller, Own>>>,
}

/// The places of one caller, and how many calls have one or wait for one.
#[derive(Debug)]
struct Own {
    places: Arc<Semaphore>,
    calls: usize,
}

/// A place: one of the caller's places, and one of all places. Dropping it releases both.
#[derive(Debug)]
pub(crate) struct Place {
    _own: OwnedSemaphorePermit,
    _of_all: OwnedSemaphorePermit,
    _call: Call,
}

impl Places {
    /// `count` places, of which one caller may have `share`.
    pub(crate) fn new(count: NonZeroUsize, share: CallerShare) -> Self {
        Self {
            all: Arc::new(Semaphore::new(count.get())),
            of_a_caller: share.of(count),
            callers: Arc::default(),
        }
    }

    /// A place for a call of `caller`; waits for up to `max_wait`. This must be polled until it is ready: a place that is
    /// released goes to the call that has waited longest, also if that one is not polled.
    ///
    /// # Errors
    /// [`Error::Overloaded`] if there was no place in time, [`Error::Unavailable`] if the places are closed.
    pub(crate) async fn acquire(&self, caller: &Caller, max_wait: Duration) -> Result<Place> {
        // Most calls need not wait, and then need no timer.
        if let Some(place) = self.try_acquire(caller)? {
            return Ok(place);
        }
        let (call, own) = self.begin(caller);
        let both = async { Ok((own.acquire_owned().await?, Arc::clone(&self.all).acquire_owned().await?)) };
        let both: Result<_, AcquireError> = timeout(max_wait, both).await.map_err(Error::overloaded)?;
        let (own, of_all) = both.map_err(Error::unavailable)?;
        Ok(Place { _own: own, _of_all: of_all, _call: call })
    }

    /// A place for a call of `caller`, if it need not wait.
    ///
    /// # Errors
    /// [`Error::Unavailable`] if the places are closed.
    pub(crate) fn try_acquire(&self, caller: &Caller) -> Result<Option<Place>> {
        let (call, own) = self.begin(caller);
        let both = own.try_acquire_owned();
        let both = both.and_then(|own| Ok((own, Arc::clone(&self.all).try_acquire_owned()?)));
        match both {
            Ok((own, of_all)) => Ok(Some(Place { _own: own, _of_all: of_all, _call: call })),
            Err(TryAcquireError::NoPermits) => Ok(None),
            Err(closed @ TryAcquireError::Closed) => Err(Error::unavailable(closed)),
        }
    }

    /// Gives out no more places.
    pub(crate) fn close(&self) {
        self.all.close();
    }

    fn begin(&self, caller: &Caller) -> (Call, Arc<Semaphore>) {
        let new = || Own { places: Arc::new(Semaphore::new(self.of_a_caller.get())), calls: 0 };
        let mut callers = self.callers.lock().unwrap_or_else(PoisonError::into_inner);
        let own = callers.entry(caller.clone()).or_insert_with(new);
        own.calls += 1;
        let call = Call { callers: Arc::clone(&self.callers), caller: caller.clone() };
        (call, Arc::clone(&own.places))
    }
}

/// One call that has a place or waits for one. The last one of a caller removes the caller.
#[derive(Debug)]
struct Call {
    callers: Arc<Mutex<HashMap<Caller, Own>>>,
    caller: Caller,
}

impl Drop for Call {
    fn drop(&mut self) {
        let mut callers = self.callers.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(own) = callers.get_mut(&self.caller) else { return };
        own.calls = own.calls.saturating_sub(1);
        if own.calls == 0 {
            callers.remove(&self.caller);
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;
    use tokio::time::Instant;

    use super::*;

    const WAIT: Duration = Duration::from_secs(5);

    fn caller(name: &str) -> Caller {
        Some(name.into())
    }

    /// Eight places, two of them for each caller.
    fn places() -> Places {
        Places::new(NonZeroUsize::new(8).unwrap(), CallerShare::DEFAULT)
    }

    fn acquire(places: &Places, name: &str) -> Option<Place> {
        places.acquire(&caller(name), WAIT).now_or_never().map(Result::unwrap)
    }

    #[tokio::test]
    async fn a_caller_with_its_share_waits_for_its_own_places_and_not_for_those_of_others() {
        let places = places();
        let first = acquire(&places, "much");
        let _second = acquire(&places, "much");
        assert!(acquire(&places, "much").is_none(), "the share is 2 of 8");
        assert!(acquire(&places, "little").is_some());
        drop(first);
        assert!(acquire(&places, "much").is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn a_call_waits_no_longer_than_the_maximum() {
        let places = places();
        let taken: Vec<_> =
            ["a", "a", "b", "b", "c", "c", "d", "d"].map(|name| acquire(&places, name)).into();
        assert!(taken.iter().all(Option::is_some));
        let start = Instant::now();
        let late = places.acquire(&caller("e"), WAIT).await;
        assert!(matches!(late, Err(Error::Overloaded(_))), "{late:?}");
        assert_eq!(start.elapsed(), WAIT);
        drop(taken);
        assert!(acquire(&places, "e").is_some());
    }

    #[tokio::test]
    async fn a_caller_without_calls_uses_no_memory() {
        let places = places();
        let held =
            [acquire(&places, "a"), acquire(&places, "a"), acquire(&places, "a"), acquire(&places, "b")];
        assert_eq!(places.callers.lock().unwrap().len(), 2);
        drop(held);
        assert!(places.callers.lock().unwrap().is_empty());
    }

    #[tokio::test]
    async fn closed_places_are_unavailable() {
        let places = places();
        places.close();
        let closed = places.acquire(&caller("a"), WAIT).await;
        assert!(matches!(closed, Err(Error::Unavailable(_))), "{closed:?}");
    }
}
