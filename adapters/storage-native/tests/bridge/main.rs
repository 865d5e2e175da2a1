//! Tests every promise of a database through the bridge to Cloudflare's simulator of D1, and what only a bridge has:
//! authorization, limits, a check of the schema.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot continue panics")]

mod own;
mod served;

use std::{process::ExitCode, sync::Arc, time::Duration};

use anyhow::Context as _;
use libtest_mimic::{Arguments, Failed, Trial};
use storage::contract;
use tokio::runtime::Runtime;

use crate::served::Served;

/// The timeout of one test.
const TEST_TIMEOUT: Duration = Duration::from_secs(120);

fn main() -> anyhow::Result<ExitCode> {
    let mut arguments = Arguments::from_args();
    // The tests share one database.
    arguments.test_threads = Some(1);
    let runtime = Arc::new(Runtime::new()?);
    let served = if arguments.list { None } else { Some(Arc::new(runtime.block_on(Served::start())?)) };
    let trial = |name: &'static str| {
        let (runtime, served) = (Arc::clone(&runtime), served.clone());
        let run = move || {
            let served = served.ok_or("no bridge was started")?;
            runtime.block_on(run(name, &served)).map_err(|error| Failed::from(format!("{error:?}")))
        };
        Trial::test(name, run).with_ignored_flag(contract::NOT_SIMULATED.contains(&name))
    };
    let trials = contract::database_promises().into_iter().chain(own::NAMES).map(trial).collect();
    let conclusion = libtest_mimic::run(&arguments, trials);
    drop(served);
    Ok(conclusion.exit_code())
}

async fn run(name: &'static str, served: &Served) -> anyhow::Result<()> {
    let test = async {
        served.empty().await;
        if !own::run(name, served).await {
            contract::test_database(name, &served.database).await;
        }
    };
    tokio::time::timeout(TEST_TIMEOUT, test).await.context("timed out")
}
