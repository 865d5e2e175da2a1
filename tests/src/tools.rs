//! The third-party programs that `cargo xtask test` installs.

use std::{env, fs, path::PathBuf, process::Stdio};

use anyhow::{Context as _, bail, ensure};
use tokio::process::Command;

/// The folder of third-party programs (`python/`, `node_modules/` and `nginx/`) and of third-party test images (`images/`).
///
/// # Errors
/// They are not installed.
pub fn third_party_tools() -> anyhow::Result<PathBuf> {
    let missing = "the test tools are missing: run `cargo xtask test`, which installs them";
    let folder = PathBuf::from(env::var_os("RETICLE_TEST_TOOLS").context(missing)?);
    ensure!(folder.join("node_modules").exists() && folder.join("python/bin/grpcurl").exists(), missing);
    Ok(folder)
}

/// The path of the library of Debian's faketime, which `cargo xtask test` installs.
///
/// # Errors
/// It is not installed.
pub fn faketime() -> anyhow::Result<PathBuf> {
    let missing = "faketime is missing: run `cargo xtask test`, which installs it";
    let tools = PathBuf::from(env::var_os("RETICLE_TEST_TOOLS").context(missing)?);
    for folder in fs::read_dir(tools.join("libfaketime/usr/lib")).context(missing)? {
        let library = folder?.path().join("faketime/libfaketimeMT.so.1");
        if library.exists() {
            return Ok(library);
        }
    }
    bail!(missing)
}

/// Runs a program to its end and returns its standard output.
///
/// # Errors
/// It cannot be started, or it fails; the error has its output.
pub async fn output(mut command: Command) -> anyhow::Result<String> {
    let done =
        command.stdin(Stdio::null()).kill_on_drop(true).output().await.context("cannot start the program")?;
    let (out, err) = (String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr));
    ensure!(done.status.success(), "{}\n{out}\n{err}", done.status);
    Ok(out.into_owned())
}
