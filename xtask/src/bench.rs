//! `cargo xtask bench`: builds the benchmarks in release mode and runs them.

use crate::{
    setup,
    step::{cargo, command, run, target},
    tools,
};

/// Prints the table. With a `filter`, only the benchmarks whose names contain it run.
pub(crate) fn measure(filter: Option<&str>) -> anyhow::Result<()> {
    run("build", cargo(&["build", "--release", "--package", "server", "--package", "bench"]))?;
    // The binary that was built together with the server. `cargo run` would build it again, with another SQLite.
    let mut bench = command(target().join("release/bench"), &[]);
    setup::meet_all(tools::requirements()?)?;
    bench.args(filter).env("RETICLE_TEST_TOOLS", tools::folder());
    run("bench", bench)
}
