//! Helpers for the tests of an [`ObjectStore`].

use std::{
    future::{pending, poll_fn},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::Poll,
};

use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt, stream};

use crate::{ByteStream, Error, Object, ObjectKey, ObjectStore, PutOptions, Result};

pub(super) fn key(text: &str) -> ObjectKey {
    ObjectKey::parse(text).unwrap()
}

pub(super) async fn put(store: &impl ObjectStore, name: &str, bytes: &[u8]) {
    store.put(&key(name), in_chunks(bytes, bytes.len()), PutOptions::default()).await.unwrap();
}

pub(super) async fn get(store: &impl ObjectStore, name: &str) -> Vec<u8> {
    collect(store.get(&key(name), None).await.unwrap().unwrap()).await
}

pub(super) async fn collect(object: Object) -> Vec<u8> {
    let chunks: Vec<Bytes> = object.body.try_collect().await.unwrap();
    chunks.concat()
}

pub(super) async fn listed(store: &impl ObjectStore, prefix: &str) -> Vec<String> {
    paged(store, prefix, 1_000).await
}

pub(super) async fn paged(store: &impl ObjectStore, prefix: &str, limit: usize) -> Vec<String> {
    let mut names = Vec::new();
    let mut after = None;
    loop {
        let page = store.list(prefix, after.as_ref(), limit).await.unwrap();
        assert!(page.objects.len() <= limit);
        names.extend(page.objects.iter().map(|object| object.key.to_string()));
        after = page.objects.last().map(|object| object.key.clone());
        if !page.more {
            return names;
        }
        assert!(after.is_some(), "the page is empty, but there is more");
    }
}

/// Bytes that differ after any shift, or any swap of their parts.
pub(super) fn pattern(size: usize) -> Vec<u8> {
    (0..size as u64).map(|n| n.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes()[0]).collect()
}

pub(super) fn in_chunks(bytes: &[u8], size: usize) -> ByteStream {
    let chunks: Vec<Result<Bytes>> = bytes
        .chunks(size.clamp(1, bytes.len().max(1)))
        .map(|chunk| Ok(Bytes::copy_from_slice(chunk)))
        .collect();
    stream::iter(chunks).boxed()
}

pub(super) fn failing(after: usize) -> ByteStream {
    let end = stream::once(async { Err(Error::unavailable("the sender disconnected")) });
    in_chunks(&pattern(after), 10_000).chain(end).boxed()
}

/// A body that sets `is_stuck` when its first chunk has been read, and never continues.
pub(super) fn stuck_midway(is_stuck: Arc<AtomicBool>) -> ByteStream {
    let start = stream::once(async { Ok(Bytes::from(pattern(300_000))) });
    let rest = stream::once(async move {
        is_stuck.store(true, Ordering::Relaxed);
        pending().await
    });
    start.chain(rest).boxed()
}

/// Waits for `flag` by polling it, without a timer, so that it works on every runtime.
pub(super) fn wait_for_flag(flag: &AtomicBool) -> impl Future<Output = ()> + Unpin {
    poll_fn(|context| {
        if flag.load(Ordering::Relaxed) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    })
}
