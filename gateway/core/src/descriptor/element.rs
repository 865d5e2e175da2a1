//! What all descriptors have in common: a name, a full name and a comment.

/// The names and the comment of a declaration.
#[derive(Debug, Default)]
pub(super) struct Element {
    pub(super) name: String,
    pub(super) full_name: String,
    pub(super) comment: String,
}

/// Defines a descriptor type: an index into one of the pool's tables.
macro_rules! descriptor {
    ($(#[$doc:meta])* $name:ident in $table:ident of $entry:ty) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq)]
        pub struct $name {
            pub(super) pool: $crate::descriptor::DescriptorPool,
            pub(super) index: usize,
        }

        impl $name {
            #[expect(clippy::indexing_slicing, reason = "the index is valid in its own pool")]
            fn entry(&self) -> &$entry {
                &self.pool.tables().$table[self.index]
            }

            /// The name alone, without the package and the enclosing declarations.
            #[must_use]
            pub fn name(&self) -> &str {
                &self.entry().element.name
            }

            /// The name with the package and the enclosing declarations, as in `package.Message.field`.
            #[must_use]
            pub fn full_name(&self) -> &str {
                &self.entry().element.full_name
            }

            /// The comment before the declaration, otherwise the one after it; empty if there is neither.
            #[must_use]
            pub fn comment(&self) -> &str {
                &self.entry().element.comment
            }
        }

        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self.full_name())
            }
        }
    };
}

pub(super) use descriptor;
