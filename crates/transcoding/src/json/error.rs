use aip::Violations;

/// Why a JSON body cannot be converted to its message.
#[derive(Debug, thiserror::Error)]
pub enum JsonError {
    /// The body is not JSON. The text says why and where, as in `it ends too early at line 1 column 1`.
    #[error("{0}")]
    Syntax(String),
    /// The body is JSON, but these fields are not valid.
    #[error("{} fields of the body are not valid", .0.count())]
    Fields(Violations),
    /// The message would have more than [`aip::MAX_MESSAGE_BYTES`]. It can be larger than its body: in a list of numbers,
    /// two characters can become ten bytes.
    #[error("the message would be larger than {} bytes", aip::MAX_MESSAGE_BYTES)]
    TooLarge,
}
