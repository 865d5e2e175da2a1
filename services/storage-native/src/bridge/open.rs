//! Whether a bridge is there, believes us, and has this program's schema behind it.

use http::StatusCode;
use storage::{Error, Row, Statement};
use storage_json::{Batch, Kind, Query};

use super::{BridgeDatabase, BridgeUrl, failure::Failure};
use crate::migrations::{self, Difference};

/// Why a bridge cannot be used, in a sentence for whoever starts the program.
#[derive(Debug, thiserror::Error)]
pub enum BridgeError {
    /// TLS cannot be set up.
    #[error("cannot set up TLS: {0}")]
    Tls(#[source] rustls::Error),

    /// It takes another secret.
    #[error(
        "the bridge at {0} refuses the secret: RETICLE_BRIDGE_SECRET must be the one that the bridge was given"
    )]
    Secret(BridgeUrl),

    /// Something else answers there.
    #[error("there is no D1 bridge at {url}: it answered {status}")]
    NoBridge {
        /// Where.
        url: BridgeUrl,
        /// What the answer was.
        status: StatusCode,
    },

    /// It does not answer, or its database does not.
    #[error("the D1 bridge at {url} cannot be used: {source}")]
    Failed {
        /// Where.
        url: BridgeUrl,
        /// What happened.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },

    /// The schema is older than the program.
    #[error(
        "the database behind the bridge lacks the migration {name}: apply it by `cargo xtask deploy`, or by `wrangler d1 migrations apply`"
    )]
    Lacks {
        /// The file name of the first migration that is missing.
        name: &'static str,
    },

    /// A newer program has changed the schema.
    #[error(
        "the database behind the bridge has the migration {name}, which this version does not know: start a newer version"
    )]
    FromTheFuture {
        /// The file name of the first migration that is not known.
        name: String,
    },
}

impl BridgeDatabase {
    /// Asks the bridge at `url`, which this database was made for, what its schema is. Wrangler applies migrations, for a
    /// program that lags behind must not.
    ///
    /// # Errors
    /// [`BridgeError`] says why the database cannot be used.
    pub async fn check(&self, url: &BridgeUrl) -> Result<(), BridgeError> {
        let applied = self.applied().await.map_err(|failure| unusable(url, failure))?;
        match migrations::difference(&applied) {
            None => Ok(()),
            Some(Difference::Lacks(name)) => Err(BridgeError::Lacks { name }),
            Some(Difference::HasUnknown(name)) => Err(BridgeError::FromTheFuture { name }),
        }
    }
}

impl BridgeDatabase {
    /// The names of the migrations that wrangler has on record, in order.
    async fn applied(&self) -> Result<Vec<String>, Failure> {
        if self.names("SELECT name FROM sqlite_schema WHERE name = 'd1_migrations'").await?.is_empty() {
            return Ok(Vec::new());
        }
        self.names("SELECT name FROM d1_migrations ORDER BY id").await
    }

    async fn names(&self, sql: &'static str) -> Result<Vec<String>, Failure> {
        let statement = Statement::new(sql);
        let statements = vec![Query::from(&statement)];
        let answer = self.call(&Batch { kind: Kind::Read, at_least: None, statements }).await?;
        let rows = answer.outcomes.into_iter().flat_map(|outcome| outcome.rows.0);
        rows.map(|mut row: Row| row.take("name").map_err(Failure::unreadable)).collect()
    }
}

fn unusable(url: &BridgeUrl, failure: Failure) -> BridgeError {
    let url = url.clone();
    match failure.foreign {
        Some(StatusCode::UNAUTHORIZED) => BridgeError::Secret(url),
        Some(status) => BridgeError::NoBridge { url, status },
        None => BridgeError::Failed { url, source: cause(failure.error) },
    }
}

/// What the class of an error hides from callers, and whoever starts the program needs.
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
