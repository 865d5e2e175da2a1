//! The tests that need Workers. Their manifests exclude them from plain `cargo test`.

use std::process::{Command, Stdio};

use anyhow::{Context as _, ensure};

use super::count::Count;
use crate::{
    step::{cargo, run_with_output},
    tools,
};

/// Their crates. Each command names all of them, so that their dependencies are built only once.
const PACKAGES: [&str; 3] = ["storage-native", "storage-worker", "tests"];

/// Their test programs.
const PROGRAMS: [&str; 9] = [
    "bridge",
    "s3",
    "workerd",
    "deploy",
    "edge",
    "edge_faults",
    "edge_in_front",
    "edge_statements",
    "hybrid",
];

/// Whether `name` is the name of a test program.
pub(super) fn is_program(name: &str) -> bool {
    PROGRAMS.contains(&name)
}

/// Whether the name of a test contains `name`. Builds the test programs, but not the Workers.
pub(super) fn any_contains(name: &str) -> anyhow::Result<bool> {
    let mut list = command(Some(name));
    let output =
        list.args(["--", "--list"]).stderr(Stdio::inherit()).output().context("cannot start cargo")?;
    ensure!(output.status.success(), "cannot list the tests that need Workers");
    Ok(String::from_utf8_lossy(&output.stdout).lines().any(|line| line.ends_with(": test")))
}

/// Runs the program of this name, or the tests whose names contain it, or all tests. The Workers must be built.
pub(super) fn run(name: Option<&str>, count: &mut Count) -> anyhow::Result<bool> {
    run_with_output("tests that need Workers", command(name), |line| count.add(line))
}

fn command(name: Option<&str>) -> Command {
    let mut tests = cargo(&["test", "--no-fail-fast"]);
    tests.args(arguments(name)).env("RETICLE_TEST_TOOLS", tools::folder());
    tests
}

fn arguments(name: Option<&str>) -> Vec<String> {
    let (program, filter) = match name {
        Some(name) if is_program(name) => (Some(name), None),
        filter => (None, filter),
    };
    let packages = PACKAGES.iter().map(|package| format!("--package={package}"));
    let programs = PROGRAMS.iter().filter(|name| program.is_none_or(|only| only == **name));
    let programs = programs.map(|program| format!("--test={program}"));
    packages.chain(programs).chain(filter.map(str::to_owned)).collect()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::step::root;

    #[test]
    fn the_name_of_a_program_runs_all_of_its_tests() {
        let packages = ["--package=storage-native", "--package=storage-worker", "--package=tests"];
        assert_eq!(arguments(Some("edge_faults")), [&packages[..], &["--test=edge_faults"]].concat());
        let filtered = arguments(Some("a_gateway_without"));
        assert_eq!(filtered.last().map(String::as_str), Some("a_gateway_without"));
        assert_eq!(filtered.len(), packages.len() + PROGRAMS.len() + 1);
        assert_eq!(arguments(None).len(), packages.len() + PROGRAMS.len());
    }

    /// Each program that the manifests exclude is in the list, and no other one.
    #[test]
    fn the_excluded_programs_are_those_of_the_manifests() {
        let text = fs::read_to_string(root().join("tests/Cargo.toml")).unwrap();
        let excluded: Vec<_> = text
            .split("[[test]]")
            .skip(1)
            .filter(|section| section.contains("test = false"))
            .filter_map(|section| section.split('"').nth(1))
            .collect();
        assert_eq!(excluded, PROGRAMS[3..]);
    }
}
