//! What a token allows.

/// One permission.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// `images:read`
    ImagesRead,
    /// `images:write`
    ImagesWrite,
    /// `annotations:read`
    AnnotationsRead,
    /// `annotations:write`
    AnnotationsWrite,
    /// `owners:any`: everybody's images, not only the caller's own.
    OwnersAny,
}

impl Scope {
    const ALL: [Self; 5] =
        [Self::ImagesRead, Self::ImagesWrite, Self::AnnotationsRead, Self::AnnotationsWrite, Self::OwnersAny];

    /// The name in a token's `scope` claim.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::ImagesRead => "images:read",
            Self::ImagesWrite => "images:write",
            Self::AnnotationsRead => "annotations:read",
            Self::AnnotationsWrite => "annotations:write",
            Self::OwnersAny => "owners:any",
        }
    }
}

/// A set of permissions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scopes(u8);

impl Scopes {
    /// No permission at all.
    pub const NONE: Self = Self(0);

    /// What a token without a `scope` claim allows: everything on the caller's own images.
    pub const DEFAULT: Self = Self::NONE
        .with(Scope::ImagesRead)
        .with(Scope::ImagesWrite)
        .with(Scope::AnnotationsRead)
        .with(Scope::AnnotationsWrite);

    /// This set and `scope`.
    #[must_use]
    pub const fn with(self, scope: Scope) -> Self {
        Self(self.0 | (1 << scope as u8))
    }

    /// Whether `scope` is in the set.
    #[must_use]
    pub const fn contains(self, scope: Scope) -> bool {
        self.0 & (1 << scope as u8) != 0
    }

    /// The set that a `scope` claim (space-separated names) lists; names of other systems are passed over.
    #[must_use]
    pub fn parse(claim: &str) -> Self {
        let known = |name: &str| Scope::ALL.into_iter().find(|scope| scope.name() == name);
        claim.split_ascii_whitespace().filter_map(known).fold(Self::NONE, Self::with)
    }
}
