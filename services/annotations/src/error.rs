//! The errors of this crate, and the only place that maps them to a gRPC status.

use std::{num::NonZeroU32, time::Duration};

use aip::{Violation, Violations};
use runtime::Exceeded;
use storage::Constraint;
use tonic::{Code, Status};

use crate::{
    annotation::{AnnotationId, ImageId},
    quota::Resource,
};

pub(crate) type Result<T, E = Error> = std::result::Result<T, E>;

/// The retry delay when a limit of watches is reached: watches last long.
const WATCH_RETRY_DELAY: Duration = Duration::from_secs(10);

/// The retry delay when a limit of ingest streams is reached: their buffers are stored in less time.
const INGEST_RETRY_DELAY: Duration = Duration::from_secs(1);

/// Why a request failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("the request has {} invalid values", .0.count())]
    Invalid(Violations),

    #[error(transparent)]
    Denied(#[from] identity::Denied),

    #[error("annotation {0} does not exist for the caller")]
    NotFound(AnnotationId),

    #[error("image {image_id}, which {field} names, does not exist for the caller")]
    ImageNotFound { image_id: ImageId, field: String },

    #[error("annotation {0} has another etag")]
    Conflict(AnnotationId),

    #[error("stream {0} does not exist for the caller")]
    StreamNotFound(String),

    #[error(
        "The offset is too high: the stream continues at offset {next_offset}. Send from there. If annotations from \
         there on were acknowledged before, the database was restored from a backup that does not have them."
    )]
    Gap { next_offset: i64 },

    #[error(
        "The stream continues at offset {next_offset} again, because the database was restored from a backup. Open the \
         stream again and send from there."
    )]
    Rewound { next_offset: i64 },

    #[error("another writer has opened the stream")]
    Fenced,

    #[error("a limit of {0:?} would be exceeded: {1:?}")]
    Exceeded(Resource, Exceeded),

    #[error("the producer sent no message for {} s", .0.as_secs())]
    Idle(Duration),

    /// With a sentence that says how to resume.
    #[error("the caller's token has expired")]
    TokenExpired(&'static str),

    #[error("the host is shutting down")]
    Stopping,

    #[error("the caller is at its limit of stored streams, {0}")]
    TooManyStreams(NonZeroU32),

    /// With the error that ended the producer's stream.
    #[error("the producer's stream failed")]
    Producer(#[source] Status),

    #[error("the images service did not return the owners of the images")]
    Images(#[source] Status),

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
        const KIND: &str = "Annotation";
        match error {
            Error::Invalid(violations) => aip::invalid_argument(&violations),
            Error::Denied(denied) => denied.into(),
            Error::NotFound(id) => aip::not_found(KIND, id),
            Error::ImageNotFound { image_id, field } => aip::not_found_in("Image", image_id, &field),
            Error::Conflict(id) => aip::conflict(KIND, id),
            Error::StreamNotFound(id) => aip::not_found("Stream", id),
            Error::Gap { next_offset } => aip::with_metadata(
                Code::OutOfRange,
                "OFFSET_GAP",
                error.to_string(),
                [("next_offset", next_offset.to_string())],
            ),
            Error::Rewound { next_offset } => aip::with_metadata(
                Code::Aborted,
                "STREAM_REWOUND",
                error.to_string(),
                [("next_offset", next_offset.to_string())],
            ),
            Error::Fenced => aip::with_reason(
                Code::Aborted,
                "STREAM_FENCED",
                "Another writer has opened the stream. A stream has one writer at a time.",
            ),
            Error::Exceeded(resource, exceeded) => quota_status(resource, exceeded),
            Error::TooManyStreams(limit) => aip::with_reason(
                Code::ResourceExhausted,
                "TOO_MANY_STREAMS",
                format!(
                    "You are at the limit of stored streams for one caller, {limit}. Append to an existing stream. A stream \
                     that is neither opened nor written for 30 days is removed."
                ),
            ),
            Error::Idle(silence) => {
                let seconds = silence.as_secs();
                let message = format!("No message arrived for {seconds} s. Open the stream again to resume.");
                aip::with_reason(Code::Unavailable, "STREAM_IDLE", message)
            }
            Error::TokenExpired(resume) => identity::token_expired(resume),
            Error::Stopping => {
                let message = "The server is shutting down. Open the stream again to resume.";
                aip::with_reason(Code::Unavailable, "SERVER_STOPPING", message)
            }
            Error::Producer(status) => status,
            Error::Images(status) => images_failure(status),
            // The image is not visible in the database, but the images service, asked again, still returned it.
            Error::Storage(storage::Error::Constraint(Constraint::ForeignKey)) => aip::with_reason(
                Code::Unavailable,
                "IMAGE_CHANGING",
                "An image of the request was deleted or undeleted at the same time. Retry after 1 s.",
            ),
            Error::Storage(error) => aip::storage_failure(&error),
        }
    }
}

/// RESOURCE_EXHAUSTED, with the limit and the retry delay.
fn quota_status(resource: Resource, exceeded: Exceeded) -> Status {
    let delay = match resource {
        Resource::Watches => WATCH_RETRY_DELAY,
        Resource::IngestStreams | Resource::IngestBytes => INGEST_RETRY_DELAY,
    };
    let seconds = delay.as_secs();
    let message = match (resource, exceeded) {
        (Resource::Watches, Exceeded::Total(limit)) => {
            format!("This server is at its limit of open watches, {limit}. Retry after {seconds} s.")
        }
        (Resource::IngestStreams, Exceeded::Total(limit)) => {
            format!("This server is at its limit of open ingest streams, {limit}. Retry after {seconds} s.")
        }
        (Resource::IngestBytes, Exceeded::Total(limit)) => {
            format!("Ingest buffers are full ({limit} bytes). Retry after {seconds} s.")
        }
        (Resource::Watches, Exceeded::Caller(limit)) => format!(
            "You are at the limit of open watches for one caller, {limit}. Close one, or retry after {seconds} s."
        ),
        (Resource::IngestStreams, Exceeded::Caller(limit)) => format!(
            "You are at the limit of open ingest streams for one caller, {limit}. Close one, or retry after {seconds} s."
        ),
        (Resource::IngestBytes, Exceeded::Caller(limit)) => format!(
            "The buffers of your ingest streams are full ({limit} bytes for one caller). Retry after {seconds} s."
        ),
    };
    aip::too_many_requests(message, delay)
}

/// A rejection of the caller's token by the images service is passed to the caller. Its other failures are logged, and their
/// causes are not sent.
fn images_failure(status: Status) -> Status {
    match status.code() {
        Code::Unauthenticated | Code::PermissionDenied => status,
        Code::DeadlineExceeded | Code::Cancelled => {
            aip::with_reason(Code::DeadlineExceeded, "DEADLINE_EXCEEDED", "The request exceeded its deadline")
        }
        Code::Unavailable | Code::ResourceExhausted | Code::Aborted | Code::Unknown => {
            tracing::error!(error = &status as &dyn std::error::Error, "the images service is not available");
            aip::with_reason(
                Code::Unavailable,
                "IMAGES_UNAVAILABLE",
                "The images service is not available. Retry after 1 s.",
            )
        }
        Code::Ok
        | Code::InvalidArgument
        | Code::NotFound
        | Code::AlreadyExists
        | Code::FailedPrecondition
        | Code::OutOfRange
        | Code::Unimplemented
        | Code::Internal
        | Code::DataLoss => {
            tracing::error!(error = &status as &dyn std::error::Error, "the images service failed");
            aip::with_reason(Code::Internal, "INTERNAL", "Internal error")
        }
    }
}
