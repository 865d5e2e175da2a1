//! A command of `cargo xtask` that serves until it is told to end.

use std::{
    io::{BufRead as _, BufReader},
    process::{Child, ChildStdout, Command, Stdio},
    sync::mpsc,
    time::Duration,
};

use anyhow::{Context as _, bail};

use crate::tools;

/// How long a start may take, when Workers must be built for it.
const START_TIMEOUT: Duration = Duration::from_secs(900);

/// A running command; told to end when dropped.
pub(crate) struct Task(Child);

impl Task {
    /// Starts it and waits until it prints a line that begins with `ready`; answers the rest of that line too.
    ///
    /// # Errors
    /// It did not start; the error has what was printed.
    pub(crate) async fn start(
        arguments: &[&str],
        variables: &[(&str, &str)],
        ready: &'static str,
    ) -> anyhow::Result<(Self, String)> {
        let mut command = Command::new(env!("CARGO"));
        command.arg("xtask").args(arguments).envs(variables.iter().copied()).current_dir(tools::root());
        command.stdin(Stdio::null()).stdout(Stdio::piped());
        let mut process = command.spawn().context("cannot start cargo xtask")?;
        let output = process.stdout.take().context("it has no output")?;
        // Owned from here on, so that it ends even if it never gets ready.
        let task = Self(process);
        let rest = tokio::task::spawn_blocking(move || rest_of_line(output, ready)).await??;
        Ok((task, rest))
    }

    /// Its process.
    pub(crate) fn id(&self) -> u32 {
        self.0.id()
    }
}

/// The output is read on for ever, so that its writer never waits.
fn rest_of_line(output: ChildStdout, ready: &str) -> anyhow::Result<String> {
    let (sender, lines) = mpsc::channel();
    std::thread::spawn(move || {
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            // Nobody listens any more once it is ready.
            let _ = sender.send(line);
        }
    });
    let mut seen = String::new();
    while let Ok(line) = lines.recv_timeout(START_TIMEOUT) {
        if let Some(rest) = line.strip_prefix(ready) {
            return Ok(rest.trim().to_owned());
        }
        seen = seen + &line + "\n";
    }
    bail!("it does not get ready:\n{seen}")
}

impl Drop for Task {
    /// SIGTERM, which ends the runtime too; by the command, for the call itself is unsafe in Rust.
    fn drop(&mut self) {
        let told = Command::new("kill").arg(self.0.id().to_string()).status();
        if !told.is_ok_and(|status| status.success()) {
            let _ = self.0.kill();
        }
        let _ = self.0.wait();
    }
}
