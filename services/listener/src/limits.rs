//! What a host may set.

use std::{num::NonZeroUsize, time::Duration};

use crate::Pace;

/// The limits of a process's ports.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// The most open connections of all ports together.
    pub max_connections: NonZeroUsize,
    /// The most open connections of one client address. IPv6 addresses of one /64 network count as one address.
    pub max_connections_per_address: NonZeroUsize,
    /// How long a connection may be open without a request. It is closed then: over HTTP/2 by GOAWAY.
    pub idle_timeout: Duration,
    /// How long a client's connection takes new requests. Then it is closed in the same way, when its last request has
    /// ended. A gateway's connection to a service has no such age.
    pub max_age: Duration,
    /// How slowly a peer may send a request's body or read a response's.
    pub pace: Pace,
}

impl Limits {
    /// More open connections than this have not been measured.
    pub const DEFAULT_MAX_CONNECTIONS: NonZeroUsize = NonZeroUsize::new(10_000).unwrap();
    /// A tenth: as many users behind one address as use a browser's six connections each, and a few watchers.
    pub const DEFAULT_MAX_CONNECTIONS_PER_ADDRESS: NonZeroUsize = NonZeroUsize::new(1_000).unwrap();
    /// Longer than common proxies and clients keep an idle connection, so that they close it first and none of them
    /// sends a request on a connection that is being closed.
    pub const DEFAULT_IDLE_TIMEOUT: Duration = Duration::from_mins(3);
    /// Long enough for the cost of a new connection not to matter, and short enough for load to spread over new servers.
    pub const DEFAULT_MAX_AGE: Duration = Duration::from_hours(1);
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_connections: Self::DEFAULT_MAX_CONNECTIONS,
            max_connections_per_address: Self::DEFAULT_MAX_CONNECTIONS_PER_ADDRESS,
            idle_timeout: Self::DEFAULT_IDLE_TIMEOUT,
            max_age: Self::DEFAULT_MAX_AGE,
            pace: Pace::default(),
        }
    }
}
