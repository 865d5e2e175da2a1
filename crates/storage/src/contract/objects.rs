//! The contract of an [`ObjectStore`] for objects.

use std::sync::{Arc, atomic::AtomicBool};

use futures_util::future::{Either, join, join_all, select};

use super::object_store::{
    collect, failing, get, in_chunks, key, listed, pattern, put, stuck_midway, wait_for_flag,
};
use crate::{ByteRange, Error, ObjectStore, PutOptions};

/// More bytes than any adapter reads or writes at a time, and not a multiple of that.
const LARGE: usize = 3 * 1024 * 1024 + 17;

/// An object is read as it was stored, byte for byte, for any size, chunks of any size, and a known or unknown size.
pub async fn objects_round_trip(store: &impl ObjectStore) {
    for (name, size) in [("empty", 0), ("one", 1), ("small", 1_000), ("edge", 128 * 1024), ("large", LARGE)] {
        for (chunk, announced) in [(usize::MAX, true), (4_099, false)] {
            let key = key(&format!("round-trip/{name}-{announced}"));
            let bytes = pattern(size);
            let options =
                PutOptions { size: announced.then_some(size as u64), content_type: "image/png".to_owned() };

            let stored = store.put(&key, in_chunks(&bytes, chunk), options).await.unwrap();

            assert_eq!(stored, size as u64, "{key}");
            let object = store.get(&key, None).await.unwrap().unwrap();
            assert_eq!((&object.info.key, object.info.size), (&key, size as u64));
            assert!(collect(object).await == bytes, "{key}: the bytes changed");
        }
    }
}

/// `head`, `get` and `list` return the same metadata of an object.
pub async fn head_get_and_list_agree(store: &impl ObjectStore) {
    put(store, "agree/a", b"hello").await;

    let head = store.head(&key("agree/a")).await.unwrap().unwrap();

    assert_eq!((head.key.as_str(), head.size), ("agree/a", 5));
    assert!(head.stored_at.as_seconds() > 1_600_000_000, "{:?}", head.stored_at);
    assert_eq!(store.get(&key("agree/a"), None).await.unwrap().unwrap().info, head);
    assert_eq!(store.list("agree/", None, 10).await.unwrap().objects, [head]);
}

/// An object that does not exist is `None`, also below the key of another one.
pub async fn an_absent_object_is_none(store: &impl ObjectStore) {
    put(store, "absent/a", b"x").await;
    for name in ["absent/b", "absent", "absent/a/b", "a/long-name-that-nobody-stored"] {
        assert!(store.get(&key(name), None).await.unwrap().is_none(), "{name}");
        assert!(store.head(&key(name)).await.unwrap().is_none(), "{name}");
    }
}

/// A key may consist of another key, a slash and more: objects are not folders.
pub async fn a_key_may_extend_another(store: &impl ObjectStore) {
    let longest = format!("tree/{}/{0}", "l".repeat(200));
    let names = ["tree", "tree/branch", "tree/branch/leaf-of-some-length", &longest];
    for name in names {
        put(store, name, name.as_bytes()).await;
    }
    for name in names {
        assert_eq!(get(store, name).await, name.as_bytes());
    }
}

/// A range returns the bytes within it; a range past the end of the object is shortened.
pub async fn ranges_are_cut_at_the_end(store: &impl ObjectStore) {
    let bytes = pattern(LARGE);
    let end = LARGE as u64;
    store.put(&key("range"), in_chunks(&bytes, LARGE), PutOptions::default()).await.unwrap();
    for (offset, length) in [
        (0, 1),
        (1, 0),
        (0, end),
        (end - 1, 1),
        (end - 1, 2),
        (70_000, 200_000),
        (end, 1),
        (end + 1, 1),
        (0, u64::MAX),
        (u64::MAX, u64::MAX),
    ] {
        let object = store.get(&key("range"), Some(ByteRange { offset, length })).await.unwrap().unwrap();
        assert_eq!(object.info.size, end, "the size is that of the whole object");
        let wanted = bytes.iter().copied().skip(clamp(offset)).take(clamp(length)).collect::<Vec<_>>();
        assert!(collect(object).await == wanted, "{length} bytes from {offset}");
    }
}

/// An object that is stored again is replaced atomically; a reader that has opened the old one reads it to its end.
pub async fn replacing_is_atomic(store: &impl ObjectStore) {
    let versions: Vec<Vec<u8>> = (0..4_u8).map(|n| vec![n; 400_000 + usize::from(n) * 100_000]).collect();
    let name = key("replaced");
    put(store, "replaced", &versions[0]).await;
    let open = store.get(&name, None).await.unwrap().unwrap();

    let writers = join_all(versions.iter().map(|version| async {
        for _ in 0..5 {
            store.put(&name, in_chunks(version, 30_000), PutOptions::default()).await.unwrap();
        }
    }));
    let reader = async {
        for _ in 0..20 {
            let seen = get(store, "replaced").await;
            assert!(versions.contains(&seen), "a mixture of {} bytes", seen.len());
        }
    };
    join(writers, reader).await;

    assert!(collect(open).await == versions[0], "the open object changed");
}

