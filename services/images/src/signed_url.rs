//! URLs that open one picture without a token, for a while.

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

/// The HTTP method that a signature permits.
const METHOD: &str = "GET";

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

/// A URL of the store itself where it can sign, else one of the gateway at `base`.
pub(crate) async fn sign(
    objects: &impl ObjectStore,
    signer: &UrlSigner,
    image: &Image,
    base: &str,
    (ttl, now): (Ttl, Timestamp),
) -> Result<SignedUrl> {
    if let Some(signed) = objects.sign_get(&image.key, Duration::from_secs(ttl.0.into())).await? {
        return Ok(SignedUrl { url: signed.url, expires_at: signed.expires_at });
    }
    let seconds = now.as_seconds() + i64::from(ttl.0);
    let id = image.id.to_string();
    let signature = signer.sign(METHOD, &id, seconds);
    let url = format!("{base}/api/images/{id}/content?expires_at={seconds}&signature={signature}");
    Ok(SignedUrl { url, expires_at: Timestamp::from_millis(seconds * 1000) })
}

/// What a gateway URL begins with: the configured base, else what the gateway says it was called by, else nothing, which
/// makes the URL a relative one.
pub(crate) fn base(configured: Option<&str>, headers: &HeaderMap) -> String {
    configured
        .map_or_else(|| forwarded(headers).unwrap_or_default(), |base| base.trim_end_matches('/').to_owned())
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

    /// Whether it opens `id` at `now`.
    pub(crate) fn check(&self, signer: &UrlSigner, id: ImageId, now: Timestamp) -> Result<()> {
        if signer.verify(METHOD, &id.to_string(), self.expires_at, &self.signature, now) {
            Ok(())
        } else if self.expires_at <= now.as_seconds() {
            Err(Error::ExpiredSignature)
        } else {
            Err(Error::WrongSignature)
        }
    }
}
