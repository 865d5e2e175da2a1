//! Limits of what callers use: a total for all callers, and a smaller limit for each caller, so that one caller cannot use
//! everything.

use std::{
    collections::{HashMap, hash_map::Entry},
    mem,
    num::NonZeroUsize,
    sync::{Arc, Mutex, PoisonError},
};

use identity::UserId;
use runtime::CallerShare;

/// A limited resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Resource {
    /// Calls of `WatchAnnotations`.
    Watches,
    /// Calls of `IngestAnnotations` and `AppendAnnotations`.
    IngestStreams,
    /// The bytes of annotations that these calls hold in memory.
    IngestBytes,
}

/// A limit that would be exceeded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exceeded {
    /// The limit for all callers together.
    Total(Resource, usize),
    /// The limit for one caller.
    Caller(Resource, usize),
}

/// The limits of a resource, and its use by each caller.
#[derive(Debug)]
pub(crate) struct Quota {
    resource: Resource,
    total: usize,
    per_caller: usize,
    used: Mutex<Used>,
}

#[derive(Debug, Default)]
struct Used {
    by_all: usize,
    /// Only callers whose use is not 0.
    by_caller: HashMap<UserId, usize>,
}

impl Quota {
    pub(crate) fn new(resource: Resource, total: NonZeroUsize, share: CallerShare) -> Self {
        Self { resource, total: total.get(), per_caller: share.of(total).get(), used: Mutex::default() }
    }

    /// A [`Use`] by `caller` of amount 0.
    pub(crate) fn of(self: &Arc<Self>, caller: &UserId) -> Use {
        Use { quota: Arc::clone(self), caller: caller.clone(), amount: 0 }
    }

    fn add(&self, caller: &UserId, amount: usize) -> Result<(), Exceeded> {
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        let by_caller = used.by_caller.get(caller).copied().unwrap_or_default();
        if by_caller.saturating_add(amount) > self.per_caller {
            return Err(Exceeded::Caller(self.resource, self.per_caller));
        }
        if used.by_all.saturating_add(amount) > self.total {
            return Err(Exceeded::Total(self.resource, self.total));
        }
        used.by_all += amount;
        used.by_caller.insert(caller.clone(), by_caller + amount);
        Ok(())
    }

    fn subtract(&self, caller: &UserId, amount: usize) {
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        used.by_all = used.by_all.saturating_sub(amount);
        if let Entry::Occupied(mut by_caller) = used.by_caller.entry(caller.clone()) {
            *by_caller.get_mut() = by_caller.get().saturating_sub(amount);
            if *by_caller.get() == 0 {
                by_caller.remove();
            }
        }
    }
}

/// An amount of a resource that one caller uses. Dropping it releases the amount.
#[derive(Debug)]
pub(crate) struct Use {
    quota: Arc<Quota>,
    caller: UserId,
    amount: usize,
}

impl Use {
    /// Adds `amount`.
    ///
    /// # Errors
    /// [`Exceeded`]: the amount is unchanged then.
    pub(crate) fn add(&mut self, amount: usize) -> Result<(), Exceeded> {
        self.quota.add(&self.caller, amount)?;
        self.amount += amount;
        Ok(())
    }

    /// Adds `amount` and returns the use.
    ///
    /// # Errors
    /// [`Exceeded`].
    pub(crate) fn with(mut self, amount: usize) -> Result<Self, Exceeded> {
        self.add(amount).map(|()| self)
    }

    /// Sets the amount to 0.
    pub(crate) fn release(&mut self) {
        let amount = mem::take(&mut self.amount);
        if amount > 0 {
            self.quota.subtract(&self.caller, amount);
        }
    }
}

impl Drop for Use {
    fn drop(&mut self) {
        self.release();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_caller_is_limited_to_its_share_and_all_callers_to_the_total() {
        let total = NonZeroUsize::new(10).unwrap();
        let share = CallerShare::from_percent(40).unwrap();
        let quota = Arc::new(Quota::new(Resource::Watches, total, share));
        let of = |name: &str| quota.of(&UserId::parse(name).unwrap());

        let mut alice = of("alice").with(3).unwrap();
        alice.add(1).unwrap();
        assert_eq!(of("alice").with(1).unwrap_err(), Exceeded::Caller(Resource::Watches, 4));
        let bob = of("bob").with(4).unwrap();
        let carol = of("carol").with(2).unwrap();
        assert_eq!(of("dave").with(1).unwrap_err(), Exceeded::Total(Resource::Watches, 10));

        drop((bob, carol));
        alice.release();
        let again = of("alice").with(4).unwrap();
        drop((alice, again));
        let used = quota.used.lock().unwrap();
        assert_eq!((used.by_all, used.by_caller.len()), (0, 0), "everything is released");
    }
}
