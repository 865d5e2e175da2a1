//! Shape A: everything in one process, SQLite and files.

use std::process::ExitCode;

use tests::{ALLOWED_ORIGIN, Program, Protocol, run_cases};

fn main() -> anyhow::Result<ExitCode> {
    run_cases(Protocol::Grpc, async || Program::start(&["--allowed-origins", ALLOWED_ORIGIN]).await)
}
