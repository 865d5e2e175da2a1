//! The secrets of a Reticle on a developer's machine: those of the environment, else those kept in the state folder.

use std::{
    fs,
    io::{Read as _, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::Path,
    time::{Duration, SystemTime},
};

use anyhow::Context as _;
use identity::{Grant, Secret, UserId};
use storage::Timestamp;

/// How long the token in the greeting holds.
const TOKEN_TTL: Duration = Duration::from_secs(24 * 60 * 60);

/// Twice as long in hex digits, which are what is used.
const BYTES: usize = 32;

/// The secret of the D1 bridge.
pub(super) const BRIDGE: &str = "RETICLE_BRIDGE_SECRET";

/// What Workers are given.
pub(super) struct Secrets {
    pub(super) jwt_secret: String,
    pub(super) url_key: String,
}

impl Secrets {
    /// Reads them; makes those that are neither in the environment nor in `folder`.
    pub(super) fn load(folder: &Path) -> anyhow::Result<Self> {
        Ok(Self {
            jwt_secret: secret("RETICLE_JWT_SECRET", folder, "jwt-secret")?,
            url_key: secret("RETICLE_URL_KEY", folder, "url-key")?,
        })
    }
}

impl Secrets {
    /// A token for a day.
    pub(super) fn token(&self) -> anyhow::Result<String> {
        let secret = Secret::new(self.jwt_secret.as_bytes()).context("RETICLE_JWT_SECRET")?;
        let subject = UserId::parse("you")?;
        let grant = Grant { subject: &subject, scope: None, ttl: TOKEN_TTL, issuer: None, audience: None };
        Ok(identity::mint(&secret, &grant, now()?))
    }
}

/// That of the D1 bridge, by the same rule.
pub(super) fn bridge(folder: &Path) -> anyhow::Result<String> {
    secret(BRIDGE, folder, "bridge-secret")
}

#[expect(clippy::disallowed_methods, reason = "a task is its own host")]
fn now() -> anyhow::Result<Timestamp> {
    let since_1970 = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?;
    Ok(Timestamp::from_millis(i64::try_from(since_1970.as_millis())?))
}

#[expect(clippy::disallowed_methods, reason = "a task reads its own environment, once")]
fn secret(variable: &str, folder: &Path, name: &str) -> anyhow::Result<String> {
    let path = folder.join(name);
    match std::env::var(variable) {
        Ok(secret) => Ok(secret),
        Err(_) => kept(folder, &path).with_context(|| format!("{}", path.display())),
    }
}

fn kept(folder: &Path, path: &Path) -> anyhow::Result<String> {
    fs::create_dir_all(folder)?;
    if path.exists() {
        return Ok(fs::read_to_string(path)?);
    }
    let mut random = [0; BYTES];
    fs::File::open("/dev/urandom")?.read_exact(&mut random)?;
    let text: String = random.iter().map(|byte| format!("{byte:02x}")).collect();
    let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(text.as_bytes())?;
    Ok(text)
}
