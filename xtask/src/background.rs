//! A task of this program that runs beside the others and takes only the processor time that they leave.

use std::{env, process::Child};

use anyhow::{Context as _, bail};

use crate::step::command;

/// A running task. Whoever starts one finishes it, also after a failure: two builds in one folder wait for each other.
pub(crate) struct Background {
    name: &'static str,
    process: Child,
}

impl Background {
    /// Starts this program once more with `arguments`, at the lowest priority, which the commands that it runs inherit.
    pub(crate) fn start(name: &'static str, arguments: &[&str]) -> anyhow::Result<Self> {
        let program = env::current_exe().context("the path of this program")?;
        let mut nice = command("nice", &["-n", "19"]);
        nice.arg(program).args(arguments);
        let process = nice.spawn().with_context(|| format!("{name}: cannot start `nice`"))?;
        Ok(Self { name, process })
    }

    /// Waits for its end, and fails with its name if it failed.
    pub(crate) fn finish(mut self) -> anyhow::Result<()> {
        let Self { name, .. } = self;
        let status = self.process.wait().with_context(|| format!("{name}: cannot be waited for"))?;
        if !status.success() {
            bail!("{name} failed ({status})");
        }
        Ok(())
    }
}
