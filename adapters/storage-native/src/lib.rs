//! The adapters of the ports of [`storage`] for native programs.
//!
//! - Databases: [`sqlite`] is a file on this machine, [`bridge`] is a D1 database; [`NativeDatabase`] is either of them.
//! - Object stores: [`files`] is a folder, [`s3`] is a bucket; [`NativeObjects`] is either of them.
//! - The system's clock, timer, random bytes and background tasks.
//!
//! To add an adapter (another database, another object store), give it a module here, map its failures in one
//! `error.rs`, and run every function of [`storage::contract`] on it in `tests/`.

mod background;
pub mod bridge;
mod clock;
mod entropy;
pub mod files;
mod migrations;
mod native_database;
mod native_objects;
mod open_error;
mod places;
mod private;
pub mod s3;
mod spawn;
pub mod sqlite;
mod timer;
mod write_probe;

pub use background::TokioBackground;
pub use bridge::{BridgeDatabase, BridgeSecret, BridgeUrl};
pub use clock::SystemClock;
pub use entropy::OsEntropy;
pub use files::FileObjects;
pub use native_database::NativeDatabase;
pub use native_objects::NativeObjects;
pub use open_error::OpenError;
pub use private::{make_private_folder, restrict_to_owner};
pub use s3::{S3Location, S3Objects};
pub use sqlite::{SqliteDatabase, SqliteOptions};
pub use timer::TokioTimer;
