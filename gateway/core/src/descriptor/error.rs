//! Why a descriptor set cannot be read.

use crate::wire::Malformed;

/// What is wrong with a descriptor set.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum DescriptorError {
    /// The bytes are no `FileDescriptorSet`.
    #[error("it is not a FileDescriptorSet")]
    Malformed,
    /// Something is of a type that the set does not have: it was made without its imports.
    #[error("{element} is of the type {name}, which is not in it")]
    Unknown {
        /// The full name of the field or method.
        element: String,
        /// The type's full name.
        name: String,
    },
}

impl From<Malformed> for DescriptorError {
    fn from(_: Malformed) -> Self {
        Self::Malformed
    }
}
