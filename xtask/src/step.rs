//! Runs commands. Each prints its name and its duration. A failed command stops the task.

use std::{
    ffi::OsStr,
    io::{BufRead as _, BufReader},
    process::{Command, Stdio},
    time::Duration,
};

use anyhow::{Context as _, bail};
pub(crate) use xtask::{root, target};

/// A cargo command in the root of the workspace.
pub(crate) fn cargo(arguments: &[&str]) -> Command {
    command(env!("CARGO"), arguments)
}

/// A command in the root of the workspace.
pub(crate) fn command(program: impl AsRef<OsStr>, arguments: &[&str]) -> Command {
    let mut command = Command::new(program);
    command.args(arguments).current_dir(root());
    command
}

/// Runs `command`. If it fails, the error has its `name`.
pub(crate) fn run(name: &str, mut command: Command) -> anyhow::Result<()> {
    eprintln!("== {name}");
    let clock = Stopwatch::start();
    let status = command.status().with_context(|| format!("{name}: cannot start"))?;
    if !status.success() {
        bail!("{name} failed ({status})");
    }
    eprintln!("== {name}: {:.1} s", clock.elapsed().as_secs_f64());
    Ok(())
}

/// Runs `command`, prints each line of its standard output and calls `on_line` with it. Returns whether the command succeeded.
pub(crate) fn run_with_output(
    name: &str,
    mut command: Command,
    mut on_line: impl FnMut(&str),
) -> anyhow::Result<bool> {
    eprintln!("== {name}");
    let clock = Stopwatch::start();
    let mut child =
        command.stdout(Stdio::piped()).spawn().with_context(|| format!("{name}: cannot start"))?;
    let output = child.stdout.take().with_context(|| format!("{name} has no output"))?;
    for line in BufReader::new(output).lines() {
        let line = line.with_context(|| format!("cannot read the output of {name}"))?;
        println!("{line}");
        on_line(&line);
    }
    let status = child.wait().with_context(|| format!("cannot wait for {name}"))?;
    eprintln!("== {name}: {:.1} s", clock.elapsed().as_secs_f64());
    Ok(status.success())
}

/// Measures the time since its start.
pub(crate) struct Stopwatch(std::time::Instant);

impl Stopwatch {
    #[expect(clippy::disallowed_methods, reason = "a task that times itself is its own host")]
    pub(crate) fn start() -> Self {
        Self(std::time::Instant::now())
    }

    pub(crate) fn elapsed(&self) -> Duration {
        self.0.elapsed()
    }
}
