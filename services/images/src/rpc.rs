//! The RPC handlers. Each decodes its request into domain types, acts, and encodes the response.

mod change;
mod direct;
mod read;
mod transfer;

use std::pin::Pin;

use futures_util::Stream;
use http::HeaderMap;
use identity::UserId;
use proto::images::v1::{self as pb, images_service_server::ImagesService as Rpc};
use runtime::{Background, Clock, Entropy};
use storage::{Database, ObjectStore, Session};
use tonic::{Request, Response, Status, Streaming};

use crate::ImagesService;

/// The database session of a request, which sees at least the state of the bookmark in `headers`.
fn resume<'a, D: Database>(database: &'a D, headers: &impl AsRef<HeaderMap>) -> Session<'a, D> {
    Session::resume(database, headers.as_ref())
}

/// Like [`resume`], for a request that writes: the database schedules writes fairly between callers.
fn resume_for<D: Database>(
    database: &D,
    caller: &UserId,
    headers: &impl AsRef<HeaderMap>,
) -> Session<'static, D> {
    Session::resume_for(database, caller.as_str(), headers.as_ref())
}

/// Makes a response that carries the bookmark of the session.
fn respond<T, D: Database>(session: &Session<'_, D>, message: T) -> Response<T> {
    let mut response = Response::new(message);
    session.write_bookmark(response.metadata_mut().as_mut());
    response
}

#[tonic::async_trait]
impl<D, O, C, E, B> Rpc for ImagesService<D, O, C, E, B>
where
    D: Database,
    O: ObjectStore,
    C: Clock,
    E: Entropy,
    B: Background,
{
    type DownloadImageStream =
        Pin<Box<dyn Stream<Item = Result<pb::DownloadImageResponse, Status>> + Send + 'static>>;

    async fn upload_image(
        &self,
        request: Request<Streaming<pb::UploadImageRequest>>,
    ) -> Result<Response<pb::UploadImageResponse>, Status> {
        Ok(self.upload(request).await?)
    }

    async fn create_upload(
        &self,
        request: Request<pb::CreateUploadRequest>,
    ) -> Result<Response<pb::CreateUploadResponse>, Status> {
        Ok(self.create_direct(request).await?)
    }

    async fn put_upload(
        &self,
        request: Request<Streaming<pb::PutUploadRequest>>,
    ) -> Result<Response<pb::PutUploadResponse>, Status> {
        Ok(self.receive_direct(request).await?)
    }

    async fn complete_upload(
        &self,
        request: Request<pb::CompleteUploadRequest>,
    ) -> Result<Response<pb::CompleteUploadResponse>, Status> {
        Ok(self.complete_direct(request).await?)
    }

    async fn download_image(
        &self,
        request: Request<pb::DownloadImageRequest>,
    ) -> Result<Response<Self::DownloadImageStream>, Status> {
        Ok(self.download(request).await?)
    }

    async fn sign_image_url(
        &self,
        request: Request<pb::SignImageUrlRequest>,
    ) -> Result<Response<pb::SignImageUrlResponse>, Status> {
        Ok(self.sign(request).await?)
    }

    async fn get_image(
        &self,
        request: Request<pb::GetImageRequest>,
    ) -> Result<Response<pb::GetImageResponse>, Status> {
        Ok(self.get(request).await?)
    }

    async fn list_images(
        &self,
        request: Request<pb::ListImagesRequest>,
    ) -> Result<Response<pb::ListImagesResponse>, Status> {
        Ok(self.list(request).await?)
    }

    async fn batch_get_images(
        &self,
        request: Request<pb::BatchGetImagesRequest>,
    ) -> Result<Response<pb::BatchGetImagesResponse>, Status> {
        Ok(self.batch_get(request).await?)
    }

    async fn update_image(
        &self,
        request: Request<pb::UpdateImageRequest>,
    ) -> Result<Response<pb::UpdateImageResponse>, Status> {
        Ok(self.update(request).await?)
    }

    async fn delete_image(
        &self,
        request: Request<pb::DeleteImageRequest>,
    ) -> Result<Response<pb::DeleteImageResponse>, Status> {
        Ok(self.delete(request).await?)
    }

    async fn undelete_image(
        &self,
        request: Request<pb::UndeleteImageRequest>,
    ) -> Result<Response<pb::UndeleteImageResponse>, Status> {
        Ok(self.undelete(request).await?)
    }
}
