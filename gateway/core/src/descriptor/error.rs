//! Why a descriptor set cannot be read.

use crate::wire::Malformed;

/// What is wrong with a descriptor set.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum DescriptorError {
    /// The bytes are not a `FileDescriptorSet`.
    #[error("the bytes are not a FileDescriptorSet")]
    Malformed,
    /// A field or method has a type that is not in the set. The set was probably made without its imports.
    #[error("{element} has the type {name}, which is not in the descriptor set: include the imports")]
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
