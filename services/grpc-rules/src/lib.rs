//! What gRPC asks of every call and tonic leaves open, as tower services in front of a tonic server.
//!
//! [`Rules`] checks the head of a request, and its messages while they pass: their number, size and flags. [`Deadlines`]
//! ends a call when its `grpc-timeout` is over. A host puts both in front of a service's port, a Worker the first alone:
//! the gateway before it has a timer already. To add a rule, add a variant to [`Error`] and the test of it.
//!
//! Each port of a service has them, and the gateway checks heads by them too, so that a call meets the same rules whichever
//! way it comes.

mod deadlines;
mod error;
mod head;
mod messages;
mod rules;
mod timeout;

pub use deadlines::{DeadlineBody, Deadlines, Sleep};
pub use error::Error;
pub use head::check;
pub use rules::Rules;
pub use timeout::{GRPC_TIMEOUT, header as timeout_header, requested as requested_timeout};
