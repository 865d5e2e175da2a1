//! Checks the dependencies with `cargo deny` and `deny.toml`.

use std::{path::Path, process::Command};

use anyhow::Context as _;

use crate::step::{command, run};

/// Checks bans, licenses and sources. Also checks the published advisories, if their database is reachable.
pub(crate) fn check(tools: &Path) -> anyhow::Result<()> {
    run("dependencies: bans, licenses, sources", deny(tools, &["check", "bans", "licenses", "sources"]))?;
    // A failed download is not an error of this repository; an advisory is.
    let fetched = deny(tools, &["fetch", "db"]).output().context("cargo-deny")?;
    if fetched.status.success() {
        return run("dependencies: advisories", deny(tools, &["check", "--disable-fetch", "advisories"]));
    }
    eprintln!("{}", String::from_utf8_lossy(&fetched.stderr).trim());
    eprintln!("== dependencies: advisories NOT checked: cannot fetch the advisory database");
    Ok(())
}

/// `cargo deny` without its warnings about crates that occur in two versions.
fn deny(tools: &Path, arguments: &[&str]) -> Command {
    let mut deny = command(tools.join("python/bin/cargo-deny"), &["--log-level", "error"]);
    deny.args(arguments);
    deny
}
