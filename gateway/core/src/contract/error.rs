//! Why a descriptor set cannot be served.

use super::template::TemplateError;
use crate::descriptor::DescriptorError;

/// What is wrong with a contract. The gateway refuses to start with it, so each says where to look.
#[derive(Debug, thiserror::Error)]
pub enum ContractError {
    /// The descriptor set itself cannot be read.
    #[error("the descriptor set cannot be read: {0}")]
    Descriptors(#[from] DescriptorError),

    /// An option says something that its method or service does not bear out.
    #[error("{element}: option {option}: {problem}")]
    Option {
        /// The full name of the method or service.
        element: String,
        /// The option and the field of it, as in `google.api.http.body`.
        option: String,
        /// What is wrong.
        #[source]
        problem: Box<Problem>,
    },

    /// Two bindings that no request could tell apart.
    #[error("{first} and {second} are both bound to `{binding}`")]
    Conflict {
        /// The HTTP method and the template of the second.
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
    /// The path template breaks the grammar.
    #[error("`{template}`: {source}")]
    Template {
        /// The template as written.
        template: String,
        /// Where and how.
        source: TemplateError,
    },
    /// A field that the message does not have.
    #[error("{message} has no field `{field}`")]
    UnknownField {
        /// The message's full name.
        message: String,
        /// The name that was looked for.
        field: String,
    },
    /// A field of another kind than the option needs.
    #[error("`{field}` must be {expected}")]
    Field {
        /// The field as the option names it.
        field: String,
        /// What it must be.
        expected: &'static str,
    },
    /// A value that the option cannot have.
    #[error("`{value}` must be {expected}")]
    Value {
        /// The value as written.
        value: String,
        /// What it must be.
        expected: &'static str,
    },
    /// A value that must be there.
    #[error("is empty: it must be {expected}")]
    Missing {
        /// What it must be.
        expected: &'static str,
    },
    /// An option that does not fit the method.
    #[error("{0}")]
    Unfit(&'static str),
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
