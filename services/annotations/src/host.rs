//! What the service needs from the program that runs it.

use std::fmt;

use runtime::{Clock, Entropy, Timer};
use storage::Database;

use crate::owners::ImagesBackend;

/// The types of a host's adapters, one for each port. A host implements it for a type of its own that has no values, and passes
/// the adapters as [`Ports`]. `services/server/src/native.rs` is an example.
pub trait Host: Clone + Send + Sync + 'static {
    /// Stores the annotations.
    type Database: Database;
    /// The images service, which knows the owner of an image.
    type Images: ImagesBackend;
    /// Reads the time.
    type Clock: Clock;
    /// The randomness of ids.
    type Entropy: Entropy;
    /// Waits.
    type Timer: Timer;
}

/// The adapters of the host `H`.
#[derive(Clone)]
pub struct Ports<H: Host> {
    /// Stores the annotations.
    pub database: H::Database,
    /// The images service, which knows the owner of an image.
    pub images: H::Images,
    /// Reads the time.
    pub clock: H::Clock,
    /// The randomness of ids.
    pub entropy: H::Entropy,
    /// Waits.
    pub timer: H::Timer,
}

impl<H: Host> fmt::Debug for Ports<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ports").finish_non_exhaustive()
    }
}
