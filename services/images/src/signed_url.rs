//! URLs that open one picture, or store one, without a token, for a while.

use std::time::Duration;

use aip::Violation;
use http::{HeaderMap, uri::Authority};
use identity::UrlSigner;
use storage::{ObjectStore, Timestamp};

use crate::{
    error::{Error, Result},
    image::{Image, ImageId},
};

/// How long a URL holds at most, and where the caller does not say.
const MAX_TTL_SECONDS: i32 = 3600;

/// How long a URL is to hold: 1 to 3600 seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ttl(u32);

impl Ttl {
    /// The time that `ttl_seconds` asks for; 0 asks for the longest.
    pub(crate) fn parse(seconds: i32) -> Result<Self, Violation> {
        match seconds {
            0 => Ok(Self(MAX_TTL_SECONDS.unsigned_abs())),
            1..=MAX_TTL_SECONDS => Ok(Self(seconds.unsigned_abs())),
            _ => Err(Violation::new("ttl_seconds", format!("must be 1 to {MAX_TTL_SECONDS}, or 0"))),
        }
    }
}

/// A URL and the moment it stops to hold.
pub(crate) struct SignedUrl {
    pub(crate) url: String,
    pub(crate) expires_at: Timestamp,
}

/// What a URL of the gateway permits: one method on one thing.
pub(crate) struct Permit {
    method: &'static str,
    /// What is signed for, apart from anything else that has the same id.
    name: String,
    path: String,
}

impl Permit {
    /// To read an image.
    pub(crate) fn read(id: ImageId) -> Self {
        Self { method: "GET", name: id.to_string(), path: format!("/api/images/{id}/content") }
    }

    /// What it permits to read or store, as distinct as the thing itself.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// To send the bytes of an upload.
    pub(crate) fn store(id: ImageId) -> Self {
        let path = format!("/api/images/uploads/{id}/content");
        Self { method: "PUT", name: format!("uploads/{id}"), path }
    }
}

/// The gateway, as a URL names it, and who signs for it.
pub(crate) struct Gateway<'a> {
    signer: &'a UrlSigner,
    base: String,
}

impl<'a> Gateway<'a> {
    /// The gateway at the configured base; else at the one that it says it was called by; else nowhere in particular,
    /// which makes URLs relative ones.
    pub(crate) fn new(signer: &'a UrlSigner, configured: Option<&str>, headers: &HeaderMap) -> Self {
        let base = configured.map(|base| base.trim_end_matches('/').to_owned());
        Self { signer, base: base.or_else(|| forwarded(headers)).unwrap_or_default() }
    }

    /// The URL of what `permit` permits until `expires_at`, in seconds since 1970.
    pub(crate) fn url(&self, permit: &Permit, expires_at: i64) -> String {
        let signature = self.signer.sign(permit.method, &permit.name, expires_at);
        format!("{}{}?expires_at={expires_at}&signature={signature}", self.base, permit.path)
    }
}

/// A URL of the store itself where it can sign, else one of the gateway.
pub(crate) async fn sign(
    objects: &impl ObjectStore,
    gateway: &Gateway<'_>,
    image: &Image,
    (ttl, now): (Ttl, Timestamp),
) -> Result<SignedUrl> {
    if let Some(signed) = objects.sign_get(&image.key, Duration::from_secs(ttl.0.into())).await? {
        return Ok(SignedUrl { url: signed.url, expires_at: signed.expires_at });
    }
    let seconds = now.as_seconds() + i64::from(ttl.0);
    let url = gateway.url(&Permit::read(image.id), seconds);
    Ok(SignedUrl { url, expires_at: Timestamp::from_millis(seconds * 1000) })
}

fn forwarded(headers: &HeaderMap) -> Option<String> {
    let header = |name| headers.get(name)?.to_str().ok();
    let scheme = header("x-forwarded-proto").filter(|scheme| matches!(*scheme, "http" | "https"))?;
    let host = header("x-forwarded-host")?;
    // An authority may hold a user's name, which would turn the link into one to another host in the reader's eyes.
    let authority: Authority = host.parse().ok()?;
    let plain =
        host.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b':' | b'[' | b']'));
    (plain && !authority.host().is_empty()).then(|| format!("{scheme}://{authority}"))
}

/// The permission that a request carries in itself.
pub(crate) struct Ticket {
    expires_at: i64,
    signature: String,
}

impl Ticket {
    /// The ticket that these fields are; `None` if there is no signature.
    pub(crate) fn new(expires_at: i64, signature: String) -> Option<Self> {
        (!signature.is_empty()).then_some(Self { expires_at, signature })
    }

    /// Whether it is good for `permit` at `now`.
    pub(crate) fn check(&self, signer: &UrlSigner, permit: &Permit, now: Timestamp) -> Result<()> {
        if signer.verify(permit.method, &permit.name, self.expires_at, &self.signature, now) {
            Ok(())
        } else if self.expires_at <= now.as_seconds() {
            Err(Error::ExpiredSignature)
        } else {
            Err(Error::WrongSignature)
        }
    }
}
