//! Waits until a deployment responds.

use std::{process::Stdio, time::Duration};

use anyhow::{Context as _, bail};

use crate::step::{Stopwatch, command};

/// The time between two requests.
const PAUSE: Duration = Duration::from_secs(2);

/// The longest time limit of one request.
const MAX_REQUEST_TIME: Duration = Duration::from_secs(20);

/// The shortest time limit of one request, also if less time is left: a deployment that works responds within it.
const MIN_REQUEST_TIME: Duration = Duration::from_secs(5);

/// Requests `/health` (the gateway alone), then `/readyz` (with the services that it calls), each until it succeeds.
///
/// # Errors
/// They do not respond with 200 within `time`, in which each is requested at least once; the error has the last response.
pub(super) fn wait(url: &str, time: Duration) -> anyhow::Result<()> {
    let clock = Stopwatch::start();
    for page in ["/health", "/readyz"] {
        let url = format!("{url}{page}");
        eprintln!("== request {url}");
        let left = || time.saturating_sub(clock.elapsed());
        repeat(|limit| request(&url, limit), left, pause).with_context(|| {
            format!(
                "The Workers are deployed, but {url} does not respond with 200. A new address or certificate may take \
                 some minutes. Wait, then run this command again: it keeps the database and the bucket."
            )
        })?;
    }
    Ok(())
}

/// Repeats `request`, which gets its time limit, until it succeeds or no time is left for another one.
fn repeat(
    request: impl Fn(Duration) -> anyhow::Result<()>,
    left: impl Fn() -> Duration,
    pause: impl Fn(Duration),
) -> anyhow::Result<()> {
    loop {
        let result = request(left().clamp(MIN_REQUEST_TIME, MAX_REQUEST_TIME));
        if result.is_ok() || left() <= PAUSE {
            return result;
        }
        pause(PAUSE);
    }
}

#[expect(clippy::disallowed_methods, reason = "a task has no other work while it waits")]
pub(super) fn pause(time: Duration) {
    std::thread::sleep(time);
}

/// Uses curl, as does the command that the greeting shows.
fn request(url: &str, limit: Duration) -> anyhow::Result<()> {
    let limit = format!("{:.3}", limit.as_secs_f64());
    let arguments = ["--silent", "--show-error", "--location", "--max-time", &limit, "--write-out"];
    let mut curl = command("curl", &arguments);
    curl.args(["\n%{http_code}", url]).stdin(Stdio::null());
    let output = curl.output().context("cannot start curl")?;
    let output_text = String::from_utf8_lossy(&output.stdout);
    match output_text.rsplit_once('\n') {
        Some((_, "200")) => Ok(()),
        Some((body, status)) if status != "000" => bail!("status {status} {}", body.trim()),
        _ => bail!("{}", String::from_utf8_lossy(&output.stderr).trim()),
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    /// Given a deployment that never responds, when each request takes all of its time limit, then the wait ends after the
    /// given time, and after one request if no time is given.
    #[test]
    fn requests_that_take_long_do_not_make_the_wait_longer() {
        for (seconds, expected_requests) in [(300, 14), (30, 2), (0, 1)] {
            let (time, elapsed, requests) =
                (Duration::from_secs(seconds), Cell::new(Duration::ZERO), Cell::new(0));
            let advance = |by: Duration| elapsed.set(elapsed.get() + by);
            let request = |limit: Duration| {
                requests.set(requests.get() + 1);
                advance(limit);
                bail!("no response")
            };
            let error = repeat(request, || time.saturating_sub(elapsed.get()), advance).unwrap_err();
            assert_eq!(error.to_string(), "no response");
            assert!(elapsed.get() <= time + MIN_REQUEST_TIME, "{seconds} s: {:?}", elapsed.get());
            assert_eq!(requests.get(), expected_requests, "{seconds} s");
        }
    }
}
