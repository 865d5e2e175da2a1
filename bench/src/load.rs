//! A bounded load: so many callers, each doing one thing after the other, for so long.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, Instant},
};

use futures_util::future::try_join_all;

/// Calls `call` from `callers` at once for about `length`, and answers the calls a second.
pub(crate) async fn calls_a_second<T, F: Future<Output = anyhow::Result<T>>>(
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

/// The middle of `figures`.
pub(crate) fn median(figures: &[f64]) -> f64 {
    let mut figures = figures.to_vec();
    figures.sort_by(f64::total_cmp);
    figures.get(figures.len() / 2).copied().unwrap_or(f64::NAN)
}

/// The smallest of `figures` that `percent` of them do not exceed.
pub(crate) fn percentile(figures: &[f64], percent: usize) -> f64 {
    let mut figures = figures.to_vec();
    figures.sort_by(f64::total_cmp);
    figures
        .get((figures.len() * percent / 100).min(figures.len().saturating_sub(1)))
        .copied()
        .unwrap_or(f64::NAN)
}

/// The middle of the ratios of rounds, whose two figures were taken one right after the other: what else the machine
/// does meanwhile weighs on both.
pub(crate) fn middle_ratio(of: &[f64], to: &[f64]) -> f64 {
    let ratios: Vec<_> = of.iter().zip(to).map(|(of, to)| of / to).collect();
    median(&ratios)
}
