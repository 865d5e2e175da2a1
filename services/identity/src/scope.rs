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
    /// Every scope there is.
    pub const ALL: [Self; 5] =
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

    /// The scope with this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|scope| scope.name() == name)
    }
}

/// A set of permissions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scopes(u8);

impl Scopes {
    /// No permission at all.
    pub const NONE: Self = Self(0);

    /// What a token with neither a `scope` nor an `scp` claim allows: everything on the caller's own images.
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

    /// The permissions that are in both sets.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// The set that a `scope` claim (space-separated names) lists; names of other systems are passed over.
    #[must_use]
    pub fn parse(claim: &str) -> Self {
        claim.split_ascii_whitespace().filter_map(Scope::named).fold(Self::NONE, Self::with)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_claim_lists_scopes_with_any_spaces_and_unknown_names_are_passed_over() {
        let scopes = Scopes::parse("  images:read\towners:any openid images:READ ");
        assert_eq!(scopes, Scopes::NONE.with(Scope::ImagesRead).with(Scope::OwnersAny));
    }

    #[test]
    fn an_empty_claim_allows_nothing() {
        assert_eq!(Scopes::parse(""), Scopes::NONE);
    }

    #[test]
    fn each_scope_is_read_by_its_name_and_is_not_another() {
        for scope in Scope::ALL {
            let only = Scopes::parse(scope.name());
            assert!(
                Scope::ALL.into_iter().all(|other| only.contains(other) == (other == scope)),
                "{scope:?}"
            );
        }
    }

    #[test]
    fn other_peoples_images_are_not_among_the_default_scopes() {
        assert!(
            Scope::ALL
                .into_iter()
                .all(|scope| Scopes::DEFAULT.contains(scope) != (scope == Scope::OwnersAny))
        );
    }
}
