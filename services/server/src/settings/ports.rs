//! The limits of the ports of a process.

use std::{num::NonZeroUsize, time::Duration};

use clap::Args;
use listener::{Descriptors, Limits, Pace};

use super::duration;

/// The limits of connections, shared by all ports of the process.
#[derive(Args, Clone, Copy, Debug)]
pub(crate) struct PortLimits {
    /// The maximum number of open connections. Further connections are closed immediately.
    #[arg(
        long,
        env = "RETICLE_MAX_CONNECTIONS",
        default_value_t = Limits::DEFAULT_MAX_CONNECTIONS,
        value_name = "COUNT"
    )]
    max_connections: NonZeroUsize,

    /// The maximum number of open connections of one client address (of one /64 network for IPv6).
    #[arg(
        long,
        env = "RETICLE_MAX_CONNECTIONS_PER_ADDRESS",
        default_value_t = Limits::DEFAULT_MAX_CONNECTIONS_PER_ADDRESS,
        value_name = "COUNT"
    )]
    max_connections_per_address: NonZeroUsize,

    /// How long a connection may be open without a request, as in 90s or 3m.
    #[arg(long, env = "RETICLE_IDLE_TIMEOUT", default_value = "3m", value_parser = duration, value_name = "DURATION")]
    idle_timeout: Duration,

    /// How long a connection to the gateway accepts new requests. Requests that are open then may complete.
    #[arg(
        long,
        env = "RETICLE_MAX_CONNECTION_AGE",
        default_value = "1h",
        value_parser = duration,
        value_name = "DURATION"
    )]
    max_connection_age: Duration,

    /// The time in which a peer must send or read at least PROGRESS_BYTES of a body.
    #[arg(
        long,
        env = "RETICLE_PROGRESS_INTERVAL",
        default_value = "30s",
        value_parser = duration,
        value_name = "DURATION"
    )]
    progress_interval: Duration,

    /// The minimum number of bytes of a body that a peer must send or read in PROGRESS_INTERVAL.
    #[arg(
        long,
        env = "RETICLE_PROGRESS_BYTES",
        default_value_t = Pace::DEFAULT_BYTES,
        value_parser = clap::value_parser!(u32).range(1..),
        value_name = "BYTES"
    )]
    progress_bytes: u32,
}

impl PortLimits {
    /// The limits for the listener, in a process that may have `files` open beside the connections.
    pub(crate) fn limits(&self, descriptors: Descriptors, files: usize) -> Limits {
        Limits {
            max_connections: descriptors.connections(self.max_connections, files),
            max_connections_per_address: self.max_connections_per_address,
            idle_timeout: self.idle_timeout,
            max_age: self.max_connection_age,
            pace: Pace { interval: self.progress_interval, bytes: self.progress_bytes },
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Program {
        #[command(flatten)]
        ports: PortLimits,
    }

    #[test]
    fn the_defaults_equal_those_of_the_listener() {
        let Program { ports } = Program::parse_from(["program"]);
        let Limits { max_connections, max_connections_per_address, idle_timeout, max_age, pace } =
            Limits::default();
        assert_eq!(ports.max_connections, max_connections);
        assert_eq!(ports.max_connections_per_address, max_connections_per_address);
        assert_eq!((ports.idle_timeout, ports.max_connection_age), (idle_timeout, max_age));
        assert_eq!((ports.progress_interval, ports.progress_bytes), (pace.interval, pace.bytes));
    }
}
