//! `cargo xtask …`: what developers and CI run, as code. Each command sets up what it needs by itself.

mod bench;
mod step;
mod test;
mod tools;
mod workers;

use clap::{Parser, Subcommand};
use workers::{deploy, dev};

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
    /// Measures, and prints one table; every row is a ratio taken in one run.
    Bench {
        /// Run only the rows whose names contain this.
        filter: Option<String>,
    },
    /// Runs Reticle as three Workers on this machine.
    DevWorker(dev::Options),
    /// Ships the three Workers, and the migrations ahead of them.
    Deploy {
        /// Only bundle them, and print their sizes and bindings.
        #[arg(long)]
        dry_run: bool,
    },
}

fn main() -> anyhow::Result<()> {
    match Program::parse().command {
        Command::Test { filter } => test::everything(filter.as_deref()),
        Command::Bench { filter } => bench::measure(filter.as_deref()),
        Command::DevWorker(options) => dev::serve(&options),
        Command::Deploy { dry_run: true } => deploy::rehearse(),
        Command::Deploy { dry_run: false } => deploy::deploy(),
    }
}
