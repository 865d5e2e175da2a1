use std::{io, path::PathBuf};

/// Why a store cannot be opened, in a sentence for whoever starts the program.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// A folder cannot be made, read or written.
    #[error("cannot use the folder {}: {source}", path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },

    /// The database file cannot be opened, or is none.
    #[error("cannot open the database {}: {source}", path.display())]
    Database {
        /// The file.
        path: PathBuf,
        /// What SQLite says.
        source: sqlx::Error,
    },

    /// A migration does not fit what is in the database.
    #[error("the migration {name} failed and was undone: {source}")]
    Migration {
        /// Its file name.
        name: String,
        /// What SQLite says.
        source: sqlx::Error,
    },

    /// A newer program has changed the schema.
    #[error(
        "the database has the migration {name}, which this version does not know: start a newer version, or restore a backup from before it"
    )]
    FromTheFuture {
        /// The file name of the first migration that is not known.
        name: String,
    },

    /// A bucket cannot be looked into.
    #[error("the bucket {bucket} {problem}: {source}")]
    Bucket {
        /// Its name.
        bucket: String,
        /// What to check, in a phrase that continues the name.
        problem: &'static str,
        /// What the store or the connection says.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}
