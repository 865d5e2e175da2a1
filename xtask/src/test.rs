//! `cargo xtask test`: runs all checks and all tests. CI runs the same command.

use anyhow::bail;

use crate::{
    background::Background,
    dependencies, fuzz, python_client,
    setup::{self, Requirement},
    step::{cargo, run, run_with_output},
    tools, typescript_client, workers,
};

/// The crates that must also build for Workers (wasm32), from the same code.
const PORTABLE: [&str; 11] = [
    "proto",
    "storage",
    "storage-json",
    "identity",
    "aip",
    "readiness",
    "images",
    "annotations",
    "grpc-rules",
    "grpc-web",
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

/// The tests that need Workers. Their manifests exclude them from plain `cargo test`.
const WORKER_TESTS: [&str; 12] = [
    "--package=storage-native",
    "--test=bridge",
    "--test=s3",
    "--package=storage-worker",
    "--test=workerd",
    "--package=tests",
    "--test=deploy",
    "--test=edge",
    "--test=edge_faults",
    "--test=edge_in_front",
    "--test=edge_statements",
    "--test=hybrid",
];

/// What to test, and whether packages may be installed for it.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Run only the tests whose names contain this, and no lints.
    #[arg(value_name = "NAME")]
    filter: Option<String>,
    /// Call no package manager to install what is missing: print its packages, and how to install them.
    #[arg(long)]
    no_install: bool,
}

/// Runs every check, or only the tests whose names contain the filter.
pub(crate) fn run_checks(options: &Options) -> anyhow::Result<()> {
    let mut count = Count::default();
    let mut requirements = native_requirements()?;
    let passed = match options.filter.as_deref() {
        None => {
            requirements.extend(workers::requirements()?);
            requirements.push(tools::cargo_fuzz());
            setup::run(requirements, !options.no_install)?;
            run_all(&mut count)?
        }
        filter => {
            setup::run(requirements, !options.no_install)?;
            run_native_tests(filter, &mut count)?
        }
    };
    println!("{} passed, {} failed", count.passed, count.failed);
    if !passed {
        bail!("tests failed");
    }
    Ok(())
}

/// Runs every check. The Workers and the fuzz targets build in the background: the first tests do not use all processors.
fn run_all(count: &mut Count) -> anyhow::Result<bool> {
    check_code()?;
    dependencies::check(&tools::folder())?;
    let build = Background::start("the build of the Workers and the fuzz targets", &["build"])?;
    let passed = run_native_tests(None, count);
    build.finish()?;
    let mut passed = passed?;
    passed &= fuzz::fuzz(None, fuzz::BRIEF_SECONDS)?.is_empty();
    let mut tests = cargo(&["test", "--no-fail-fast"]);
    tests.args(WORKER_TESTS).env("RETICLE_TEST_TOOLS", tools::folder());
    passed &= run_with_output("tests that need Workers", tests, |line| count.add(line))?;
    Ok(passed)
}

/// What the tests without Workers need.
fn native_requirements() -> anyhow::Result<Vec<Requirement>> {
    let mut requirements = tools::requirements()?;
    requirements.extend(python_client::requirements()?);
    requirements.extend(typescript_client::requirements()?);
    Ok(requirements)
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

/// The sum of the results that the test programs print.
#[derive(Debug, Default, PartialEq, Eq)]
struct Count {
    passed: u64,
    failed: u64,
}

impl Count {
    fn add(&mut self, line: &str) {
        let Some(result) = line.strip_prefix("test result: ") else { return };
        let number = |word: &str| {
            let part = result.split([';', '.']).find_map(|part| part.trim().strip_suffix(word));
            part.and_then(|number| number.trim().parse::<u64>().ok()).unwrap_or(0)
        };
        self.passed += number(" passed");
        self.failed += number(" failed");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_of_all_test_programs_are_summed() {
        let mut count = Count::default();
        for line in [
            "running 3 tests",
            "test result: ok. 3 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s",
            "test result: FAILED. 12 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.10s",
        ] {
            count.add(line);
        }
        assert_eq!(count, Count { passed: 15, failed: 1 });
    }
}
