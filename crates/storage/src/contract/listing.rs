//! The contract of an [`ObjectStore`] for listings.

use std::collections::BTreeSet;

use super::object_store::{key, paged, put};
use crate::ObjectStore;

/// A listing is in byte order of the keys, starts after a key, respects a prefix and a limit, and reports if there is more.
pub async fn listing_pages_in_byte_order(store: &impl ObjectStore) {
    let names: BTreeSet<&str> = AWKWARD.iter().copied().collect();
    for name in &names {
        put(store, name, b"x").await;
    }
    for limit in [1, 2, 7, 1_000] {
        for prefix in ["", "a", "a/", "a-", "img", "images/", "images/0192f3", "images/0192f3a4-b", "nothing"]
        {
            let wanted: Vec<&str> = names.iter().copied().filter(|name| name.starts_with(prefix)).collect();
            assert_eq!(paged(store, prefix, limit).await, wanted, "{prefix:?} by {limit}");
        }
    }
}

/// A listing may start after a key that does not exist, inside or outside of the prefix.
pub async fn listing_starts_after_any_key(store: &impl ObjectStore) {
    let names: BTreeSet<&str> = AWKWARD.iter().copied().collect();
    for name in &names {
        put(store, name, b"x").await;
    }
    for after in ["0", "a", "a/zzz", "images/0192f3a4", "images/0192f3a5-", "img", "zzz"] {
        for prefix in ["", "images/"] {
            let page = store.list(prefix, Some(&key(after)), 1_000).await.unwrap();
            let listed: Vec<_> = page.objects.iter().map(|object| object.key.as_str()).collect();
            let wanted: Vec<_> =
                names.iter().copied().filter(|name| *name > after && name.starts_with(prefix)).collect();
            assert_eq!(listed, wanted, "{prefix:?} after {after:?}");
            assert!(!page.more);
        }
    }
}

/// Keys that a store would list in the wrong order if it used folders, or sorted by anything but the bytes of whole keys.
const AWKWARD: &[&str] = &[
    "A",
    "a",
    "a-",
    "a-b",
    "a.b",
    "a/b",
    "a/b-c",
    "a/b.c",
    "a/b/c",
    "a/bc",
    "a0",
    "ab",
    "abcdefg",
    "abcdefg-h",
    "abcdefg/h",
    "abcdefg/hijklmnop",
    "abcdefgh",
    "abcdefgh/i",
    "images",
    "images-old/0192f3a4-b5c6",
    "images/0192f3a4-b5c6-jpg",
    "images/0192f3a4-b5c7.jpg",
    "images/0192f3a4/thumbnail",
    "images/0192f3a4b5c6",
    "images/0192f3a5-b5c6",
    "images/_",
    "imagesx",
    "img",
    "z",
];
