//! The id that a database and its object store share, and the object that holds it.

use std::fmt;

use bytes::Bytes;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use runtime::{Clock, Entropy, Id};
use storage::{ByteRange, Error, ObjectKey, ObjectStore, PutOptions, Result};

/// The key of the object that holds the store id. It is outside of all prefixes that a clean-up lists.
pub(crate) const OBJECT: &str = "store-id";

/// The number of hex digits of an id.
const DIGITS: u64 = 32;

/// Identifies one store: a database and the object store that holds the bytes of its images.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StoreId(Id);

impl StoreId {
    pub(crate) fn parse(text: &str) -> Option<Self> {
        text.trim().parse().ok().map(Self)
    }

    pub(crate) fn generate(clock: &impl Clock, entropy: &impl Entropy) -> Self {
        Self(Id::generate(clock.now(), entropy))
    }
}

impl fmt::Display for StoreId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[expect(clippy::expect_used, reason = "a literal")]
fn key() -> ObjectKey {
    ObjectKey::parse(OBJECT).expect("the literal is a key")
}

/// Reads the store id of the object store, if it has one.
///
/// # Errors
/// [`Error::Broken`] if the object does not hold a store id.
pub(crate) async fn read(objects: &impl ObjectStore) -> Result<Option<StoreId>> {
    // A text editor may have appended a line break.
    let range = ByteRange { offset: 0, length: DIGITS + 2 };
    let Some(object) = objects.get(&key(), Some(range)).await? else { return Ok(None) };
    let chunks: Vec<Bytes> = object.body.try_collect().await?;
    let text = chunks.concat();
    let id = str::from_utf8(&text).ok().and_then(StoreId::parse);
    id.map(Some).ok_or_else(|| {
        Error::broken(format!("the object `{OBJECT}` does not hold a store id ({DIGITS} hex digits)"))
    })
}

/// Writes the store id to the object store.
pub(crate) async fn write(objects: &impl ObjectStore, id: StoreId) -> Result<()> {
    let body = stream::iter([Ok(Bytes::from(id.to_string()))]).boxed();
    let options = PutOptions { size: Some(DIGITS), content_type: "text/plain".to_owned() };
    objects.put(&key(), body, options).await.map(drop)
}
