//! An images service that serves `BatchGetImages` from a table, and fails if a test makes it fail.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use proto::images::v1::{self as pb, images_service_server::ImagesService};
use tonic::{Request, Response, Status, metadata::MetadataMap};

/// A fake of the images service. Clones share its table.
#[derive(Clone, Default)]
pub(crate) struct Images(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    owners: BTreeMap<String, String>,
    failure: Option<Status>,
    requests: Vec<(Vec<String>, MetadataMap)>,
}

impl Images {
    pub(crate) fn put(&self, id: &str, owner: &str) {
        self.0.lock().unwrap().owners.insert(id.to_owned(), owner.to_owned());
    }

    pub(crate) fn delete(&self, id: &str) {
        self.0.lock().unwrap().owners.remove(id);
    }

    /// Fails every request with `failure` from now on; `None` ends this.
    pub(crate) fn fail(&self, failure: Option<Status>) {
        self.0.lock().unwrap().failure = failure;
    }

    /// The ids and the metadata of every request so far.
    pub(crate) fn requests(&self) -> Vec<(Vec<String>, MetadataMap)> {
        self.0.lock().unwrap().requests.clone()
    }
}

/// The token of a user in these tests is its name, followed by `+any` if it may access the images of all users.
fn sees(metadata: &MetadataMap, owner: &str) -> bool {
    let token = metadata.get("authorization").unwrap().to_str().unwrap();
    token == format!("Bearer {owner}") || token.ends_with("+any")
}

#[tonic::async_trait]
impl ImagesService for Images {
    type DownloadImageStream = tonic::codegen::BoxStream<pb::DownloadImageResponse>;

    async fn batch_get_images(
        &self,
        request: Request<pb::BatchGetImagesRequest>,
    ) -> Result<Response<pb::BatchGetImagesResponse>, Status> {
        let (metadata, _, message) = request.into_parts();
        let mut state = self.0.lock().unwrap();
        state.requests.push((message.image_ids.clone(), metadata.clone()));
        if let Some(failure) = &state.failure {
            return Err(failure.clone());
        }
        let visible = |id: &String| {
            let owner = state.owners.get(id).filter(|owner| sees(&metadata, owner))?;
            Some(pb::Image { id: id.clone(), uploaded_by: owner.clone(), ..Default::default() })
        };
        let images = message.image_ids.iter().filter_map(visible).collect();
        Ok(Response::new(pb::BatchGetImagesResponse { images }))
    }

    async fn create_upload(
        &self,
        _: Request<pb::CreateUploadRequest>,
    ) -> Result<Response<pb::CreateUploadResponse>, Status> {
        Err(Status::unimplemented("not called by the annotations service"))
    }

    async fn put_upload(
        &self,
        _: Request<tonic::Streaming<pb::PutUploadRequest>>,
    ) -> Result<Response<pb::PutUploadResponse>, Status> {
        Err(Status::unimplemented("not called by the annotations service"))
    }

    async fn complete_upload(
        &self,
        _: Request<pb::CompleteUploadRequest>,
    ) -> Result<Response<pb::CompleteUploadResponse>, Status> {
        Err(Status::unimplemented("not called by the annotations service"))
    }

    async fn upload_image(
        &self,
        _: Request<tonic::Streaming<pb::UploadImageRequest>>,
    ) -> Result<Response<pb::UploadImageResponse>, Status> {
        Err(Status::unimplemented("not called by the annotations service"))
    }

    async fn get_image(
        &self,
        _: Request<pb::GetImageRequest>,
    ) -> Result<Response<pb::GetImageResponse>, Status> {
        Err(Status::unimplemented("not called by the annotations service"))
    }

    async fn list_images(
        &self,
        _: Request<pb::ListImagesRequest>,
    ) -> Result<Response<pb::ListImagesResponse>, Status> {
        Err(Status::unimplemented("not called by the annotations service"))
    }

    async fn update_image(
        &self,
        _: Request<pb::UpdateImageRequest>,
    ) -> Result<Response<pb::UpdateImageResponse>, Status> {
        Err(Status::unimplemented("not called by the annotations service"))
    }

    async fn delete_image(
        &self,
        _: Request<pb::DeleteImageRequest>,
    ) -> Result<Response<pb::DeleteImageResponse>, Status> {
        Err(Status::unimplemented("not called by the annotations service"))
    }

    async fn undelete_image(
        &self,
        _: Request<pb::UndeleteImageRequest>,
    ) -> Result<Response<pb::UndeleteImageResponse>, Status> {
        Err(Status::unimplemented("not called by the annotations service"))
    }

    async fn download_image(
        &self,
        _: Request<pb::DownloadImageRequest>,
    ) -> Result<Response<Self::DownloadImageStream>, Status> {
        Err(Status::unimplemented("not called by the annotations service"))
    }

    async fn sign_image_url(
        &self,
        _: Request<pb::SignImageUrlRequest>,
    ) -> Result<Response<pb::SignImageUrlResponse>, Status> {
        Err(Status::unimplemented("not called by the annotations service"))
    }
}
