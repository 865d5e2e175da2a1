//! Protocol errors in the bytes of the peer, and their gRPC status.

use tonic::Status;

/// A violation of the gRPC-web protocol by the peer.
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

    #[error("The body continues after its trailers")]
    AfterTrailers,

    #[error("The trailers have {0} bytes, more than the limit of {limit} bytes", limit = crate::frame::MAX_TRAILERS_BYTES)]
    TrailersTooLarge(usize),

    #[error("The trailers are compressed, but the request did not ask for compression")]
    CompressedTrailers,

    #[error("A line of the trailers is not `name: value`")]
    TrailerLine,
}

impl From<Error> for Status {
    /// gRPC's list of status codes gives INTERNAL to every violation of the protocol, by the client or the server.
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
