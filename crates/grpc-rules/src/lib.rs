//! The rules of gRPC that tonic does not enforce, as tower services in front of a tonic server.
//!
//! - [`Rules`] checks the head of a request (`head`), and its messages while they pass (`messages`): their number, size and
//!   flags.
//! - [`Deadlines`] ends a call when the time in its `grpc-timeout` (`timeout`) is over.
//!
//! A native host puts both in front of a service's port. A Worker needs only [`Rules`], because the gateway in front of it
//! enforces deadlines. The gateway checks request heads with [`check_head`], so that the same rules apply on every way to a
//! service. To add a rule, add a variant to [`Error`], check it in `head` or `messages`, and test it.

mod deadlines;
mod error;
mod head;
mod messages;
mod rules;
mod timeout;

pub use deadlines::{DeadlineBody, Deadlines, Sleep};
pub use error::Error;
pub use head::check as check_head;
pub use rules::Rules;
pub use timeout::{GRPC_TIMEOUT, header as timeout_header, requested as requested_timeout};
