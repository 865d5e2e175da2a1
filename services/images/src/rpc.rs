//! The RPCs. Each decodes its request into domain types, calls the service, and encodes the response.

mod batch;
mod list;
mod update;

use std::pin::Pin;

use aip::Etag;
use futures_util::{Stream, StreamExt as _};
use identity::Scope;
use proto::images::v1::{self as pb, images_service_server::ImagesService as Rpc};
use runtime::Clock as _;
use storage::Session;
use tonic::{Request, Response, Status, Streaming};

use crate::{
    ImagesService,
    call::{Call, respond},
    direct::Declaration,
    download::DownloadOptions,
    error::Error,
    host::Host,
    image::ImageId,
    signed_url::{Ticket, Ttl},
    upload::Incoming,
};

use update::Update;

#[tonic::async_trait]
impl<H: Host> Rpc for ImagesService<H> {
    async fn upload_image(
        &self,
        request: Request<Streaming<pb::UploadImageRequest>>,
    ) -> Result<Response<pb::UploadImageResponse>, Status> {
        let (metadata, extensions, messages) = request.into_parts();
        let call = Call::begin(&self.ports.database, &metadata, &extensions, Scope::ImagesWrite)?;
        let image = self.upload(&call, Incoming::new(messages)).await?;
        Ok(call.respond(pb::UploadImageResponse { image: Some(image.into()) }))
    }

    async fn create_upload(
        &self,
        request: Request<pb::CreateUploadRequest>,
    ) -> Result<Response<pb::CreateUploadResponse>, Status> {
        let (metadata, extensions, message) = request.into_parts();
        let call = Call::begin(&self.ports.database, &metadata, &extensions, Scope::ImagesWrite)?;
        let declaration = Declaration::parse(message, self.settings.max_upload_bytes).map_err(Error::from)?;
        let (id, signed) = self.create_direct(&call, declaration, &self.gateway(metadata.as_ref())).await?;
        let upload = pb::Upload {
            id: id.to_string(),
            url: signed.url,
            method: signed.method.to_string(),
            headers: signed.headers.into_iter().collect(),
            expires_at: Some(aip::to_proto(signed.expires_at)),
        };
        Ok(call.respond(pb::CreateUploadResponse { upload: Some(upload) }))
    }

    async fn put_upload(
        &self,
        request: Request<Streaming<pb::PutUploadRequest>>,
    ) -> Result<Response<pb::PutUploadResponse>, Status> {
        let (metadata, _, messages) = request.into_parts();
        let session = Session::resume(&self.ports.database, metadata.as_ref());
        self.receive_direct(&session, Incoming::new(messages)).await?;
        Ok(respond(&session, pb::PutUploadResponse {}))
    }

    async fn complete_upload(
        &self,
        request: Request<pb::CompleteUploadRequest>,
    ) -> Result<Response<pb::CompleteUploadResponse>, Status> {
        let (metadata, extensions, message) = request.into_parts();
        let call = Call::begin(&self.ports.database, &metadata, &extensions, Scope::ImagesWrite)?;
        let id = ImageId::parse("upload_id", &message.upload_id).map_err(Error::from)?;
        let image = self.complete_direct(&call, id).await?;
        Ok(call.respond(pb::CompleteUploadResponse { image: Some(image.into()) }))
    }

    type DownloadImageStream =
        Pin<Box<dyn Stream<Item = Result<pb::DownloadImageResponse, Status>> + Send + 'static>>;

    async fn download_image(
        &self,
        request: Request<pb::DownloadImageRequest>,
    ) -> Result<Response<Self::DownloadImageStream>, Status> {
        let (metadata, extensions, mut message) = request.into_parts();
        let id = ImageId::parse("image_id", &message.image_id).map_err(Error::from)?;
        let ticket = Ticket::new(message.expires_at, std::mem::take(&mut message.signature));
        let reader = self.reader(&extensions, ticket.as_ref(), id)?;
        let options = DownloadOptions::try_from(message).map_err(Error::from)?;
        let session = Session::resume(&self.ports.database, metadata.as_ref());
        let messages = self.download(&session, reader, id, &options).await?;
        Ok(respond(&session, messages.map(|message| message.map_err(Status::from)).boxed()))
    }

