use aip::Violations;

/// Why a JSON body is not the message that it should be.
#[derive(Debug, thiserror::Error)]
pub(crate) enum JsonError {
    /// It is not JSON: why, and where, as in `it ends too early at line 1 column 1`.
    #[error("{0}")]
    Syntax(String),
    /// The body is JSON, but these fields are not as they must be.
    #[error("{} fields of the body are not valid", .0.count())]
    Fields(Violations),
    /// The message would have more than [`aip::MAX_MESSAGE_BYTES`]: a body grows where two characters, as in a list of
    /// numbers, become ten bytes.
    #[error("the message would be larger than {} bytes", aip::MAX_MESSAGE_BYTES)]
    TooLarge,
}

/// Why bytes from a service cannot be told as JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the message cannot be written as JSON: {0}")]
pub(crate) struct WireError(pub(super) &'static str);
