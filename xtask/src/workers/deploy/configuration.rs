//! Copies of the committed configurations, with the ids and variables of one account. Wrangler uses the copies; the
//! committed files are never edited.

use std::path::{Path, PathBuf};

use serde_json::{Map, Value};
use xtask::configuration;

use super::state::{Deployment, State};
use crate::workers::{Worker, secrets::write_private};

/// A Worker's committed configuration.
pub(super) struct Configuration {
    pub(super) worker: Worker,
    json: Map<String, Value>,
}

impl Configuration {
    /// Reads the Worker's configuration.
    pub(super) fn read(worker: Worker) -> anyhow::Result<Self> {
        Ok(Self { worker, json: configuration::read(&worker.folder())? })
    }

    /// The Worker's name on the account.
    pub(super) fn name(&self) -> &str {
        self.json.get("name").and_then(Value::as_str).unwrap_or(self.worker.0)
    }

    /// The names of the secrets that it requires.
    pub(super) fn secrets(&self) -> impl Iterator<Item = &str> {
        let required = self.json.get("secrets").and_then(|secrets| secrets.get("required"));
        required.and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str)
    }

    /// The names of its variables.
    pub(super) fn variables(&self) -> impl Iterator<Item = String> {
        self.json.get("vars").and_then(Value::as_object).into_iter().flat_map(Map::keys).cloned()
    }

    /// Whether it has a bucket.
    pub(super) fn needs_bucket(&self) -> bool {
        self.json.contains_key("r2_buckets")
    }

    /// Writes the copy for the account of `state` into the state folder. Returns its path.
    pub(super) fn write(&self, state: &State) -> anyhow::Result<PathBuf> {
        let path = state.folder.join(format!("{}.json", self.name()));
        let json = for_account(self.json.clone(), &self.worker.folder(), &state.deployment);
        write_private(&path, &(serde_json::to_string_pretty(&json)? + "\n"))?;
        Ok(path)
    }
}

/// Makes paths absolute, since the copy is in another folder, and sets the ids and variables of `deployment`.
fn for_account(mut json: Map<String, Value>, folder: &Path, deployment: &Deployment) -> Value {
    configuration::make_paths_absolute(&mut json, folder);
    json.insert("account_id".to_owned(), deployment.account_id.clone().into());
    let databases = json.get_mut("d1_databases").and_then(Value::as_array_mut);
    for database in databases.into_iter().flatten().filter_map(Value::as_object_mut) {
        database.insert("database_id".to_owned(), deployment.database_id.clone().into());
    }
    for (name, value) in json.get_mut("vars").and_then(Value::as_object_mut).into_iter().flatten() {
        if let Some(own) = deployment.variables.get(name) {
            *value = own.clone().into();
        }
    }
    json.into()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::workers::{ALL, BRIDGE};

    #[test]
    fn a_copy_differs_in_paths_ids_and_variables_only() {
        let committed = json!({
            "$schema": "../schema.json", "name": "a", "main": "worker.js",
            "d1_databases": [{"binding": "DATABASE", "database_id": "0", "migrations_dir": "../migrations"}],
            "vars": {"KEPT": "as committed", "OWN": ""}, "limits": {"cpu_ms": 5},
        });
        let deployment = Deployment {
            account_id: Some("account".to_owned()),
            database_id: Some("database".to_owned()),
            variables: [("OWN".to_owned(), "mine".to_owned()), ("ANOTHER".to_owned(), "1".to_owned())].into(),
        };
        let Value::Object(committed) = committed else { panic!() };
        assert_eq!(
            for_account(committed, Path::new("/a"), &deployment),
            json!({
                "name": "a", "main": "/a/worker.js", "account_id": "account",
                "d1_databases": [
                    {"binding": "DATABASE", "database_id": "database", "migrations_dir": "/a/../migrations"}
                ],
                "vars": {"KEPT": "as committed", "OWN": "mine"}, "limits": {"cpu_ms": 5},
            })
        );
    }

    #[test]
    fn every_committed_configuration_can_be_read() {
        for worker in ALL.into_iter().chain([BRIDGE]) {
            let configuration = Configuration::read(worker).unwrap();
            assert!(configuration.name().starts_with("reticle"), "{}", worker.0);
            assert!(configuration.secrets().count() > 0, "{}", worker.0);
        }
    }
}
