//! A task of this program that runs in the background at the lowest priority.

use std::{env, process::Child};

use anyhow::{Context as _, bail};

use crate::step::command;

/// A running task. Always call [`Self::finish`], also after a failure: two builds in one target folder wait for each other.
pub(crate) struct Background {
    name: &'static str,
    process: Child,
}

impl Background {
    /// Starts this program again with `arguments`, at the lowest priority. The commands that it runs inherit the priority.
    pub(crate) fn start(name: &'static str, arguments: &[&str]) -> anyhow::Result<Self> {
        let program = env::current_exe().context("the path of this program")?;
        let mut nice = command("nice", &["-n", "19"]);
        nice.arg(program).args(arguments);
        let process = nice.spawn().with_context(|| format!("{name}: cannot start `nice`"))?;
        Ok(Self { name, process })
    }

    /// Waits until the task ends.
    ///
    /// # Errors
    /// The task failed; the error has its name.
    pub(crate) fn finish(mut self) -> anyhow::Result<()> {
        let Self { name, .. } = self;
        let status = self.process.wait().with_context(|| format!("cannot wait for {name}"))?;
        if !status.success() {
            bail!("{name} failed ({status})");
        }
        Ok(())
    }
}
