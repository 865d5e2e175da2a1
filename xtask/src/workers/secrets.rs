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

/// What Workers are given.
pub(super) struct Secrets {
    pub(super) jwt_secret: String,
    pub(super) url_key: String,
}

impl Secrets {
    /// Reads them; makes those that are neither in the environment nor in `folder`.
    pub(super) fn load(folder: &Path) -> anyhow::Result<Self> {
        fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
        Ok(Self {
            jwt_secret: secret("RETICLE_JWT_SECRET", &folder.join("jwt-secret"))?,
            url_key: secret("RETICLE_URL_KEY", &folder.join("url-key"))?,
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

#[expect(clippy::disallowed_methods, reason = "a task is its own host")]
fn now() -> anyhow::Result<Timestamp> {
    let since_1970 = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?;
    Ok(Timestamp::from_millis(i64::try_from(since_1970.as_millis())?))
}

#[expect(clippy::disallowed_methods, reason = "a task reads its own environment, once")]
fn secret(variable: &str, path: &Path) -> anyhow::Result<String> {
    match std::env::var(variable) {
        Ok(secret) => Ok(secret),
        Err(_) => kept(path).with_context(|| format!("{}", path.display())),
    }
}

fn kept(path: &Path) -> anyhow::Result<String> {
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
