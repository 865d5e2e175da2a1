//! The permissions of a token.

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
    /// `owners:any`: the images of all users, not only the caller's own.
    OwnersAny,
}

impl Scope {
    /// All scopes.
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
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|scope| scope.name() == name)
    }
}

/// A set of permissions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scopes(u8);

impl Scopes {
    /// No permission.
    pub const NONE: Self = Self(0);

    /// The scopes of a token that has neither a `scope` nor an `scp` claim: everything on the caller's own images.
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

    /// The set that a `scope` claim (space-separated names) lists; unknown names are ignored.
    #[must_use]
    pub fn parse(claim: &str) -> Self {
        claim.split_ascii_whitespace().filter_map(Scope::from_name).fold(Self::NONE, Self::with)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_claim_lists_scopes_with_any_whitespace_and_unknown_names_are_ignored() {
        let scopes = Scopes::parse("  images:read\towners:any openid images:READ ");
        assert_eq!(scopes, Scopes::NONE.with(Scope::ImagesRead).with(Scope::OwnersAny));
    }

    #[test]
    fn an_empty_claim_allows_nothing() {
        assert_eq!(Scopes::parse(""), Scopes::NONE);
    }

    #[test]
    fn each_scope_is_parsed_from_its_name_and_differs_from_the_others() {
        for scope in Scope::ALL {
            let only = Scopes::parse(scope.name());
            assert!(
                Scope::ALL.into_iter().all(|other| only.contains(other) == (other == scope)),
                "{scope:?}"
            );
        }
    }

    #[test]
    fn the_default_scopes_do_not_include_the_images_of_other_users() {
        assert!(
            Scope::ALL
                .into_iter()
                .all(|scope| Scopes::DEFAULT.contains(scope) != (scope == Scope::OwnersAny))
        );
    }
}
