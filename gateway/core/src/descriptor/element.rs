//! What all descriptors have.

/// The name of an element and the comment on it.
#[derive(Debug, Default)]
pub(super) struct Element {
    pub(super) name: String,
    pub(super) full_name: String,
    pub(super) comment: String,
}

/// A descriptor that is a place in one of the pool's tables.
macro_rules! descriptor {
    ($(#[$doc:meta])* $name:ident in $table:ident of $entry:ty) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq)]
        pub struct $name {
            pub(super) pool: $crate::descriptor::DescriptorPool,
            pub(super) index: usize,
        }

        impl $name {
            #[expect(clippy::indexing_slicing, reason = "the index is one of the tables it was made with")]
            fn entry(&self) -> &$entry {
                &self.pool.tables().$table[self.index]
            }

            /// The name without that of what it is in.
            #[must_use]
            pub fn name(&self) -> &str {
                &self.entry().element.name
            }

            /// The name with those of what it is in, and with the package.
            #[must_use]
            pub fn full_name(&self) -> &str {
                &self.entry().element.full_name
            }

            /// The comment ahead of it, else the one after it; empty without one.
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
