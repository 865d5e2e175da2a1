//! Maps every failure of the SDK to an [`Error`].

use std::error::Error as StdError;

use aws_sdk_s3::{
    error::{ProvideErrorMetadata, SdkError},
    operation::head_object::HeadObjectError,
    primitives::ByteStreamError,
    types::Error as DeleteError,
};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use storage::{Error, Result};

/// Codes of failures that are temporary, whatever their status is.
const TEMPORARY: [&str; 6] = [
    "InternalError",
    "RequestTimeout",
    "RequestTimeTooSkewed",
    "ServiceUnavailable",
    "SlowDown",
    "TooManyRequests",
];

/// Codes of stores that are full.
const FULL: [&str; 3] = ["InsufficientStorage", "QuotaExceeded", "XMinioStorageFull"];

/// Maps a failed call to its class.
pub(super) fn classify<E>(error: SdkError<E, HttpResponse>) -> Error
where
    E: ProvideErrorMetadata + StdError + Send + Sync + 'static,
{
    let SdkError::ServiceError(failed) = &error else {
        return match error {
            // The request was never sent, so a retry would fail again.
            SdkError::ConstructionFailure(_) => Error::broken(error),
            _ => Error::unavailable(error),
        };
    };
    match class(failed.err().code().unwrap_or_default(), failed.raw().status().as_u16()) {
        Class::Temporary => Error::unavailable(error),
        Class::Full => Error::Full(Box::new(error)),
        Class::Broken => Error::broken(error),
    }
}

/// The failure of a response body that ended early.
pub(super) fn incomplete_body(error: ByteStreamError) -> Error {
    Error::unavailable(error)
}

/// Fails if one of many objects was not deleted.
pub(super) fn require_all_deleted(errors: &[DeleteError]) -> Result<()> {
    let Some(first) = errors.first() else { return Ok(()) };
    let (code, text) = (first.code().unwrap_or_default(), first.message().unwrap_or_default());
    let problem = format!("{} objects were not deleted; the first error is {code}: {text}", errors.len());
    Err(match class(code, 200) {
        Class::Temporary => Error::unavailable(problem),
        Class::Full => Error::Full(problem.into()),
        Class::Broken => Error::broken(problem),
    })
}

/// Whether a `HEAD` request found no object.
pub(super) fn is_absent(error: &SdkError<HeadObjectError, HttpResponse>) -> bool {
    matches!(error, SdkError::ServiceError(failed) if failed.err().is_not_found())
}

/// Why a bucket cannot be listed, in a phrase that continues its name.
pub(super) fn problem_at_start<E: ProvideErrorMetadata>(error: &SdkError<E, HttpResponse>) -> &'static str {
    let SdkError::ServiceError(failed) = error else {
        return "cannot be reached: check the endpoint, and that credentials are set (AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY)";
    };
    match (failed.err().code().unwrap_or_default(), failed.raw().status().as_u16()) {
        ("NoSuchBucket", _) | (_, 404) => "does not exist at that endpoint",
        (_, 401 | 403) => {
            "rejects the credentials: check AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, and their permissions"
        }
        _ => "cannot be used",
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Class {
    Temporary,
    Full,
    Broken,
}

fn class(code: &str, status: u16) -> Class {
    if FULL.contains(&code) || status == 507 {
        Class::Full
    } else if TEMPORARY.contains(&code) || status == 429 || status >= 500 {
        Class::Temporary
    } else {
        Class::Broken
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_gets_its_class_from_its_code_or_its_status() {
        for (code, status, expected) in [
            ("SlowDown", 503, Class::Temporary),
            ("InternalError", 200, Class::Temporary),
            ("RequestTimeout", 400, Class::Temporary),
            ("", 502, Class::Temporary),
            ("", 429, Class::Temporary),
            ("XMinioStorageFull", 507, Class::Full),
            ("", 507, Class::Full),
            ("AccessDenied", 403, Class::Broken),
            ("NoSuchBucket", 404, Class::Broken),
            ("InvalidPart", 400, Class::Broken),
        ] {
            assert_eq!(class(code, status), expected, "{code} {status}");
        }
    }
}
