//! The bindings and settings of this Worker.

use identity::SharedSecret;
use storage_worker::D1Database;
use worker_host::{Bindings, Misconfigured};

const SECRET: &str = "RETICLE_BRIDGE_SECRET";

/// The parts that all requests of an isolate share.
pub(crate) struct Parts {
    pub(crate) database: D1Database,
    pub(crate) secret: SharedSecret,
}

impl Parts {
    /// Builds the parts from the bindings.
    ///
    /// # Errors
    /// The first binding or variable that is missing or invalid.
    pub(crate) fn read(bindings: Bindings<'_>) -> Result<Self, Misconfigured> {
        let secret = SharedSecret::new(bindings.required_text(SECRET)?.as_bytes());
        Ok(Self {
            database: D1Database::new(bindings.database("DATABASE")?),
            secret: secret.map_err(|short| Misconfigured::new(SECRET, short))?,
        })
    }
}
