//! The object store port: it stores whole objects and reads whole objects or ranges of them.

use std::{fmt, future::Future, pin::Pin, time::Duration};

use bytes::Bytes;
use futures_util::Stream;

use crate::Result;
use runtime::Timestamp;

/// A body in chunks of any size. A reader that wants no more drops it.
pub type ByteStream = Pin<Box<dyn Stream<Item = Result<Bytes>> + Send>>;

/// A store of immutable objects by key.
pub trait ObjectStore: Clone + Send + Sync + 'static {
    /// Stores `body` under `key` and returns its number of bytes, once they are durable. It replaces an existing object
    /// atomically; if anything fails, or the returned future is dropped, nothing changes.
    ///
    /// # Errors
    /// [`crate::Error::Body`] if `body` fails, or if its number of bytes is not `options.size`.
    fn put(
        &self,
        key: &ObjectKey,
        body: ByteStream,
        options: PutOptions,
    ) -> impl Future<Output = Result<u64>> + Send;

    /// Opens an object, or the part of it within `range`; `None` if there is no such object.
    fn get(
        &self,
        key: &ObjectKey,
        range: Option<ByteRange>,
    ) -> impl Future<Output = Result<Option<Object>>> + Send;

    /// Returns an object's metadata without its bytes; `None` if there is no such object.
    fn head(&self, key: &ObjectKey) -> impl Future<Output = Result<Option<ObjectInfo>>> + Send;

    /// Changes the object's key from `from` to `to` and sets its time of storage to now. It replaces an existing object
    /// `to`. Returns `false` if there is no object `from`.
    ///
    /// If it fails, the object still has at least one of the two keys, perhaps both: call it again.
    fn rename(&self, from: &ObjectKey, to: &ObjectKey) -> impl Future<Output = Result<bool>> + Send;

    /// Deletes objects. A key without an object is not an error.
    fn delete(&self, keys: Vec<ObjectKey>) -> impl Future<Output = Result<()>> + Send;

    /// Checks, as far as that is cheap, whether the store could store an object now.
    fn probe(&self) -> impl Future<Output = Result<()>> + Send;

    /// Lists up to `limit` objects whose keys begin with `prefix` and come after `after`, in byte order of the keys.
    fn list(
        &self,
        prefix: &str,
        after: Option<&ObjectKey>,
        limit: usize,
    ) -> impl Future<Output = Result<ObjectList>> + Send;

    /// A request that reads the object without credentials until `ttl` has passed; `None` if the store cannot sign requests.
    fn sign_get(
        &self,
        key: &ObjectKey,
        ttl: Duration,
    ) -> impl Future<Output = Result<Option<SignedRequest>>> + Send;

    /// A request that stores the object without credentials until `ttl` has passed; `None` if the store cannot sign requests.
    fn sign_put(
        &self,
        key: &ObjectKey,
        options: PutOptions,
        ttl: Duration,
    ) -> impl Future<Output = Result<Option<SignedRequest>>> + Send;
}

/// A key: 1 to 512 bytes of `/`-separated segments, each of 1 to 200 letters, digits, `-`, `_` and `.`. No segment consists
/// of dots only, so that a key can be a path in a file system and stays below the root.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectKey(String);

impl ObjectKey {
    /// A key from its text, or `None` if it is not one.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
        let segment =
            |s: &str| (1..=200).contains(&s.len()) && s.bytes().all(allowed) && s.bytes().any(|b| b != b'.');
        (text.len() <= 512 && text.split('/').all(segment)).then(|| Self(text.to_owned()))
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ObjectKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What the caller of [`ObjectStore::put`] knows about an object.
#[derive(Clone, Debug, Default)]
pub struct PutOptions {
    /// The number of bytes, if it is known.
    pub size: Option<u64>,
    /// The media type; empty if it is not known.
    pub content_type: String,
}

/// A part of an object: `length` bytes from `offset` on. A range past the end of the object is shortened to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ByteRange {
    /// The first byte.
    pub offset: u64,
    /// How many bytes.
    pub length: u64,
}

/// An open object.
pub struct Object {
    /// The metadata of the whole object.
    pub info: ObjectInfo,
    /// The bytes of the requested part.
    pub body: ByteStream,
}

/// The metadata of an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectInfo {
    /// Its key.
    pub key: ObjectKey,
    /// Its size in bytes.
    pub size: u64,
    /// When it was stored.
    pub stored_at: Timestamp,
}

/// One page of a listing.
#[derive(Clone, Debug, Default)]
pub struct ObjectList {
    /// The objects, in byte order of their keys.
    pub objects: Vec<ObjectInfo>,
    /// Whether there are more objects after the last one.
    pub more: bool,
}

/// An HTTP request that is authorized by a signature in its URL.
#[derive(Clone, Debug)]
pub struct SignedRequest {
    /// The HTTP method.
    pub method: http::Method,
    /// The URL.
    pub url: String,
    /// Headers that the client must send with exactly these values.
    pub headers: Vec<(String, String)>,
    /// When the signature expires.
    pub expires_at: Timestamp,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_stay_below_the_root() {
        for text in [
            "",
            "/",
            "a/",
            "/a",
            "a//b",
            "..",
            "a/../b",
            ".",
            "a/./b",
            "a\\b",
            "a\0",
            "ä",
            "a b",
            &"a".repeat(201),
            &["a".repeat(170).as_str(); 3].join("/").replace("a/", "aa/"),
        ] {
            assert_eq!(ObjectKey::parse(text), None, "{text:?}");
        }
        assert!(ObjectKey::parse("images/01/0123.jpg").is_some());
        assert!(ObjectKey::parse(&["a".repeat(170).as_str(); 3].join("/")).is_some(), "512 bytes");
    }
}
