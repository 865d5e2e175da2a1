//! Tests every promise of the ports on D1 and R2 inside workerd: each is a test here, and a path of `contract-worker`.

use std::{process::ExitCode, sync::Arc, time::Duration};

use anyhow::{Context as _, bail, ensure};
use libtest_mimic::{Arguments, Failed, Trial};
use storage::contract;
use tests::Wrangler;
use tokio::runtime::Runtime;

/// The timeout of one test.
const TEST_TIMEOUT: Duration = Duration::from_secs(120);

fn main() -> anyhow::Result<ExitCode> {
    let mut arguments = Arguments::from_args();
    // They share one database and one bucket.
    arguments.test_threads = Some(1);
    let runtime = Arc::new(Runtime::new()?);
    let start = || runtime.block_on(Wrangler::build_and_start("tests/worker/contract"));
    let worker = if arguments.list { None } else { Some(Arc::new(start()?)) };
    let trial = |name: &'static str| {
        let (runtime, worker) = (Arc::clone(&runtime), worker.clone());
        let run = move || {
            let worker = worker.ok_or("no Worker was started")?;
            runtime.block_on(run(&worker, name)).map_err(|error| Failed::from(format!("{error:?}")))
        };
        Trial::test(name, run).with_ignored_flag(contract::NOT_SIMULATED.contains(&name))
    };
    let mut trials: Vec<_> = contract_worker::names().into_iter().map(trial).collect();
    trials.push({
        let (runtime, worker) = (Arc::clone(&runtime), worker.clone());
        Trial::test("a_panic_leaves_the_next_request_working", move || {
            let worker = worker.ok_or("no Worker was started")?;
            runtime.block_on(panic_between(&worker)).map_err(|error| Failed::from(format!("{error:?}")))
        })
    });
    let conclusion = libtest_mimic::run(&arguments, trials);
    drop(worker);
    Ok(conclusion.exit_code())
}

/// Given a request that panics, when others follow, then they succeed, because the isolate's shared state is made again.
async fn panic_between(worker: &Wrangler) -> anyhow::Result<()> {
    const TEST: &str = "queries::values_round_trip";
    run(worker, TEST).await?;
    let panicked = reqwest::get(format!("{}/{}", worker.url(), contract_worker::PANIC)).await;
    ensure!(panicked.as_ref().is_ok_and(|response| response.status() == 500), "{panicked:?}");
    for _ in 0..3 {
        run(worker, TEST).await?;
    }
    Ok(())
}

async fn run(worker: &Wrangler, name: &str) -> anyhow::Result<()> {
    let before = worker.log_length();
    let response = reqwest::get(format!("{}/{name}", worker.url()));
    let response = tokio::time::timeout(TEST_TIMEOUT, response).await.context("timed out")?;
    match response.map(|response| response.status()) {
        Ok(status) if status.is_success() => Ok(()),
        failed => bail!("{failed:?}\n{}", worker.log_since(before)),
    }
}
