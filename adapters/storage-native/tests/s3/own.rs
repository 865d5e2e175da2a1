//! Tests of what only this adapter has.

use std::time::Duration;

use bytes::Bytes;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use storage::{ByteStream, Error, ObjectKey, ObjectStore as _, PutOptions, SignedRequest};
use storage_native::{S3Location, S3Objects, s3::PART_BYTES};

use crate::stores::{Stores, open};

pub(crate) const NAMES: [&str; 5] = [
    "a_body_is_stored_completely_at_the_boundaries_of_parts",
    "a_signed_get_works_without_credentials_and_only_unchanged",
    "a_signed_put_accepts_only_the_signed_length_and_type",
    "a_bucket_that_cannot_be_used_is_reported_at_the_start",
    "a_stopped_store_is_unavailable_and_works_again_after_a_restart",
];

/// Runs the test `name`, if it is one of these.
pub(crate) async fn run(name: &str, stores: &mut Stores) -> bool {
    match NAMES.iter().position(|own| *own == name) {
        Some(0) => parts(stores).await,
        Some(1) => signed_get(stores).await,
        Some(2) => signed_put(stores).await,
        Some(3) => problems(stores).await,
        Some(4) => restart(stores).await,
        _ => return false,
    }
    true
}

fn key(text: &str) -> ObjectKey {
    ObjectKey::parse(text).unwrap()
}

fn body(size: usize) -> ByteStream {
    let chunk = Bytes::from(vec![7; 100_000]);
    let chunks = (0..size.div_ceil(chunk.len())).map(move |n| {
        let length = chunk.len().min(size - n * chunk.len());
        Ok(chunk.slice(..length))
    });
    stream::iter(chunks).boxed()
}

async fn size_of(store: &S3Objects, name: &ObjectKey) -> usize {
    let object = store.get(name, None).await.unwrap().unwrap();
    object.body.try_fold(0, async |sum, chunk: Bytes| Ok(sum + chunk.len())).await.unwrap()
}

/// Given bodies of one part, of one byte less and more, and of several parts, when they are stored, then each is complete.
async fn parts(stores: &mut Stores) {
    let store = open(&stores.new_location().await.unwrap()).await.unwrap();
    for size in [PART_BYTES - 1, PART_BYTES, PART_BYTES + 1, 2 * PART_BYTES, 3 * PART_BYTES + 17] {
        for announced in [None, Some(size as u64)] {
            let name = key(&format!("parts/{size}"));
            let options = PutOptions { size: announced, content_type: "image/png".to_owned() };
            let stored = store.put(&name, body(size), options).await.unwrap();
            assert_eq!(stored, size as u64);
            assert_eq!(size_of(&store, &name).await, size);
        }
    }
}

/// Given an object, when a signed request is sent unchanged, then it returns the bytes; if its URL or method is changed, it is
/// rejected.
async fn signed_get(stores: &mut Stores) {
    let store = open(&stores.new_location().await.unwrap()).await.unwrap();
    store.put(&key("a.png"), body(1_000), PutOptions::default()).await.unwrap();
    let signed = store.sign_get(&key("a.png"), Duration::from_mins(1)).await.unwrap().unwrap();
    let client = reqwest::Client::new();
    let response = client.get(&signed.url).send().await.unwrap();
    assert_eq!(response.status(), 200);
    assert_eq!(response.bytes().await.unwrap().len(), 1_000);
    for (method, url) in [
        (reqwest::Method::GET, signed.url.replace("a.png", "b.png")),
        (reqwest::Method::GET, signed.url.replace("X-Amz-Expires=60", "X-Amz-Expires=6000")),
        (reqwest::Method::DELETE, signed.url.clone()),
    ] {
        let status = client.request(method.clone(), &url).send().await.unwrap().status();
        assert_eq!(status, 403, "{method} {url}");
    }
    assert!(store.head(&key("a.png")).await.unwrap().is_some());
}

/// Given a signed request that stores 1,000 bytes of PNG, when it is sent unchanged, then the object is stored; with
/// another length or type, it is rejected.
async fn signed_put(stores: &mut Stores) {
    let store = open(&stores.new_location().await.unwrap()).await.unwrap();
    let options = PutOptions { size: Some(1_000), content_type: "image/png".to_owned() };
    let signed = store.sign_put(&key("a.png"), options, Duration::from_mins(1)).await.unwrap().unwrap();
    assert_eq!(signed.headers, [("content-type".to_owned(), "image/png".to_owned())]);
    assert_eq!(send(&signed, 1_001, "image/png").await, 403);
    assert_eq!(send(&signed, 1_000, "text/html").await, 403);
    assert!(store.head(&key("a.png")).await.unwrap().is_none());
    assert_eq!(send(&signed, 1_000, "image/png").await, 200);
    assert_eq!(store.head(&key("a.png")).await.unwrap().unwrap().size, 1_000);
}

async fn send(signed: &SignedRequest, size: usize, content_type: &str) -> u16 {
    let request = reqwest::Client::new().put(&signed.url).header("content-type", content_type);
    request.body(vec![0; size]).send().await.unwrap().status().as_u16()
}

/// Given a bucket that does not exist, or an address without a server, when it is opened, then the error names it.
async fn problems(stores: &mut Stores) {
    let endpoint = stores.seaweed.endpoint();
    for (location, problem) in [
        (format!("s3://nobodys?endpoint={endpoint}"), "the bucket nobodys does not exist at that endpoint"),
        ("s3://nobodys?endpoint=http://127.0.0.1:9".to_owned(), "the bucket nobodys cannot be reached"),
    ] {
        let error = S3Objects::open(&S3Location::parse(&location).unwrap()).await.unwrap_err();
        assert!(error.to_string().starts_with(problem), "{error}");
    }
}

/// Given a store that is killed, when it is called, then it is unavailable; after a restart, it works as before.
async fn restart(stores: &mut Stores) {
    let store = open(&stores.new_location().await.unwrap()).await.unwrap();
    store.put(&key("before"), body(10), PutOptions::default()).await.unwrap();
    stores.seaweed.kill().await.unwrap();
    for failed in [
        store.put(&key("during"), body(10), PutOptions::default()).await.map(drop),
        store.put(&key("during"), body(2 * PART_BYTES), PutOptions::default()).await.map(drop),
        store.get(&key("before"), None).await.map(drop),
        store.head(&key("before")).await.map(drop),
        store.delete(vec![key("before")]).await,
        store.list("", None, 10).await.map(drop),
    ] {
        assert!(matches!(failed, Err(Error::Unavailable(_))), "{failed:?}");
    }
    stores.seaweed.restart().await.unwrap();
    assert_eq!(size_of(&store, &key("before")).await, 10);
    assert!(store.head(&key("during")).await.unwrap().is_none());
    store.put(&key("after"), body(10), PutOptions::default()).await.unwrap();
}
