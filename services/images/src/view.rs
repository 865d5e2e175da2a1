//! Which images exist for a caller.

use identity::{Caller, Scope, UserId};

/// Which images a request can see and change; all others do not exist for it.
#[derive(Clone, Debug)]
pub(crate) enum View {
    /// The images of this user.
    Own(UserId),
    /// The images of all users.
    All,
}

impl View {
    /// The user who must own the images; `None` if any user may.
    pub(crate) fn owner(&self) -> Option<&str> {
        match self {
            Self::Own(user) => Some(user.as_str()),
            Self::All => None,
        }
    }
}

impl From<&Caller> for View {
    fn from(caller: &Caller) -> Self {
        if caller.may(Scope::OwnersAny) { Self::All } else { Self::Own(caller.user_id().clone()) }
    }
}
