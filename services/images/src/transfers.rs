//! Limits the number of concurrent uploads and downloads.
//!
//! Each transfer uses memory, and a file of the object store or a connection to it, until its peer has finished. So there is a
//! total limit, and a limit for each caller or signed URL, so that one client cannot use up the total. Completing a direct
//! upload counts, too: it reads one object and writes another.

use std::{num::NonZeroUsize, sync::Arc};

use identity::UserId;
use runtime::{Exceeded, Quota, Use};

use crate::{
    error::{Error, Result},
    signed_url::Permit,
};

/// The most uploads and downloads that may run at a time.
#[derive(Clone, Copy, Debug)]
pub struct TransferLimits {
    /// For all callers together.
    pub total: NonZeroUsize,
    /// For one caller, or for all signed URLs of one image or upload.
    pub per_caller: NonZeroUsize,
}

impl TransferLimits {
    /// The default of `total`.
    pub const DEFAULT_TOTAL: NonZeroUsize = NonZeroUsize::new(1_000).unwrap();
    /// The default of `per_caller`: the number of concurrent requests of one HTTP/2 connection.
    pub const DEFAULT_PER_CALLER: NonZeroUsize = NonZeroUsize::new(200).unwrap();
}

/// To whose limit a transfer counts.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Holder {
    Caller(UserId),
    /// All clients with a signed URL of this image or upload.
    SignedUrl(String),
}

impl From<&UserId> for Holder {
    fn from(caller: &UserId) -> Self {
        Self::Caller(caller.clone())
    }
}

impl From<&Permit> for Holder {
    fn from(permit: &Permit) -> Self {
        Self::SignedUrl(permit.name().to_owned())
    }
}

/// Counts the running transfers of a service. Cheap to clone. `None` if the host limits transfers itself.
#[derive(Clone, Debug)]
pub(crate) struct Transfers(Option<Arc<Quota<Holder>>>);

impl Transfers {
    pub(crate) fn new(limits: Option<TransferLimits>) -> Self {
        Self(limits.map(|limits| Arc::new(Quota::new(limits.total, limits.per_caller))))
    }

    /// Begins a transfer of `holder`. It ends when the returned guard is dropped.
    ///
    /// # Errors
    /// [`Error::TooManyTransfers`] or [`Error::TooManyTransfersOfCaller`] at the limit.
    pub(crate) fn begin(&self, holder: Holder) -> Result<Transfer> {
        let counted = self.0.as_ref().map(|quota| quota.of(holder).with(1)).transpose();
        counted.map(|counted| Transfer { _use: counted }).map_err(|exceeded| match exceeded {
            Exceeded::Caller(limit) => Error::TooManyTransfersOfCaller { limit },
            Exceeded::Total(limit) => Error::TooManyTransfers { limit },
        })
    }
}

/// The guard of a running transfer.
#[derive(Debug)]
pub(crate) struct Transfer {
    _use: Option<Use<Holder>>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holder(name: &str) -> Holder {
        Holder::from(&UserId::parse(name).unwrap())
    }

    fn transfers(total: usize, per_caller: usize) -> Transfers {
        let limit = |count| NonZeroUsize::new(count).unwrap();
        Transfers::new(Some(TransferLimits { total: limit(total), per_caller: limit(per_caller) }))
    }

    fn begin(transfers: &Transfers, count: usize, of: &str) -> Result<Vec<Transfer>> {
        (0..count).map(|_| transfers.begin(holder(of))).collect()
    }

    #[test]
    fn each_caller_has_its_own_limit_below_the_total() {
        let transfers = transfers(5, 2);
        let alice = begin(&transfers, 2, "alice").unwrap();
        let rejection = transfers.begin(holder("alice")).unwrap_err();
        assert!(matches!(rejection, Error::TooManyTransfersOfCaller { limit: 2 }));
        let _bob = begin(&transfers, 2, "bob").unwrap();
        let _carol = begin(&transfers, 1, "carol").unwrap();
        let rejection = transfers.begin(holder("dave")).unwrap_err();
        assert!(matches!(rejection, Error::TooManyTransfers { limit: 5 }));
        drop(alice);
        assert!(begin(&transfers, 2, "alice").is_ok());
    }

    #[test]
    fn a_caller_at_both_limits_learns_its_own() {
        let transfers = transfers(2, 2);
        let _alice = begin(&transfers, 2, "alice").unwrap();
        let rejection = transfers.begin(holder("alice")).unwrap_err();
        assert!(matches!(rejection, Error::TooManyTransfersOfCaller { limit: 2 }));
        let rejection = transfers.begin(holder("bob")).unwrap_err();
        assert!(matches!(rejection, Error::TooManyTransfers { limit: 2 }));
    }

    #[test]
    fn ended_transfers_are_not_counted() {
        let transfers = transfers(2, 2);
        drop(begin(&transfers, 2, "alice").unwrap());
        assert!(begin(&transfers, 2, "bob").is_ok());
    }

    #[test]
    fn a_host_may_have_no_limits() {
        assert!(begin(&Transfers::new(None), 10_000, "alice").is_ok());
    }
}
