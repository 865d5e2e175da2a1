//! Installs the tools that build and run Workers, once, below the target folder.

use std::{fs, path::PathBuf};

use anyhow::{Context as _, bail};
use xtask::WorkerTools;

use crate::{
    setup::{Requirement, meet_all},
    step::{cargo, command, root, run},
    tools::npm,
};

const WASM: &str = "wasm32-unknown-unknown";

/// The version of `worker-build`, which turns a crate into a Worker. It must be the version of the crate `worker`.
const WORKER_BUILD: &str = "0.8.7";

/// Installs missing tools.
pub(super) fn install() -> anyhow::Result<WorkerTools> {
    meet_all(requirements()?)?;
    Ok(WorkerTools::default())
}

/// What [`install`] installs.
pub(crate) fn requirements() -> anyhow::Result<Vec<Requirement>> {
    Ok(vec![
        wasm_target()?,
        cargo_install("wasm-bindgen-cli", locked_wasm_bindgen()?),
        cargo_install("worker-build", WORKER_BUILD.to_owned()),
        npm(&WorkerTools::default().node_folder(), "tests/worker")?,
    ])
}

/// Does not use `--locked`: the registry may not serve the versions of a program's own lock file any more.
fn cargo_install(name: &'static str, version: String) -> Requirement {
    let folder = WorkerTools::default().folder().to_owned();
    let (names, marker) = (format!("cargo: {name}@{version}"), folder.join(format!("{name}.installed")));
    Requirement::once(names, marker, version.clone(), move || {
        fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
        let mut install = cargo(&["install", "--quiet", name, "--version", &version, "--root"]);
        install.arg(&folder);
        // A short build matters more than speed, since they run for seconds. They share compiled dependencies.
        install.env("CARGO_TARGET_DIR", folder.join("build"));
        install.env("CARGO_PROFILE_RELEASE_OPT_LEVEL", "1");
        run(&format!("{name} {version}"), install)
    })
}

/// The compiler's wasm32 target.
fn wasm_target() -> anyhow::Result<Requirement> {
    let library = command("rustc", &["--print", "target-libdir", "--target", WASM]).output()?;
    let library = PathBuf::from(String::from_utf8_lossy(&library.stdout).trim());
    Ok(Requirement::of_system(format!("rustup: {WASM}"), library.is_dir(), || {
        run("wasm32 target", command("rustup", &["target", "add", WASM]))
    }))
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
