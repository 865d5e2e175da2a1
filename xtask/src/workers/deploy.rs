//! `cargo xtask deploy`: builds the Workers, brings the database up to date and ships all three.

use std::fs;

use anyhow::{Context as _, bail};

use super::{ALL, DATABASE, IMAGES, Worker, build::build, size, tools::Tools};
use crate::step::{run, target};

/// What the configurations have until an account's own database is written into them.
const NO_DATABASE: &str = "00000000-0000-0000-0000-000000000000";

/// Bundles all three and prints their sizes and bindings; nothing leaves this machine.
pub(crate) fn rehearse() -> anyhow::Result<()> {
    let tools = Tools::install()?;
    build(&tools, &ALL)?;
    for worker in ALL {
        let bundle = target().join("workers").join(worker.0);
        let mut deploy = tools.wrangler(&["deploy", "--dry-run"])?;
        deploy.arg("--outdir").arg(bundle).arg("--config").arg(worker.configuration());
        run(&format!("bundle {}", worker.0), deploy)?;
        size::check(worker)?;
    }
    Ok(())
}

/// Migrates the account's database and deploys all three, each after those that it calls.
pub(crate) fn deploy() -> anyhow::Result<()> {
    for worker in ALL {
        require_database(worker)?;
    }
    let tools = Tools::install()?;
    build(&tools, &ALL)?;
    let mut migrate = tools.wrangler(&["d1", "migrations", "apply", DATABASE, "--remote", "--config"])?;
    migrate.arg(IMAGES.configuration());
    run("migrations", migrate)?;
    for worker in ALL {
        let mut deploy = tools.wrangler(&["deploy", "--config"])?;
        deploy.arg(worker.configuration());
        run(&format!("deploy {}", worker.0), deploy)?;
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
