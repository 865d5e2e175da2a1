//! How failures of R2 are handled.

#![expect(clippy::unwrap_used, reason = "these are tests")]

use storage::{ByteRange, Error, ObjectKey, ObjectStore, PutOptions, Result};

use crate::{
    bodies::{PART, body},
    fake_r2::{bucket, shared_bucket},
};

fn key() -> ObjectKey {
    ObjectKey::parse("a").unwrap()
}

fn is_unavailable<T>(result: &Result<T>) -> bool {
    matches!(result, Err(Error::Unavailable(_)))
}

pub(crate) async fn a_failing_bucket_is_unavailable((): &()) {
    let (store, _) = bucket(0);
    for size in [None, Some(100_000)] {
        let options = PutOptions { size, ..PutOptions::default() };
        assert!(is_unavailable(&store.put(&key(), body(100_000, 10_000), options).await), "{size:?}");
    }
    assert!(is_unavailable(&store.get(&key(), None).await));
    assert!(is_unavailable(&store.get(&key(), Some(ByteRange { offset: 1, length: 1 })).await));
    assert!(is_unavailable(&store.head(&key()).await));
    assert!(is_unavailable(&store.rename(&key(), &ObjectKey::parse("b").unwrap()).await));
    assert!(is_unavailable(&store.delete(vec![key()]).await));
    assert!(is_unavailable(&store.list("", None, 10).await));
}

pub(crate) async fn a_failed_multipart_upload_is_aborted((): &()) {
    for good_parts in [0, 1, 2, 3] {
        let (store, aborted) = bucket(good_parts);
        let put = store.put(&key(), body(2 * PART + 1, 1_000_000), PutOptions::default()).await;
        assert!(is_unavailable(&put), "{good_parts}");
        assert_eq!(aborted.count(), 1, "{good_parts}");
    }
}

pub(crate) async fn foreign_objects_are_not_listed((): &()) {
    let page = shared_bucket().list("", None, 1).await.unwrap();
    assert_eq!(page.objects.iter().map(|object| object.key.as_str()).collect::<Vec<_>>(), ["a"]);
    assert!(!page.more);
}
