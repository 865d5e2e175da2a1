//! What becomes of bodies that are too long to be kept whole.

#![expect(clippy::unwrap_used, reason = "these are tests")]

use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt, stream};
use storage::{ByteRange, ByteStream, Error, ObjectKey, ObjectStore, PutOptions, Result};
use storage_worker::R2Objects;

use crate::memory::memory;

const MEBIBYTE: usize = 1024 * 1024;

/// What a part has.
pub(crate) const PART: usize = 5 * MEBIBYTE;

/// How much an upload of any length may keep: a part, and what the growing of a buffer takes.
const MOST_KEPT: u32 = 24 * 1024 * 1024;

fn key() -> ObjectKey {
    ObjectKey::parse("long").unwrap()
}

/// The byte at `place` in every body here: no shift and no swap of parts leaves them as they are.
fn byte(place: usize) -> u8 {
    (place as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes()[0]
}

/// A body that is made while it is read.
pub(crate) fn body(size: usize, chunk: usize) -> ByteStream {
    let starts = (0..size).step_by(chunk);
    let chunks = starts.map(move |start| {
        let chunk: Vec<u8> = (start..size.min(start + chunk)).map(byte).collect();
        Ok(Bytes::from(chunk))
    });
    stream::iter(chunks).boxed()
}

async fn stores(store: &R2Objects, size: usize, chunk: usize, announced: Option<u64>) {
    let options = PutOptions { size: announced, content_type: "image/png".to_owned() };
    assert_eq!(store.put(&key(), body(size, chunk), options).await.unwrap(), size as u64);
    let mut object = store.get(&key(), None).await.unwrap().unwrap();
    assert_eq!(object.info.size, size as u64);
    let mut place = 0;
    while let Some(chunk) = object.body.try_next().await.unwrap() {
        for got in chunk {
            assert_eq!(got, byte(place), "at {place} of {size}");
            place += 1;
        }
    }
    assert_eq!(place, size);
}

pub(crate) async fn a_body_of_unknown_length_is_stored_in_parts(store: &R2Objects) {
    for size in [PART - 1, PART, PART + 1, 2 * PART, 2 * PART + 17] {
        for chunk in [64 * 1024, 70_001, 6 * MEBIBYTE, 11 * MEBIBYTE] {
            stores(store, size, chunk, None).await;
        }
    }
    let across = ByteRange { offset: PART as u64 - 1, length: 3 };
    let object = store.get(&key(), Some(across)).await.unwrap().unwrap();
    let got: Vec<Bytes> = object.body.try_collect().await.unwrap();
    assert_eq!(got.concat(), [byte(PART - 1), byte(PART), byte(PART + 1)]);
}

pub(crate) async fn a_long_body_that_fails_stores_nothing(store: &R2Objects) {
    for announced in [None, Some(3 * PART as u64)] {
        let gone: ByteStream = stream::iter([Err(Error::unavailable("the sender is gone"))]).boxed();
        let options = PutOptions { size: announced, ..PutOptions::default() };
        let refused: Result<u64> =
            store.put(&key(), body(2 * PART + 1, 70_001).chain(gone).boxed(), options).await;
        assert!(matches!(refused, Err(Error::Body(_))), "{announced:?}: {refused:?}");
        assert!(store.head(&key()).await.unwrap().is_none(), "{announced:?}");
    }
}

/// 10 MiB is what an upload may have by default.
pub(crate) async fn a_long_upload_stays_small(store: &R2Objects) {
    for announced in [None, Some(10 * MEBIBYTE as u64)] {
        stores(store, 10 * MEBIBYTE, 64 * 1024, announced).await;
    }
    assert!(memory() < MOST_KEPT, "{} bytes", memory());
}

pub(crate) async fn a_body_in_crumbs_is_stored(store: &R2Objects) {
    stores(store, 30_000, 1, None).await;
    stores(store, 3_000, 1, Some(3_000)).await;
}
