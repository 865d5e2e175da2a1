//! Shape A in three processes: the images service, the annotations service and the gateway.

use std::process::ExitCode;

use tests::{ALLOWED_ORIGIN, Parts, Protocol, run_cases};

fn main() -> anyhow::Result<ExitCode> {
    run_cases(Protocol::Grpc, async || Parts::start(&["--allowed-origins", ALLOWED_ORIGIN]).await)
}
