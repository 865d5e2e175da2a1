//! Signed URLs: they permit the download of one image, or the upload of one, without a token and for a limited time.

use std::time::Duration;

use aip::Violation;
use http::{HeaderMap, uri::Authority};
use identity::UrlSigner;
use runtime::{Clock as _, Timestamp};
use storage::ObjectStore;

use crate::{
    ImagesService,
    call::Call,
    error::{Error, Result},
    host::Host,
    image::{Image, ImageId},
};

/// The longest validity of a URL, and the default.
const MAX_TTL_SECONDS: i32 = 3600;

/// How long a URL is valid: 1 to 3600 seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ttl(u32);

impl Ttl {
    /// Decodes `ttl_seconds`; 0 means the longest.
    pub(crate) fn parse(seconds: i32) -> Result<Self, Violation> {
        match seconds {
            0 => Ok(Self(MAX_TTL_SECONDS.unsigned_abs())),
            1..=MAX_TTL_SECONDS => Ok(Self(seconds.unsigned_abs())),
            _ => Err(Violation::new("ttl_seconds", format!("must be 1 to {MAX_TTL_SECONDS}, or 0"))),
        }
    }
}

/// A URL and the time when it expires.
pub(crate) struct SignedUrl {
    pub(crate) url: String,
    pub(crate) expires_at: Timestamp,
}

/// What a signed URL of the gateway permits: one method on one image or upload.
pub(crate) struct Permit {
    method: &'static str,
    /// The name that is signed. It differs between an image and an upload with the same id.
    name: String,
    path: String,
}

impl Permit {
    /// Permits the download of an image.
    pub(crate) fn read(id: ImageId) -> Self {
        Self { method: "GET", name: id.to_string(), path: format!("/api/images/{id}/content") }
    }

    /// The unique name of the image or upload.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Permits sending the bytes of an upload.
    pub(crate) fn store(id: ImageId) -> Self {
        let path = format!("/api/images/uploads/{id}/content");
        Self { method: "PUT", name: format!("uploads/{id}"), path }
    }
}

/// Makes signed URLs of the gateway.
pub(crate) struct Gateway<'a> {
    signer: &'a UrlSigner,
    base: String,
}

impl<'a> Gateway<'a> {
    /// Uses the configured base URL; else the one in the `x-forwarded-*` headers, by which the client called the gateway; else
    /// none, so that URLs are relative.
    pub(crate) fn new(signer: &'a UrlSigner, configured: Option<&str>, headers: &HeaderMap) -> Self {
        let base = configured.map(|base| base.trim_end_matches('/').to_owned());
        Self { signer, base: base.or_else(|| forwarded(headers)).unwrap_or_default() }
    }

    /// Makes the URL for `permit`, valid until `expires_at` (seconds since 1970).
    pub(crate) fn url(&self, permit: &Permit, expires_at: i64) -> String {
        let signature = self.signer.sign(permit.method, &permit.name, expires_at);
        format!("{}{}?expires_at={expires_at}&signature={signature}", self.base, permit.path)
    }
}

impl<H: Host> ImagesService<H> {
    /// The gateway through which a request came, for the URLs in its response.
    pub(crate) fn gateway(&self, headers: &HeaderMap) -> Gateway<'_> {
        Gateway::new(&self.signer, self.settings.public_url.as_deref(), headers)
    }

    /// Makes a download URL for the image.
    pub(crate) async fn sign(
        &self,
        call: &Call<'_, H>,
        id: ImageId,
        ttl: Ttl,
        gateway: &Gateway<'_>,
    ) -> Result<SignedUrl> {
        let image = self.get(call, id).await?;
        sign(&self.ports.objects, gateway, &image, (ttl, self.ports.clock.now())).await
    }
}

/// Makes a download URL: of the object store if it can sign requests, else of the gateway.
async fn sign(
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
    // An authority may contain a user name, which could make the link look like one to another host.
    let authority: Authority = host.parse().ok()?;
    let plain =
        host.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b':' | b'[' | b']'));
    (plain && !authority.host().is_empty()).then(|| format!("{scheme}://{authority}"))
}

/// The expiry time and the signature that a request carries from a signed URL.
pub(crate) struct Ticket {
    expires_at: i64,
    signature: String,
}

impl Ticket {
    /// Makes a ticket from these request fields; `None` if there is no signature.
    pub(crate) fn new(expires_at: i64, signature: String) -> Option<Self> {
        (!signature.is_empty()).then_some(Self { expires_at, signature })
    }

    /// Checks that the ticket is valid for `permit` at `now`.
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
