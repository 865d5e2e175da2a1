//! The program `reticle`: reads its settings, builds the parts from them, and runs them until it receives a signal to stop.
//!
//! This crate contains no logic of requests; that is in the services and in the gateway. To add a setting, add it to
//! [`settings`] and pass it to its part in [`parts`].

mod command;
mod daily_cleanup;
mod greeting;
mod grpc_port;
mod health;
mod listen;
mod native;
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
            eprintln!("reticle: {}", format_error(&error));
            ExitCode::FAILURE
        }
    }
}

/// Formats an error in one line with its causes after colons, as in `--jwks: /keys.json cannot be read: No such file or
/// directory`. Many errors already contain their cause, so a cause that is in the line is not repeated.
fn format_error(error: &anyhow::Error) -> String {
    error.chain().map(ToString::to_string).fold(String::new(), |line, cause| match line.as_str() {
        "" => cause,
        _ if line.contains(&cause) => line,
        _ => format!("{line}: {cause}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cause_is_not_repeated() {
        let error = anyhow::anyhow!("no such file").context("/keys.json: no such file").context("--jwks");
        assert_eq!(format_error(&error), "--jwks: /keys.json: no such file");
    }
}
