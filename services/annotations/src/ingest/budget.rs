//! What all streams together may hold in memory.

use std::{
    mem,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use proto::annotations::v1::NewAnnotation;

use crate::error::{Error, Result};

/// The streams that are open and the bytes of messages that are in flight, and how many there may be.
#[derive(Debug)]
pub(crate) struct Budget {
    max_streams: usize,
    max_bytes: usize,
    streams: AtomicUsize,
    bytes: AtomicUsize,
}

impl Budget {
    pub(crate) fn new(max_streams: usize, max_bytes: usize) -> Self {
        Self { max_streams, max_bytes, streams: AtomicUsize::new(0), bytes: AtomicUsize::new(0) }
    }

    /// A share for one more stream, which holds nothing yet.
    ///
    /// # Errors
    /// [`Error::Saturated`] if as many as may be are open.
    pub(crate) fn open(self: &Arc<Self>) -> Result<Share> {
        if self.streams.fetch_add(1, Ordering::Relaxed) >= self.max_streams {
            self.streams.fetch_sub(1, Ordering::Relaxed);
            return Err(Error::Saturated);
        }
        Ok(Share { budget: self.clone(), bytes: 0 })
    }
}

/// What one stream holds of the budget; it goes back when the stream ends.
#[derive(Debug)]
pub(crate) struct Share {
    budget: Arc<Budget>,
    bytes: usize,
}

impl Share {
    /// Holds `annotations` too.
    ///
    /// # Errors
    /// [`Error::Saturated`] if all streams together would hold too much.
    pub(crate) fn hold(&mut self, annotations: &[NewAnnotation]) -> Result<()> {
        let bytes = annotations.iter().map(size_of).sum();
        self.bytes += bytes;
        let before = self.budget.bytes.fetch_add(bytes, Ordering::Relaxed);
        if before + bytes > self.budget.max_bytes { Err(Error::Saturated) } else { Ok(()) }
    }

    /// Holds nothing any more.
    pub(crate) fn release(&mut self) {
        self.budget.bytes.fetch_sub(mem::take(&mut self.bytes), Ordering::Relaxed);
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.release();
        self.budget.streams.fetch_sub(1, Ordering::Relaxed);
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
    fn streams_and_bytes_end_at_their_limits_and_come_back() {
        let one = NewAnnotation { label: "car".to_owned(), ..Default::default() };
        let budget = Arc::new(Budget::new(2, 2 * size_of(&one)));
        let (mut first, second) = (budget.open().unwrap(), budget.open().unwrap());
        assert!(matches!(budget.open(), Err(Error::Saturated)));
        drop(second);
        let mut second = budget.open().unwrap();
        first.hold(&[one.clone(), one.clone()]).unwrap();
        assert!(matches!(second.hold(std::slice::from_ref(&one)), Err(Error::Saturated)));
        first.release();
        second.release();
        second.hold(&[one.clone(), one]).unwrap();
        drop(first);
        drop(second);
        assert_eq!((budget.streams.load(Ordering::Relaxed), budget.bytes.load(Ordering::Relaxed)), (0, 0));
    }
}
