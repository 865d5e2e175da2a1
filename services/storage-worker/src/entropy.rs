use storage::Entropy;

/// The runtime's random bytes (`crypto.getRandomValues`). A Worker has none before its first request.
#[derive(Clone, Copy, Debug, Default)]
pub struct WorkerEntropy;

impl Entropy for WorkerEntropy {
    /// # Panics
    /// If the runtime has no randomness to give, which it always has within a request: ids made without it could be
    /// guessed.
    #[expect(clippy::expect_used, reason = "to stop is the only safe answer")]
    fn fill(&self, buffer: &mut [u8]) {
        getrandom_02::getrandom(buffer).expect("the runtime gives random bytes");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_fills_differ() {
        let (mut one, mut other) = ([0; 16], [0; 16]);
        WorkerEntropy.fill(&mut one);
        WorkerEntropy.fill(&mut other);
        assert_ne!(one, other);
    }
}