/// A body that fails, or does not have the announced size, is [`Error::Body`], and an existing object stays unchanged.
pub async fn a_bad_body_stores_nothing(store: &impl ObjectStore) {
    put(store, "kept", b"before").await;
    for name in ["kept", "never"] {
        for (size, body) in [
            (None, failing(0)),
            (None, failing(300_000)),
            (Some(300_001), failing(300_000)),
            (Some(3), in_chunks(b"four", 1)),
            (Some(5), in_chunks(b"four", 1)),
            (Some(0), in_chunks(b"four", 4)),
            (Some(1), in_chunks(b"", 1)),
        ] {
            let options = PutOptions { size, ..PutOptions::default() };
            let result = store.put(&key(name), body, options).await;
            assert!(matches!(result, Err(Error::Body(_))), "{name}, {size:?}: {result:?}");
        }
    }
    assert_eq!(get(store, "kept").await, b"before");
    assert_eq!(listed(store, "").await, ["kept"]);
}

/// A put whose future is dropped before its end stores nothing.
pub async fn a_dropped_put_stores_nothing(store: &impl ObjectStore) {
    put(store, "kept", b"before").await;
    for name in ["kept", "never"] {
        let name = key(name);
        let is_stuck = Arc::new(AtomicBool::new(false));
        let put = store.put(&name, stuck_midway(Arc::clone(&is_stuck)), PutOptions::default());
        match select(Box::pin(put), wait_for_flag(&is_stuck)).await {
            Either::Left((done, _)) => panic!("a body that never ends was stored: {done:?}"),
            Either::Right(((), put)) => drop(put),
        }
    }
    assert_eq!(get(store, "kept").await, b"before");
    assert_eq!(listed(store, "").await, ["kept"]);
}

/// Deleting removes exactly the objects with the given keys. Keys without an object, or no keys at all, are not an error.
pub async fn deleting_is_exact_and_repeatable(store: &impl ObjectStore) {
    for name in ["d", "d/one", "d/one-more", "d/two"] {
        put(store, name, b"x").await;
    }
    for _ in 0..2 {
        store.delete(vec![key("d/one"), key("d"), key("d/never"), key("never/there")]).await.unwrap();
        assert_eq!(listed(store, "").await, ["d/one-more", "d/two"]);
    }
    store.delete(Vec::new()).await.unwrap();
    put(store, "d/one", b"again").await;
    assert_eq!(get(store, "d/one").await, b"again");
}

/// An object that is renamed exists only under the new key, with the same bytes, and its time does not decrease.
pub async fn renaming_moves_an_object(store: &impl ObjectStore) {
    for (name, size) in [("empty", 0), ("small", 1_000), ("large", LARGE)] {
        let (from, to) = (format!("rename/from-{name}"), format!("renamed/deep/{name}.of-some-length"));
        let bytes = pattern(size);
        let options = PutOptions { size: Some(size as u64), content_type: "image/png".to_owned() };
        store.put(&key(&from), in_chunks(&bytes, 65_536), options).await.unwrap();
        let before = store.head(&key(&from)).await.unwrap().unwrap();

        assert!(store.rename(&key(&from), &key(&to)).await.unwrap(), "{from} must exist");

        assert!(store.head(&key(&from)).await.unwrap().is_none(), "{from} still exists");
        let object = store.get(&key(&to), None).await.unwrap().unwrap();
        assert!(object.info.stored_at >= before.stored_at, "{:?} became older", object.info);
        assert_eq!(object.info.size, size as u64);
        assert!(collect(object).await == bytes, "{to}: the bytes changed");
    }
}

/// A rename replaces an object with the new key, and returns whether there was an object to rename.
pub async fn renaming_replaces_and_can_be_repeated(store: &impl ObjectStore) {
    put(store, "new", b"old bytes").await;
    put(store, "old", b"bytes").await;
    assert!(store.rename(&key("old"), &key("new")).await.unwrap());
    assert!(!store.rename(&key("old"), &key("new")).await.unwrap(), "it is already renamed");
    assert!(!store.rename(&key("never"), &key("new")).await.unwrap());
    assert_eq!(listed(store, "").await, ["new"]);
    assert_eq!(get(store, "new").await, b"bytes");
}

/// A probe of a working store succeeds, and leaves no object in a listing.
pub async fn a_probe_leaves_no_object(store: &impl ObjectStore) {
    store.probe().await.unwrap();
    assert!(listed(store, "").await.is_empty());
}

fn clamp(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX).min(LARGE)
}
