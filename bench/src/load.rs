//! A load with a fixed number of callers and a fixed duration. Each caller makes one call after the other.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, Instant},
};

use futures_util::future::try_join_all;

/// Runs `call` from `callers` concurrent callers for about `length`. Returns the calls per second.
pub(crate) async fn calls_per_second<T, F: Future<Output = anyhow::Result<T>>>(
    callers: usize,
    length: Duration,
    call: impl Fn(usize) -> F,
) -> anyhow::Result<f64> {
    let (start, done) = (Instant::now(), AtomicU64::new(0));
    try_join_all((0..callers).map(|caller| {
        let (call, done) = (&call, &done);
        async move {
            while start.elapsed() < length {
                call(caller).await?;
                done.fetch_add(1, Ordering::Relaxed);
            }
            anyhow::Ok(())
        }
    }))
    .await?;
    #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
    let done = done.into_inner() as f64;
    Ok(done / start.elapsed().as_secs_f64())
}

/// The median of `figures`.
pub(crate) fn median(figures: &[f64]) -> f64 {
    let mut figures = figures.to_vec();
    figures.sort_by(f64::total_cmp);
    figures.get(figures.len() / 2).copied().unwrap_or(f64::NAN)
}

/// The `percent`th percentile of `figures`.
pub(crate) fn percentile(figures: &[f64], percent: usize) -> f64 {
    let mut figures = figures.to_vec();
    figures.sort_by(f64::total_cmp);
    figures
        .get((figures.len() * percent / 100).min(figures.len().saturating_sub(1)))
        .copied()
        .unwrap_or(f64::NAN)
}

/// The median of the rounds' ratios. The two figures of a round are measured right after each other, so that other load on
/// the machine affects both.
pub(crate) fn median_ratio(of: &[f64], to: &[f64]) -> f64 {
    let ratios: Vec<_> = of.iter().zip(to).map(|(of, to)| of / to).collect();
    median(&ratios)
}
