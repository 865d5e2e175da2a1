//! Tests every promise of an object store with the S3 adapter on SeaweedFS and on Cloudflare's simulator of R2, and what only
//! this adapter has: parts, signed requests, a store that cannot be reached.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot continue panics")]
#![expect(clippy::disallowed_methods, reason = "the tests pass on their own environment")]

mod own;
mod stores;

use std::{env, process::ExitCode, sync::Arc, time::Duration};

use anyhow::Context as _;
use libtest_mimic::{Arguments, Failed, Trial};
use storage::contract;
use tests::S3_CREDENTIALS;
use tokio::{runtime::Runtime, sync::Mutex};

use crate::stores::{Kind, Stores};

/// The timeout of one test.
const TEST_TIMEOUT: Duration = Duration::from_secs(120);

/// SeaweedFS stores the names in a folder apart from those of its subfolders, so that it lists `a/b` before `a-`, and pages of
/// one key skip some keys. Within one folder, where Reticle's objects are, its order is that of S3.
const NOT_SUPPORTED_BY_SEAWEEDFS: [&str; 2] =
    ["listing::listing_pages_in_byte_order", "listing::listing_starts_after_any_key"];

fn main() -> anyhow::Result<ExitCode> {
    let [(name, value), _] = S3_CREDENTIALS;
    if env::var(name).as_deref() != Ok(value) {
        return restart_with_credentials();
    }
    let mut arguments = Arguments::from_args();
    // The tests share two small servers.
    arguments.test_threads = Some(1);
    let runtime = Arc::new(Runtime::new()?);
    let stores =
        if arguments.list { None } else { Some(Arc::new(Mutex::new(runtime.block_on(Stores::start())?))) };
    let trial = |kind: Kind, name: &'static str| {
        let (runtime, stores) = (Arc::clone(&runtime), stores.clone());
        let run = move || {
            let stores = stores.ok_or("no store was started")?;
            let test = async { run(kind, name, &mut *stores.lock().await).await };
            runtime.block_on(test).map_err(|error| Failed::from(format!("{error:?}")))
        };
        let ignored = matches!(kind, Kind::SeaweedFs) && NOT_SUPPORTED_BY_SEAWEEDFS.contains(&name);
        Trial::test(format!("{kind}::{name}"), run).with_ignored_flag(ignored)
    };
    let mut trials = Vec::new();
    for kind in [Kind::SeaweedFs, Kind::R2] {
        trials.extend(contract::object_store_promises().into_iter().map(|name| trial(kind, name)));
    }
    trials.extend(own::NAMES.map(|name| trial(Kind::SeaweedFs, name)));
    let conclusion = libtest_mimic::run(&arguments, trials);
    drop(stores);
    Ok(conclusion.exit_code())
}

/// Starts this program again with credentials in its environment, where the SDK finds them.
fn restart_with_credentials() -> anyhow::Result<ExitCode> {
    let mut program = std::process::Command::new(env::current_exe()?);
    let status = program.args(env::args_os().skip(1)).envs(S3_CREDENTIALS).status()?;
    Ok(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

async fn run(kind: Kind, name: &'static str, stores: &mut Stores) -> anyhow::Result<()> {
    let test = async {
        if own::run(name, stores).await {
            return anyhow::Ok(());
        }
        let store = stores.empty(kind).await?;
        contract::test_object_store(name, &store).await;
        Ok(())
    };
    tokio::time::timeout(TEST_TIMEOUT, test).await.context("timed out")?
}
