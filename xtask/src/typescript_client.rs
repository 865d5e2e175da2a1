//! The TypeScript client: compiles it, compares its generated code with the `.proto` files, and tests it.

use std::{fs, path::PathBuf};

use anyhow::Context as _;

use crate::{
    setup::{Requirement, meet_all, npm_names},
    step::{command, root, run, run_with_output, target},
};

/// The folder of the client.
const FOLDER: &str = "clients/typescript";

/// Checks it and runs its tests, or only compiles it and runs the tests whose names contain `filter`. Calls `on_line` with a
/// line that has their result, and returns whether they passed. The black-box cases test it in Chromium.
pub(crate) fn test(filter: Option<&str>, mut on_line: impl FnMut(&str)) -> anyhow::Result<bool> {
    meet_all(requirements()?)?;
    let tool = |name: &str, arguments: &[&str]| {
        let mut tool = command(folder().join("node_modules/.bin").join(name), arguments);
        tool.current_dir(folder());
        tool
    };
    if filter.is_none() {
        let generated = target().join("typescript-client");
        let generated_text = generated.to_string_lossy();
        run("code of the TypeScript client", tool("buf", &["generate", "--output", &generated_text]))?;
        let mut compare = command("diff", &["--recursive", "--brief"]);
        compare.arg(folder().join("src/gen")).arg(generated.join("src/gen"));
        run(
            "comparison of the committed code with the .proto files (on failure: npm run generate)",
            compare,
        )?;
    }
    // The tests run the compiled code.
    run("compilation of the TypeScript client", tool("tsc", &[]))?;
    let mut tests = command("node", &["--test", "--test-reporter=tap"]);
    tests.args(filter.map(|filter| format!("--test-name-pattern={}", escape(filter))));
    tests.arg("test/watch.test.mjs").current_dir(folder());
    let mut passed = String::new();
    run_with_output("tests of the TypeScript client", tests, |line| {
        // In cargo's format, as soon as both numbers are known.
        if let Some(count) = line.strip_prefix("# pass ") {
            count.clone_into(&mut passed);
        } else if let Some(failed) = line.strip_prefix("# fail ") {
            on_line(&format!("test result: {passed} passed; {failed} failed"));
        }
    })
}

fn folder() -> PathBuf {
    root().join(FOLDER)
}

/// A regular expression that matches this text. Node reads a pattern as an expression.
fn escape(text: &str) -> String {
    let is_special =
        |character: char| character.is_ascii_punctuation() && !matches!(character, '_' | '-' | ':');
    text.chars().fold(String::new(), |mut escaped, character| {
        if is_special(character) {
            escaped.push('\\');
        }
        escaped.push(character);
        escaped
    })
}

/// The packages that its lock file pins. For why not `npm ci`, see [`crate::tools::npm`].
pub(crate) fn requirements() -> anyhow::Result<Vec<Requirement>> {
    let lock = folder().join("package-lock.json");
    let wanted = fs::read_to_string(&lock).with_context(|| format!("cannot read {}", lock.display()))?;
    let names = npm_names(&folder().join("package.json"))?;
    Ok(vec![Requirement::once(names, folder().join("node_modules/.installed"), wanted, || {
        let mut npm = command("npm", &["install", "--no-audit", "--no-fund", "--ignore-scripts"]);
        npm.current_dir(folder());
        run("npm packages of the TypeScript client", npm)
    })])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_no_regular_expression() {
        assert_eq!(escape("a_reset (again) keeps [1.5+]?"), "a_reset \\(again\\) keeps \\[1\\.5\\+\\]\\?");
        assert_eq!(escape("workers::deploy|watch"), "workers::deploy\\|watch");
    }
}
