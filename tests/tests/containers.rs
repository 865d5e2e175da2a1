//! Checks the container files without building an image.

use std::{collections::BTreeSet, fs, path::PathBuf};

use anyhow::{Context as _, ensure};
use tests::{Program, program};
use tokio::process::Command;

/// The libraries that the image gets from the base image of the build.
const LIBRARIES: [&str; 5] =
    ["linux-vdso.so.1", "libgcc_s.so.1", "libm.so.6", "libc.so.6", "ld-linux-x86-64.so.2"];

fn root() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

fn read(name: &str) -> anyhow::Result<String> {
    fs::read_to_string(root().join(name)).with_context(|| name.to_owned())
}

async fn printed(command: &mut Command) -> anyhow::Result<String> {
    let output = command.output().await?;
    ensure!(output.status.success(), "{output:?}");
    Ok(String::from_utf8(output.stdout)?)
}

/// Given the build context, when the workspace is loaded from it, then it has each member and each file that members include.
#[test]
fn the_build_context_has_every_needed_file() -> anyhow::Result<()> {
    let ignore = read(".dockerignore")?;
    let kept: BTreeSet<_> = ignore.lines().filter_map(|line| line.strip_prefix('!')).collect();
    for path in &kept {
        ensure!(root().join(path).exists(), ".dockerignore keeps {path}, which does not exist");
    }
    let manifest = read("Cargo.toml")?;
    let members = manifest.lines().filter_map(|line| line.trim().strip_prefix('"')?.strip_suffix("\","));
    for member in members {
        let folder = member.split('/').next().unwrap_or_default();
        ensure!(kept.contains(folder), "{member} is a member, but not in the context");
    }
    for needed in ["Cargo.toml", "Cargo.lock", ".cargo", "migrations", "rust-toolchain.toml"] {
        ensure!(kept.contains(needed), "{needed} is not in the context");
    }
    let toolchain = read("rust-toolchain.toml")?;
    let version = toolchain.split('"').nth(1).context("no channel")?;
    ensure!(
        read("Dockerfile")?.contains(&format!("FROM rust:{version}-")),
        "the image has another Rust version"
    );
    Ok(())
}

/// Given the program, when its libraries are listed, then the image has all of them.
#[tokio::test]
async fn the_program_needs_only_the_libraries_of_the_image() -> anyhow::Result<()> {
    let listed = printed(Command::new("ldd").arg(program())).await?;
    for line in listed.lines() {
        let name =
            line.split_whitespace().next().and_then(|path| path.rsplit('/').next()).unwrap_or_default();
        ensure!(LIBRARIES.contains(&name), "{name} is not in the image");
    }
    Ok(())
}

/// Given the container files, when they name a setting, then the program has it.
#[tokio::test]
async fn every_setting_in_the_container_files_exists() -> anyhow::Result<()> {
    let mut known = String::new();
    for part in ["serve", "images", "annotations", "gateway", "health"] {
        known += &printed(Command::new(program()).args([part, "--help"])).await?;
    }
    for file in ["Dockerfile", "compose.yaml"] {
        let text = read(file)?;
        let words = text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == '-'));
        for word in words.filter(|word| word.starts_with("RETICLE_") || is_program_flag(word)) {
            ensure!(known.contains(word), "{file}: the program has no setting {word}");
        }
    }
    Ok(())
}

/// Whether a word is a flag of the program, by its ending.
fn is_program_flag(word: &str) -> bool {
    word.starts_with("--") && ["listen", "url"].iter().any(|end| word.ends_with(end))
}

/// Given each port of a program, when `reticle health` checks it, then the exit status is the result.
#[tokio::test]
async fn the_health_command_reports_by_its_exit_status() -> anyhow::Result<()> {
    let running = Program::start(&[]).await?;
    let target = running.target();
    let check = async |url: String| Command::new(program()).args(["health", "--url", &url]).output().await;
    for address in [target.gateway, target.images, target.annotations] {
        let healthy = check(format!("http://{address}")).await?;
        ensure!(healthy.status.success() && healthy.stderr.is_empty(), "{healthy:?}");
    }
    let url = format!("http://{}", target.gateway);
    running.kill().await?;
    let away = check(url.clone()).await?;
    let said = String::from_utf8(away.stderr)?;
    ensure!(away.status.code() == Some(1), "{said}");
    ensure!(said.starts_with(&format!("reticle: {url} cannot be reached")), "{said}");
    Ok(())
}
