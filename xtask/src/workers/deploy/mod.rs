//! `cargo xtask deploy`: creates a missing database and bucket, applies the migrations, and deploys the Workers.
//!
//! Every step checks what exists before it changes anything, so the command can be run again after any failure. The state
//! folder keeps what the next run needs: [`state`] the ids, [`super::secrets`] the secrets.

mod account;
mod configuration;
mod health;
mod secrets;
mod ship;
mod state;
mod wrangler;

use std::path::PathBuf;

use super::{ALL, BRIDGE, Worker, build::build, size, tools};
use crate::step::{self, target};

/// What to deploy, and where.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Only bundle the Workers and print sizes and bindings. Uploads nothing.
    #[arg(long)]
    dry_run: bool,
    /// Deploy the D1 bridge instead, for services that run outside Cloudflare.
    #[arg(long)]
    bridge: bool,
    /// Deploy the Workers as they were last built.
    #[arg(long)]
    no_build: bool,
    /// The folder that keeps the account's ids, the secrets and the variables. Use one folder for each account.
    #[arg(long, default_value = "data/edge", value_name = "DIR")]
    state: PathBuf,
    /// Where a new database is placed. It cannot be moved later. Without this, Cloudflare places it near this machine.
    #[arg(long, value_parser = ["wnam", "enam", "weur", "eeur", "apac", "oc"])]
    location: Option<String>,
    /// Replace the account's secrets with new ones. Tokens and signed URLs made with the old secrets become invalid.
    #[arg(long)]
    new_secrets: bool,
    /// How long to wait until the new deployment responds. The first one on an account waits for its certificate.
    #[arg(long, default_value_t = 300, value_name = "SECONDS")]
    wait: u64,
}

/// Deploys the three Workers, or the bridge; or prints what a deployment would contain.
pub(crate) fn run(options: &Options) -> anyhow::Result<()> {
    let workers = if options.bridge { &[BRIDGE][..] } else { &ALL };
    if options.dry_run { dry_run(options, workers) } else { ship::ship(options, workers) }
}

/// Bundles the Workers and prints their sizes and bindings.
fn dry_run(options: &Options, workers: &[Worker]) -> anyhow::Result<()> {
    let tools = tools::install()?;
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
