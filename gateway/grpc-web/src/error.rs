//! What can be wrong with the other side's bytes, and the status it becomes.

use tonic::Status;

/// A breach of the gRPC-web protocol by the peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Error {
    #[error("The content type names a message format other than protobuf")]
    MessageFormat,

    #[error("The text form of the body is not base64 padded to groups of four characters")]
    Base64,

    #[error("A frame has the unknown flags {0:#04x}")]
    Flags(u8),

    #[error("The body ended inside a frame")]
    Truncated,

    #[error("The body goes on after its trailers")]
    AfterTrailers,

    #[error("The trailers are {0} bytes long, more than the limit of {limit}", limit = crate::frame::MAX_TRAILERS_BYTES)]
    TrailersTooLarge(usize),

    #[error("The trailers are compressed, which was not asked for")]
    CompressedTrailers,

    #[error("A line of the trailers is not `name: value`")]
    TrailerLine,
}

impl From<Error> for Status {
    /// gRPC's status list gives INTERNAL to every breach of the protocol, whichever side committed it.
    fn from(error: Error) -> Self {
        let message = error.to_string();
        match error {
            Error::TrailersTooLarge(_) => Self::resource_exhausted(message),
            Error::MessageFormat
            | Error::Base64
            | Error::Flags(_)
            | Error::Truncated
            | Error::AfterTrailers
            | Error::CompressedTrailers
            | Error::TrailerLine => Self::internal(message),
        }
    }
}
