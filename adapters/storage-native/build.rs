//! Lists the files of `migrations/`, so that the program contains a new one without a code change.

use std::{
    env,
    error::Error,
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
};

#[expect(clippy::disallowed_methods, reason = "cargo passes folders to a build script in the environment")]
fn main() -> Result<(), Box<dyn Error>> {
    let folder = Path::new(&env::var("CARGO_MANIFEST_DIR")?).join("../../migrations").canonicalize()?;
    println!("cargo::rerun-if-changed={}", folder.display());

    let mut list = String::from("pub(crate) const MIGRATIONS: &[Migration] = &[\n");
    for (_, name) in numbered_files(&folder)? {
        let path = folder.join(&name);
        writeln!(list, "Migration {{ name: {name:?}, sql: include_str!({path:?}) }},")?;
    }
    list.push_str("];\n");
    fs::write(PathBuf::from(env::var("OUT_DIR")?).join("migrations.rs"), list)?;
    Ok(())
}

/// The files `NNNN_name.sql` in wrangler's order: by number, then by name.
fn numbered_files(folder: &Path) -> Result<Vec<(u32, String)>, Box<dyn Error>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let name =
            entry?.file_name().into_string().map_err(|name| format!("{} is not UTF-8", name.display()))?;
        if name.ends_with(".sql") {
            let number = name.split_once('_').and_then(|(number, _)| number.parse().ok());
            files.push((number.ok_or_else(|| format!("{name} is not named NNNN_name.sql"))?, name));
        }
    }
    files.sort();
    Ok(files)
}
