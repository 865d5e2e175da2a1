//! `cargo xtask test`: the one command that says whether the tree is sound.

use std::{
    path::{Path, PathBuf},
    thread,
};

use anyhow::bail;

use crate::{
    background::Background,
    dependencies, fuzz, python_client,
    step::{cargo, run, watch},
    tools, typescript_client, workers,
};

/// The crates that must also build for Workers, from the same lines.
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

/// The Workers, and what they are made of.
const WORKERS: [&str; 6] = [
    "bridge-worker",
    "storage-worker",
    "worker-host",
    "images-worker",
    "annotations-worker",
    "gateway-worker",
];

/// The tests that need Workers: they are not among those that `cargo test` runs by itself.
const AT_THE_EDGE: [&str; 12] = [
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

/// Runs every check, or only the tests whose names contain `filter`.
pub(crate) fn everything(filter: Option<&str>) -> anyhow::Result<()> {
    let mut count = Count::default();
    let passed = match filter {
        None => all(&mut count)?,
        Some(_) => native(filter, &tools::install()?, &mut count)?,
    };
    println!("{} passed, {} failed", count.passed, count.failed);
    if !passed {
        bail!("tests failed");
    }
    Ok(())
}

/// Runs every check. What the last tests need is built while the first ones run, which often wait for something.
fn all(count: &mut Count) -> anyhow::Result<bool> {
    let tools = check()?;
    let build = Background::start("the build of the Workers and the fuzz targets", &["build"])?;
    let passed = native(None, &tools, count);
    build.finish()?;
    let mut passed = passed?;
    passed &= fuzz::fuzz(None, fuzz::BRIEF_SECONDS)?.is_empty();
    let mut tests = cargo(&["test", "--no-fail-fast"]);
    tests.args(AT_THE_EDGE).env("RETICLE_TEST_TOOLS", &tools);
    passed &= watch("tests at the edge", tests, |line| count.add(line))?;
    Ok(passed)
}

/// Runs the tests that need no Worker, and those of the clients.
fn native(filter: Option<&str>, tools: &Path, count: &mut Count) -> anyhow::Result<bool> {
    // The black-box tests start the program itself.
    run("build", cargo(&["build", "--workspace", "--bins"]))?;
    let mut tests = cargo(&["test", "--workspace", "--no-fail-fast"]);
    tests.args(filter).env("RETICLE_TEST_TOOLS", tools);
    let mut passed = watch("tests", tests, |line| count.add(line))?;
    passed &= python_client::test(filter, |line| count.add(line))?;
    passed &= typescript_client::test(filter, |line| count.add(line))?;
    Ok(passed)
}

/// Builds what the tests need beside the programs themselves.
pub(crate) fn build() -> anyhow::Result<()> {
    workers::prepare()?;
    fuzz::prepare()
}

/// Checks everything but the tests, and installs the tools of the tests, which takes a network rather than processors, at the
/// same time. Answers the tools' folder.
fn check() -> anyhow::Result<PathBuf> {
    let tools = thread::scope(|scope| {
        let tools = scope.spawn(tools::install);
        let checked = check_code();
        let tools = tools.join().unwrap_or_else(|_| bail!("the installation of the tools panicked"));
        checked.and(tools)
    })?;
    dependencies::check(&tools)?;
    Ok(tools)
}

fn check_code() -> anyhow::Result<()> {
    run("formatting", cargo(&["fmt", "--all", "--check"]))?;
    run("formatting of fuzz", cargo(&["fmt", "--manifest-path", "fuzz/Cargo.toml", "--check"]))?;
    run("lints", cargo(&["clippy", "--workspace", "--all-targets", "--", "--deny", "warnings"]))?;
    workers::wasm_target()?;
    let mut wasm = cargo(&["check", "--target", "wasm32-unknown-unknown"]);
    wasm.args(PORTABLE.iter().chain(&WORKERS).flat_map(|name| ["--package", name]));
    run("wasm32", wasm)?;
    let mut documentation = cargo(&["doc", "--workspace", "--no-deps"]);
    documentation.env("RUSTDOCFLAGS", "--deny warnings");
    run("documentation", documentation)
}

/// The sum of the test programs' own results.
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
    fn results_of_all_test_programs_are_added_up() {
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
