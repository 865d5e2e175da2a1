//! What is stored about a deployment, in `deployment.json` of its state folder: ids and variables, no secrets.

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
};

use anyhow::Context as _;
use serde::{Deserialize, Serialize};

use crate::workers::secrets::write_private;

/// A state folder and the content of its file.
pub(super) struct State {
    pub(super) folder: PathBuf,
    pub(super) deployment: Deployment,
}

/// The content of the file.
#[derive(Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Deployment {
    /// Cloudflare's id of the account.
    pub(super) account_id: Option<String>,
    /// D1's id of the database.
    pub(super) database_id: Option<String>,
    /// Variables of the Workers that differ from the committed configurations.
    #[serde(default)]
    pub(super) variables: BTreeMap<String, String>,
}

impl State {
    /// Reads the file. If there is none, creates an empty one.
    pub(super) fn open(folder: &Path) -> anyhow::Result<Self> {
        let folder = std::path::absolute(folder)?;
        let path = folder.join(FILE);
        let deployment = match fs::read_to_string(&path) {
            Ok(text) => serde_json::from_str(&text).with_context(|| format!("{}", path.display()))?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Deployment::default(),
            Err(error) => return Err(error).with_context(|| format!("cannot read {}", path.display())),
        };
        let state = Self { folder, deployment };
        state.save()?;
        Ok(state)
    }

    /// Writes the file. Callers save after each change, so that a later failure loses nothing.
    pub(super) fn save(&self) -> anyhow::Result<()> {
        let text = serde_json::to_string_pretty(&self.deployment)? + "\n";
        write_private(&self.file(), &text)
    }

    /// Stores the value of each variable that is set in the environment.
    #[expect(clippy::disallowed_methods, reason = "a task reads its own environment, once")]
    pub(super) fn remember_variables(&mut self, names: &[String]) -> anyhow::Result<()> {
        for name in names {
            if let Ok(value) = std::env::var(name) {
                self.deployment.variables.insert(name.clone(), value);
            }
        }
        self.save()
    }

    /// A variable's value. An empty value counts as absent.
    pub(super) fn variable(&self, name: &str) -> Option<&str> {
        self.deployment.variables.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// The path of the file.
    pub(super) fn file(&self) -> PathBuf {
        self.folder.join(FILE)
    }
}

const FILE: &str = "deployment.json";
