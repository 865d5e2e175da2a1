//! The three Workers: the tools that build and run them, `cargo xtask dev-worker` and `cargo xtask deploy`.

mod build;
pub(crate) mod deploy;
pub(crate) mod dev;
mod secrets;
mod size;
mod tools;

use std::path::PathBuf;

use anyhow::bail;

pub(crate) use self::tools::wasm_target;
use crate::step::root;

/// A Worker, by the folder of its crate and of its `wrangler.jsonc`.
#[derive(Clone, Copy)]
struct Worker(&'static str);

const GATEWAY: Worker = Worker("gateway/worker");
const IMAGES: Worker = Worker("services/worker/images");
const ANNOTATIONS: Worker = Worker("services/worker/annotations");

/// In the order of deployment: whoever is bound to another one comes after it.
const ALL: [Worker; 3] = [IMAGES, ANNOTATIONS, GATEWAY];

/// The name of the D1 database in the configurations.
const DATABASE: &str = "reticle";

/// Installs the tools, builds all three, so that tests need not, and checks their sizes.
pub(crate) fn prepare() -> anyhow::Result<()> {
    build::build(&tools::Tools::install()?, &ALL)?;
    ALL.into_iter().try_for_each(size::check)
}

impl Worker {
    fn folder(self) -> PathBuf {
        root().join(self.0)
    }

    /// A `.dev.vars` would win over the environment, silently.
    fn refuse_dev_vars(self) -> anyhow::Result<()> {
        let file = self.folder().join(".dev.vars");
        if file.exists() {
            bail!("{} is in the way: remove it, and set variables in the environment", file.display());
        }
        Ok(())
    }

    fn configuration(self) -> PathBuf {
        self.folder().join("wrangler.jsonc")
    }
}
