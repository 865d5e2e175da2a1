//! `cargo xtask dev-bridge`: runs the D1 bridge on this machine, with Cloudflare's simulator of D1.

use std::path::PathBuf;

use super::{
    BRIDGE,
    build::build,
    running,
    secrets::{self, Secrets},
    tools,
};
use crate::step::run;

/// The options of the command.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// The bridge's port; 0 selects a free port.
    #[arg(long, default_value_t = 8788)]
    port: u16,
    /// The folder of the database and the secret.
    #[arg(long, default_value = "data/bridge", value_name = "DIR")]
    state: PathBuf,
}

/// Installs missing tools, builds, migrates, and serves until Ctrl-C or SIGTERM.
pub(crate) fn serve(options: &Options) -> anyhow::Result<()> {
    let tools = tools::install()?;
    build(&tools, &[BRIDGE])?;
    let state = std::path::absolute(&options.state)?;
    let secret = Secrets::of(&state).find_or_make(secrets::BRIDGE)?;
    run("migrations", running::migrate(&tools, BRIDGE, &state)?)?;
    let mut wrangler = tools.dev(&[BRIDGE.configuration_alone()?], options.port, &state)?;
    wrangler.env(secrets::BRIDGE, &secret);
    running::serve(wrangler, |url| greeting(url, &secret))
}

fn greeting(url: &str, secret: &str) -> String {
    format!(
        "The D1 bridge is ready: {url}

  export RETICLE_BRIDGE_SECRET={secret}
  cargo run --release -- serve --database-url d1+{url}"
    )
}
