//! The set-up: what a command needs and is not installed yet. `cargo xtask test` prints it first, by the names of the packages.
//!
//! To add a tool: add its [`Requirement`] to the function `requirements` of the module that uses it.

use std::{
    fmt::Write as _,
    fs,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, bail};

/// Packages that one package manager installs.
pub(crate) struct Requirement {
    /// The package manager, and its packages by name.
    names: String,
    is_met: bool,
    /// The command that installs them for the whole system, if only root may do that.
    root_command: Option<String>,
    install: Box<dyn FnOnce() -> anyhow::Result<()>>,
}

impl Requirement {
    /// Packages below the target folder. Once `install` has succeeded, the file `marker` has the text `wanted`; with another
    /// text they are installed again.
    pub(crate) fn once(
        names: impl Into<String>,
        marker: PathBuf,
        wanted: String,
        install: impl FnOnce() -> anyhow::Result<()> + 'static,
    ) -> Self {
        let is_met = fs::read_to_string(&marker).is_ok_and(|installed| installed == wanted);
        let install = move || {
            install()?;
            fs::write(&marker, wanted).with_context(|| format!("cannot write {}", marker.display()))
        };
        Self { names: names.into(), is_met, root_command: None, install: Box::new(install) }
    }

    /// Packages of the system or of its compiler, which are installed unless `is_met`.
    pub(crate) fn of_system(
        names: impl Into<String>,
        is_met: bool,
        install: impl FnOnce() -> anyhow::Result<()> + 'static,
    ) -> Self {
        Self { names: names.into(), is_met, root_command: None, install: Box::new(install) }
    }

    /// Says that only root may install them, by `command`.
    pub(crate) fn with_root_command(self, command: &str) -> Self {
        Self { root_command: Some(command.to_owned()), ..self }
    }

    /// Installs the packages, unless they are installed.
    pub(crate) fn meet(self) -> anyhow::Result<()> {
        if self.is_met { Ok(()) } else { (self.install)() }
    }
}

/// Installs what is missing, in this order, for a command that has no set-up of its own.
pub(crate) fn meet_all(requirements: Vec<Requirement>) -> anyhow::Result<()> {
    requirements.into_iter().try_for_each(Requirement::meet)
}

/// Prints what is missing, and installs it if `may_install`.
///
/// # Errors
/// Packages are missing that may not be installed; the error has their names, and how to install them.
pub(crate) fn run(requirements: Vec<Requirement>, may_install: bool) -> anyhow::Result<()> {
    let missing: Vec<_> = requirements.into_iter().filter(|requirement| !requirement.is_met).collect();
    if missing.is_empty() {
        eprintln!("== set-up: everything is installed");
        return Ok(());
    }
    // The owner of the process.
    let is_root = fs::metadata("/proc/self").is_ok_and(|process| process.uid() == 0);
    require_permission(&missing, may_install, is_root)?;
    eprintln!("== set-up: installs{}", list(&missing));
    meet_all(missing)
}

fn require_permission(missing: &[Requirement], may_install: bool, is_root: bool) -> anyhow::Result<()> {
    let mut commands: Vec<_> =
        missing.iter().filter_map(|requirement| requirement.root_command.as_deref()).collect();
    if may_install && (is_root || commands.is_empty()) {
        return Ok(());
    }
    if commands.len() < missing.len() {
        commands.push("cargo xtask test   # installs the others, if it runs without --no-install");
    }
    let why = if may_install { "only root can install some of them" } else { "--no-install is set" };
    bail!("packages are missing, and {why}:{}\nInstall them:\n  {}", list(missing), commands.join("\n  "))
}

fn list(requirements: &[Requirement]) -> String {
    requirements.iter().fold(String::new(), |mut list, requirement| {
        // Writing to memory does not fail.
        let _ = write!(list, "\n  {}", requirement.names);
        list
    })
}

/// The packages that a `package.json` names, with their versions.
pub(crate) fn npm_names(manifest: &Path) -> anyhow::Result<String> {
    let text = fs::read_to_string(manifest).with_context(|| format!("cannot read {}", manifest.display()))?;
    let json: serde_json::Value =
        serde_json::from_str(&text).with_context(|| format!("{}", manifest.display()))?;
    let sections =
        ["dependencies", "devDependencies"].into_iter().filter_map(|name| json.get(name)?.as_object());
    let names =
        sections.flatten().map(|(name, version)| format!("{name}@{}", version.as_str().unwrap_or_default()));
    Ok(format!("npm: {}", names.collect::<Vec<_>>().join(" ")))
}

#[cfg(test)]
mod tests {
    use std::{cell::RefCell, rc::Rc};

    use super::*;

    /// Requirements that record their installation: one is met, one is of `pip`, one is of the system.
    fn requirements(folder: &Path, installed: &Rc<RefCell<Vec<&'static str>>>) -> Vec<Requirement> {
        let record = |name| {
            let installed = Rc::clone(installed);
            move || {
                installed.borrow_mut().push(name);
                Ok(())
            }
        };
        let marker = folder.join("pip.installed");
        vec![
            Requirement::of_system("rustup: wasm32", true, record("rustup")),
            Requirement::once("pip: grpcio==1", marker, "grpcio==1".to_owned(), record("pip")),
            Requirement::of_system("apt-get: chromium", false, record("chromium"))
                .with_root_command("apt-get install chromium"),
        ]
    }

    #[test]
    fn what_is_missing_is_installed_once() {
        let (folder, installed) = (tempfile::tempdir().unwrap(), Rc::default());
        meet_all(requirements(folder.path(), &installed)).unwrap();
        assert_eq!(*installed.borrow(), ["pip", "chromium"]);
        meet_all(requirements(folder.path(), &installed)).unwrap();
        assert_eq!(*installed.borrow(), ["pip", "chromium", "chromium"]);
    }

    #[test]
    fn without_permission_nothing_is_installed_and_the_missing_packages_are_named() {
        let (folder, installed) = (tempfile::tempdir().unwrap(), Rc::default());
        let error = run(requirements(folder.path(), &installed), false).unwrap_err().to_string();
        assert_eq!(
            error,
            "packages are missing, and --no-install is set:\n  pip: grpcio==1\n  apt-get: chromium\nInstall them:\n  \
             apt-get install chromium\n  cargo xtask test   # installs the others, if it runs without \
             --no-install"
        );
        assert!(installed.borrow().is_empty());
    }

    #[test]
    fn a_package_of_the_system_needs_root() {
        let (folder, installed) = (tempfile::tempdir().unwrap(), Rc::default());
        let mut missing = requirements(folder.path(), &installed);
        missing.retain(|requirement| !requirement.is_met);
        assert!(require_permission(&missing, true, true).is_ok());
        let error = require_permission(&missing, true, false).unwrap_err().to_string();
        assert!(error.contains("only root") && error.contains("\n  apt-get install chromium"), "{error}");
        assert!(require_permission(&missing[..1], true, false).is_ok());
    }
}
