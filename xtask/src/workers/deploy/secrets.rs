//! Decides which secrets are sent to the Workers. A secret that the account already has is replaced only on request:
//! otherwise tokens and signed URLs that were made with it would become invalid.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, bail};

use super::{configuration::Configuration, wrangler::Wrangler};
use crate::workers::secrets::{Secrets, in_environment, write_private};

/// Cloudflare's error code for a Worker that the account does not have.
const NO_WORKER: u64 = 10007;

/// The values to send, by variable. A secret that is missing here is on the account, and does not change.
pub(super) struct SecretValues(BTreeMap<String, String>);

impl SecretValues {
    /// Takes the values that are known on this machine. Creates new ones if no Worker has a value yet, or if `replace` is set.
    ///
    /// # Errors
    /// Some Workers exist and others do not, and the secret of the existing ones is not known on this machine.
    pub(super) fn resolve(
        kept: &Secrets<'_>,
        wrangler: &Wrangler<'_>,
        workers: &[Configuration],
        replace: bool,
    ) -> anyhow::Result<Self> {
        let mut values = BTreeMap::new();
        for worker in workers {
            for variable in worker.secrets() {
                if values.contains_key(variable) {
                    continue;
                }
                let value = match kept.find(variable)? {
                    Some(_) if replace && in_environment(variable).is_none() => Some(kept.create(variable)?),
                    Some(known) => Some(known),
                    None if !replace && on_account(wrangler, workers, variable)? => None,
                    None => Some(kept.create(variable)?),
                };
                values.extend(value.map(|value| (variable.to_owned(), value)));
            }
        }
        Ok(Self(values))
    }

    /// The value of a variable, if it is known.
    pub(super) fn get(&self, variable: &str) -> Option<&str> {
        self.0.get(variable).map(String::as_str)
    }

    /// Writes the secrets of `worker` to a file for wrangler, readable by its owner only. The file exists until it is dropped.
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
        // If this fails, the next run overwrites the file.
        let _ = fs::remove_file(&self.0);
    }
}

/// Whether the Workers that require `variable` are on the account. A Worker on the account has all secrets that it requires.
fn on_account(wrangler: &Wrangler<'_>, workers: &[Configuration], variable: &str) -> anyhow::Result<bool> {
    let (mut existing, mut missing) = (Vec::new(), Vec::new());
    for worker in workers.iter().filter(|worker| worker.secrets().any(|name| name == variable)) {
        let list = if exists(wrangler, worker.name())? { &mut existing } else { &mut missing };
        list.push(worker.name());
    }
    if !existing.is_empty() && !missing.is_empty() {
        bail!(
            "{} on the account has a {variable} that cannot be read back, and {} needs the same value. Set the variable \
             {variable} to it, or replace it on all Workers with --new-secrets. Tokens and signed URLs that were made \
             with the old value then become invalid.",
            existing.join(", "),
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
