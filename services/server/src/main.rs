//! The program `reticle`: reads its settings, builds the parts from them, and runs them until it is told to stop.
//!
//! Nothing is decided here: what a request means is the services' and the gateway's business. To add a setting, add it
//! to [`settings`] and hand it to the part it belongs to in [`parts`].

mod cleaning;
mod command;
mod grpc_port;
mod health;
mod hello;
mod listen;
mod parts;
mod schedule;
mod serve;
mod settings;
mod shutdown;
mod telemetry;
mod upstream;

use std::process::ExitCode;

use clap::Parser as _;

fn main() -> ExitCode {
    let program = command::Program::parse();
    telemetry::start();
    match command::run(program.command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("reticle: {}", sentence(&error));
            ExitCode::FAILURE
        }
    }
}

/// One sentence, the causes after colons, as in `--jwks: /keys.json cannot be read: No such file or directory`. A cause
/// that was told already, because many errors end in their cause, is not told again.
fn sentence(error: &anyhow::Error) -> String {
    error.chain().map(ToString::to_string).fold(String::new(), |told, cause| match told.as_str() {
        "" => cause,
        _ if told.contains(&cause) => told,
        _ => format!("{told}: {cause}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cause_is_told_once() {
        let error = anyhow::anyhow!("no such file").context("/keys.json: no such file").context("--jwks");
        assert_eq!(sentence(&error), "--jwks: /keys.json: no such file");
    }
}
