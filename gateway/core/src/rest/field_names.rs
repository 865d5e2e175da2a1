//! Translates the field names in a service's errors to the names that an HTTP client uses.
//!
//! Where the body is one field of the request, the service's `annotation.label` becomes the client's `label`, the same name
//! as in errors of the JSON itself. In an upload, `info.filename` becomes `filename`, and `data` becomes the name of the
//! form's file part.

use tonic::Status;
use tonic_types::StatusExt as _;
use transcoding::contract::{Body, Route};

use crate::error::Error;

/// The same error, with the field names that a client of `route` uses.
pub(super) fn to_client_names(error: Error, route: &Route) -> Error {
    match error {
        Error::Service(status) => Error::Service(Box::new(Names::for_route(route).translate(*status))),
        error => error,
    }
}

/// The names that differ between the service and the client.
struct Names {
    /// The field that the body holds, or the file's description in an upload. The client's names do not have this prefix.
    within: Option<String>,
    /// The field with an upload's bytes, and the form part that they are sent in.
    file: Option<(String, String)>,
}

impl Names {
    fn for_route(route: &Route) -> Self {
        match (&route.method.upload, &route.body) {
            (Some(upload), _) => Self {
                within: Some(upload.info.name().to_owned()),
                file: upload.file_part.clone().map(|part| (upload.data.name().to_owned(), part)),
            },
            (None, Body::Field(field)) => Self { within: Some(field.name().to_owned()), file: None },
            (None, Body::None | Body::Whole) => Self { within: None, file: None },
        }
    }

    fn translate(&self, status: Status) -> Status {
        let Ok(mut details) = status.check_error_details() else { return status };
        let Some(mut request) = details.bad_request().cloned() else { return status };
        let mut message = status.message().to_owned();
        for violation in &mut request.field_violations {
            let Some(name) = self.client_name(&violation.field) else { continue };
            // The message starts with the first violation.
            if let Some(rest) = message.strip_prefix(&format!("{} ", violation.field)) {
                message = format!("{name} {rest}");
            }
            violation.field = name;
        }
        details.set_bad_request(request.field_violations);
        Status::with_error_details_and_metadata(status.code(), message, details, status.metadata().clone())
    }

    fn client_name(&self, field: &str) -> Option<String> {
        let inner = self.within.as_ref().and_then(|name| field.strip_prefix(name)?.strip_prefix('.'));
        let part = || self.file.as_ref().filter(|(data, _)| data == field).map(|(_, part)| part.clone());
        inner.map(str::to_owned).or_else(part)
    }
}

#[cfg(test)]
mod tests {
    use tonic::Code;
    use tonic_types::ErrorDetails;

    use super::*;

    fn status(message: &str, fields: &[&str]) -> Status {
        let mut details = ErrorDetails::new();
        details.set_error_info("INVALID_FIELDS", "reticle", []);
        for field in fields {
            details.add_bad_request_violation(*field, "must be there");
        }
        Status::with_error_details(Code::InvalidArgument, message, details)
    }

    fn translated(names: &Names, status: &Status) -> (String, Vec<String>) {
        let translated = names.translate(status.clone());
        assert_eq!(
            (translated.code(), translated.get_details_error_info().unwrap().reason.as_str()),
            (Code::InvalidArgument, "INVALID_FIELDS")
        );
        let fields = translated.get_details_bad_request().unwrap().field_violations;
        (translated.message().to_owned(), fields.into_iter().map(|violation| violation.field).collect())
    }

    #[test]
    fn fields_of_the_body_lose_its_prefix_and_other_fields_keep_their_names() {
        let names = Names { within: Some("annotation".to_owned()), file: None };
        let status = status(
            "annotation.label must be there (and 2 more)",
            &["annotation.label", "update_mask", "annotations[1].x"],
        );
        let (message, fields) = translated(&names, &status);
        assert_eq!(message, "label must be there (and 2 more)");
        assert_eq!(fields, ["label", "update_mask", "annotations[1].x"]);
    }

    #[test]
    fn an_upload_error_names_parameters_and_the_file_part() {
        let file = Some(("data".to_owned(), "image".to_owned()));
        let names = Names { within: Some("info".to_owned()), file };
        let (message, fields) = translated(&names, &status("data must be there", &["data", "info.filename"]));
        assert_eq!(message, "image must be there");
        assert_eq!(fields, ["image", "filename"]);
    }

    #[test]
    fn a_status_without_such_fields_is_unchanged() {
        let names = Names { within: Some("annotation".to_owned()), file: None };
        let (message, fields) = translated(&names, &status("annotation.x is a name", &["update_mask"]));
        assert_eq!((message.as_str(), fields), ("annotation.x is a name", vec!["update_mask".to_owned()]));
    }
}
