//! Creates a direct upload, with the signed request by which a client sends its bytes.

use std::time::Duration;

use runtime::{Clock as _, Timestamp};
use storage::{BOOKMARK_HEADER, Bookmark, ObjectStore, PutOptions, SignedRequest};

use super::{Declaration, DirectUpload};
use crate::{
    ImagesService,
    call::Call,
    error::Result,
    host::Host,
    image::ImageId,
    repo,
    signed_url::{Gateway, Permit},
};

/// How long the request is valid.
const TTL_SECONDS: u32 = 3600;

impl<H: Host> ImagesService<H> {
    /// Creates an upload of the caller. Returns its id, and the request that sends its bytes.
    pub(crate) async fn create_direct(
        &self,
        call: &Call<'_, H>,
        declaration: Declaration,
        gateway: &Gateway<'_>,
    ) -> Result<(ImageId, SignedRequest)> {
        let now = self.ports.clock.now();
        let id = ImageId::generate(now, &self.ports.entropy);
        let owner = call.caller.user_id().clone();
        let upload = DirectUpload { id, owner, created_at: now, declaration };
        repo::uploads::insert(&call.session, &upload).await?;
        let bookmark = call.session.bookmark();
        Ok((id, request(&self.ports.objects, gateway, &upload, (now, bookmark)).await?))
    }
}

/// A request to the object store if it can sign requests, else a request to the gateway. The latter carries `bookmark`, so
/// that it reads the upload that was just written.
async fn request(
    objects: &impl ObjectStore,
    gateway: &Gateway<'_>,
    upload: &DirectUpload,
    (now, bookmark): (Timestamp, Option<Bookmark>),
) -> Result<SignedRequest> {
    let declaration = &upload.declaration;
    let content_type = declaration.format.media_type().to_owned();
    let size = declaration.size_bytes.try_into().ok();
    let options = PutOptions { size, content_type: content_type.clone() };
    let ttl = Duration::from_secs(TTL_SECONDS.into());
    if let Some(signed) = objects.sign_put(&upload.key(), options, ttl).await? {
        return Ok(signed);
    }
    let seconds = now.as_seconds() + i64::from(TTL_SECONDS);
    let bookmark = bookmark.map(|bookmark| (BOOKMARK_HEADER.to_owned(), bookmark.as_str().to_owned()));
    Ok(SignedRequest {
        method: http::Method::PUT,
        url: gateway.url(&Permit::store(upload.id), seconds),
        headers: [("content-type".to_owned(), content_type)].into_iter().chain(bookmark).collect(),
        expires_at: Timestamp::from_millis(seconds * 1000),
    })
}
