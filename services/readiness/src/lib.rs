//! Whether a part can serve, for those that send it traffic: load balancers, orchestrators, the gateway's `/readyz`.
//!
//! A service says what it [`Need`]s, its database and its object store, each with a probe. [`Readiness`] runs the probes when
//! somebody wants to know, at most once a second, and not for ever. [`HealthService`] tells the verdict by
//! `grpc.health.v1`, and why by the header [`REASON_HEADER`]. Once [`Draining`] has begun nothing is ready any more, though
//! everything still serves: so callers go elsewhere before the listeners close.
//!
//! To make a part depend on something else, extend the needs of its service (`readiness.rs` of `images` and `annotations`).

mod beside;
mod draining;
mod not_ready;
mod probe;
mod service;

pub use beside::Beside;
pub use draining::Draining;
pub use not_ready::{NotReady, Verdict};
pub use probe::{Need, Readiness};
pub use service::{HEALTH, Health, HealthService, REASON_HEADER};
