//! Who calls, and what they may do.
mod caller;
mod scope;

pub use caller::{Caller, Denied, InvalidUserId, UserId, caller};
pub use scope::{Scope, Scopes};
