//! `cargo xtask deploy`: builds the Workers, brings the database up to date and ships them.

use std::fs;

use anyhow::{Context as _, bail};

use super::{ALL, BRIDGE, DATABASE, Worker, build::build, size, tools::Tools};
use crate::step::{self, target};

/// What to ship.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Only bundle, and print sizes and bindings.
    #[arg(long)]
    dry_run: bool,
    /// Ship the D1 bridge instead, for services that run elsewhere.
    #[arg(long)]
    bridge: bool,
}

/// Ships the three Workers, or the bridge, or says what that would be.
pub(crate) fn run(options: &Options) -> anyhow::Result<()> {
    let workers = if options.bridge { &[BRIDGE][..] } else { &ALL };
    if options.dry_run { rehearse(workers) } else { deploy(workers) }
}

/// What the configurations have until an account's own database is written into them.
const NO_DATABASE: &str = "00000000-0000-0000-0000-000000000000";

/// Bundles them and prints their sizes and bindings; nothing leaves this machine.
fn rehearse(workers: &[Worker]) -> anyhow::Result<()> {
    let tools = Tools::install()?;
    build(&tools, workers)?;
    for worker in workers {
        let bundle = target().join("workers").join(worker.0);
        let mut deploy = tools.wrangler(&["deploy", "--dry-run"])?;
        deploy.arg("--outdir").arg(bundle).arg("--config").arg(worker.configuration());
        step::run(&format!("bundle {}", worker.0), deploy)?;
        size::check(*worker)?;
    }
    Ok(())
}

/// Migrates the account's database and deploys them, each after those that it calls.
fn deploy(workers: &[Worker]) -> anyhow::Result<()> {
    let Some(first) = workers.first() else { return Ok(()) };
    for worker in workers {
        require_database(*worker)?;
    }
    let tools = Tools::install()?;
    build(&tools, workers)?;
    let mut migrate = tools.wrangler(&["d1", "migrations", "apply", DATABASE, "--remote", "--config"])?;
    migrate.arg(first.configuration());
    step::run("migrations", migrate)?;
    for worker in workers {
        let mut deploy = tools.wrangler(&["deploy", "--config"])?;
        deploy.arg(worker.configuration());
        step::run(&format!("deploy {}", worker.0), deploy)?;
    }
    Ok(())
}

fn require_database(worker: Worker) -> anyhow::Result<()> {
    let path = worker.configuration();
    let text = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
    if text.contains(NO_DATABASE) {
        bail!(
            "{}: database_id is still {NO_DATABASE}: make a database by `wrangler d1 create {DATABASE}` and put its id there",
            path.display()
        );
    }
    Ok(())
}
