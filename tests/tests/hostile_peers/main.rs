//! Peers that mean no good, or are broken: they say nothing, read nothing, send drop by drop, or speak HTTP as it is
//! forbidden. Whatever they do, the others are served, and memory and file descriptors stay within bounds.
//!
//! The limits are set low, so that a test waits for a second where an operator's peers have half a minute.

#![expect(clippy::disallowed_methods, reason = "tests read the clock and start tasks")]

mod cost;
mod crowd;
mod floods;
mod heads;
mod http2;
mod idle;
mod lists;
mod silent;
mod slow;
mod strangers;
mod unread;

use std::time::Duration;

/// How long something that must happen may take, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);
