//! Which images exist for a caller.

use identity::{Caller, Scope, UserId};

/// Whose images a request may touch; all others do not exist for it.
#[derive(Clone, Debug)]
pub(crate) enum View {
    /// This user's own.
    Own(UserId),
    /// Everybody's.
    All,
}

impl View {
    /// The user whose images they must be, if that matters.
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
