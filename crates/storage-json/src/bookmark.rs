//! An optional bookmark as a JSON string.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use storage::Bookmark;

#[expect(clippy::ref_option, reason = "serde passes the field this way")]
pub(crate) fn serialize<S: Serializer>(
    bookmark: &Option<Bookmark>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    bookmark.as_ref().map(Bookmark::as_str).serialize(serializer)
}

pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Bookmark>, D::Error> {
    let Some(text) = Option::<String>::deserialize(deserializer)? else { return Ok(None) };
    Bookmark::parse(&text)
        .map(Some)
        .ok_or_else(|| D::Error::custom("must be a bookmark: 1 to 256 visible ASCII characters"))
}
