//! Bodies that are too long to keep in memory.

#![expect(clippy::unwrap_used, reason = "these are tests")]

use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt, stream};
use storage::{ByteRange, ByteStream, Error, ObjectKey, ObjectStore, PutOptions, Result};
use storage_worker::R2Objects;

use crate::memory::memory;

const MEBIBYTE: usize = 1024 * 1024;

/// The size of a part.
pub(crate) const PART: usize = 5 * MEBIBYTE;

/// The memory limit of an upload of any length: a part, and the growth of a buffer.
const MAX_MEMORY: u32 = 24 * 1024 * 1024;

fn key() -> ObjectKey {
    ObjectKey::parse("long").unwrap()
}

/// The byte at `position` in every body here. A shifted or swapped part has other bytes.
fn byte(position: usize) -> u8 {
    (position as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes()[0]
}

/// A body that is generated while it is read.
pub(crate) fn body(size: usize, chunk: usize) -> ByteStream {
    let starts = (0..size).step_by(chunk);
    let chunks = starts.map(move |start| {
        let chunk: Vec<u8> = (start..size.min(start + chunk)).map(byte).collect();
        Ok(Bytes::from(chunk))
    });
    stream::iter(chunks).boxed()
}

async fn store_and_compare(store: &R2Objects, size: usize, chunk: usize, announced: Option<u64>) {
    let options = PutOptions { size: announced, content_type: "image/png".to_owned() };
    assert_eq!(store.put(&key(), body(size, chunk), options).await.unwrap(), size as u64);
    let mut object = store.get(&key(), None).await.unwrap().unwrap();
    assert_eq!(object.info.size, size as u64);
    let mut position = 0;
    while let Some(chunk) = object.body.try_next().await.unwrap() {
        for got in chunk {
            assert_eq!(got, byte(position), "at {position} of {size}");
            position += 1;
        }
    }
    assert_eq!(position, size);
}

pub(crate) async fn a_body_of_unknown_length_is_stored_in_parts(store: &R2Objects) {
    for size in [PART - 1, PART, PART + 1, 2 * PART, 2 * PART + 17] {
        for chunk in [64 * 1024, 70_001, 6 * MEBIBYTE, 11 * MEBIBYTE] {
            store_and_compare(store, size, chunk, None).await;
        }
    }
    let across = ByteRange { offset: PART as u64 - 1, length: 3 };
    let object = store.get(&key(), Some(across)).await.unwrap().unwrap();
    let got: Vec<Bytes> = object.body.try_collect().await.unwrap();
    assert_eq!(got.concat(), [byte(PART - 1), byte(PART), byte(PART + 1)]);
}

pub(crate) async fn a_failed_long_body_stores_nothing(store: &R2Objects) {
    for announced in [None, Some(3 * PART as u64)] {
        let failure: ByteStream = stream::iter([Err(Error::unavailable("the sender disconnected"))]).boxed();
        let options = PutOptions { size: announced, ..PutOptions::default() };
        let result: Result<u64> =
            store.put(&key(), body(2 * PART + 1, 70_001).chain(failure).boxed(), options).await;
        assert!(matches!(result, Err(Error::Body(_))), "{announced:?}: {result:?}");
        assert!(store.head(&key()).await.unwrap().is_none(), "{announced:?}");
    }
}

/// 10 MiB is the default size limit of an upload.
pub(crate) async fn a_long_upload_uses_little_memory(store: &R2Objects) {
    for announced in [None, Some(10 * MEBIBYTE as u64)] {
        store_and_compare(store, 10 * MEBIBYTE, 64 * 1024, announced).await;
    }
    assert!(memory() < MAX_MEMORY, "{} bytes", memory());
}

pub(crate) async fn a_body_of_single_bytes_is_stored(store: &R2Objects) {
    store_and_compare(store, 30_000, 1, None).await;
    store_and_compare(store, 3_000, 1, Some(3_000)).await;
}
