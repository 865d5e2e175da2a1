//! `cargo deny`: whether the dependencies may stay (`deny.toml`).

use std::{path::Path, process::Command};

use anyhow::Context as _;

use crate::step::{command, run};

/// Checks bans, licences and sources; and the published advisories, if their database can be reached.
pub(crate) fn check(tools: &Path) -> anyhow::Result<()> {
    run("dependencies: bans, licenses, sources", deny(tools, &["check", "bans", "licenses", "sources"]))?;
    // What cannot be fetched is no fault of the tree; an advisory is.
    let fetched = deny(tools, &["fetch", "db"]).output().context("cargo-deny")?;
    if fetched.status.success() {
        return run("dependencies: advisories", deny(tools, &["check", "--disable-fetch", "advisories"]));
    }
    eprintln!("{}", String::from_utf8_lossy(&fetched.stderr).trim());
    eprintln!("== dependencies: advisories NOT checked, for their database cannot be reached from here");
    Ok(())
}

/// Without the warnings that some crates are there in two versions.
fn deny(tools: &Path, arguments: &[&str]) -> Command {
    let mut deny = command(tools.join("python/bin/cargo-deny"), &["--log-level", "error"]);
    deny.args(arguments);
    deny
}
