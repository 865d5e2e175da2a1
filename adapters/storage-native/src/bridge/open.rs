//! Checks at the start that a bridge can be reached, accepts the secret, and that its database has this program's schema.

use http::StatusCode;
use storage::{Error, Row, Statement};
use storage_json::{Batch, Kind, Query};

use super::{BridgeDatabase, BridgeUrl, failure::Failure};
use crate::migrations::{self, Difference};

/// Why a bridge cannot be used, in a sentence for the operator who starts the program.
#[derive(Debug, thiserror::Error)]
pub enum BridgeError {
    /// TLS cannot be set up.
    #[error("cannot set up TLS: {0}")]
    Tls(#[source] rustls::Error),

    /// The bridge rejects the secret.
    #[error("the bridge at {0} rejects the secret: set RETICLE_BRIDGE_SECRET to the secret of the bridge")]
    Secret(BridgeUrl),

    /// Another server is at the URL.
    #[error("there is no D1 bridge at {url}: the server there responded with status {status}")]
    NotABridge {
        /// The URL of the bridge.
        url: BridgeUrl,
        /// The status of its response.
        status: StatusCode,
    },

    /// The bridge or its database does not respond, or fails.
    #[error("the D1 bridge at {url} cannot be used: {source}")]
    Failed {
        /// The URL of the bridge.
        url: BridgeUrl,
        /// The cause.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },

    /// The schema is older than this program.
    #[error(
        "the database behind the bridge lacks the migration {name}: apply it with `cargo xtask deploy` or `wrangler d1 migrations apply`"
    )]
    MissingMigration {
        /// The file name of the first missing migration.
        name: &'static str,
    },

    /// A newer program has changed the schema.
    #[error(
        "the database behind the bridge has the migration {name}, which this version does not know: start a newer version"
    )]
    UnknownMigration {
        /// The file name of the first unknown migration.
        name: String,
    },
}

impl BridgeDatabase {
    /// Compares the schema of the database with this program's. `url` must be the URL that this database was made with. It
    /// applies no migrations: Wrangler does that, because an outdated program must not.
    ///
    /// # Errors
    /// [`BridgeError`] says why the database cannot be used.
    pub async fn check(&self, url: &BridgeUrl) -> Result<(), BridgeError> {
        let applied = self.applied().await.map_err(|failure| unusable(url, failure))?;
        match migrations::difference(&applied) {
            None => Ok(()),
            Some(Difference::Missing(name)) => Err(BridgeError::MissingMigration { name }),
            Some(Difference::Unknown(name)) => Err(BridgeError::UnknownMigration { name }),
        }
    }
}

impl BridgeDatabase {
    /// The names of the migrations that wrangler has recorded, in order.
    async fn applied(&self) -> Result<Vec<String>, Failure> {
        if self.names("SELECT name FROM sqlite_schema WHERE name = 'd1_migrations'").await?.is_empty() {
            return Ok(Vec::new());
        }
        self.names("SELECT name FROM d1_migrations ORDER BY id").await
    }

    async fn names(&self, sql: &'static str) -> Result<Vec<String>, Failure> {
        let statement = Statement::new(sql);
        let statements = vec![Query::from(&statement)];
        let response = self.call(&Batch { kind: Kind::Read, at_least: None, statements }).await?;
        let rows = response.outcomes.into_iter().flat_map(|outcome| outcome.rows.0);
        rows.map(|mut row: Row| row.take("name").map_err(Failure::invalid_message)).collect()
    }
}

fn unusable(url: &BridgeUrl, failure: Failure) -> BridgeError {
    let url = url.clone();
    match failure.foreign_status {
        Some(StatusCode::UNAUTHORIZED) => BridgeError::Secret(url),
        Some(status) => BridgeError::NotABridge { url, status },
        None => BridgeError::Failed { url, source: cause(failure.error) },
    }
}

/// The cause below the class of an error: callers of a service do not see it, but the operator needs it.
fn cause(error: Error) -> Box<dyn std::error::Error + Send + Sync> {
    match error {
        Error::Unavailable(cause)
        | Error::Overloaded(cause)
        | Error::Full(cause)
        | Error::Body(cause)
        | Error::Broken(cause) => cause,
        Error::Constraint(_) | Error::Row { .. } => error.into(),
    }
}
