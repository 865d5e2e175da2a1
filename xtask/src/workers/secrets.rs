//! The secrets of Workers: from the environment, or else from a state folder with one file for each secret.

use std::{
    fs,
    io::{self, Read as _, Write as _},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use anyhow::{Context as _, ensure};
use identity::{Grant, MIN_SECRET_BYTES, Secret, UserId};
use runtime::Timestamp;

/// The variable of the secret that signs tokens. All Workers have the same value.
pub(super) const JWT_SECRET: &str = "RETICLE_JWT_SECRET";

/// The variable of the key that signs URLs.
pub(super) const URL_KEY: &str = "RETICLE_URL_KEY";

/// The variable of the secret that callers of the D1 bridge send.
pub(super) const BRIDGE: &str = "RETICLE_BRIDGE_SECRET";

/// How long a token in a greeting is valid.
const TOKEN_TTL: Duration = Duration::from_secs(24 * 60 * 60);

/// The random bytes of a new secret, which is written as twice as many hex digits.
const BYTES: usize = 32;

/// The secrets of one state folder. The name of a secret is the variable from which Workers read it.
pub(super) struct Secrets<'a> {
    folder: &'a Path,
}

impl<'a> Secrets<'a> {
    pub(super) const fn of(folder: &'a Path) -> Self {
        Self { folder }
    }

    /// The secret from the environment, or else from the folder.
    ///
    /// # Errors
    /// It is too short. An empty variable counts as too short, not as absent: a job whose secret is missing must not create
    /// another one.
    pub(super) fn find(&self, variable: &str) -> anyhow::Result<Option<String>> {
        self.choose(variable, in_environment(variable))
    }

    fn choose(&self, variable: &str, in_environment: Option<String>) -> anyhow::Result<Option<String>> {
        match in_environment {
            Some(secret) => require_length(secret, variable).map(Some),
            None => self.kept(variable),
        }
    }

    fn kept(&self, variable: &str) -> anyhow::Result<Option<String>> {
        let path = self.file(variable);
        match fs::read_to_string(&path) {
            Ok(secret) => require_length(secret, &path.display().to_string()).map(Some),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error).with_context(|| format!("cannot read {}", path.display())),
        }
    }

    /// Creates a new secret and stores it in the folder, readable by the file's owner only.
    pub(super) fn create(&self, variable: &str) -> anyhow::Result<String> {
        let mut random = [0; BYTES];
        fs::File::open("/dev/urandom")?.read_exact(&mut random)?;
        let secret: String = random.iter().map(|byte| format!("{byte:02x}")).collect();
        write_private(&self.file(variable), &secret)?;
        Ok(secret)
    }

    /// The existing secret, or a new one.
    pub(super) fn find_or_make(&self, variable: &str) -> anyhow::Result<String> {
        self.find(variable)?.map_or_else(|| self.create(variable), Ok)
    }

    /// The file of a secret: `jwt-secret` for `RETICLE_JWT_SECRET`.
    fn file(&self, variable: &str) -> PathBuf {
        let name = variable.strip_prefix("RETICLE_").unwrap_or(variable);
        self.folder.join(name.to_lowercase().replace('_', "-"))
    }
}

/// Returns the secret, unless it is shorter than the services accept. `source` is its variable or its file.
fn require_length(secret: String, source: &str) -> anyhow::Result<String> {
    let length = secret.len();
    ensure!(
        length >= MIN_SECRET_BYTES,
        "{source}: the secret has {length} bytes; it must have at least {MIN_SECRET_BYTES}"
    );
    Ok(secret)
}

/// The value of a variable of the environment.
#[expect(clippy::disallowed_methods, reason = "a task reads its own environment, once")]
pub(super) fn in_environment(variable: &str) -> Option<String> {
    std::env::var(variable).ok()
}

/// Writes a file atomically, readable by its owner only.
pub(super) fn write_private(path: &Path, text: &str) -> anyhow::Result<()> {
    let write = || {
        let folder = path.parent().unwrap_or(Path::new("."));
        fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        let new = path.with_extension("new");
        let mut file =
            fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&new)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        fs::rename(new, path)
    };
    write().with_context(|| format!("cannot write {}", path.display()))
}

/// A token that is valid for a day, for Workers with this secret, issuer and audience.
pub(super) fn token(
    jwt_secret: &str,
    issuer: Option<&str>,
    audience: Option<&str>,
) -> anyhow::Result<String> {
    let secret = Secret::new(jwt_secret.as_bytes()).context(JWT_SECRET)?;
    let subject = UserId::parse("you")?;
    let grant = Grant { subject: &subject, scope: None, ttl: TOKEN_TTL, issuer, audience };
    Ok(identity::mint(&secret, &grant, now()?))
}

#[expect(clippy::disallowed_methods, reason = "a task is its own host")]
fn now() -> anyhow::Result<Timestamp> {
    let since_1970 = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?;
    Ok(Timestamp::from_millis(i64::try_from(since_1970.as_millis())?))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Given a secret in the folder, when the environment has one that is empty or too short, then it is rejected by the name
    /// of its variable; one that is long enough is used.
    #[test]
    fn a_short_secret_in_the_environment_is_rejected() {
        let folder = tempfile::tempdir().unwrap();
        let secrets = Secrets::of(folder.path());
        let kept = secrets.create(URL_KEY).unwrap();
        for short in ["", &"s".repeat(MIN_SECRET_BYTES - 1)] {
            let error = secrets.choose(URL_KEY, Some(short.to_owned())).unwrap_err().to_string();
            let length = short.len();
            assert_eq!(
                error,
                format!("RETICLE_URL_KEY: the secret has {length} bytes; it must have at least 32")
            );
        }
        let long = "s".repeat(MIN_SECRET_BYTES);
        assert_eq!(secrets.choose(URL_KEY, Some(long.clone())).unwrap(), Some(long));
        assert_eq!(secrets.choose(URL_KEY, None).unwrap(), Some(kept));
    }

    #[test]
    fn a_short_secret_in_the_folder_is_rejected_by_its_file() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("url-key"), "short").unwrap();
        let error = Secrets::of(folder.path()).choose(URL_KEY, None).unwrap_err().to_string();
        assert!(error.contains("/url-key: the secret has 5 bytes"), "{error}");
        assert_eq!(Secrets::of(folder.path()).choose(JWT_SECRET, None).unwrap(), None);
    }
}
