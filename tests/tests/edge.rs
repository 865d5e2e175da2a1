//! Shape B: the gateway and the services as Workers, with D1 and R2.

use std::process::ExitCode;

use tests::{ALLOWED_ORIGIN, Protocol, Workers, run_cases};

fn main() -> anyhow::Result<ExitCode> {
    run_cases(Protocol::GrpcWeb, async || {
        Workers::start(&[("RETICLE_ALLOWED_ORIGINS", ALLOWED_ORIGIN)]).await
    })
}
