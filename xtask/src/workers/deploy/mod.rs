//! `cargo xtask deploy`: makes what an account lacks, brings the database up to date and ships the Workers.
//!
//! Every step looks at what is there before it changes anything, so the command can be run again after any failure. What
//! it must remember is in the state folder: [`state`] has the ids, [`super::secrets`] the secrets.

mod account;
mod configuration;
mod health;
mod secrets;
mod ship;
mod state;
mod wrangler;

use std::path::PathBuf;

use super::{ALL, BRIDGE, Worker, build::build, size, tools::Tools};
use crate::step::{self, target};

/// What to ship, and where.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Only bundle, and print sizes and bindings: nothing leaves this machine.
    #[arg(long)]
    dry_run: bool,
    /// Ship the D1 bridge instead, for services that run elsewhere.
    #[arg(long)]
    bridge: bool,
    /// Ship the Workers as they were built last.
    #[arg(long)]
    no_build: bool,
    /// The folder of the account's ids, the secrets and the variables. One folder for each account.
    #[arg(long, default_value = "data/edge", value_name = "DIR")]
    state: PathBuf,
    /// Where a new database is placed for good; without it, near whoever makes it.
    #[arg(long, value_parser = ["wnam", "enam", "weur", "eeur", "apac", "oc"])]
    location: Option<String>,
    /// Replace the secrets of the account by new ones: tokens and signed URLs that were made with the old ones end.
    #[arg(long)]
    new_secrets: bool,
    /// How long the new deployment may take to respond; the first one on an account waits for its certificate.
    #[arg(long, default_value_t = 300, value_name = "SECONDS")]
    wait: u64,
}

/// Ships the three Workers, or the bridge, or says what that would be.
pub(crate) fn run(options: &Options) -> anyhow::Result<()> {
    let workers = if options.bridge { &[BRIDGE][..] } else { &ALL };
    if options.dry_run { rehearse(options, workers) } else { ship::ship(options, workers) }
}

/// Bundles them and prints their sizes and bindings.
fn rehearse(options: &Options, workers: &[Worker]) -> anyhow::Result<()> {
    let tools = Tools::install()?;
    if !options.no_build {
        build(&tools, workers)?;
    }
    for worker in workers {
        let bundle = target().join("workers").join(worker.0);
        let mut deploy = tools.wrangler(&["deploy", "--dry-run"])?;
        deploy.arg("--outdir").arg(bundle).arg("--config").arg(worker.configuration());
        step::run(&format!("bundle {}", worker.0), deploy)?;
        size::check(*worker)?;
    }
    Ok(())
}
