//! Runs a command of `cargo xtask` that serves until SIGTERM.

use std::{
    io::{BufRead as _, BufReader},
    process::{Child, ChildStdout, Command, Stdio},
    sync::mpsc,
    time::Duration,
};

use anyhow::{Context as _, bail};

/// The timeout of a start, which may include building Workers.
const START_TIMEOUT: Duration = Duration::from_secs(900);

/// A running command; receives SIGTERM when dropped.
pub(crate) struct Task(Child);

impl Task {
    /// Starts the command and waits until it prints a line that begins with `ready`. Returns also the rest of that line.
    ///
    /// # Errors
    /// It did not start; the error has its output.
    pub(crate) async fn start(
        arguments: &[&str],
        variables: &[(&str, &str)],
        ready: &'static str,
    ) -> anyhow::Result<(Self, String)> {
        let mut command = Command::new(env!("CARGO"));
        command.arg("xtask").args(arguments).envs(variables.iter().copied()).current_dir(xtask::root());
        command.stdin(Stdio::null()).stdout(Stdio::piped());
        let mut process = command.spawn().context("cannot start cargo xtask")?;
        let output = process.stdout.take().context("cargo xtask has no output")?;
        // From here on `Task` owns the process, so that it stops even if it never becomes ready.
        let task = Self(process);
        let rest = tokio::task::spawn_blocking(move || rest_of_line(output, ready)).await??;
        Ok((task, rest))
    }

    /// The process id.
    pub(crate) fn id(&self) -> u32 {
        self.0.id()
    }
}

/// Waits for the line that begins with `ready`. Keeps reading the output afterward, so that its writer never blocks.
fn rest_of_line(output: ChildStdout, ready: &str) -> anyhow::Result<String> {
    let (sender, lines) = mpsc::channel();
    std::thread::spawn(move || {
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            // The receiver is gone once the command is ready.
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
    bail!("the command did not become ready:\n{seen}")
}

impl Drop for Task {
    /// Sends SIGTERM, which stops the runtime too. Uses the command `kill`, since the system call is unsafe in Rust.
    fn drop(&mut self) {
        let signaled = Command::new("kill").arg(self.0.id().to_string()).status();
        if !signaled.is_ok_and(|status| status.success()) {
            let _ = self.0.kill();
        }
        let _ = self.0.wait();
    }
}
