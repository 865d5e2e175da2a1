//! Limits for ingest streams: how many are open, and how many bytes they hold in memory.

use std::{mem, num::NonZeroUsize, sync::Arc};

use identity::UserId;
use proto::annotations::v1::NewAnnotation;
use runtime::CallerShare;

use crate::{
    error::{Error, Result},
    quota::{Quota, Resource, Use},
};

/// The quotas of ingest streams.
#[derive(Debug)]
pub(crate) struct Budget {
    streams: Arc<Quota>,
    bytes: Arc<Quota>,
}

impl Budget {
    pub(crate) fn new(max_streams: NonZeroUsize, max_bytes: NonZeroUsize, share: CallerShare) -> Self {
        Self {
            streams: Arc::new(Quota::new(max_streams, share.of(max_streams))),
            bytes: Arc::new(Quota::new(max_bytes, share.of(max_bytes))),
        }
    }

    /// Counts one more open stream of `caller`, which holds no bytes yet.
    ///
    /// # Errors
    /// The limit for open streams is reached, the caller's or the total.
    pub(crate) fn open(&self, caller: &UserId) -> Result<Share> {
        let stream = self.streams.of(caller.clone()).with(1);
        let stream = stream.map_err(|exceeded| Error::Exceeded(Resource::IngestStreams, exceeded))?;
        Ok(Share { _stream: stream, bytes: self.bytes.of(caller.clone()) })
    }
}

/// The part of the budget that one stream uses. Dropping it releases it.
#[derive(Debug)]
pub(crate) struct Share {
    _stream: Use,
    bytes: Use,
}

impl Share {
    /// Adds the size of `annotations`.
    ///
    /// # Errors
    /// The limit for bytes would be exceeded, the caller's or the total.
    pub(crate) fn hold(&mut self, annotations: &[NewAnnotation]) -> Result<()> {
        let added = self.bytes.add(annotations.iter().map(size_of).sum());
        added.map_err(|exceeded| Error::Exceeded(Resource::IngestBytes, exceeded))
    }

    /// Releases all bytes. The stream stays open.
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
    fn streams_and_bytes_are_limited_and_released() {
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
