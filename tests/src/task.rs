//! Runs a command of `cargo xtask` that serves until SIGTERM.

use std::{
    io::{BufRead as _, BufReader, Read},
    process::{Child, Command, Stdio},
    sync::mpsc,
    time::{Duration, Instant},
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
        let rest = tokio::task::spawn_blocking(move || rest_of_line(output, ready, START_TIMEOUT)).await??;
        Ok((task, rest))
    }

    /// The process id.
    pub(crate) fn id(&self) -> u32 {
        self.0.id()
    }
}

/// Waits for the line that begins with `ready`, for at most `time`, however many other lines there are. Keeps reading the
/// output afterward, so that its writer never blocks.
fn rest_of_line(output: impl Read + Send + 'static, ready: &str, time: Duration) -> anyhow::Result<String> {
    let deadline = Instant::now() + time;
    let (sender, lines) = mpsc::channel();
    std::thread::spawn(move || {
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            // The receiver is gone once the command is ready.
            let _ = sender.send(line);
        }
    });
    let mut seen = String::new();
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        // `recv_timeout` returns a line that is there also without time left.
        let Some(line) = (!left.is_zero()).then(|| lines.recv_timeout(left).ok()).flatten() else { break };
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

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    /// The output of a command that prints this many other lines before it is ready.
    struct Chatter(u32);

    impl Read for Chatter {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let mut line = match self.0 {
                0 => return Ok(0),
                1 => &b"ready: too late\n"[..],
                _ => &b"compiling\n"[..],
            };
            self.0 -= 1;
            line.read(buffer)
        }
    }

    /// Given a command that prints other lines again and again, when it is not ready in time, then the wait ends.
    #[test]
    fn other_lines_do_not_prolong_the_wait() {
        let time = Duration::from_millis(10);
        let error = rest_of_line(Chatter(2_000_000), "ready: ", time).unwrap_err().to_string();
        assert!(error.starts_with("the command did not become ready:\ncompiling\n"), "{error:.200}");
    }

    #[test]
    fn the_rest_of_the_ready_line_is_returned() {
        let output = &b"compiling\nready: http://localhost:1\nmore\n"[..];
        assert_eq!(rest_of_line(output, "ready: ", START_TIMEOUT).unwrap(), "http://localhost:1");
    }
}
