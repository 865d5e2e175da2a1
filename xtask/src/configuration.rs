//! The committed configurations of Workers, `wrangler.jsonc`, for copies in other folders.

use std::{fs, path::Path};

use anyhow::Context as _;
use serde_json::{Map, Value};

/// Reads the `wrangler.jsonc` in `folder`. Its comments must be on their own lines.
///
/// # Errors
/// The file cannot be read or decoded.
pub fn read(folder: &Path) -> anyhow::Result<Map<String, Value>> {
    let path = folder.join("wrangler.jsonc");
    let text = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
    let json: String = text.lines().filter(|line| !line.trim_start().starts_with("//")).collect();
    serde_json::from_str(&json).with_context(|| format!("{}", path.display()))
}

/// Makes the paths of a configuration in `folder` absolute, and removes the path of its schema.
pub fn make_paths_absolute(configuration: &mut Map<String, Value>, folder: &Path) {
    configuration.remove("$schema");
    if let Some(main) = configuration.get_mut("main") {
        make_absolute(main, folder);
    }
    let databases = configuration.get_mut("d1_databases").and_then(Value::as_array_mut);
    for database in databases.into_iter().flatten() {
        if let Some(migrations) = database.get_mut("migrations_dir") {
            make_absolute(migrations, folder);
        }
    }
}

fn make_absolute(path: &mut Value, folder: &Path) {
    if let Some(relative) = path.as_str() {
        *path = folder.join(relative).to_string_lossy().into_owned().into();
    }
}
