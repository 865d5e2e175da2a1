//! Waits until a deployment responds.

use std::{process::Stdio, time::Duration};

use anyhow::{Context as _, bail};

use crate::step::command;

/// The time between two requests.
const PAUSE: Duration = Duration::from_secs(2);

/// The time limit of one request, in seconds.
const REQUEST_SECONDS: &str = "20";

/// Requests `/health` (the gateway alone), then `/readyz` (with the services that it calls), each until it succeeds.
///
/// # Errors
/// They do not respond with 200 within `time`; the error has the last response.
pub(super) fn wait(url: &str, time: Duration) -> anyhow::Result<()> {
    let mut attempts = time.as_secs() / PAUSE.as_secs();
    for page in ["/health", "/readyz"] {
        let url = format!("{url}{page}");
        eprintln!("== request {url}");
        while let Err(error) = request(&url) {
            if attempts == 0 {
                bail!(
                    "The Workers are deployed, but {url} does not respond with 200: {error:#}. A new address or \
                     certificate may take some minutes. Wait, then run this command again: it keeps the database and the bucket."
                );
            }
            attempts -= 1;
            pause(PAUSE);
        }
    }
    Ok(())
}

#[expect(clippy::disallowed_methods, reason = "a task has no other work while it waits")]
pub(super) fn pause(time: Duration) {
    std::thread::sleep(time);
}

/// Uses curl, as does the command that the greeting shows.
fn request(url: &str) -> anyhow::Result<()> {
    let arguments = ["--silent", "--show-error", "--location", "--max-time", REQUEST_SECONDS, "--write-out"];
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
