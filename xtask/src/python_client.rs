//! The Python client: checked, installed as users install it, and tested against the program, in an environment of its own.

use std::{fs, path::PathBuf};

use anyhow::Context as _;

use crate::{
    step::{command, root, run, target, watch},
    tools::{once, virtual_environment},
};

/// Its folder.
const FOLDER: &str = "clients/python";

/// Runs its checks and tests, or only the tests whose names contain `filter`; hands each line that they print to `see`,
/// and answers whether they passed.
pub(crate) fn test(filter: Option<&str>, see: impl FnMut(&str)) -> anyhow::Result<bool> {
    // pytest reads a filter as an expression; what is no name is in no name.
    if filter.is_some_and(|filter| !filter.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')) {
        return Ok(true);
    }
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
    watch("tests of the Python client", tests, see)
}

/// Installs what is missing, and the client as it is now; answers the virtual environment.
fn install() -> anyhow::Result<PathBuf> {
    let environment = target().join("python-client");
    let requirements = root().join(FOLDER).join("requirements-dev.txt");
    let wanted = fs::read_to_string(&requirements)
        .with_context(|| format!("cannot read {}", requirements.display()))?;
    once(&target().join("python-client.installed"), &wanted, || {
        virtual_environment(&environment)?;
        let mut pip = command(environment.join("bin/pip"), &["install", "--quiet", "--requirement"]);
        pip.arg(&requirements);
        run("tools of the Python client", pip)
    })?;
    let arguments = ["install", "--quiet", "--force-reinstall", "--no-deps", "--no-build-isolation"];
    let mut pip = command(environment.join("bin/pip"), &arguments);
    pip.arg(root().join(FOLDER));
    run("the Python client", pip)?;
    Ok(environment)
}
