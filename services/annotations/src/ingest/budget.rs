//! What streams may use: how many are open, and what they hold in memory.

use std::{mem, num::NonZeroUsize, sync::Arc};

use identity::UserId;
use proto::annotations::v1::NewAnnotation;
use storage::CallerShare;

use crate::{
    error::Result,
    quota::{Quota, Resource, Use},
};

/// The quotas of streams.
#[derive(Debug)]
pub(crate) struct Budget {
    streams: Arc<Quota>,
    bytes: Arc<Quota>,
}

impl Budget {
    pub(crate) fn new(max_streams: NonZeroUsize, max_bytes: NonZeroUsize, share: CallerShare) -> Self {
        Self {
            streams: Arc::new(Quota::new(Resource::IngestStreams, max_streams, share)),
            bytes: Arc::new(Quota::new(Resource::IngestBytes, max_bytes, share)),
        }
    }

    /// One more stream of `caller`'s, which holds nothing yet.
    ///
    /// # Errors
    /// The limit of open streams is reached, the caller's or the total.
    pub(crate) fn open(&self, caller: &UserId) -> Result<Share> {
        let stream = self.streams.of(caller).with(1)?;
        Ok(Share { _stream: stream, bytes: self.bytes.of(caller) })
    }
}

/// What one stream uses; it is released when the stream ends.
#[derive(Debug)]
pub(crate) struct Share {
    _stream: Use,
    bytes: Use,
}

impl Share {
    /// Holds `annotations` too.
    ///
    /// # Errors
    /// All streams together, or those of this caller, would hold too much.
    pub(crate) fn hold(&mut self, annotations: &[NewAnnotation]) -> Result<()> {
        Ok(self.bytes.add(annotations.iter().map(size_of).sum())?)
    }

    /// Holds nothing any more.
    pub(crate) fn release(&mut self) {
        self.bytes.release();
    }
}

fn size_of(annotation: &NewAnnotation) -> usize {
    let NewAnnotation { image_id, label, model, .. } = annotation;
    mem::size_of::<NewAnnotation>() + image_id.len() + label.len() + model.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_and_bytes_end_at_their_limits_and_are_released() {
        let one = NewAnnotation { label: "car".to_owned(), ..Default::default() };
        let two = NonZeroUsize::new(2).unwrap();
        let bytes = NonZeroUsize::new(2 * size_of(&one)).unwrap();
        let budget = Budget::new(two, bytes, CallerShare::ALL);
        let alice = UserId::parse("alice").unwrap();
        let (mut first, second) = (budget.open(&alice).unwrap(), budget.open(&alice).unwrap());
        assert!(budget.open(&alice).is_err());
        drop(second);
        let mut second = budget.open(&alice).unwrap();
        first.hold(&[one.clone(), one.clone()]).unwrap();
        assert!(second.hold(std::slice::from_ref(&one)).is_err());
        first.release();
        second.hold(&[one.clone(), one]).unwrap();
    }
}
