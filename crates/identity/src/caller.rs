//! The caller of one request.

use std::{fmt, sync::Arc, time::Duration};

use http::Extensions;
use runtime::Timestamp;

use crate::{Scope, Scopes};

/// The id of a user, which is the `sub` of the token: 1 to 255 characters, none of them a control character.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct UserId(Arc<str>);

/// The text is not a valid user id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be 1 to 255 characters without control characters")]
pub struct InvalidUserId;

impl UserId {
    /// Parses a user id.
    ///
    /// # Errors
    /// [`InvalidUserId`] if the text is empty, too long or has control characters.
    pub fn parse(text: &str) -> Result<Self, InvalidUserId> {
        let valid = !text.is_empty() && text.chars().count() <= 255 && !text.chars().any(char::is_control);
        if valid { Ok(Self(text.into())) } else { Err(InvalidUserId) }
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for UserId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The user who sent a request, with the scopes of the request's token.
#[derive(Clone)]
pub struct Caller {
    user_id: UserId,
    scopes: Scopes,
    token: Arc<str>,
    expires_at: Timestamp,
}

impl Caller {
    /// The caller that a verified `token` identifies; the token is accepted until `expires_at`.
    #[must_use]
    pub const fn new(user_id: UserId, scopes: Scopes, token: Arc<str>, expires_at: Timestamp) -> Self {
        Self { user_id, scopes, token, expires_at }
    }

    /// The user.
    #[must_use]
    pub const fn user_id(&self) -> &UserId {
        &self.user_id
    }

    /// Whether the token has `scope`.
    #[must_use]
    pub const fn may(&self, scope: Scope) -> bool {
        self.scopes.contains(scope)
    }

    /// Whether this caller may access what `owner` owns: only its own data, or the data of all owners with
    /// [`Scope::OwnersAny`]. To a caller that may not access it, the data does not exist.
    #[must_use]
    pub fn can_access(&self, owner: &str) -> bool {
        self.user_id.as_str() == owner || self.may(Scope::OwnersAny)
    }

    /// How long the token is still accepted; zero if it has expired. A call that may run longer than its token calls this
    /// again after that time, because the clock may be adjusted in the meantime.
    #[must_use]
    pub fn remaining(&self, now: Timestamp) -> Duration {
        let millis = self.expires_at.as_millis().saturating_sub(now.as_millis());
        Duration::from_millis(millis.max(0).unsigned_abs())
    }

    /// The token itself, for calls to other services on the caller's behalf.
    #[must_use]
    pub fn token(&self) -> &str {
        &self.token
    }
}

impl fmt::Debug for Caller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Caller")
            .field("user_id", &self.user_id)
            .field("scopes", &self.scopes)
            .finish_non_exhaustive()
    }
}

/// Why a request with a valid token, or without one, is not allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Denied {
    /// The request has no token: UNAUTHENTICATED.
    #[error("A token is needed: send `authorization: Bearer …`")]
    NoToken,
    /// The token does not have the scope: PERMISSION_DENIED.
    #[error("The token lacks the scope `{}`", .0.name())]
    MissingScope(Scope),
}

/// The caller of a request, if it may use `scope`.
///
/// # Errors
/// [`Denied`] if there was no token, or one without the scope.
pub fn caller(extensions: &Extensions, scope: Scope) -> Result<&Caller, Denied> {
    let caller = extensions.get::<Caller>().ok_or(Denied::NoToken)?;
    if caller.may(scope) { Ok(caller) } else { Err(Denied::MissingScope(scope)) }
}

/// The caller of a request, if it may use at least one of `scopes`.
///
/// # Errors
/// [`Denied`] if there was no token, or one with none of the scopes; the error names the first scope.
pub fn caller_with_any(extensions: &Extensions, scopes: [Scope; 3]) -> Result<&Caller, Denied> {
    let caller = extensions.get::<Caller>().ok_or(Denied::NoToken)?;
    let [first, ..] = scopes;
    if scopes.into_iter().any(|scope| caller.may(scope)) {
        Ok(caller)
    } else {
        Err(Denied::MissingScope(first))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EXPIRES_AT: Timestamp = Timestamp::from_millis(1_800_000_000_000);

    fn alice(scopes: Scopes) -> Caller {
        Caller::new(UserId::parse("alice").unwrap(), scopes, "the.secret.token".into(), EXPIRES_AT)
    }

    #[test]
    fn the_remaining_time_ends_at_the_expiry() {
        let at = |millis: i64| Timestamp::from_millis(EXPIRES_AT.as_millis() + millis);
        assert_eq!(alice(Scopes::DEFAULT).remaining(at(-1_500)), Duration::from_millis(1_500));
        assert_eq!(alice(Scopes::DEFAULT).remaining(at(0)), Duration::ZERO);
        assert_eq!(alice(Scopes::DEFAULT).remaining(at(1)), Duration::ZERO);
    }

    #[test]
    fn a_user_id_has_1_to_255_characters_and_no_control_characters() {
        for text in ["a", "ä", &"ä".repeat(255), "auth0|123 x"] {
            assert_eq!(UserId::parse(text).as_ref().map(UserId::as_str), Ok(text));
        }
        for text in ["", &"a".repeat(256), "a\0", "a\n", "\u{85}"] {
            assert_eq!(UserId::parse(text), Err(InvalidUserId), "{text:?}");
        }
    }

    #[test]
    fn a_caller_can_access_its_own_data_and_all_data_with_owners_any() {
        assert!(alice(Scopes::DEFAULT).can_access("alice"));
        assert!(!alice(Scopes::DEFAULT).can_access("bob"));
        assert!(alice(Scopes::NONE.with(Scope::OwnersAny)).can_access("bob"));
    }

    #[test]
    fn a_handler_gets_the_caller_only_with_the_scope() {
        let mut extensions = Extensions::new();
        assert_eq!(caller(&extensions, Scope::ImagesRead).err(), Some(Denied::NoToken));
        extensions.insert(alice(Scopes::NONE.with(Scope::ImagesRead)));
        assert!(caller(&extensions, Scope::ImagesRead).is_ok());
        assert_eq!(
            caller(&extensions, Scope::ImagesWrite).err(),
            Some(Denied::MissingScope(Scope::ImagesWrite))
        );
    }

    #[test]
    fn one_of_several_scopes_is_enough_for_caller_with_any() {
        let any = [Scope::ImagesRead, Scope::AnnotationsRead, Scope::AnnotationsWrite];
        let mut extensions = Extensions::new();
        assert_eq!(caller_with_any(&extensions, any).err(), Some(Denied::NoToken));
        extensions.insert(alice(Scopes::NONE.with(Scope::AnnotationsWrite)));
        assert!(caller_with_any(&extensions, any).is_ok());
        extensions.insert(alice(Scopes::NONE.with(Scope::ImagesWrite)));
        assert_eq!(caller_with_any(&extensions, any).err(), Some(Denied::MissingScope(Scope::ImagesRead)));
    }

    #[test]
    fn a_callers_token_is_never_printed() {
        assert!(!format!("{:?}", alice(Scopes::DEFAULT)).contains("secret"));
    }
}
