//! RPCs that transfer bytes: upload, download, and signed URLs for downloads without a token.

use futures_util::StreamExt as _;
use http::{Extensions, HeaderMap};
use identity::{Scope, caller};
use proto::images::v1::{self as pb, images_service_server::ImagesService as Rpc};
use runtime::{Background, Clock, Entropy};
use storage::{Database, ObjectStore};
use tonic::{Request, Response, Status, Streaming};

use super::{respond, resume, resume_for};
use crate::{
    ImagesService,
    download::{self, DownloadOptions},
    error::{Error, Result},
    image::ImageId,
    repo,
    signed_url::{self, Gateway, Permit, Ticket, Ttl},
    transfers::Holder,
    upload::{Incoming, upload},
    view::View,
};

impl<D, O, C, E, B> ImagesService<D, O, C, E, B>
where
    D: Database,
    O: ObjectStore,
    C: Clock,
    E: Entropy,
    B: Background,
{
    pub(super) async fn upload(
        &self,
        request: Request<Streaming<pb::UploadImageRequest>>,
    ) -> Result<Response<pb::UploadImageResponse>> {
        let (headers, extensions, messages) = request.into_parts();
        let owner = caller(&extensions, Scope::ImagesWrite)?.user_id().clone();
        let _transfer = self.transfers.begin(Holder::from(&owner))?;
        let session = resume_for(&self.ports.database, &owner, &headers);
        let image = upload(self, &session, owner, Incoming::new(messages)).await?;
        Ok(respond(&session, pb::UploadImageResponse { image: Some(image.into()) }))
    }

    pub(super) async fn download(
        &self,
        request: Request<pb::DownloadImageRequest>,
    ) -> Result<Response<<Self as Rpc>::DownloadImageStream>> {
        let (headers, extensions, mut request) = request.into_parts();
        let id = ImageId::parse("image_id", &request.image_id)?;
        let ticket = Ticket::new(request.expires_at, std::mem::take(&mut request.signature));
        let (view, holder) = self.reader(&extensions, ticket.as_ref(), id)?;
        let options = DownloadOptions::try_from(request)?;
        let session = resume(&self.ports.database, &headers);
        let image = repo::find(&session, &view, id).await?.ok_or(Error::NotFound(id))?;
        let transfer = self.transfers.begin(holder)?;
        let messages = download::open(&self.ports.objects, image, &options).await?;
        let messages = messages.map(move |message| {
            // The stream owns the guard, so the transfer counts until the stream is dropped.
            let _ = &transfer;
            message.map_err(Status::from)
        });
        Ok(respond(&session, messages.boxed()))
    }

    pub(super) async fn sign(
        &self,
        request: Request<pb::SignImageUrlRequest>,
    ) -> Result<Response<pb::SignImageUrlResponse>> {
        let view = View::from(caller(request.extensions(), Scope::ImagesRead)?);
        let id = ImageId::parse("image_id", &request.get_ref().image_id)?;
        let ttl = Ttl::parse(request.get_ref().ttl_seconds)?;
        let gateway = self.gateway(request.metadata().as_ref());
        let session = resume(&self.ports.database, request.metadata());
        let image = repo::find(&session, &view, id).await?.ok_or(Error::NotFound(id))?;
        let validity = (ttl, self.ports.clock.now());
        let signed = signed_url::sign(&self.ports.objects, &gateway, &image, validity).await?;
        let expires_at = Some(aip::to_proto(signed.expires_at));
        Ok(respond(&session, pb::SignImageUrlResponse { url: signed.url, expires_at }))
    }

    /// The gateway through which a request came, for the URLs in its response.
    pub(super) fn gateway(&self, headers: &HeaderMap) -> Gateway<'_> {
        Gateway::new(&self.signer, self.settings.public_url.as_deref(), headers)
    }

    /// Which images a download may read, and to whose limit it counts. A valid ticket is enough. With an invalid one, the
    /// token of the caller decides.
    fn reader(
        &self,
        extensions: &Extensions,
        ticket: Option<&Ticket>,
        id: ImageId,
    ) -> Result<(View, Holder)> {
        let of_caller =
            || caller(extensions, Scope::ImagesRead).map(|caller| (caller.into(), caller.user_id().into()));
        let Some(ticket) = ticket else { return Ok(of_caller()?) };
        let permit = Permit::read(id);
        match ticket.check(&self.signer, &permit, self.ports.clock.now()) {
            Ok(()) => Ok((View::All, Holder::from(&permit))),
            Err(rejection) => of_caller().map_err(|_| rejection),
        }
    }
}
