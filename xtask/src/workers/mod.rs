//! The three Workers and the D1 bridge: the tools that build and run them, and `cargo xtask dev-worker`, `dev-bridge` and
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

pub(crate) use self::tools::requirements;
use crate::step::root;

/// A Worker, as the folder of its crate and of its `wrangler.jsonc`.
#[derive(Clone, Copy)]
struct Worker(&'static str);

const GATEWAY: Worker = Worker("gateway/worker");
const IMAGES: Worker = Worker("services/worker/images");
const ANNOTATIONS: Worker = Worker("services/worker/annotations");
/// The D1 bridge, for services that run outside Cloudflare.
const BRIDGE: Worker = Worker("services/bridge");

/// In the order of deployment: a Worker comes after the Workers to which it is bound.
const ALL: [Worker; 3] = [IMAGES, ANNOTATIONS, GATEWAY];

/// The name of the D1 database in the configurations.
const DATABASE: &str = "reticle";

/// The name of the R2 bucket in the configurations.
const BUCKET: &str = "reticle";

/// Installs the tools, builds all Workers for the tests, and checks their sizes.
pub(crate) fn prepare() -> anyhow::Result<()> {
    let tools = tools::install()?;
    let all = [&ALL[..], &[BRIDGE]].concat();
    build::build(&tools, &all)?;
    all.into_iter().try_for_each(size::check)
}

impl Worker {
    fn folder(self) -> PathBuf {
        root().join(self.0)
    }

    /// Fails if there is a `.dev.vars`: it would silently override the environment.
    fn reject_dev_vars(self) -> anyhow::Result<()> {
        let file = self.folder().join(".dev.vars");
        if file.exists() {
            bail!(
                "{} overrides the environment. Remove it, and set the variables in the environment.",
                file.display()
            );
        }
        Ok(())
    }

    /// The path of its configuration. Fails if a `.dev.vars` overrides the environment.
    fn configuration_alone(self) -> anyhow::Result<PathBuf> {
        self.reject_dev_vars().map(|()| self.configuration())
    }

    fn configuration(self) -> PathBuf {
        self.folder().join("wrangler.jsonc")
    }
}
