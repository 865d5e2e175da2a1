//! `cargo xtask …`: what developers and CI run, as code. Each command sets up what it needs by itself.

mod background;
mod bench;
mod dependencies;
mod fuzz;
mod python_client;
mod step;
mod test;
mod tools;
mod typescript_client;
mod workers;

use clap::{Parser, Subcommand};
use workers::{deploy, dev, dev_bridge};

/// The project's habits as commands.
#[derive(Parser)]
#[command(name = "cargo xtask")]
struct Program {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Checks everything: formatting, lints, documentation, the wasm32 build, and all tests.
    Test {
        /// Run only the tests whose names contain this, and no lints.
        filter: Option<String>,
    },
    /// Builds the Workers and the fuzz targets, as `test` does while its first tests run.
    Build,
    /// Measures, and prints one table; every row is a ratio taken in one run.
    Bench {
        /// Run only the rows whose names contain this.
        filter: Option<String>,
    },
    /// Runs the fuzz targets: they give mutated inputs to the parsers of untrusted data.
    Fuzz(fuzz::Options),
    /// Runs Reticle as three Workers on this machine.
    DevWorker(dev::Options),
    /// Runs the D1 bridge on this machine.
    DevBridge(dev_bridge::Options),
    /// Ships the three Workers, and the migrations ahead of them.
    Deploy(deploy::Options),
}

fn main() -> anyhow::Result<()> {
    match Program::parse().command {
        Command::Test { filter } => test::everything(filter.as_deref()),
        Command::Build => test::build(),
        Command::Bench { filter } => bench::measure(filter.as_deref()),
        Command::Fuzz(options) => fuzz::run_targets(&options),
        Command::DevWorker(options) => dev::serve(&options),
        Command::DevBridge(options) => dev_bridge::serve(&options),
        Command::Deploy(options) => deploy::run(&options),
    }
}
