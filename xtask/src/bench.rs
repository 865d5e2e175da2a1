//! `cargo xtask bench`: builds the bench in release mode and runs it.

use crate::step::{cargo, run};

/// Prints the table; only the rows whose names contain `filter`, if there is one.
pub(crate) fn measure(filter: Option<&str>) -> anyhow::Result<()> {
    run("build", cargo(&["build", "--release", "--package", "server", "--package", "bench"]))?;
    let mut bench = cargo(&["run", "--quiet", "--release", "--package", "bench", "--"]);
    bench.args(filter);
    run("bench", bench)
}
