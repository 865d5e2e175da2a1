//! The ports of [`storage`] in a native program: [`sqlite`], [`files`] and [`s3`] for data on this machine and elsewhere,
//! [`bridge`] for rows in D1, and the system's clock, timer, randomness and tasks.
//!
//! To add an adapter (another database, another object store), give it a module here, translate its failures in one
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
mod private;
pub mod s3;
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
pub use private::{make_folder, tighten};
pub use s3::{S3Location, S3Objects};
pub use sqlite::{SqliteDatabase, SqliteOptions};
pub use timer::TokioTimer;
