//! Who calls too often, by the rate limit that is bound, if one is.

use std::time::Duration;

use http::HeaderMap;
use worker::RateLimiter;
use worker_host::{Bindings, Misconfigured};

/// The variable that says the limit's period, which its binding does not.
const PERIOD: &str = "RATE_LIMIT_PERIOD";

/// The period that the configuration suggests, in seconds.
const DEFAULT_PERIOD: u64 = 10;

/// The periods that a rate limit may have, in seconds.
const PERIODS: [u64; 2] = [10, 60];

/// The caller's address, as the runtime tells it.
const ADDRESS: &str = "cf-connecting-ip";

/// How often one address may call.
#[derive(Debug)]
pub(crate) struct RateLimit {
    limiter: RateLimiter,
    /// After which the limit counts anew.
    pub(crate) period: Duration,
}

impl RateLimit {
    /// The one that is bound, if one is.
    ///
    /// # Errors
    /// If its binding or period is something else.
    pub(crate) fn read(bindings: Bindings<'_>) -> Result<Option<Self>, Misconfigured> {
        let rule = "must be 10 or 60 (seconds)";
        let seconds = bindings.parsed(PERIOD, rule)?.unwrap_or(DEFAULT_PERIOD);
        if !PERIODS.contains(&seconds) {
            return Err(Misconfigured::new(PERIOD, format_args!("{rule}, not `{seconds}`")));
        }
        let limiter = bindings.rate_limit("RATE_LIMIT")?;
        Ok(limiter.map(|limiter| Self { limiter, period: Duration::from_secs(seconds) }))
    }

    /// Whether the sender of a request may be answered. A limit that cannot be asked refuses nobody.
    pub(crate) async fn allows(&self, headers: &HeaderMap) -> bool {
        let address = headers.get(ADDRESS).and_then(|value| value.to_str().ok()).unwrap_or_default();
        match self.limiter.limit(address.to_owned()).await {
            Ok(outcome) => outcome.success,
            Err(error) => {
                worker::console_warn!("the rate limit cannot be asked: {error}");
                true
            }
        }
    }
}
