//! Everything that can go wrong, and what the caller is told of it.

use std::{num::NonZeroU32, time::Duration};

use aip::{Violation, Violations};
use storage::Constraint;
use tonic::{Code, Status};

use crate::{
    annotation::{AnnotationId, ImageId},
    quota::{Exceeded, Resource},
};

pub(crate) type Result<T, E = Error> = std::result::Result<T, E>;

/// When to watch again where too many watch: watches last long.
const WATCH_AFTER: Duration = Duration::from_secs(10);

/// When to send again where streams use too much: what they hold is stored in less.
const SEND_AFTER: Duration = Duration::from_secs(1);

/// Why a request failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("the request breaks {} rules", .0.count())]
    Invalid(Violations),

    #[error(transparent)]
    Denied(#[from] identity::Denied),

    #[error("annotation {0} does not exist for the caller")]
    NotFound(AnnotationId),

    #[error("image {image_id}, which {field} names, does not exist for the caller")]
    ImageNotFound { image_id: ImageId, field: String },

    #[error("annotation {0} has another etag")]
    Conflict(AnnotationId),

    #[error("the caller has no stream {0}")]
    StreamNotFound(String),

    #[error(
        "the stream continues at offset {next_offset}: send what is missing from there. If that was acknowledged, the \
         database was restored from a backup that does not have it"
    )]
    Gap { next_offset: i64 },

    #[error(
        "the stream has gone back to offset {next_offset}, as the database was restored from a backup: open it again, and \
         send from there"
    )]
    Rewound { next_offset: i64 },

    #[error("another writer has opened the stream")]
    Fenced,

    #[error("too much is in use: {0:?}")]
    Exceeded(Exceeded),

    #[error("the producer was silent for {} seconds", .0.as_secs())]
    Idle(Duration),

    /// With a sentence that says how to go on.
    #[error("the caller's token has expired")]
    TokenExpired(&'static str),

    #[error("the host is about to stop")]
    Stopping,

    #[error("the caller has {0} streams")]
    TooManyStreams(NonZeroU32),

    /// What its stream ended with instead of an end.
    #[error("the producer's stream broke off")]
    Producer(#[source] Status),

    #[error("the images service did not say whom the images belong to")]
    Images(#[source] Status),

    #[error(transparent)]
    Storage(#[from] storage::Error),
}

impl From<Violation> for Error {
    fn from(violation: Violation) -> Self {
        Self::Invalid(violation.into())
    }
}

impl From<Exceeded> for Error {
    fn from(exceeded: Exceeded) -> Self {
        Self::Exceeded(exceeded)
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
            Error::Fenced => {
                aip::with_reason(Code::Aborted, "STREAM_FENCED", "Another writer has opened the stream")
            }
            Error::Exceeded(exceeded) => too_much(exceeded),
            Error::TooManyStreams(limit) => aip::with_reason(
                Code::ResourceExhausted,
                "TOO_MANY_STREAMS",
                format!(
                    "You have {limit} streams, the most of one caller. Append to one of them: a stream that is neither \
                     opened nor written for 30 days is forgotten."
                ),
            ),
            Error::Idle(silence) => {
                let seconds = silence.as_secs();
                let message = format!("Nothing came for {seconds} seconds: open the stream again to go on");
                aip::with_reason(Code::Unavailable, "STREAM_IDLE", message)
            }
            Error::TokenExpired(resume) => identity::expired(resume),
            Error::Stopping => {
                let message = "The server stops: open the stream again to go on";
                aip::with_reason(Code::Unavailable, "SERVER_STOPPING", message)
            }
            Error::Producer(status) => status,
            Error::Images(status) => images_failure(status),
            // Every write of annotations refers to its image, and asks again before it gives up.
            Error::Storage(storage::Error::Constraint(Constraint::ForeignKey)) => aip::with_reason(
                Code::Unavailable,
                "IMAGE_CHANGING",
                "An image of the request was deleted or undeleted at the same time. Retry after 1 s.",
            ),
            Error::Storage(error) => aip::storage_failure(&error),
        }
    }
}

/// RESOURCE_EXHAUSTED, with the limit and when to try again.
fn too_much(exceeded: Exceeded) -> Status {
    let (Exceeded::Total(resource, _) | Exceeded::Caller(resource, _)) = exceeded;
    let delay = match resource {
        Resource::Watches => WATCH_AFTER,
        Resource::IngestStreams | Resource::IngestBytes => SEND_AFTER,
    };
    let seconds = delay.as_secs();
    let message = match exceeded {
        Exceeded::Total(Resource::Watches, limit) => {
            format!("{limit} watches are open, the most of this server. Retry after {seconds} s.")
        }
        Exceeded::Total(Resource::IngestStreams, limit) => {
            format!("{limit} ingest streams are open, the most of this server. Retry after {seconds} s.")
        }
        Exceeded::Total(Resource::IngestBytes, limit) => {
            format!("Ingest buffers are full ({limit} bytes). Retry after {seconds} s.")
        }
        Exceeded::Caller(Resource::Watches, limit) => {
            format!(
                "You have {limit} watches open, the most of one caller. Close one, or retry after {seconds} s."
            )
        }
        Exceeded::Caller(Resource::IngestStreams, limit) => format!(
            "You have {limit} ingest streams open, the most of one caller. Close one, or retry after {seconds} s."
        ),
        Exceeded::Caller(Resource::IngestBytes, limit) => format!(
            "Your ingest streams fill their buffers ({limit} bytes for one caller). Retry after {seconds} s."
        ),
    };
    aip::too_many_requests(message, delay)
}

/// The images service's refusals of the caller's token are for the caller; all else is between the services.
fn images_failure(status: Status) -> Status {
    match status.code() {
        Code::Unauthenticated | Code::PermissionDenied => status,
        Code::DeadlineExceeded | Code::Cancelled => {
            aip::with_reason(Code::DeadlineExceeded, "DEADLINE_EXCEEDED", "The request took too long")
        }
        Code::Unavailable | Code::ResourceExhausted | Code::Aborted | Code::Unknown => {
            tracing::error!(error = &status as &dyn std::error::Error, "the images service is not available");
            aip::with_reason(
                Code::Unavailable,
                "IMAGES_UNAVAILABLE",
                "The images service is not available at the moment",
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
