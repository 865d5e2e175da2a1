//! The ports of [`storage`] on one machine: [`sqlite`], [`files`] and [`s3`] for data, and the system's clock, randomness and
//! tasks.
//!
//! To add an adapter (another database, another object store), give it a module here, translate its failures in one
//! `error.rs`, and run every function of [`storage::contract`] on it in `tests/`.

mod background;
mod clock;
mod entropy;
pub mod files;
mod native_objects;
mod open_error;
pub mod s3;
pub mod sqlite;

pub use background::TokioBackground;
pub use clock::SystemClock;
pub use entropy::OsEntropy;
pub use files::FileObjects;
pub use native_objects::NativeObjects;
pub use open_error::OpenError;
pub use s3::{S3Location, S3Objects};
pub use sqlite::{SqliteDatabase, SqliteOptions};
