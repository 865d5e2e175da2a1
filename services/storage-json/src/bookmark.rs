//! A bookmark, or none, as a text or nothing.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use storage::Bookmark;

#[expect(clippy::ref_option, reason = "serde hands the field over so")]
pub(crate) fn serialize<S: Serializer>(
    bookmark: &Option<Bookmark>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    bookmark.as_ref().map(Bookmark::as_str).serialize(serializer)
}

pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Bookmark>, D::Error> {
    let Some(text) = Option::<String>::deserialize(deserializer)? else { return Ok(None) };
    Bookmark::parse(&text).map(Some).ok_or_else(|| D::Error::custom("no bookmark looks like that"))
}
