//! The one place where what the SDK tells becomes an [`Error`].

use std::error::Error as StdError;

use aws_sdk_s3::{
    error::{ProvideErrorMetadata, SdkError},
    operation::head_object::HeadObjectError,
    primitives::ByteStreamError,
    types::Error as Refusal,
};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use storage::{Error, Result};

/// Codes of failures that may pass, whatever their status is.
const PASSING: [&str; 6] = [
    "InternalError",
    "RequestTimeout",
    "RequestTimeTooSkewed",
    "ServiceUnavailable",
    "SlowDown",
    "TooManyRequests",
];

/// Codes of stores that have no room left.
const FULL: [&str; 3] = ["InsufficientStorage", "QuotaExceeded", "XMinioStorageFull"];

/// The class of a failed call.
pub(super) fn classify<E>(error: SdkError<E, HttpResponse>) -> Error
where
    E: ProvideErrorMetadata + StdError + Send + Sync + 'static,
{
    let SdkError::ServiceError(refused) = &error else {
        return match error {
            // It never left this process, so no other time will be better.
            SdkError::ConstructionFailure(_) => Error::broken(error),
            _ => Error::unavailable(error),
        };
    };
    match class(refused.err().code().unwrap_or_default(), refused.raw().status().as_u16()) {
        Class::Passing => Error::unavailable(error),
        Class::Full => Error::Full(Box::new(error)),
        Class::Broken => Error::broken(error),
    }
}

/// A body that broke off on its way from the store.
pub(super) fn broken_off(error: ByteStreamError) -> Error {
    Error::unavailable(error)
}

/// Fails if one of many objects was not deleted.
pub(super) fn refuse_any(refusals: &[Refusal]) -> Result<()> {
    let Some(refusal) = refusals.first() else { return Ok(()) };
    let (code, text) = (refusal.code().unwrap_or_default(), refusal.message().unwrap_or_default());
    let problem =
        format!("{} of the objects were not deleted, the first because of {code}: {text}", refusals.len());
    Err(match class(code, 200) {
        Class::Passing => Error::unavailable(problem),
        Class::Full => Error::Full(problem.into()),
        Class::Broken => Error::broken(problem),
    })
}

/// Whether a look at an object found none.
pub(super) fn is_absent(error: &SdkError<HeadObjectError, HttpResponse>) -> bool {
    matches!(error, SdkError::ServiceError(refused) if refused.err().is_not_found())
}

/// What is wrong with a bucket that cannot be looked into, in a phrase that continues its name.
pub(super) fn problem_at_start<E: ProvideErrorMetadata>(error: &SdkError<E, HttpResponse>) -> &'static str {
    let SdkError::ServiceError(refused) = error else {
        return "cannot be reached: check the endpoint, and that credentials are set (AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY)";
    };
    match (refused.err().code().unwrap_or_default(), refused.raw().status().as_u16()) {
        ("NoSuchBucket", _) | (_, 404) => "does not exist at that endpoint",
        (_, 401 | 403) => {
            "refuses these credentials: check AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, and what they may do"
        }
        _ => "cannot be used",
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Class {
    Passing,
    Full,
    Broken,
}

fn class(code: &str, status: u16) -> Class {
    if FULL.contains(&code) || status == 507 {
        Class::Full
    } else if PASSING.contains(&code) || status == 429 || status >= 500 {
        Class::Passing
    } else {
        Class::Broken
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_has_the_class_of_its_code_or_of_its_status() {
        for (code, status, expected) in [
            ("SlowDown", 503, Class::Passing),
            ("InternalError", 200, Class::Passing),
            ("RequestTimeout", 400, Class::Passing),
            ("", 502, Class::Passing),
            ("", 429, Class::Passing),
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
