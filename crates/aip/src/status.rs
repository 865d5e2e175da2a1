//! gRPC error statuses with details (AIP-193). The services call these functions only in their `error.rs`.

use std::time::Duration;

use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt as _};

use crate::Violations;

/// The `domain` of every ErrorInfo.
const DOMAIN: &str = "reticle";

/// When to retry a call that was UNAVAILABLE.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// When to retry a call to an overloaded storage.
const RETRY_OVERLOADED_AFTER: Duration = Duration::from_secs(10);

/// INVALID_ARGUMENT with all violations in its details; the message holds the first one.
#[must_use]
pub fn invalid_argument(violations: &Violations) -> Status {
    let mut details = ErrorDetails::new();
    for violation in violations.named() {
        details.add_bad_request_violation(&violation.field, &violation.description);
    }
    details.set_error_info("INVALID_FIELDS", DOMAIN, [("count".to_owned(), violations.count().to_string())]);
    let first = violations.named().first();
    let message = match (first, violations.count()) {
        (Some(first), 1) => format!("{} {}", first.field, first.description),
        (Some(first), count) => format!("{} {} (and {} more)", first.field, first.description, count - 1),
        (None, _) => "The request is invalid".to_owned(),
    };
    Status::with_error_details(Code::InvalidArgument, message, details)
}

/// NOT_FOUND: the resource of this `kind` (for example `Image`) and id does not exist for the caller.
#[must_use]
pub fn not_found(kind: &str, id: impl std::fmt::Display) -> Status {
    resource(Code::NotFound, "NOT_FOUND", kind, id, format!("{kind} not found"))
}

/// NOT_FOUND for a resource that `field` of the request names. The message includes the field if it has an index, to show
/// which element of a list is meant.
#[must_use]
pub fn not_found_in(kind: &str, id: impl std::fmt::Display, field: &str) -> Status {
    let mut details = ErrorDetails::new();
    details.set_error_info("NOT_FOUND", DOMAIN, [("field".to_owned(), field.to_owned())]);
    details.set_resource_info(kind, id.to_string(), "", format!("named by {field}"));
    let message =
        if field.contains('[') { format!("{kind} not found ({field})") } else { format!("{kind} not found") };
    Status::with_error_details(Code::NotFound, message, details)
}

/// ALREADY_EXISTS: a resource of this `kind` and id exists and is not deleted.
#[must_use]
pub fn already_exists(kind: &str, id: impl std::fmt::Display) -> Status {
    resource(Code::AlreadyExists, "ALREADY_EXISTS", kind, id, format!("{kind} already exists"))
}

/// ABORTED: the caller's etag is not the current one.
#[must_use]
pub fn conflict(kind: &str, id: impl std::fmt::Display) -> Status {
    let message = format!("{kind} was changed in the meantime. Read it again and repeat the change.");
    resource(Code::Aborted, "ETAG_MISMATCH", kind, id, message)
}

fn resource(code: Code, reason: &str, kind: &str, id: impl std::fmt::Display, message: String) -> Status {
    let mut details = ErrorDetails::new();
    details.set_error_info(reason, DOMAIN, []);
    details.set_resource_info(kind, id.to_string(), "", "");
    Status::with_error_details(code, message, details)
}

/// A status with a `reason` (UPPER_SNAKE_CASE) by which programs can identify the cause.
#[must_use]
pub fn with_reason(code: Code, reason: &str, message: impl Into<String>) -> Status {
    if code == Code::Unavailable {
        return unavailable(reason, message, RETRY_AFTER);
    }
    let mut details = ErrorDetails::new();
    details.set_error_info(reason, DOMAIN, []);
    Status::with_error_details(code, message, details)
}

fn unavailable(reason: &str, message: impl Into<String>, retry_after: Duration) -> Status {
    let mut details = ErrorDetails::new();
    details.set_error_info(reason, DOMAIN, []);
    details.set_retry_info(Some(retry_after));
    Status::with_error_details(Code::Unavailable, message, details)
}

/// A status with a `reason` and named values for programs.
#[must_use]
pub fn with_metadata<const N: usize>(
    code: Code,
    reason: &str,
    message: impl Into<String>,
    metadata: [(&str, String); N],
) -> Status {
    let mut details = ErrorDetails::new();
    let metadata = metadata.map(|(name, value)| (name.to_owned(), value));
    details.set_error_info(reason, DOMAIN, metadata);
    Status::with_error_details(code, message, details)
}

/// RESOURCE_EXHAUSTED: the caller exceeds a limit, and can retry after `retry_after`.
#[must_use]
pub fn too_many_requests(message: impl Into<String>, retry_after: Duration) -> Status {
    let mut details = ErrorDetails::new();
    details.set_error_info("TOO_MANY_REQUESTS", DOMAIN, []);
    details.set_retry_info(Some(retry_after));
    Status::with_error_details(Code::ResourceExhausted, message, details)
}

/// The status for a failure of the database or the object store. It logs the cause, once, and does not send it.
#[must_use]
pub fn storage_failure(error: &storage::Error) -> Status {
    tracing::error!(error = error as &dyn std::error::Error, "the database or the object store failed");
    match error {
        storage::Error::Unavailable(_) => with_reason(
            Code::Unavailable,
            "STORAGE_UNAVAILABLE",
            format!("The storage is unavailable. Retry after {} s.", RETRY_AFTER.as_secs()),
        ),
        storage::Error::Overloaded(_) => unavailable(
            "STORAGE_OVERLOADED",
            format!("The storage is overloaded. Retry after {} s.", RETRY_OVERLOADED_AFTER.as_secs()),
            RETRY_OVERLOADED_AFTER,
        ),
        storage::Error::Full(_) => {
            with_reason(Code::ResourceExhausted, "STORAGE_FULL", "The storage is full")
        }
        storage::Error::Body(_) => {
            with_reason(Code::Aborted, "BODY_INCOMPLETE", "The upload ended before all bytes arrived")
        }
        storage::Error::Constraint(_) | storage::Error::Row { .. } | storage::Error::Broken(_) => {
            with_reason(Code::Internal, "INTERNAL", "Internal error")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_message_of_not_found_names_a_field_with_an_index() {
        let status = |field| not_found_in("Image", 7, field);
        assert_eq!(status("annotation.image_id").message(), "Image not found");
        assert_eq!(status("annotations[2].image_id").message(), "Image not found (annotations[2].image_id)");
        let resource = status("annotation.image_id").get_details_resource_info().unwrap();
        assert_eq!(
            (resource.resource_name.as_str(), resource.description.as_str()),
            ("7", "named by annotation.image_id")
        );
    }

    #[test]
    fn the_retry_delay_is_longer_if_the_storage_is_overloaded() {
        let wait = |error| {
            let status = storage_failure(&error);
            assert_eq!(status.code(), Code::Unavailable);
            status.get_details_retry_info().and_then(|info| info.retry_delay)
        };
        assert_eq!(wait(storage::Error::unavailable("reset")), Some(RETRY_AFTER));
        assert_eq!(wait(storage::Error::overloaded("too many")), Some(RETRY_OVERLOADED_AFTER));
    }

    #[test]
    fn the_error_info_holds_the_reason_and_the_metadata() {
        let status = with_metadata(Code::OutOfRange, "TOO_FAR", "Too far", [("size_bytes", "7".to_owned())]);
        let info = status.get_details_error_info().unwrap();
        assert_eq!(
            (status.code(), info.reason.as_str(), info.domain.as_str()),
            (Code::OutOfRange, "TOO_FAR", DOMAIN)
        );
        assert_eq!(info.metadata.get("size_bytes").map(String::as_str), Some("7"));
    }
}
