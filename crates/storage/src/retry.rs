use runtime::{Backoff, Entropy, Timer};

/// Which calls may be retried at once after a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retry {
    /// All: the call never reached the back end.
    AnyCall,
    /// Only reads: a write may have taken place.
    Reads,
    /// None: a retry would not help, or would add to the load.
    Never,
}

impl Retry {
    /// Whether a call may be retried that only reads, or that may write.
    #[must_use]
    pub const fn allows(self, only_reads: bool) -> bool {
        match self {
            Self::AnyCall => true,
            Self::Reads => only_reads,
            Self::Never => false,
        }
    }
}

/// Runs `attempt` until it succeeds, fails in a way that `may_retry` rejects, or the attempts of [`Backoff`] are used up.
///
/// # Errors
/// The failure of the last attempt.
pub async fn retry<T, E, F>(
    timer: &impl Timer,
    entropy: &impl Entropy,
    may_retry: impl Fn(&E) -> bool + Send,
    mut attempt: impl FnMut() -> F + Send,
) -> Result<T, E>
where
    T: Send,
    E: Send,
    F: Future<Output = Result<T, E>> + Send,
{
    let mut backoff = Backoff::default();
    loop {
        let failure = match attempt().await {
            Ok(result) => return Ok(result),
            Err(failure) => failure,
        };
        if !may_retry(&failure) {
            return Err(failure);
        }
        let mut random = [0];
        entropy.fill(&mut random);
        match backoff.next_pause(random[0]) {
            Some(pause) => timer.sleep(pause).await,
            None => return Err(failure),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{
        future::ready,
        sync::{Arc, Mutex},
        time::Duration,
    };

    use futures_util::FutureExt as _;

    use super::*;

    /// Returns at once, and remembers each pause in milliseconds.
    #[derive(Clone, Default)]
    struct Pauses(Arc<Mutex<Vec<u128>>>);

    impl Timer for Pauses {
        fn sleep(&self, duration: Duration) -> impl Future<Output = ()> + Send + 'static {
            self.0.lock().unwrap().push(duration.as_millis());
            ready(())
        }
    }

    #[derive(Clone)]
    struct Bytes(u8);

    impl Entropy for Bytes {
        fn fill(&self, buffer: &mut [u8]) {
            buffer.fill(self.0);
        }
    }

    /// The result of a call whose attempts have `results`, and the pauses between them.
    fn call(only_reads: bool, random: u8, results: &[Result<u32, Retry>]) -> (Result<u32, Retry>, Vec<u128>) {
        let pauses = Pauses::default();
        let mut results = results.iter().copied();
        let may_retry = |failure: &Retry| failure.allows(only_reads);
        let attempt = || ready(results.next().unwrap());
        let result = retry(&pauses, &Bytes(random), may_retry, attempt).now_or_never().unwrap();
        let pauses = pauses.0.lock().unwrap().clone();
        (result, pauses)
    }

    #[test]
    fn a_read_has_three_attempts_with_growing_pauses() {
        for failure in [Retry::Reads, Retry::AnyCall] {
            assert_eq!(call(true, 0, &[Err(failure); 3]), (Err(failure), vec![100, 400]));
            assert_eq!(call(true, 255, &[Err(failure); 3]), (Err(failure), vec![50, 200]));
            assert_eq!(call(true, 0, &[Err(failure), Ok(7)]), (Ok(7), vec![100]));
        }
    }

    #[test]
    fn a_write_is_retried_only_if_nothing_ran() {
        assert_eq!(call(false, 0, &[Err(Retry::Reads)]), (Err(Retry::Reads), vec![]));
        assert_eq!(call(false, 0, &[Err(Retry::AnyCall), Ok(7)]), (Ok(7), vec![100]));
        let then_unknown = [Err(Retry::AnyCall), Err(Retry::Reads)];
        assert_eq!(call(false, 0, &then_unknown), (Err(Retry::Reads), vec![100]));
    }

    #[test]
    fn a_failure_that_a_retry_does_not_help_is_final() {
        for only_reads in [true, false] {
            assert_eq!(call(only_reads, 0, &[Err(Retry::Never)]), (Err(Retry::Never), vec![]));
        }
    }
}
