//! Who calls too often, by the rate limit that is bound, if one is.

use std::time::Duration;

use http::HeaderMap;

use crate::config::Parts;

/// The period of the limit that the configuration suggests. A Worker cannot know the one that it is bound to.
pub(crate) const RETRY_AFTER: Duration = Duration::from_secs(10);

/// The caller's address, as the runtime tells it.
const ADDRESS: &str = "cf-connecting-ip";

/// Whether the sender of a request may be answered. A limit that cannot be asked refuses nobody.
pub(crate) async fn allows(parts: &Parts, headers: &HeaderMap) -> bool {
    let Some(limit) = &parts.rate_limit else { return true };
    let address = headers.get(ADDRESS).and_then(|value| value.to_str().ok()).unwrap_or_default();
    match limit.limit(address.to_owned()).await {
        Ok(outcome) => outcome.success,
        Err(error) => {
            worker::console_warn!("the rate limit cannot be asked: {error}");
            true
        }
    }
}
