//! The names that the services and the gateway share to check the health of a service.

/// The full name of the service that reports whether a service is ready.
pub const HEALTH: &str = "grpc.health.v1.Health";

/// The response header that carries the reason for NOT_SERVING, as a sentence. The gateway's `/readyz` shows it.
pub const NOT_READY_REASON: &str = "x-reticle-not-ready";
