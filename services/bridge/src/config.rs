//! What this Worker is bound to and told.

use identity::SharedSecret;
use storage_worker::D1Database;
use worker_host::{Bindings, Misconfigured};

const SECRET: &str = "RETICLE_BRIDGE_SECRET";

/// What all requests of an isolate share.
pub(crate) struct Parts {
    pub(crate) database: D1Database,
    pub(crate) secret: SharedSecret,
}

impl Parts {
    /// Reads everything.
    ///
    /// # Errors
    /// The first binding or variable that is missing or wrong.
    pub(crate) fn read(bindings: Bindings<'_>) -> Result<Self, Misconfigured> {
        let secret = SharedSecret::new(bindings.required_text(SECRET)?.as_bytes());
        Ok(Self {
            database: D1Database::new(bindings.database("DATABASE")?),
            secret: secret.map_err(|short| Misconfigured::new(SECRET, short))?,
        })
    }
}
