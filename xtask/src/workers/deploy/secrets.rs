//! Which secrets the Workers are given. One that is on the account already is never replaced unasked: tokens and signed URLs
//! that were made with it would end.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, bail};

use super::{configuration::Configuration, wrangler::Wrangler};
use crate::workers::secrets::{Secrets, in_environment, write_private};

/// Cloudflare's code for a Worker that the account does not have.
const NO_WORKER: u64 = 10007;

/// The values to send, by variable. A secret that is missing here is on the account, and stays as it is.
pub(super) struct Given(BTreeMap<String, String>);

impl Given {
    /// Those that are known here; new ones, if none of the Workers has any yet or if `replace` says so.
    ///
    /// # Errors
    /// Some Workers exist and others do not, and the secret of the former is not known.
    pub(super) fn decide(
        kept: &Secrets<'_>,
        wrangler: &Wrangler<'_>,
        workers: &[Configuration],
        replace: bool,
    ) -> anyhow::Result<Self> {
        let mut given = BTreeMap::new();
        for worker in workers {
            for variable in worker.secrets() {
                if given.contains_key(variable) {
                    continue;
                }
                let value = match kept.find(variable)? {
                    Some(_) if replace && in_environment(variable).is_none() => Some(kept.make(variable)?),
                    Some(known) => Some(known),
                    None if !replace && on_account(wrangler, workers, variable)? => None,
                    None => Some(kept.make(variable)?),
                };
                given.extend(value.map(|value| (variable.to_owned(), value)));
            }
        }
        Ok(Self(given))
    }

    /// The value of a variable, if it is known.
    pub(super) fn get(&self, variable: &str) -> Option<&str> {
        self.0.get(variable).map(String::as_str)
    }

    /// Writes those of `worker` for wrangler, readable by nobody else, until the answer is dropped.
    pub(super) fn write(&self, worker: &Configuration, folder: &Path) -> anyhow::Result<File> {
        let own: BTreeMap<_, _> = worker.secrets().filter_map(|name| Some((name, self.get(name)?))).collect();
        let file = File(folder.join(format!("{}.secrets", worker.name())));
        write_private(&file.0, &serde_json::to_string(&own)?)?;
        Ok(file)
    }
}

/// A file of secrets; removed when dropped.
pub(super) struct File(PathBuf);

impl AsRef<Path> for File {
    fn as_ref(&self) -> &Path {
        &self.0
    }
}

impl Drop for File {
    fn drop(&mut self) {
        // Were it to stay, the next run would write it anew.
        let _ = fs::remove_file(&self.0);
    }
}

/// Whether the Workers that require `variable` are on the account, where no Worker is without what it requires.
fn on_account(wrangler: &Wrangler<'_>, workers: &[Configuration], variable: &str) -> anyhow::Result<bool> {
    let (mut there, mut missing) = (Vec::new(), Vec::new());
    for worker in workers.iter().filter(|worker| worker.secrets().any(|name| name == variable)) {
        let list = if exists(wrangler, worker.name())? { &mut there } else { &mut missing };
        list.push(worker.name());
    }
    if !there.is_empty() && !missing.is_empty() {
        bail!(
            "{} on the account has a {variable} that cannot be read back, and {} must be given the same. Set the variable \
             {variable} to it, or have it replaced everywhere by --new-secrets: tokens and signed URLs that were made \
             with the old one end.",
            there.join(", "),
            missing.join(", ")
        );
    }
    Ok(missing.is_empty())
}

fn exists(wrangler: &Wrangler<'_>, name: &str) -> anyhow::Result<bool> {
    match wrangler.read(&["deployments", "list", "--json", "--name", name])? {
        Ok(_) => Ok(true),
        Err(rejected) if rejected.code == Some(NO_WORKER) => Ok(false),
        Err(rejected) => Err(rejected).with_context(|| format!("Worker {name}")),
    }
}
