//! Etags of records (AIP-154).

/// The entity tag of a record: its revision, a number that increases by one with every change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Etag(i64);

impl Etag {
    /// The tag for this revision.
    #[must_use]
    pub const fn of_revision(revision: i64) -> Self {
        Self(revision)
    }

    /// Decodes the tag that a caller sent; `None` if it sent none. A tag that this API never returned matches no revision.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        (!text.is_empty()).then(|| Self(text.strip_prefix('r').and_then(|n| n.parse().ok()).unwrap_or(-1)))
    }

    /// The revision.
    #[must_use]
    pub const fn revision(self) -> i64 {
        self.0
    }
}

impl std::fmt::Display for Etag {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "r{}", self.0)
    }
}
