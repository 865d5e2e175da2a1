//! The names of fields as an HTTP client knows them: where the body is one field of the request, a service's
//! `annotation.label` is the client's `label`, as it is in errors of the JSON itself.

use tonic::Status;
use tonic_types::{ErrorDetails, StatusExt as _};

use crate::{contract::Body, error::Error};

/// The same error, its fields named from the body on.
pub(super) fn from_the_body(error: Error, body: &Body) -> Error {
    match (error, body) {
        (Error::Service(status), Body::Field(field)) => {
            Error::Service(Box::new(without_prefix(*status, &format!("{}.", field.name()))))
        }
        (error, Body::None | Body::Whole | Body::Field(_)) => error,
    }
}

fn without_prefix(status: Status, prefix: &str) -> Status {
    let Ok(mut details) = status.check_error_details() else { return status };
    if !rename(&mut details, prefix) {
        return status;
    }
    let message = status.message();
    let message = message.strip_prefix(prefix).unwrap_or(message);
    Status::with_error_details_and_metadata(status.code(), message, details, status.metadata().clone())
}

/// Returns whether there was anything to rename.
fn rename(details: &mut ErrorDetails, prefix: &str) -> bool {
    let Some(mut request) = details.bad_request().cloned() else { return false };
    let mut renamed = false;
    for violation in &mut request.field_violations {
        if let Some(field) = violation.field.strip_prefix(prefix) {
            violation.field = field.to_owned();
            renamed = true;
        }
    }
    details.set_bad_request(request.field_violations);
    renamed
}

#[cfg(test)]
mod tests {
    use tonic::Code;

    use super::*;

    fn status(message: &str, fields: &[&str]) -> Status {
        let mut details = ErrorDetails::new();
        details.set_error_info("INVALID_FIELDS", "reticle", []);
        for field in fields {
            details.add_bad_request_violation(*field, "must be there");
        }
        Status::with_error_details(Code::InvalidArgument, message, details)
    }

    #[test]
    fn fields_of_the_body_lose_its_name_and_others_keep_theirs() {
        let told = without_prefix(
            status(
                "annotation.label must be there",
                &["annotation.label", "update_mask", "annotations[1].x"],
            ),
            "annotation.",
        );
        assert_eq!((told.code(), told.message()), (Code::InvalidArgument, "label must be there"));
        let fields = told.get_details_bad_request().unwrap().field_violations;
        let fields: Vec<_> = fields.iter().map(|violation| violation.field.as_str()).collect();
        assert_eq!(fields, ["label", "update_mask", "annotations[1].x"]);
        assert_eq!(told.get_details_error_info().unwrap().reason, "INVALID_FIELDS");
    }

    #[test]
    fn a_status_without_such_fields_stays_as_it_is() {
        let told = without_prefix(status("annotation.x is a name", &["update_mask"]), "annotation.");
        assert_eq!(told.message(), "annotation.x is a name");
    }
}
