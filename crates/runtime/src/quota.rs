//! Limits of what callers use of a resource: a total for all callers, and a smaller limit for each, so that one caller cannot
//! use everything.

use std::{
    collections::HashMap,
    hash::Hash,
    mem,
    num::NonZeroUsize,
    sync::{Arc, Mutex, PoisonError},
};

/// The limit that would be exceeded, and its figure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exceeded {
    /// The limit of one caller. It is checked first: that caller has to use less, whatever the others do.
    Caller(usize),
    /// The limit of all callers together.
    Total(usize),
}

/// The limits of a resource, and its use by each caller. `K` identifies a caller.
///
/// ```
/// use std::{num::NonZeroUsize, sync::Arc};
/// use runtime::{Exceeded, Quota};
///
/// let quota = Arc::new(Quota::new(NonZeroUsize::new(10).unwrap(), NonZeroUsize::new(4).unwrap()));
/// let used = quota.of("alice").with(4).unwrap();
/// assert_eq!(quota.of("alice").with(1).unwrap_err(), Exceeded::Caller(4));
/// drop(used);
/// assert!(quota.of("alice").with(1).is_ok());
/// ```
#[derive(Debug)]
pub struct Quota<K> {
    total: usize,
    per_caller: usize,
    used: Mutex<Used<K>>,
}

#[derive(Debug)]
struct Used<K> {
    by_all: usize,
    /// Only callers whose use is not 0.
    by_caller: HashMap<K, usize>,
}

impl<K: Clone + Eq + Hash> Quota<K> {
    /// The limits of a resource that is not used yet.
    #[must_use]
    pub fn new(total: NonZeroUsize, per_caller: NonZeroUsize) -> Self {
        let used = Mutex::new(Used { by_all: 0, by_caller: HashMap::new() });
        Self { total: total.get(), per_caller: per_caller.get(), used }
    }

    /// A [`Use`] by `caller` of amount 0.
    #[must_use]
    pub fn of(self: &Arc<Self>, caller: K) -> Use<K> {
        Use { quota: Arc::clone(self), caller, amount: 0 }
    }

    fn add(&self, caller: &K, amount: usize) -> Result<(), Exceeded> {
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        let by_caller = used.by_caller.get(caller).copied().unwrap_or_default();
        if by_caller.saturating_add(amount) > self.per_caller {
            return Err(Exceeded::Caller(self.per_caller));
        }
        if used.by_all.saturating_add(amount) > self.total {
            return Err(Exceeded::Total(self.total));
        }
        used.by_all += amount;
        used.by_caller.insert(caller.clone(), by_caller + amount);
        Ok(())
    }

    fn subtract(&self, caller: &K, amount: usize) {
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        used.by_all = used.by_all.saturating_sub(amount);
        if let Some(by_caller) = used.by_caller.get_mut(caller) {
            *by_caller = by_caller.saturating_sub(amount);
            if *by_caller == 0 {
                used.by_caller.remove(caller);
            }
        }
    }
}

/// An amount of a resource that one caller uses. Dropping it releases the amount.
#[derive(Debug)]
pub struct Use<K: Clone + Eq + Hash> {
    quota: Arc<Quota<K>>,
    caller: K,
    amount: usize,
}

impl<K: Clone + Eq + Hash> Use<K> {
    /// Adds `amount`.
    ///
    /// # Errors
    /// [`Exceeded`]: the amount is unchanged then.
    pub fn add(&mut self, amount: usize) -> Result<(), Exceeded> {
        self.quota.add(&self.caller, amount)?;
        self.amount += amount;
        Ok(())
    }

    /// Adds `amount` and returns the use.
    ///
    /// # Errors
    /// [`Exceeded`].
    pub fn with(mut self, amount: usize) -> Result<Self, Exceeded> {
        self.add(amount).map(|()| self)
    }

    /// Sets the amount to 0.
    pub fn release(&mut self) {
        let amount = mem::take(&mut self.amount);
        if amount > 0 {
            self.quota.subtract(&self.caller, amount);
        }
    }
}

impl<K: Clone + Eq + Hash> Drop for Use<K> {
    fn drop(&mut self) {
        self.release();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn quota(total: usize, per_caller: usize) -> Arc<Quota<&'static str>> {
        let limit = |amount| NonZeroUsize::new(amount).unwrap();
        Arc::new(Quota::new(limit(total), limit(per_caller)))
    }

    #[test]
    fn a_caller_is_limited_to_its_share_and_all_callers_to_the_total() {
        let quota = quota(10, 4);
        let mut alice = quota.of("alice").with(3).unwrap();
        alice.add(1).unwrap();
        assert_eq!(quota.of("alice").with(1).unwrap_err(), Exceeded::Caller(4));
        let bob = quota.of("bob").with(4).unwrap();
        let carol = quota.of("carol").with(2).unwrap();
        assert_eq!(quota.of("dave").with(1).unwrap_err(), Exceeded::Total(10));

        drop((bob, carol));
        alice.release();
        let again = quota.of("alice").with(4).unwrap();
        drop((alice, again));
        let used = quota.used.lock().unwrap();
        assert_eq!((used.by_all, used.by_caller.len()), (0, 0), "everything is released");
    }

    #[test]
    fn a_caller_at_both_limits_learns_its_own() {
        let quota = quota(4, 4);
        let _all = quota.of("alice").with(4).unwrap();
        assert_eq!(quota.of("alice").with(1).unwrap_err(), Exceeded::Caller(4));
        assert_eq!(quota.of("bob").with(1).unwrap_err(), Exceeded::Total(4));
    }

    #[test]
    fn an_amount_that_would_exceed_a_limit_is_not_added() {
        let quota = quota(10, 4);
        let mut alice = quota.of("alice").with(3).unwrap();
        assert_eq!(alice.add(2), Err(Exceeded::Caller(4)));
        assert_eq!(alice.add(usize::MAX), Err(Exceeded::Caller(4)));
        alice.add(1).unwrap();
    }
}
