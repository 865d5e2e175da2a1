//! `cargo xtask fuzz`: builds the targets of `fuzz/` with cargo-fuzz and runs them, one on each processor.
//!
//! Each target starts with the inputs in `fuzz/seeds/NAME`, which are committed, and keeps the inputs that reached new code in
//! `target/fuzz/corpus/NAME`. An input that makes a target fail is written to `target/fuzz/failed`.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Stdio,
    sync::Mutex,
    thread,
};

use anyhow::{Context as _, bail, ensure};

use crate::{
    step::{command, root, run, target},
    tools,
};

/// The targets to run, and for how long.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Run only this target.
    target: Option<String>,
    /// How many seconds each target runs.
    #[arg(long, default_value_t = 600)]
    seconds: u32,
}

/// How many seconds each target runs in `cargo xtask test`.
pub(crate) const BRIEF_SECONDS: u32 = 20;

/// The limits of libFuzzer: 10 s for one input, 1 GiB of memory for the process, 64 KiB for one input.
const LIMITS: [&str; 3] = ["-timeout=10", "-rss_limit_mb=1024", "-max_len=65536"];

/// Runs the targets, and fails if one of them fails.
pub(crate) fn run_targets(options: &Options) -> anyhow::Result<()> {
    let failed = fuzz(options.target.as_deref(), options.seconds)?;
    ensure!(failed.is_empty(), "fuzz targets failed: {}", failed.join(", "));
    Ok(())
}

/// Installs cargo-fuzz and builds all targets.
pub(crate) fn prepare() -> anyhow::Result<()> {
    build(&tools::install_cargo_fuzz()?)
}

/// Builds all targets, runs each for `seconds`, and returns the names of those that failed.
pub(crate) fn fuzz(only: Option<&str>, seconds: u32) -> anyhow::Result<Vec<String>> {
    let names = names(only)?;
    prepare()?;
    let (queue, failed) = (Mutex::new(names.into_iter()), Mutex::new(Vec::new()));
    let work = || -> anyhow::Result<()> {
        let next = || queue.lock().ok().and_then(|mut names| names.next());
        while let Some(name) = next() {
            if !run_target(&name, seconds)?
                && let Ok(mut failed) = failed.lock()
            {
                failed.push(name);
            }
        }
        Ok(())
    };
    // libFuzzer has one thread for each target.
    thread::scope(|scope| {
        let count = thread::available_parallelism().map_or(1, usize::from);
        let workers: Vec<_> = (0..count).map(|_| scope.spawn(work)).collect();
        workers
            .into_iter()
            .try_for_each(|worker| worker.join().unwrap_or_else(|_| bail!("a thread panicked")))
    })?;
    Ok(failed.into_inner().unwrap_or_default())
}

/// The names of the targets, which are the names of their files.
fn names(only: Option<&str>) -> anyhow::Result<Vec<String>> {
    let folder = root().join("fuzz/targets");
    let files = fs::read_dir(&folder).with_context(|| format!("cannot read {}", folder.display()))?;
    let mut names = Vec::new();
    for file in files {
        names.extend(file?.path().file_stem().map(|stem| stem.to_string_lossy().into_owned()));
    }
    names.sort();
    let all = names.join(", ");
    names.retain(|name| only.is_none_or(|only| only == name));
    ensure!(!names.is_empty(), "no such fuzz target; the targets are: {all}");
    Ok(names)
}

/// Cargo's target folder for these builds. In the common folder their compiler flags would make every other build start again.
fn folder() -> PathBuf {
    target().join("fuzz")
}

/// Builds with the coverage that libFuzzer needs, and without a sanitizer: this repository has no unsafe code for
/// AddressSanitizer to check, and without it the targets run more often in the same time. The checks that matter here are
/// those for overflows and the debug assertions, which `fuzz/Cargo.toml` enables.
fn build(cargo_fuzz: &Path) -> anyhow::Result<()> {
    // Use the dependency versions of the workspace.
    let (from, to) = (root().join("Cargo.lock"), root().join("fuzz/Cargo.lock"));
    fs::copy(&from, &to).with_context(|| format!("cannot copy {}", from.display()))?;
    let mut build = command(cargo_fuzz, &["build", "--sanitizer", "none", "--fuzz-dir", "fuzz"]);
    build.arg("--target-dir").arg(folder());
    // The coverage flags of rustc are unstable; this makes a stable rustc accept them.
    build.env("RUSTC_BOOTSTRAP", "1");
    run("fuzz targets", build)
}

/// Runs one target, and prints the number of executions or the failure. Returns whether it passed.
fn run_target(name: &str, seconds: u32) -> anyhow::Result<bool> {
    let (corpus, failed) = (folder().join("corpus").join(name), folder().join("failed"));
    for folder in [&corpus, &failed] {
        fs::create_dir_all(folder).with_context(|| format!("cannot create {}", folder.display()))?;
    }
    let program = program(name)?;
    let mut fuzzer = command(&program, &LIMITS);
    // Only the end of the log is printed: without a backtrace, it has the message of the panic.
    fuzzer.env("RUST_BACKTRACE", "0").arg(format!("-max_total_time={seconds}"));
    fuzzer.arg(format!("-artifact_prefix={}/{name}-", failed.display()));
    fuzzer.arg(corpus).arg(root().join("fuzz/seeds").join(name));
    let output = fuzzer.stdin(Stdio::null()).output().with_context(|| format!("{name}: cannot start"))?;
    let log = String::from_utf8_lossy(&output.stderr);
    if output.status.success() {
        println!(
            "fuzz {name}: {}",
            log.lines().rev().find(|line| line.starts_with("Done ")).unwrap_or("Done")
        );
    } else {
        println!("fuzz {name} FAILED ({})\n{}", output.status, failure(&program, &log));
    }
    Ok(output.status.success())
}

/// The end of the log of a target that failed, and how to run it with the same input again.
fn failure(program: &Path, log: &str) -> String {
    let lines: Vec<_> = log.lines().collect();
    let tail = lines.get(lines.len().saturating_sub(40)..).unwrap_or_default().join("\n");
    let input = log.lines().rev().find_map(|line| line.split_once("Test unit written to "));
    match input {
        Some((_, input)) => format!("{tail}\ninput: {input}\nreplay: {} {input}", program.display()),
        None => format!("{tail}\nlibFuzzer wrote no input."),
    }
}

/// The path of a target's program, below the folder of the compiler's own platform.
fn program(name: &str) -> anyhow::Result<PathBuf> {
    let found = fs::read_dir(folder())?
        .filter_map(|entry| Some(entry.ok()?.path().join("release").join(name)))
        .find(|program| program.is_file());
    found.with_context(|| {
        format!("{name} was not built below {}: is it in fuzz/Cargo.toml?", folder().display())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_report_has_the_command_that_replays_its_input() {
        let log = "panicked\nartifact_prefix='failed/json-'; Test unit written to failed/json-crash-1\nBase64: AA==";
        let report = failure(Path::new("release/json"), log);
        assert!(report.starts_with("panicked\n"), "{report}");
        assert!(
            report.ends_with("input: failed/json-crash-1\nreplay: release/json failed/json-crash-1"),
            "{report}"
        );
    }

    #[test]
    fn each_target_is_built_and_has_seeds() {
        let manifest = fs::read_to_string(root().join("fuzz/Cargo.toml")).unwrap();
        for name in names(None).unwrap() {
            assert!(manifest.contains(&format!("path = \"targets/{name}.rs\"")), "{name}");
            assert!(root().join("fuzz/seeds").join(&name).is_dir(), "{name}");
        }
        assert!(names(Some("nonsense")).is_err());
    }
}
