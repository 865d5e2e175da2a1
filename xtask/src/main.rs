//! `cargo xtask …`: the commands that developers and CI run. Each command installs what it needs.
//!
//! To add a command: add a variant to [`Command`], and a module with the function that runs it.

mod background;
mod bench;
mod dependencies;
mod fuzz;
mod python_client;
mod setup;
mod step;
mod test;
mod tools;
mod typescript_client;
mod workers;

use clap::{Parser, Subcommand};
use workers::{deploy, dev, dev_bridge};

/// Builds, checks, runs and deploys Reticle.
#[derive(Parser)]
#[command(name = "cargo xtask")]
struct Program {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Checks everything: formatting, lints, documentation, the wasm32 build, and all tests.
    Test(test::Options),
    /// Builds the Workers and the fuzz targets. `test` does this in the background while its first tests run.
    Build,
    /// Runs the benchmarks and prints one table. Most rows are the ratio of two measurements of the same run.
    Bench {
        /// Run only the rows whose names contain this.
        filter: Option<String>,
    },
    /// Runs the fuzz targets, which send mutated inputs to the parsers of untrusted data.
    Fuzz(fuzz::Options),
    /// Runs Reticle as three Workers on this machine.
    DevWorker(dev::Options),
    /// Runs the D1 bridge on this machine.
    DevBridge(dev_bridge::Options),
    /// Applies the migrations, then deploys the three Workers to Cloudflare.
    Deploy(deploy::Options),
}

fn main() -> anyhow::Result<()> {
    match Program::parse().command {
        Command::Test(options) => test::run_checks(&options),
        Command::Build => test::build(),
        Command::Bench { filter } => bench::measure(filter.as_deref()),
        Command::Fuzz(options) => fuzz::run_targets(&options),
        Command::DevWorker(options) => dev::serve(&options),
        Command::DevBridge(options) => dev_bridge::serve(&options),
        Command::Deploy(options) => deploy::run(&options),
    }
}
