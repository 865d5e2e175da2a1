//! An ingest stream as its callers know it: its name, the positions in it, and its state.

use aip::Violation;
use runtime::{Id, Timestamp};

/// The maximum length of a stream's name, in characters of one byte each.
pub(crate) const MAX_STREAM_ID: usize = 128;

/// The name of a stream, unique for each user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct StreamId(String);

impl StreamId {
    pub(crate) fn parse(text: String) -> Result<Self, Violation> {
        let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.' | b'~');
        if (1..=MAX_STREAM_ID).contains(&text.len()) && text.bytes().all(allowed) {
            return Ok(Self(text));
        }
        Err(Violation::new("stream_id", "must be 1 to 128 letters, digits, `-`, `_`, `.` and `~`"))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

/// The position of an annotation in its stream: 0 for the first one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Offset(i64);

impl Offset {
    /// The highest offset; only a next offset can be this high. It has 12 digits, and an annotation's id has 42 bits for its
    /// offset, which is more.
    const END: i64 = 999_999_999_999;

    /// Returns `offset` if it is between 0 and [`Offset::END`].
    pub(crate) fn new(offset: i64) -> Option<Self> {
        (0..=Self::END).contains(&offset).then_some(Self(offset))
    }

    pub(crate) fn parse(offset: i64) -> Result<Self, Violation> {
        Self::new(offset).ok_or_else(|| Violation::new("offset", format!("must be 0 to {}", Self::END)))
    }

    pub(crate) const fn get(self) -> i64 {
        self.0
    }

    /// The offset after `count` annotations from this one on.
    pub(crate) fn plus(self, count: usize) -> Result<Self, Violation> {
        let sum = i64::try_from(count).ok().and_then(|count| self.0.checked_add(count));
        let rule = || format!("must end at offset {} at most: continue in another stream", Self::END);
        sum.and_then(Self::new).ok_or_else(|| Violation::new("annotations", rule()))
    }

    /// The distance from `earlier` to this offset; 0 if `earlier` is the later one.
    pub(crate) fn since(self, earlier: Self) -> usize {
        usize::try_from(self.0.saturating_sub(earlier.0)).unwrap_or_default()
    }

    /// This offset and those after it.
    pub(crate) fn following(self) -> impl Iterator<Item = Self> {
        (self.0..).map(Self)
    }

    /// Its number, for the id of its annotation.
    pub(crate) fn position(self) -> u64 {
        self.0.unsigned_abs()
    }
}

/// The state of a stream: its next offset, and the seed of its annotations' ids.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Progress {
    pub(crate) next_offset: Offset,
    pub(crate) seed: Id,
    pub(crate) created_at: Timestamp,
    pub(crate) updated_at: Timestamp,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_offsets_beyond_their_limits_are_rejected() {
        assert!(StreamId::parse("a".repeat(128)).is_ok());
        for wrong in ["", "a/b", "a:b", "a b", "ä", &"a".repeat(129)] {
            assert!(StreamId::parse(wrong.to_owned()).is_err(), "{wrong}");
        }
        assert!(Offset::new(999_999_999_999).is_some());
        assert!(Offset::new(1_000_000_000_000).is_none() && Offset::new(-1).is_none());
    }
}
