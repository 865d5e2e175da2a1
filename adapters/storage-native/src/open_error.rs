use std::{io, path::PathBuf};

/// Why a store cannot be opened, in a sentence for the operator who starts the program.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// A folder cannot be made, read or written.
    #[error("cannot use the folder {}: {source}", path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },

    /// The database file cannot be opened, or is not a database.
    #[error("cannot open the database {}: {source}", path.display())]
    Database {
        /// The file.
        path: PathBuf,
        /// SQLite's error.
        source: sqlx::Error,
    },

    /// A migration failed on the database.
    #[error("the migration {name} failed and was rolled back: {source}")]
    Migration {
        /// Its file name.
        name: String,
        /// SQLite's error.
        source: sqlx::Error,
    },

    /// A newer program has changed the schema.
    #[error(
        "the database has the migration {name}, which this version does not know: start a newer version, or restore a backup from before it"
    )]
    UnknownMigration {
        /// The file name of the first unknown migration.
        name: String,
    },

    /// A bucket cannot be listed.
    #[error("the bucket {bucket} {problem}: {source}")]
    Bucket {
        /// Its name.
        bucket: String,
        /// What to check, in a phrase that continues the name.
        problem: &'static str,
        /// The error of the store or of the connection.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}
