//! The settings of this crate.

use std::{num::NonZeroUsize, time::Duration};

use crate::Pace;

/// The limits of the ports of a process.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// The maximum number of open connections of all ports together.
    pub max_connections: NonZeroUsize,
    /// The maximum number of open connections of one client address. IPv6 addresses of one /64 network count as one address.
    pub max_connections_per_address: NonZeroUsize,
    /// How long a connection may be open without a request. Then it is closed; with HTTP/2, by GOAWAY.
    pub idle_timeout: Duration,
    /// How long a connection of a client accepts new requests. It is closed in the same way when its last request has ended.
    /// A gateway's connection to a service has no such limit.
    pub max_age: Duration,
    /// The minimum speed at which a peer must send a request body or read a response body.
    pub pace: Pace,
}

impl Limits {
    /// Larger numbers of open connections have not been measured.
    pub const DEFAULT_MAX_CONNECTIONS: NonZeroUsize = NonZeroUsize::new(10_000).unwrap();
    /// A tenth of the total: enough for many users behind one address with six browser connections each, and a few watchers.
    pub const DEFAULT_MAX_CONNECTIONS_PER_ADDRESS: NonZeroUsize = NonZeroUsize::new(1_000).unwrap();
    /// Longer than common proxies and clients keep an idle connection. So they close it first and do not send a request on
    /// a connection that the server is closing.
    pub const DEFAULT_IDLE_TIMEOUT: Duration = Duration::from_mins(3);
    /// Long enough that the cost of a new connection does not matter, and short enough that load spreads to new servers.
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
