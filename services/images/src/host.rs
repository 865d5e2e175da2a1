//! What the service needs from the program that runs it.

use std::fmt;

use runtime::{Background, Clock, Entropy};
use storage::{Database, ObjectStore};

/// The types of a host's adapters, one for each port. A host implements it for a type of its own that has no values, and passes
/// the adapters as [`Ports`]. `services/server/src/native.rs` is an example.
pub trait Host: Clone + Send + Sync + 'static {
    /// Stores the records.
    type Database: Database;
    /// Stores the bytes.
    type Objects: ObjectStore;
    /// Reads the time.
    type Clock: Clock;
    /// The randomness of ids.
    type Entropy: Entropy;
    /// Runs work that a response does not wait for.
    type Background: Background;
}

/// The adapters of the host `H`.
#[derive(Clone)]
pub struct Ports<H: Host> {
    /// Stores the records.
    pub database: H::Database,
    /// Stores the bytes.
    pub objects: H::Objects,
    /// Reads the time.
    pub clock: H::Clock,
    /// The randomness of ids.
    pub entropy: H::Entropy,
    /// Runs work that a response does not wait for.
    pub background: H::Background,
}

impl<H: Host> fmt::Debug for Ports<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ports").finish_non_exhaustive()
    }
}
