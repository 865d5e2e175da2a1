//! Randomness, as an argument.

/// A source of random bytes for ids and secrets, which must be impossible to guess.
pub trait Entropy: Clone + Send + Sync + 'static {
    /// Fills `buffer` with random bytes.
    fn fill(&self, buffer: &mut [u8]);
}
