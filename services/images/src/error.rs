//! The errors of the service, and the gRPC status of each.

use std::time::Duration;

use aip::{Violation, Violations};
use tonic::{Code, Status};

use crate::{format::Unsupported, image::ImageId};

pub(crate) type Result<T, E = Error> = std::result::Result<T, E>;

/// When to retry a transfer above the limits: most transfers end sooner.
const RETRY_TRANSFER_AFTER: Duration = Duration::from_secs(5);

/// Why a request failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("the request has {} invalid fields", .0.count())]
    Invalid(Violations),

    #[error(transparent)]
    Denied(#[from] identity::Denied),

    #[error("image {0} does not exist for the caller")]
    NotFound(ImageId),

    #[error("upload {0} does not exist for the caller")]
    UploadNotFound(ImageId),

    #[error(
        "No bytes were uploaded yet. Send them with the request that CreateUpload returned, then complete again."
    )]
    NotUploaded(ImageId),

    #[error("image {0} is not deleted")]
    NotDeleted(ImageId),

    #[error("image {0} has a different etag")]
    Conflict(ImageId),

    #[error("The image is too large. The limit is {limit} bytes.")]
    TooLarge { limit: i32 },

    #[error(transparent)]
    Unsupported(#[from] Unsupported),

    #[error("The range is outside of the image, which has {size} bytes")]
    RangeNotSatisfiable { size: i32 },

    #[error("The signature is not valid for this URL")]
    WrongSignature,

    #[error("The signed URL has expired. Request a new one.")]
    ExpiredSignature,

    #[error(
        "This server is at its limit of {limit} concurrent uploads and downloads. Retry after {retry} s.",
        retry = RETRY_TRANSFER_AFTER.as_secs()
    )]
    TooManyTransfers { limit: usize },

    #[error(
        "This caller or signed URL is at its limit of {limit} concurrent uploads and downloads. \
         Retry when one of them has ended."
    )]
    TooManyTransfersOfCaller { limit: usize },

    #[error("image {0} has a record, but its bytes are missing or truncated")]
    BytesLost(ImageId),

    /// The stream of the request failed; the status of the transport says why.
    #[error("the stream of the request failed")]
    Stream(#[source] Status),

    #[error(transparent)]
    Storage(#[from] storage::Error),
}

impl From<Violation> for Error {
    fn from(violation: Violation) -> Self {
        Self::Invalid(violation.into())
    }
}

impl From<Violations> for Error {
    fn from(violations: Violations) -> Self {
        Self::Invalid(violations)
    }
}

impl From<Error> for Status {
    fn from(error: Error) -> Self {
        const KIND: &str = "Image";
        let text = error.to_string();
        match error {
            Error::Invalid(violations) => aip::invalid_argument(&violations),
            Error::Denied(denied) => denied.into(),
            Error::NotFound(id) => aip::not_found(KIND, id),
            Error::UploadNotFound(id) => aip::not_found("Upload", id),
            Error::NotUploaded(_) => aip::with_reason(Code::FailedPrecondition, "NOT_UPLOADED", text),
            Error::NotDeleted(id) => aip::already_exists(KIND, id),
            Error::Conflict(id) => aip::conflict(KIND, id),
            Error::TooLarge { limit } => aip::with_metadata(
                Code::InvalidArgument,
                "IMAGE_TOO_LARGE",
                text,
                [("max_bytes", limit.to_string())],
            ),
            Error::Unsupported(_) => aip::with_reason(Code::InvalidArgument, "UNSUPPORTED_IMAGE_TYPE", text),
            Error::RangeNotSatisfiable { size } => aip::with_metadata(
                Code::OutOfRange,
                "RANGE_NOT_SATISFIABLE",
                text,
                [("size_bytes", size.to_string())],
            ),
            Error::WrongSignature => aip::with_reason(Code::PermissionDenied, "SIGNATURE_INVALID", text),
            Error::ExpiredSignature => aip::with_reason(Code::PermissionDenied, "SIGNATURE_EXPIRED", text),
            Error::TooManyTransfers { .. } | Error::TooManyTransfersOfCaller { .. } => {
                aip::too_many_requests(text, RETRY_TRANSFER_AFTER)
            }
            Error::BytesLost(id) => {
                tracing::error!(image.id = %id, "{text}");
                aip::with_reason(
                    Code::DataLoss,
                    "IMAGE_LOST",
                    "The bytes of the image are missing or truncated",
                )
            }
            Error::Stream(status) => status,
            Error::Storage(error) => aip::storage_failure(&error),
        }
    }
}
