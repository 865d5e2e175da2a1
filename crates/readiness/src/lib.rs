//! Reports whether a service can handle requests, to load balancers, orchestrators and the gateway's `/readyz`.
//!
//! A service lists what it [`Need`]s, for example its database and its object store, each with a probe. [`Readiness`] runs
//! the probes on request, at most once per second and with a timeout. [`HealthService`] reports the verdict by
//! `grpc.health.v1`, and the reason in the header [`NOT_READY_REASON`]. While the server is [`Draining`], it reports that no
//! service is ready but still handles requests: callers move to another server before the listeners close.
//! `Watch` needs no token, so the number of watches and their duration are limited ([`MAX_WATCHES`], [`MAX_WATCH_DURATION`]).
//! [`WithHealth`] adds the health service to a host that has no router.
//!
//! To make a service depend on something else, extend its `needs` (`readiness.rs` in `images` and `annotations`).

mod draining;
mod not_ready;
mod probe;
mod service;
mod watches;
mod with_health;

pub use aip::{HEALTH, NOT_READY_REASON};
pub use draining::Draining;
pub use not_ready::{NotReady, Verdict};
pub use probe::{Need, Readiness};
pub use service::{Health, HealthService};
pub use watches::{MAX_WATCH_DURATION, MAX_WATCHES};
pub use with_health::WithHealth;
