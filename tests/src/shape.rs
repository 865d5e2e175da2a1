//! Runs all cases against one target, with the output and options of an ordinary test program.

use std::{process::ExitCode, sync::Arc, time::Duration};

use anyhow::Context as _;
use libtest_mimic::{Arguments, Failed, Trial};

use crate::{Protocol, Target, cases};

/// The timeout of a case.
const CASE_TIMEOUT: Duration = Duration::from_secs(120);

/// Starts a target with `start`, and runs every case that its `protocol` supports. With `--list`, does not start the target.
pub fn run_cases<T: AsRef<Target> + Send + Sync + 'static>(
    protocol: Protocol,
    start: impl AsyncFnOnce() -> anyhow::Result<T>,
) -> anyhow::Result<ExitCode> {
    let arguments = Arguments::from_args();
    let runtime = tokio::runtime::Runtime::new()?;
    let running = if arguments.list { None } else { Some(Arc::new(runtime.block_on(start())?)) };
    let trial = |case: cases::Case| {
        let (running, runtime) = (running.clone(), runtime.handle().clone());
        Trial::test(case.name, move || {
            let running = running.ok_or("no target was started")?;
            let run = (case.run)(running.as_ref().as_ref().clone());
            let result = runtime.block_on(async {
                let done = tokio::time::timeout(CASE_TIMEOUT, run).await;
                done.context("timed out")?
            });
            result.map_err(|error: anyhow::Error| Failed::from(format!("{error:?}")))
        })
    };
    let conclusion = libtest_mimic::run(&arguments, cases::over(protocol).into_iter().map(trial).collect());
    drop(running);
    Ok(conclusion.exit_code())
}
