//! Errors in the contract itself.

use prost_reflect::DescriptorError;

use super::template::TemplateError;

/// What is wrong with a contract. The gateway does not start with one, so each error names the place to correct.
#[derive(Debug, thiserror::Error)]
pub enum ContractError {
    /// The descriptor set itself cannot be read.
    #[error("the descriptor set cannot be read: {0}")]
    Descriptors(#[from] DescriptorError),

    /// An option is not valid for its method or service.
    #[error("{element}: option {option}: {problem}")]
    Option {
        /// The full name of the method or service.
        element: String,
        /// The option and its field, as in `google.api.http.body`.
        option: String,
        /// What is wrong.
        #[source]
        problem: Box<Problem>,
    },

    /// Two bindings match the same requests.
    #[error("{first} and {second} are both bound to `{binding}`")]
    Conflict {
        /// The HTTP method and the template of the second binding.
        binding: String,
        /// The method that was bound first.
        first: String,
        /// The method that was bound after it.
        second: String,
    },
}

/// What is wrong with the value of one option.
#[derive(Debug, thiserror::Error)]
pub enum Problem {
    /// The path template does not follow the grammar.
    #[error("`{template}`: {source}")]
    Template {
        /// The template as written.
        template: String,
        /// Where the template is wrong, and how.
        source: TemplateError,
    },
    /// The message does not have the field.
    #[error("{message} has no field `{field}`")]
    UnknownField {
        /// The message's full name.
        message: String,
        /// The unknown name.
        field: String,
    },
    /// The field is not of the kind that the option needs.
    #[error("`{field}` must be {expected}")]
    Field {
        /// The field as the option names it.
        field: String,
        /// What it must be.
        expected: &'static str,
    },
    /// The option does not allow the value.
    #[error("`{value}` must be {expected}")]
    Value {
        /// The value as written.
        value: String,
        /// What it must be.
        expected: &'static str,
    },
    /// A required value is missing.
    #[error("is empty: it must be {expected}")]
    Missing {
        /// What it must be.
        expected: &'static str,
    },
    /// The option cannot be combined with this method.
    #[error("{0}")]
    NotApplicable(&'static str),
}

impl Problem {
    pub(super) fn field(field: impl Into<String>, expected: &'static str) -> Self {
        Self::Field { field: field.into(), expected }
    }

    pub(super) fn value(value: impl Into<String>, expected: &'static str) -> Self {
        Self::Value { value: value.into(), expected }
    }

    pub(super) fn of(self, element: &str, option: impl Into<String>) -> ContractError {
        ContractError::Option { element: element.to_owned(), option: option.into(), problem: Box::new(self) }
    }
}
