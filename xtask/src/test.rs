//! `cargo xtask test`: runs all checks and all tests. CI runs the same command.

mod count;
mod worker_tests;

use anyhow::{bail, ensure};

use self::count::Count;
use crate::{
    background::Background,
    dependencies, fuzz, python_client,
    setup::{self, Requirement},
    step::{cargo, run, run_with_output},
    tools, typescript_client, workers,
};

/// The crates that must also build for Workers (wasm32), from the same code.
const PORTABLE: [&str; 14] = [
    "proto",
    "runtime",
    "storage",
    "storage-json",
    "identity",
    "aip",
    "readiness",
    "images",
    "annotations",
    "grpc-rules",
    "grpc-web",
    "log-format",
    "transcoding",
    "gateway-core",
];

/// The crates that build for Workers only.
const WORKERS: [&str; 6] = [
    "bridge-worker",
    "storage-worker",
    "worker-host",
    "images-worker",
    "annotations-worker",
    "gateway-worker",
];

/// What to test, and whether packages may be installed for it.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Run only the tests whose names contain this, or the test program of this name that needs Workers. No lints.
    #[arg(value_name = "NAME")]
    filter: Option<String>,
    /// Call no package manager to install what is missing: print its packages, and how to install them.
    #[arg(long)]
    no_install: bool,
}

/// Runs every check, or only some tests, and prints how many passed, also if a later step has failed.
pub(crate) fn run_checks(options: &Options) -> anyhow::Result<()> {
    let mut count = Count::default();
    let passed = match &options.filter {
        None => run_all(!options.no_install, &mut count),
        Some(name) => run_named(name, !options.no_install, &mut count),
    };
    if passed.is_ok() || count.total() > 0 {
        println!("{} passed, {} failed", count.passed, count.failed);
    }
    if !passed? {
        bail!("tests failed");
    }
    Ok(())
}

/// Runs every check. The Workers and the fuzz targets build in the background: the first tests do not use all processors.
fn run_all(may_install: bool, count: &mut Count) -> anyhow::Result<bool> {
    let mut requirements = native_requirements()?;
    requirements.extend(workers::requirements()?);
    requirements.push(tools::cargo_fuzz());
    setup::run(requirements, may_install)?;
    check_code()?;
    dependencies::check(&tools::folder())?;
    let build = Background::start("the build of the Workers and the fuzz targets", &["build"])?;
    let passed = run_native_tests(None, count);
    let mut passed = both(passed, build.finish())?;
    passed &= fuzz::fuzz(None, fuzz::BRIEF_SECONDS)?.is_empty();
    passed &= worker_tests::run(None, count)?;
    Ok(passed)
}

/// Runs the tests whose names contain `name`. The tests that need Workers run only if the name is that of their program, or if
/// no other test matches: the Workers take minutes to build.
fn run_named(name: &str, may_install: bool, count: &mut Count) -> anyhow::Result<bool> {
    setup::run(native_requirements()?, may_install)?;
    let mut passed = run_native_tests(Some(name), count)?;
    let none_yet = passed && count.total() == 0;
    if worker_tests::is_program(name) || none_yet && worker_tests::any_contains(name)? {
        setup::run(workers::requirements()?, may_install)?;
        workers::prepare()?;
        passed &= worker_tests::run(Some(name), count)?;
    }
    ensure!(!passed || count.total() > 0, "the name of no test contains `{name}`");
    Ok(passed)
}

/// What the tests without Workers need.
fn native_requirements() -> anyhow::Result<Vec<Requirement>> {
    let mut requirements = tools::requirements()?;
    requirements.extend(python_client::requirements()?);
    requirements.extend(typescript_client::requirements()?);
    Ok(requirements)
}

/// The result of the tests, unless the build in the background failed. If both failed, the error has both.
fn both(tests: anyhow::Result<bool>, build: anyhow::Result<()>) -> anyhow::Result<bool> {
    match (tests, build) {
        (Err(tests), Err(build)) => Err(tests.context(format!("{build:#}"))),
        (tests, build) => build.and(tests),
    }
}

/// Runs the tests that need no Worker, and the tests of the clients.
fn run_native_tests(filter: Option<&str>, count: &mut Count) -> anyhow::Result<bool> {
    // The black-box tests start the program itself.
    run("build", cargo(&["build", "--workspace", "--bins"]))?;
    let mut tests = cargo(&["test", "--workspace", "--no-fail-fast"]);
    tests.args(filter).env("RETICLE_TEST_TOOLS", tools::folder());
    let mut passed = run_with_output("tests", tests, |line| count.add(line))?;
    passed &= python_client::test(filter, |line| count.add(line))?;
    passed &= typescript_client::test(filter, |line| count.add(line))?;
    Ok(passed)
}

/// Builds what the tests need in addition to the programs: the Workers and the fuzz targets.
pub(crate) fn build() -> anyhow::Result<()> {
    workers::prepare()?;
    fuzz::prepare()
}

fn check_code() -> anyhow::Result<()> {
    run("formatting", cargo(&["fmt", "--all", "--check"]))?;
    run("formatting of fuzz", cargo(&["fmt", "--manifest-path", "fuzz/Cargo.toml", "--check"]))?;
    run("lints", cargo(&["clippy", "--workspace", "--all-targets", "--", "--deny", "warnings"]))?;
    let mut wasm = cargo(&["check", "--target", "wasm32-unknown-unknown"]);
    wasm.args(PORTABLE.iter().chain(&WORKERS).flat_map(|name| ["--package", name]));
    run("wasm32", wasm)?;
    let mut documentation = cargo(&["doc", "--workspace", "--no-deps"]);
    documentation.env("RUSTDOCFLAGS", "--deny warnings");
    run("documentation", documentation)
}

#[cfg(test)]
mod tests {
    use anyhow::anyhow;

    use super::*;

    #[test]
    fn a_failure_of_the_tests_is_reported_also_if_the_build_fails() {
        let error = both(Err(anyhow!("the lints failed")), Err(anyhow!("the build failed"))).unwrap_err();
        assert_eq!(format!("{error:#}"), "the build failed: the lints failed");
        assert_eq!(
            both(Ok(true), Err(anyhow!("the build failed"))).unwrap_err().to_string(),
            "the build failed"
        );
        assert_eq!(
            both(Err(anyhow!("the lints failed")), Ok(())).unwrap_err().to_string(),
            "the lints failed"
        );
        assert!(!both(Ok(false), Ok(())).unwrap());
    }
}
