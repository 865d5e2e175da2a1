//! Installs the tools that build and run Workers, once, below the target folder.

use std::{fs, path::PathBuf};

use anyhow::{Context as _, bail};
use xtask::WorkerTools;

use crate::{
    step::{cargo, command, root, run},
    tools::{install_once, npm},
};

const WASM: &str = "wasm32-unknown-unknown";

/// The version of `worker-build`, which turns a crate into a Worker. It must be the version of the crate `worker`.
const WORKER_BUILD: &str = "0.8.7";

/// Installs missing tools.
pub(super) fn install() -> anyhow::Result<WorkerTools> {
    let tools = WorkerTools::default();
    fs::create_dir_all(tools.folder()).with_context(|| format!("cannot make {}", tools.folder().display()))?;
    wasm_target()?;
    cargo_install(&tools, "wasm-bindgen-cli", &locked_wasm_bindgen()?)?;
    cargo_install(&tools, "worker-build", WORKER_BUILD)?;
    npm(&tools.node_folder(), "tests/worker")?;
    Ok(tools)
}

/// Does not use `--locked`: the registry may not serve the versions of a program's own lock file any more.
fn cargo_install(tools: &WorkerTools, name: &str, version: &str) -> anyhow::Result<()> {
    install_once(&tools.folder().join(format!("{name}.installed")), version, || {
        let mut install = cargo(&["install", "--quiet", name, "--version", version, "--root"]);
        install.arg(tools.folder());
        // A short build matters more than speed, since they run for seconds. They share compiled dependencies.
        install.env("CARGO_TARGET_DIR", tools.folder().join("build"));
        install.env("CARGO_PROFILE_RELEASE_OPT_LEVEL", "1");
        run(&format!("{name} {version}"), install)
    })
}

/// Installs the compiler's wasm32 target, if the toolchain lacks it.
pub(crate) fn wasm_target() -> anyhow::Result<()> {
    let library = command("rustc", &["--print", "target-libdir", "--target", WASM]).output()?;
    let library = PathBuf::from(String::from_utf8_lossy(&library.stdout).trim());
    if library.is_dir() { Ok(()) } else { run("wasm32 target", command("rustup", &["target", "add", WASM])) }
}

/// The version of the crate `wasm-bindgen`: the command `wasm-bindgen` must have the same version.
fn locked_wasm_bindgen() -> anyhow::Result<String> {
    let lock = fs::read_to_string(root().join("Cargo.lock")).context("Cargo.lock")?;
    match version_in(&lock, "wasm-bindgen") {
        Some(version) => Ok(version.to_owned()),
        None => bail!("Cargo.lock has no wasm-bindgen"),
    }
}

fn version_in<'lock>(lock: &'lock str, package: &str) -> Option<&'lock str> {
    let name = format!("name = \"{package}\"");
    let mut lines = lock.lines().skip_while(|line| *line != name);
    lines.nth(1)?.strip_prefix("version = \"")?.strip_suffix('"')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_locked_version_is_that_of_the_package_itself() {
        let lock =
            "[[package]]\nname = \"a-cli\"\nversion = \"1\"\n\n[[package]]\nname = \"a\"\nversion = \"2\"\n";
        assert_eq!(version_in(lock, "a"), Some("2"));
        assert_eq!(version_in(lock, "b"), None);
    }
}
