//! Why a picture's size is not known.

use proto::images::v1 as pb;

/// What kept a header from telling the size.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum UnknownSize {
    #[error("the file ends before its header tells the size")]
    Truncated,
    #[error("the header is not as its format wants it")]
    Malformed,
    #[error("a part of the header is longer than 256 KiB")]
    HeaderTooLong,
    #[error("a side has no pixel, or more than 2147483647")]
    Impossible,
    /// The record is older than its column.
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

    /// The reason that was stored as `text`.
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
    fn a_reason_is_read_as_it_was_stored() {
        for reason in UnknownSize::RECORDED {
            assert_eq!(UnknownSize::from_stored(Some(reason.as_str())), reason);
        }
        assert_eq!(UnknownSize::from_stored(None), UnknownSize::NotRecorded);
    }
}
