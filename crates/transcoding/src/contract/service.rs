//! Services and their options.

use std::collections::HashMap;

use http::StatusCode;
use prost_reflect::ServiceDescriptor;

use super::{ContractError, Problem, expect, options::Options};

const OPTION: &str = "reticle.http.v1.service";

/// A service.
#[derive(Debug)]
pub struct Service {
    /// The full name, as in `reticle.images.v1.ImagesService`.
    pub full_name: String,
    error_statuses: HashMap<String, StatusCode>,
}

impl Service {
    pub(super) fn read(descriptor: &ServiceDescriptor) -> Result<Self, ContractError> {
        let full_name = descriptor.full_name().to_owned();
        let option = Options::read(&descriptor.options(), OPTION);
        let entries = option.map(|option| option.messages("error_statuses")).unwrap_or_default();
        let read = |entry: &Options| {
            let reason =
                entry.text("reason").ok_or(Problem::Missing { expected: "the reason of an ErrorInfo" })?;
            Ok((
                reason,
                expect::status(entry.number("http_status"), 400, 599, "an HTTP status from 400 to 599")?,
            ))
        };
        let error_statuses = entries.iter().map(read).collect::<Result<_, Problem>>();
        let error_statuses =
            error_statuses.map_err(|problem| problem.of(&full_name, format!("{OPTION}.error_statuses")))?;
        Ok(Self { full_name, error_statuses })
    }

    /// The HTTP status of errors with this reason in their `ErrorInfo`; `None` if the gRPC code decides it.
    #[must_use]
    pub fn error_status(&self, reason: &str) -> Option<StatusCode> {
        self.error_statuses.get(reason).copied()
    }
}
