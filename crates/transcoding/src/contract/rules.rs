//! The rules that the contract gives for the values of fields.
//!
//! The services check them. The gateway only describes them, in its OpenAPI document.

use prost_reflect::FieldDescriptor;

use super::options::Options;

const OPTION: &str = "reticle.http.v1.rules";

/// The values that a field may have; by default, any value of its type.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Rules {
    /// A request must have the field.
    pub(crate) required: bool,
    /// The service sets the field: it is not part of a request.
    pub(crate) output_only: bool,
    pub(crate) min_length: Option<u32>,
    pub(crate) max_length: Option<u32>,
    /// A regular expression (ECMA-262).
    pub(crate) pattern: Option<String>,
    /// Whether the letters of the pattern match both cases.
    pub(crate) ignore_case: bool,
    pub(crate) format: Option<String>,
    pub(crate) minimum: Option<f64>,
    pub(crate) maximum: Option<f64>,
    pub(crate) min_items: Option<u32>,
    pub(crate) max_items: Option<u32>,
    /// A valid value, as JSON.
    pub(crate) example: Option<String>,
}

impl Rules {
    pub(crate) fn of(field: &FieldDescriptor) -> Self {
        let Some(option) = Options::read(&field.options(), OPTION) else {
            return Self::default();
        };
        Self {
            required: option.flag("required"),
            output_only: option.flag("output_only"),
            min_length: option.count("min_length"),
            max_length: option.count("max_length"),
            pattern: option.text("pattern"),
            ignore_case: option.flag("ignore_case"),
            format: option.text("format"),
            minimum: option.double("minimum"),
            maximum: option.double("maximum"),
            min_items: option.count("min_items"),
            max_items: option.count("max_items"),
            example: option.text("example"),
        }
    }
}
