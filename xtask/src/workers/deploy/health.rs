//! Whether a deployment responds.

use std::{process::Stdio, time::Duration};

use anyhow::{Context as _, bail};

use crate::step::command;

/// The time between two requests.
const PAUSE: Duration = Duration::from_secs(2);

/// The time limit of one request, in seconds.
const REQUEST_SECONDS: &str = "20";

/// Requests the pages of `url`, each until it succeeds. The gateway's own health comes first, then that of what it calls.
///
/// # Errors
/// They do not respond within the time; the error has the last answer.
pub(super) fn wait(url: &str, time: Duration) -> anyhow::Result<()> {
    let mut attempts = time.as_secs() / PAUSE.as_secs();
    for page in ["/health", "/readyz"] {
        let url = format!("{url}{page}");
        eprintln!("== request {url}");
        while let Err(error) = request(&url) {
            if attempts == 0 {
                bail!(
                    "The Workers are deployed, and {url} does not respond as it should: {error:#}. A new address or \
                     certificate may take some minutes; then run this command again, which changes nothing that is done."
                );
            }
            attempts -= 1;
            pause(PAUSE);
        }
    }
    Ok(())
}

#[expect(clippy::disallowed_methods, reason = "a task has nothing else to do meanwhile")]
pub(super) fn pause(time: Duration) {
    std::thread::sleep(time);
}

/// By curl, which the line that is printed at the end uses as well.
fn request(url: &str) -> anyhow::Result<()> {
    let arguments = ["--silent", "--show-error", "--location", "--max-time", REQUEST_SECONDS, "--write-out"];
    let mut curl = command("curl", &arguments);
    curl.args(["\n%{http_code}", url]).stdin(Stdio::null());
    let output = curl.output().context("cannot start curl")?;
    let told = String::from_utf8_lossy(&output.stdout);
    match told.rsplit_once('\n') {
        Some((_, "200")) => Ok(()),
        Some((body, status)) if status != "000" => bail!("status {status} {}", body.trim()),
        _ => bail!("{}", String::from_utf8_lossy(&output.stderr).trim()),
    }
}
