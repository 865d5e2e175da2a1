//! The program `reticle`: reads its settings, builds the parts from them, and runs them until it is told to stop.
//!
//! Nothing is decided here: what a request means is the services' and the gateway's business. To add a setting, add it
//! to [`settings`] and hand it to the part it belongs to in [`parts`].

mod command;
mod grpc_port;
mod hello;
mod listen;
mod parts;
mod schedule;
mod serve;
mod settings;
mod shutdown;
mod telemetry;
mod timer;

use std::process::ExitCode;

use clap::Parser as _;

fn main() -> ExitCode {
    let program = command::Program::parse();
    telemetry::start();
    match command::run(program.command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // One sentence, the causes after colons: `reticle: RETICLE_JWKS: cannot read …: No such file`.
            eprintln!("reticle: {error:#}");
            ExitCode::FAILURE
        }
    }
}
