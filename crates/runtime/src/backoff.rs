use std::time::Duration;

/// The most attempts of one call.
const ATTEMPTS: u32 = 3;

/// The pause before the second attempt; each later one is [`GROWTH`] times as long. Up to half of a pause is random, so
/// that callers that failed together do not retry together.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const GROWTH: u32 = 4;

/// The pauses between the attempts of one call that may be retried: at most 3 attempts.
#[derive(Debug)]
pub struct Backoff {
    left: u32,
    pause: Duration,
}

impl Default for Backoff {
    fn default() -> Self {
        Self { left: ATTEMPTS - 1, pause: FIRST_PAUSE }
    }
}

impl Backoff {
    /// How long to wait before the next attempt, or `None` if that was the last. `random` is a random byte.
    pub fn next_pause(&mut self, random: u8) -> Option<Duration> {
        self.left = self.left.checked_sub(1)?;
        let pause = self.pause;
        self.pause *= GROWTH;
        Some(pause - pause * u32::from(random) / 512)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_attempts_have_two_growing_pauses_between_them() {
        for (random, pauses) in [(0, [100, 400]), (255, [50, 200])] {
            let mut backoff = Backoff::default();
            let all = std::iter::from_fn(|| backoff.next_pause(random));
            let millis: Vec<_> = all.map(|pause| pause.as_millis() / 10 * 10).collect();
            assert_eq!(millis, pauses);
        }
    }
}
