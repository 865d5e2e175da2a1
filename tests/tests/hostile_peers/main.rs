//! Malicious or broken peers: they send nothing, read nothing, send slowly, or send invalid HTTP. In all cases other clients
//! are served, and memory and file descriptors stay within their limits.
//!
//! The tests set low limits, so that they wait for a second instead of the default of half a minute.

#![expect(clippy::disallowed_methods, reason = "tests read the clock and start tasks")]

mod cost;
mod crowd;
mod floods;
mod forwarded;
mod heads;
mod http2;
mod idle;
mod lists;
mod silent;
mod slow;
mod unread;

use std::time::Duration;

/// The maximum wait for an expected event on a busy machine.
const MAX_WAIT: Duration = Duration::from_secs(60);
