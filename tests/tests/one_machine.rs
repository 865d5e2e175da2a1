//! Shape A: everything in one process, SQLite and files.

use std::process::ExitCode;

use tests::{Program, run_cases};

fn main() -> anyhow::Result<ExitCode> {
    run_cases(async || Program::start(&["--allowed-origins", "https://app.example"]).await)
}
