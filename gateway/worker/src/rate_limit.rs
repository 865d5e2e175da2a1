//! Limits the request rate of each address, if a rate limit is bound.

use std::time::Duration;

use http::HeaderMap;
use worker::RateLimiter;
use worker_host::{Bindings, Misconfigured};

/// The variable with the period of the limit. The binding does not expose it.
const PERIOD: &str = "RATE_LIMIT_PERIOD";

/// The period in the example of `wrangler.jsonc`, in seconds.
const DEFAULT_PERIOD: u64 = 10;

/// The allowed periods of a rate limit, in seconds.
const PERIODS: [u64; 2] = [10, 60];

/// The header in which the runtime sends the client's address.
const ADDRESS: &str = "cf-connecting-ip";

/// The limit of requests from one address in one period.
#[derive(Debug)]
pub(crate) struct RateLimit {
    limiter: RateLimiter,
    /// The time after which the count restarts.
    pub(crate) period: Duration,
}

impl RateLimit {
    /// Reads the rate limit that is bound, if there is one.
    ///
    /// # Errors
    /// If the binding is not a rate limit, or the period is not one of the allowed ones.
    pub(crate) fn read(bindings: Bindings<'_>) -> Result<Option<Self>, Misconfigured> {
        let rule = "must be 10 or 60 (seconds)";
        let seconds = bindings.parsed(PERIOD, rule)?.unwrap_or(DEFAULT_PERIOD);
        if !PERIODS.contains(&seconds) {
            return Err(Misconfigured::new(PERIOD, format_args!("{rule}, not `{seconds}`")));
        }
        let limiter = bindings.rate_limit("RATE_LIMIT")?;
        Ok(limiter.map(|limiter| Self { limiter, period: Duration::from_secs(seconds) }))
    }

    /// Whether a request is within the limit. If the limit cannot be queried, every request is.
    pub(crate) async fn allows(&self, headers: &HeaderMap) -> bool {
        let address = headers.get(ADDRESS).and_then(|value| value.to_str().ok()).unwrap_or_default();
        match self.limiter.limit(address.to_owned()).await {
            Ok(outcome) => outcome.success,
            Err(error) => {
                worker::console_warn!("cannot query the rate limit; the request is allowed: {error}");
                true
            }
        }
    }
}
