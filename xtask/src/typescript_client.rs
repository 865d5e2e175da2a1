//! The TypeScript client: compiled, its generated code compared with the contract, and tested.

use std::{fs, path::PathBuf};

use anyhow::Context as _;

use crate::{
    step::{command, root, run, target, watch},
    tools::once,
};

/// Its folder.
const FOLDER: &str = "clients/typescript";

/// Checks it and runs its tests, or only those whose names contain `filter`; hands `see` a line with their result, and
/// answers whether they passed. What it does in Chromium is among the black-box cases.
pub(crate) fn test(filter: Option<&str>, mut see: impl FnMut(&str)) -> anyhow::Result<bool> {
    install()?;
    let tool = |name: &str, arguments: &[&str]| {
        let mut tool = command(folder().join("node_modules/.bin").join(name), arguments);
        tool.current_dir(folder());
        tool
    };
    let made = target().join("typescript-client");
    let made_text = made.to_string_lossy();
    run("code of the TypeScript client", tool("buf", &["generate", "--output", &made_text]))?;
    let mut same = command("diff", &["--recursive", "--brief"]);
    same.arg(folder().join("src/gen")).arg(made.join("src/gen"));
    run("its committed code is that of the contract (else: npm run generate)", same)?;
    run("types of the TypeScript client", tool("tsc", &[]))?;
    let mut tests = command("node", &["--test", "--test-reporter=tap"]);
    tests.args(filter.map(|filter| format!("--test-name-pattern={filter}")));
    tests.arg("test/watch.test.mjs").current_dir(folder());
    let mut passed = String::new();
    watch("tests of the TypeScript client", tests, |line| {
        // As cargo says it, once both numbers have come.
        if let Some(count) = line.strip_prefix("# pass ") {
            count.clone_into(&mut passed);
        } else if let Some(failed) = line.strip_prefix("# fail ") {
            see(&format!("test result: {passed} passed; {failed} failed"));
        }
    })
}

fn folder() -> PathBuf {
    root().join(FOLDER)
}

/// Installs what its lock file pins. Not by `npm ci`, as in [`crate::tools::npm`].
fn install() -> anyhow::Result<()> {
    let lock = folder().join("package-lock.json");
    let wanted = fs::read_to_string(&lock).with_context(|| format!("cannot read {}", lock.display()))?;
    once(&folder().join("node_modules/.installed"), &wanted, || {
        let mut npm = command("npm", &["install", "--no-audit", "--no-fund", "--ignore-scripts"]);
        npm.current_dir(folder());
        run("npm packages of the TypeScript client", npm)
    })
}
