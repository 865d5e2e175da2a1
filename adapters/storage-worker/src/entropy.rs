use std::cell::RefCell;

use runtime::Entropy;

/// How many bytes are fetched at once: a fetch costs several calls, and an id needs ten bytes.
const POOL_BYTES: usize = 256;

thread_local! {
    static POOL: RefCell<Pool> = const { RefCell::new(Pool { bytes: [0; POOL_BYTES], used: POOL_BYTES }) };
}

/// The runtime's random bytes (`crypto.getRandomValues`). They are available only within a request.
#[derive(Clone, Copy, Debug, Default)]
pub struct WorkerEntropy;

impl Entropy for WorkerEntropy {
    /// # Panics
    /// If the runtime cannot supply random bytes: ids without them could be guessed. This does not happen within a request.
    fn fill(&self, buffer: &mut [u8]) {
        POOL.with_borrow_mut(|pool| pool.fill(buffer));
    }
}

/// Random bytes; each is used once.
struct Pool {
    bytes: [u8; POOL_BYTES],
    used: usize,
}

impl Pool {
    fn fill(&mut self, buffer: &mut [u8]) {
        for wanted in buffer.chunks_mut(POOL_BYTES) {
            if self.bytes.len() - self.used < wanted.len() {
                fetch(&mut self.bytes);
                self.used = 0;
            }
            let given = self.bytes.iter_mut().skip(self.used);
            wanted.iter_mut().zip(given).for_each(|(wanted, given)| *wanted = std::mem::take(given));
            self.used += wanted.len();
        }
    }
}

#[expect(clippy::expect_used, reason = "a panic is the only safe reaction")]
fn fetch(bytes: &mut [u8]) {
    getrandom_02::getrandom(bytes).expect("the runtime gives random bytes");
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

    #[test]
    fn a_buffer_larger_than_the_pool_is_filled_completely() {
        let (mut one, mut other) = ([0; 3 * POOL_BYTES + 7], [0; 3 * POOL_BYTES + 7]);
        WorkerEntropy.fill(&mut one[..7]);
        WorkerEntropy.fill(&mut one);
        WorkerEntropy.fill(&mut other);
        for (one, other) in one.chunks(16).zip(other.chunks(16)).filter(|(one, _)| one.len() == 16) {
            assert_ne!(one, other);
        }
    }
}
