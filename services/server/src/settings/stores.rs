//! Where the rows and the pictures are.

use std::path::PathBuf;

use anyhow::{Context as _, anyhow, bail};
use clap::Args;
use storage::CallerShare;
use storage_native::{BridgeSecret, BridgeUrl, S3Location};

/// The folder that everything is in unless a setting says otherwise.
#[derive(Args, Clone, Debug)]
pub(crate) struct Folder {
    /// The folder of the database, the pictures and the secrets.
    #[arg(long, env = "RETICLE_DATA_DIR", default_value = "./data", value_name = "DIR")]
    pub(crate) data_dir: PathBuf,
}

impl Folder {
    /// The file of the secret that signs tokens, where none is given.
    pub(crate) fn jwt_secret_path(&self) -> PathBuf {
        self.data_dir.join("jwt-secret")
    }

    /// The file of the key that signs URLs, where none is given.
    pub(crate) fn url_key_path(&self) -> PathBuf {
        self.data_dir.join("url-key")
    }
}

/// Where the rows are.
#[derive(Args, Clone, Debug)]
pub(crate) struct Database {
    #[command(flatten)]
    pub(crate) folder: Folder,

    /// The database: `sqlite:PATH`, or `d1+https://HOST` of a D1 bridge. [default: sqlite:DATA_DIR/reticle.db]
    #[arg(long, env = "RETICLE_DATABASE_URL", value_name = "URL")]
    database_url: Option<String>,

    /// The secret that the D1 bridge was given, at least 32 bytes.
    #[arg(long, env = "RETICLE_BRIDGE_SECRET", hide_env_values = true, value_name = "SECRET")]
    bridge_secret: Option<String>,

    /// How much of each of these limits one caller may use, in percent: watches, streams, what streams hold in memory, and
    /// writes that wait for a database file.
    #[arg(long, env = "RETICLE_CALLER_SHARE", default_value_t, value_name = "PERCENT")]
    pub(crate) caller_share: CallerShare,
}

/// Which database is meant, and what opens it.
pub(crate) enum DatabasePlace {
    /// A SQLite file.
    File(PathBuf),
    /// A D1 bridge.
    Bridge(BridgeUrl, BridgeSecret),
}

impl Database {
    /// The database that is meant.
    pub(crate) fn place(&self) -> anyhow::Result<DatabasePlace> {
        match self.database_url.as_deref() {
            Some(url) if BridgeUrl::is_meant_by(url) => {
                let url = BridgeUrl::parse(url).context("--database-url")?;
                Ok(DatabasePlace::Bridge(url, self.bridge_secret()?))
            }
            url => {
                let default = || self.folder.data_dir.join("reticle.db");
                path_of("--database-url", "sqlite:", url, default).map(DatabasePlace::File)
            }
        }
    }

    fn bridge_secret(&self) -> anyhow::Result<BridgeSecret> {
        let setting = "--bridge-secret (RETICLE_BRIDGE_SECRET)";
        let Some(secret) = &self.bridge_secret else {
            bail!("{setting} is missing: --database-url is a D1 bridge, which was given one")
        };
        BridgeSecret::parse(secret).context(setting)
    }
}

/// Where the rows and the pictures are.
#[derive(Args, Clone, Debug)]
pub(crate) struct Stores {
    #[command(flatten)]
    pub(crate) database: Database,

    /// The pictures: `file:PATH`, or `s3://BUCKET?endpoint=URL&region=auto`. [default: file:DATA_DIR/objects]
    #[arg(long, env = "RETICLE_OBJECTS_URL", value_name = "URL")]
    objects_url: Option<String>,
}

/// Which object store the pictures are in.
#[derive(Clone, Debug)]
pub(crate) enum Objects {
    /// Files below this folder.
    Files(PathBuf),
    /// This bucket.
    S3(S3Location),
}

impl Stores {
    /// Where the objects are.
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
        // Elsewhere these mean a database in memory, and options; here they would be names of files.
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
    fn a_storage_url_names_a_path_or_the_setting_is_blamed() {
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
    fn a_bridge_has_a_url_and_a_secret_or_the_setting_is_blamed() {
        let place = |url: &str, secret: Option<&str>| {
            let (database_url, bridge_secret) = (Some(url.to_owned()), secret.map(str::to_owned));
            let folder = Folder { data_dir: "data".into() };
            Database { folder, database_url, bridge_secret, caller_share: CallerShare::DEFAULT }.place()
        };
        let secret = Some("0123456789abcdef0123456789abcdef");
        assert!(matches!(place("d1+https://a", secret), Ok(DatabasePlace::Bridge(..))));
        assert!(matches!(place("sqlite:a.db", secret), Ok(DatabasePlace::File(_))));
        for (url, secret, blamed) in [
            ("d1+https://a", None, "--bridge-secret (RETICLE_BRIDGE_SECRET)"),
            ("d1+https://a", Some("short"), "--bridge-secret (RETICLE_BRIDGE_SECRET)"),
            ("d1+http://a", secret, "--database-url"),
            ("d1+ftp://a", secret, "--database-url"),
        ] {
            let refused = place(url, secret).map(drop).unwrap_err();
            assert!(refused.to_string().starts_with(blamed), "{url}: {refused}");
        }
    }
}
