//! `cargo xtask bench`: builds the bench in release mode and runs it.

use crate::{
    step::{cargo, command, run, target},
    tools,
};

/// Prints the table; only the rows whose names contain `filter`, if there is one.
pub(crate) fn measure(filter: Option<&str>) -> anyhow::Result<()> {
    run("build", cargo(&["build", "--release", "--package", "server", "--package", "bench"]))?;
    // As it was built with the server: by itself it would be built again, and on another SQLite.
    let mut bench = command(target().join("release/bench"), &[]);
    bench.args(filter).env("RETICLE_TEST_TOOLS", tools::install()?);
    run("bench", bench)
}
