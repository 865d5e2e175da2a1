//! The Python client: checks it, installs it as users do into its own virtual environment, and tests it against the program.

use std::{fs, path::PathBuf};

use anyhow::Context as _;

use crate::{
    setup::{Requirement, meet_all},
    step::{command, root, run, run_with_output, target},
    tools::virtual_environment,
};

/// The folder of the client.
const FOLDER: &str = "clients/python";

/// Runs the checks and the tests, or only the tests whose names contain `filter`. Calls `on_line` with each line that the tests
/// print. Returns whether they passed.
pub(crate) fn test(filter: Option<&str>, on_line: impl FnMut(&str)) -> anyhow::Result<bool> {
    // pytest reads a filter as an expression. A filter with other characters than those of names matches no test.
    if filter.is_some_and(|filter| !filter.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')) {
        return Ok(true);
    }
    meet_all(requirements()?)?;
    let environment = install()?;
    let tool = |name: &str, arguments: &[&str]| {
        let mut tool = command(environment.join("bin").join(name), arguments);
        tool.current_dir(root().join(FOLDER));
        tool
    };
    if filter.is_none() {
        run("formatting of the Python client", tool("ruff", &["format", "--check", "--quiet"]))?;
        run("lints of the Python client", tool("ruff", &["check", "--quiet"]))?;
        run("types of the Python client", tool("mypy", &["--no-error-summary"]))?;
    }
    let mut tests = tool("pytest", &["--quiet"]);
    tests.args(filter.into_iter().flat_map(|filter| ["-k", filter]));
    tests.env("RETICLE_BINARY", target().join("debug/reticle"));
    run_with_output("tests of the Python client", tests, on_line)
}

/// The tools of the client.
pub(crate) fn requirements() -> anyhow::Result<Vec<Requirement>> {
    let requirements = root().join(FOLDER).join("requirements-dev.txt");
    let wanted = fs::read_to_string(&requirements)
        .with_context(|| format!("cannot read {}", requirements.display()))?;
    let packages = wanted.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    let names = format!("pip: {}", packages.collect::<Vec<_>>().join(" "));
    Ok(vec![Requirement::once(names, target().join("python-client.installed"), wanted, move || {
        virtual_environment(&environment())?;
        let mut pip = command(environment().join("bin/pip"), &["install", "--quiet", "--requirement"]);
        pip.arg(&requirements);
        run("tools of the Python client", pip)
    })])
}

fn environment() -> PathBuf {
    target().join("python-client")
}

/// Installs the current client, without downloads. Returns the virtual environment.
fn install() -> anyhow::Result<PathBuf> {
    let environment = environment();
    let arguments = ["install", "--quiet", "--force-reinstall", "--no-deps", "--no-build-isolation"];
    let mut pip = command(environment.join("bin/pip"), &arguments);
    pip.arg(root().join(FOLDER));
    run("the Python client", pip)?;
    Ok(environment)
}
