//! Randomness, as an argument.

/// A source of random bytes that nobody can guess.
pub trait Entropy: Clone + Send + Sync + 'static {
    /// Fills `buffer` with random bytes.
    fn fill(&self, buffer: &mut [u8]);
}
