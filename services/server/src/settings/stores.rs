//! The locations of the database and the images.

use std::path::PathBuf;

use anyhow::{Context as _, anyhow, bail};
use clap::Args;
use runtime::CallerShare;
use storage_native::{BridgeSecret, BridgeUrl, S3Location};

/// The data folder, which contains everything that has no location of its own.
#[derive(Args, Clone, Debug)]
pub(crate) struct Folder {
    /// The folder of the database, the images and the secrets.
    #[arg(long, env = "RETICLE_DATA_DIR", default_value = "./data", value_name = "DIR")]
    pub(crate) data_dir: PathBuf,
}

impl Folder {
    /// The file of the secret that signs tokens, if none is configured.
    pub(crate) fn jwt_secret_path(&self) -> PathBuf {
        self.data_dir.join("jwt-secret")
    }

    /// The file of the key that signs URLs, if none is configured.
    pub(crate) fn url_key_path(&self) -> PathBuf {
        self.data_dir.join("url-key")
    }
}

/// The location of the database.
#[derive(Args, Clone, Debug)]
pub(crate) struct Database {
    #[command(flatten)]
    pub(crate) folder: Folder,

    /// The database: `sqlite:PATH`, or `d1+https://HOST` of a D1 bridge. [default: sqlite:DATA_DIR/reticle.db]
    #[arg(long, env = "RETICLE_DATABASE_URL", value_name = "URL")]
    database_url: Option<String>,

    /// The secret of the D1 bridge, at least 32 bytes.
    #[arg(long, env = "RETICLE_BRIDGE_SECRET", hide_env_values = true, value_name = "SECRET")]
    bridge_secret: Option<String>,

    /// The maximum share of one caller, in percent, of each of these limits: watches, ingest streams, the memory of ingest
    /// streams, writes that wait for a database file, and calls to a D1 bridge at a time.
    #[arg(long, env = "RETICLE_CALLER_SHARE", default_value_t, value_name = "PERCENT")]
    pub(crate) caller_share: CallerShare,
}

/// Where the database is, and what is needed to open it.
pub(crate) enum DatabaseLocation {
    /// A SQLite file.
    File(PathBuf),
    /// A D1 bridge.
    Bridge(BridgeUrl, BridgeSecret),
}

impl Database {
    /// The configured database.
    pub(crate) fn location(&self) -> anyhow::Result<DatabaseLocation> {
        match self.database_url.as_deref() {
            Some(url) if BridgeUrl::has_bridge_scheme(url) => {
                let url = BridgeUrl::parse(url).context("--database-url")?;
                Ok(DatabaseLocation::Bridge(url, self.bridge_secret()?))
            }
            url => {
                let default = || self.folder.data_dir.join("reticle.db");
                path_of("--database-url", "sqlite:", url, default).map(DatabaseLocation::File)
            }
        }
    }

    fn bridge_secret(&self) -> anyhow::Result<BridgeSecret> {
        let setting = "--bridge-secret (RETICLE_BRIDGE_SECRET)";
        let Some(secret) = &self.bridge_secret else {
            bail!("{setting} is missing. --database-url names a D1 bridge: set the secret of the bridge.")
        };
        BridgeSecret::parse(secret).context(setting)
    }
}

/// The locations of the database and the images.
#[derive(Args, Clone, Debug)]
pub(crate) struct Stores {
    #[command(flatten)]
    pub(crate) database: Database,

    /// The location of the images: `file:PATH`, or `s3://BUCKET?endpoint=URL&region=auto`. [default: file:DATA_DIR/objects]
    #[arg(long, env = "RETICLE_OBJECTS_URL", value_name = "URL")]
    objects_url: Option<String>,
}

/// The object store of the images.
#[derive(Clone, Debug)]
pub(crate) enum Objects {
    /// Files below this folder.
    Files(PathBuf),
    /// This bucket.
    S3(S3Location),
}

impl Stores {
    /// The configured object store.
    pub(crate) fn objects(&self) -> anyhow::Result<Objects> {
        const SETTING: &str = "--objects-url";
        match self.objects_url.as_deref() {
            Some(url) if url.starts_with("s3:") => {
                let location = S3Location::parse(url);
                location.map(Objects::S3).map_err(|problem| anyhow!("{SETTING}: `{url}` {problem}"))
            }
            url => path_of(SETTING, "file:", url, || self.database.folder.data_dir.join("objects"))
                .map(Objects::Files),
        }
    }
}

fn path_of(
    setting: &str,
    scheme: &str,
    url: Option<&str>,
    default: impl FnOnce() -> PathBuf,
) -> anyhow::Result<PathBuf> {
    let Some(url) = url else { return Ok(default()) };
    let Some(path) = url.strip_prefix(scheme) else { bail!("{setting}: `{url}` must begin with `{scheme}`") };
    match path.strip_prefix("//").unwrap_or(path) {
        "" => bail!("{setting}: `{url}` has no path"),
        // In other programs these mean a database in memory, and options; here they would become file names.
        path if path.starts_with(':') || path.contains('?') => {
            bail!("{setting}: `{url}` must be `{scheme}` and a path, with nothing else")
        }
        path => Ok(PathBuf::from(path)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_invalid_storage_url_is_rejected_and_the_error_names_the_setting() {
        let path = |url| path_of("--database-url", "sqlite:", url, || PathBuf::from("default"));
        assert_eq!(path(None).unwrap(), PathBuf::from("default"));
        assert_eq!(path(Some("sqlite:a/b.db")).unwrap(), PathBuf::from("a/b.db"));
        assert_eq!(path(Some("sqlite:///a/b.db")).unwrap(), PathBuf::from("/a/b.db"));
        for wrong in
            ["sqlite:", "sqlite://", "postgres://x", "a.db", "sqlite::memory:", "sqlite:a.db?mode=ro"]
        {
            assert!(path(Some(wrong)).unwrap_err().to_string().starts_with("--database-url: `"), "{wrong}");
        }
    }

    #[test]
    fn a_bridge_needs_a_url_and_a_secret_or_the_error_names_the_setting() {
        let location = |url: &str, secret: Option<&str>| {
            let (database_url, bridge_secret) = (Some(url.to_owned()), secret.map(str::to_owned));
            let folder = Folder { data_dir: "data".into() };
            Database { folder, database_url, bridge_secret, caller_share: CallerShare::DEFAULT }.location()
        };
        let secret = Some("0123456789abcdef0123456789abcdef");
        assert!(matches!(location("d1+https://a", secret), Ok(DatabaseLocation::Bridge(..))));
        assert!(matches!(location("sqlite:a.db", secret), Ok(DatabaseLocation::File(_))));
        for (url, secret, setting) in [
            ("d1+https://a", None, "--bridge-secret (RETICLE_BRIDGE_SECRET)"),
            ("d1+https://a", Some("short"), "--bridge-secret (RETICLE_BRIDGE_SECRET)"),
            ("d1+http://a", secret, "--database-url"),
            ("d1+ftp://a", secret, "--database-url"),
        ] {
            let error = location(url, secret).map(drop).unwrap_err();
            assert!(error.to_string().starts_with(setting), "{url}: {error}");
        }
    }
}
