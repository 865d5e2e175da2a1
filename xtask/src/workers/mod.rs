//! The three Workers and the D1 bridge: the tools that build and run them, `cargo xtask dev-worker`, `dev-bridge` and
//! `deploy`.

mod build;
pub(crate) mod deploy;
pub(crate) mod dev;
pub(crate) mod dev_bridge;
mod running;
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
/// For services that run elsewhere.
const BRIDGE: Worker = Worker("services/bridge");

/// In the order of deployment: whoever is bound to another one comes after it.
const ALL: [Worker; 3] = [IMAGES, ANNOTATIONS, GATEWAY];

/// The name of the D1 database in the configurations.
const DATABASE: &str = "reticle";

/// The name of the R2 bucket in the configurations.
const BUCKET: &str = "reticle";

/// Installs the tools, builds all, so that tests need not, and checks the sizes.
pub(crate) fn prepare() -> anyhow::Result<()> {
    let tools = tools::Tools::install()?;
    let all = [&ALL[..], &[BRIDGE]].concat();
    build::build(&tools, &all)?;
    all.into_iter().try_for_each(size::check)
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

    /// Its configuration, if nothing beside it wins over the environment.
    fn configuration_alone(self) -> anyhow::Result<PathBuf> {
        self.refuse_dev_vars().map(|()| self.configuration())
    }

    fn configuration(self) -> PathBuf {
        self.folder().join("wrangler.jsonc")
    }
}