    async fn sign_image_url(
        &self,
        request: Request<pb::SignImageUrlRequest>,
    ) -> Result<Response<pb::SignImageUrlResponse>, Status> {
        let (metadata, extensions, message) = request.into_parts();
        let call = Call::begin(&self.ports.database, &metadata, &extensions, Scope::ImagesRead)?;
        let id = ImageId::parse("image_id", &message.image_id).map_err(Error::from)?;
        let ttl = Ttl::parse(message.ttl_seconds).map_err(Error::from)?;
        let signed = self.sign(&call, id, ttl, &self.gateway(metadata.as_ref())).await?;
        let expires_at = Some(aip::to_proto(signed.expires_at));
        Ok(call.respond(pb::SignImageUrlResponse { url: signed.url, expires_at }))
    }

    async fn get_image(
        &self,
        request: Request<pb::GetImageRequest>,
    ) -> Result<Response<pb::GetImageResponse>, Status> {
        let (metadata, extensions, message) = request.into_parts();
        let call = Call::begin(&self.ports.database, &metadata, &extensions, Scope::ImagesRead)?;
        let id = ImageId::parse("image_id", &message.image_id).map_err(Error::from)?;
        let image = self.get(&call, id).await?;
        Ok(call.respond(pb::GetImageResponse { image: Some(image.into()) }))
    }

    async fn list_images(
        &self,
        request: Request<pb::ListImagesRequest>,
    ) -> Result<Response<pb::ListImagesResponse>, Status> {
        let (metadata, extensions, message) = request.into_parts();
        let call = Call::begin(&self.ports.database, &metadata, &extensions, Scope::ImagesRead)?;
        let (view, now) = (call.view(), self.ports.clock.now());
        let query = list::query_text(&view, &message);
        let (filter, page) = list::decode(&message, view, (&query, &self.pages), now).map_err(Error::from)?;
        let scan = self.list(&call, &filter, page).await?;
        Ok(call.respond(list::encode(scan, (&query, &self.pages))))
    }

    async fn batch_get_images(
        &self,
        request: Request<pb::BatchGetImagesRequest>,
    ) -> Result<Response<pb::BatchGetImagesResponse>, Status> {
        let (metadata, extensions, message) = request.into_parts();
        let caller = identity::caller_with_any(&extensions, batch::SCOPES).map_err(Error::from)?;
        let call = Call::of(caller, &self.ports.database, &metadata);
        let ids = batch::decode_ids(&message.image_ids).map_err(Error::from)?;
        let images = self.get_all(&call, &ids).await?;
        Ok(call.respond(batch::encode(images, call.caller)))
    }

    async fn update_image(
        &self,
        request: Request<pb::UpdateImageRequest>,
    ) -> Result<Response<pb::UpdateImageResponse>, Status> {
        let (metadata, extensions, message) = request.into_parts();
        let call = Call::begin(&self.ports.database, &metadata, &extensions, Scope::ImagesWrite)?;
        let Update { id, etag, change } = message.try_into().map_err(Error::from)?;
        let image = self.update(&call, id, etag, change.as_ref()).await?;
        Ok(call.respond(pb::UpdateImageResponse { image: Some(image.into()) }))
    }

    async fn delete_image(
        &self,
        request: Request<pb::DeleteImageRequest>,
    ) -> Result<Response<pb::DeleteImageResponse>, Status> {
        let (metadata, extensions, message) = request.into_parts();
        let call = Call::begin(&self.ports.database, &metadata, &extensions, Scope::ImagesWrite)?;
        let id = ImageId::parse("image_id", &message.image_id).map_err(Error::from)?;
        let image = self.delete(&call, id, Etag::parse(&message.etag)).await?;
        Ok(call.respond(pb::DeleteImageResponse { image: Some(image.into()) }))
    }

    async fn undelete_image(
        &self,
        request: Request<pb::UndeleteImageRequest>,
    ) -> Result<Response<pb::UndeleteImageResponse>, Status> {
        let (metadata, extensions, message) = request.into_parts();
        let call = Call::begin(&self.ports.database, &metadata, &extensions, Scope::ImagesWrite)?;
        let id = ImageId::parse("image_id", &message.image_id).map_err(Error::from)?;
        let image = self.undelete(&call, id).await?;
        Ok(call.respond(pb::UndeleteImageResponse { image: Some(image.into()) }))
    }
}
