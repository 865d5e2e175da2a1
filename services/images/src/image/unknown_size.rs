//! Why the size of an image is unknown.

use proto::images::v1 as pb;

/// Why the size of an image cannot be read from its header.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum UnknownSize {
    #[error("the file ends before the part of its header that holds the size")]
    Truncated,
    #[error("the header violates the rules of its format")]
    Malformed,
    #[error("a part of the header is longer than 256 KiB")]
    HeaderTooLong,
    #[error("the width or the height is 0, or more than 2147483647")]
    Impossible,
    /// The record is older than the column for the reason.
    #[error("the reason was not recorded")]
    NotRecorded,
}

impl UnknownSize {
    const RECORDED: [Self; 4] = [Self::Truncated, Self::Malformed, Self::HeaderTooLong, Self::Impossible];

    /// The text to store.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Truncated => "truncated",
            Self::Malformed => "malformed",
            Self::HeaderTooLong => "header_too_long",
            Self::Impossible => "impossible",
            Self::NotRecorded => "",
        }
    }

    /// Reads a stored reason.
    pub(crate) fn from_stored(text: Option<&str>) -> Self {
        let stored = Self::RECORDED.into_iter().find(|reason| Some(reason.as_str()) == text);
        stored.unwrap_or(Self::NotRecorded)
    }
}

impl From<UnknownSize> for pb::UnknownSize {
    fn from(reason: UnknownSize) -> Self {
        match reason {
            UnknownSize::Truncated => Self::Truncated,
            UnknownSize::Malformed => Self::Malformed,
            UnknownSize::HeaderTooLong => Self::HeaderTooLong,
            UnknownSize::Impossible => Self::Impossible,
            UnknownSize::NotRecorded => Self::Unspecified,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stored_reason_survives_a_round_trip() {
        for reason in UnknownSize::RECORDED {
            assert_eq!(UnknownSize::from_stored(Some(reason.as_str())), reason);
        }
        assert_eq!(UnknownSize::from_stored(None), UnknownSize::NotRecorded);
    }
}
