//! Whom an image belongs to: asked of the images service once, and remembered.
//!
//! An owner never changes, so what is remembered never becomes wrong. Whether the image is visible does change: that is
//! no part of this cache, but a condition of every statement of `repo`, so that a deleted image is hidden at once,
//! whichever process deleted it.

use std::{
    collections::{BTreeMap, BTreeSet},
    num::NonZeroUsize,
    sync::{Mutex, PoisonError},
};

use lru::LruCache;
use proto::images::v1::{self as pb, images_service_client::ImagesServiceClient};
use tonic::{Request, Response, Status, body::Body, client::GrpcService, codegen::StdError};

use crate::{
    annotation::ImageId,
    call::Call,
    error::{Error, Result},
};

/// How many images' owners are remembered: those asked for last. About 3 MB.
const REMEMBERED_IMAGES: NonZeroUsize = NonZeroUsize::new(16_384).unwrap();

/// The most images that `BatchGetImages` takes.
const ASKED_AT_ONCE: usize = 500;

/// The images service, wherever it runs: an HTTP/2 channel, the server in the same process, gRPC-web over `fetch`.
/// Implemented by every gRPC client transport; implement nothing yourself.
pub trait ImagesBackend: Clone + Send + Sync + 'static {
    /// Calls `ImagesService.BatchGetImages`.
    fn batch_get_images(
        &self,
        request: Request<pb::BatchGetImagesRequest>,
    ) -> impl Future<Output = Result<Response<pb::BatchGetImagesResponse>, Status>> + Send;
}

impl<T> ImagesBackend for T
where
    T: GrpcService<Body> + Clone + Send + Sync + 'static,
    T::Error: Into<StdError>,
    T::Future: Send,
    T::ResponseBody: http_body::Body<Data = bytes::Bytes> + Send + 'static,
    <T::ResponseBody as http_body::Body>::Error: Into<StdError> + Send,
{
    async fn batch_get_images(
        &self,
        request: Request<pb::BatchGetImagesRequest>,
    ) -> Result<Response<pb::BatchGetImagesResponse>, Status> {
        ImagesServiceClient::new(self.clone()).batch_get_images(request).await
    }
}

/// Knows which images belong to a caller.
#[derive(Debug)]
pub(crate) struct Owners<I> {
    images: I,
    remembered: Mutex<LruCache<ImageId, String>>,
}

impl<I: ImagesBackend> Owners<I> {
    pub(crate) fn new(images: I) -> Self {
        Self { images, remembered: Mutex::new(LruCache::new(REMEMBERED_IMAGES)) }
    }

    /// Which of `images` belong to the caller, or are open to it by its scopes; some may be deleted by now. Asks the images
    /// service only for those not remembered, many at once.
    pub(crate) async fn accessible<D: storage::Database>(
        &self,
        call: &Call<'_, D>,
        images: &BTreeSet<ImageId>,
    ) -> Result<BTreeSet<ImageId>> {
        let mut owners = self.recall(images);
        let unknown: Vec<_> = images.iter().copied().filter(|image| !owners.contains_key(image)).collect();
        for some in unknown.chunks(ASKED_AT_ONCE) {
            owners.extend(self.ask(call, some).await?);
        }
        let seen = owners.into_iter().filter(|(_, owner)| call.caller.sees(owner));
        Ok(seen.map(|(image, _)| image).collect())
    }

    /// Forgets what is remembered of `images`, so that the images service is asked which of them exist.
    pub(crate) fn forget(&self, images: &[ImageId]) {
        let mut remembered = self.remembered.lock().unwrap_or_else(PoisonError::into_inner);
        for image in images {
            remembered.pop(image);
        }
    }

    fn recall(&self, images: &BTreeSet<ImageId>) -> BTreeMap<ImageId, String> {
        let mut remembered = self.remembered.lock().unwrap_or_else(PoisonError::into_inner);
        images.iter().filter_map(|image| Some((*image, remembered.get(image)?.clone()))).collect()
    }

    /// Images that do not exist for the caller are not in the answer, and are not remembered: they may be uploaded, or
    /// exist for the next one who asks.
    async fn ask<D: storage::Database>(
        &self,
        call: &Call<'_, D>,
        images: &[ImageId],
    ) -> Result<Vec<(ImageId, String)>> {
        let image_ids = images.iter().map(ToString::to_string).collect();
        let request = call.forward(pb::BatchGetImagesRequest { image_ids });
        let answer = self.images.batch_get_images(request).await.map_err(Error::Images)?.into_inner();
        let owners: Vec<_> = answer.images.into_iter().filter_map(owner_of).collect();
        let mut remembered = self.remembered.lock().unwrap_or_else(PoisonError::into_inner);
        for (image, user_id) in &owners {
            remembered.put(*image, user_id.clone());
        }
        Ok(owners)
    }
}

fn owner_of(image: pb::Image) -> Option<(ImageId, String)> {
    let id = ImageId::parse("id", &image.id).ok()?;
    (image.deleted_at.is_none()).then_some((id, image.uploaded_by))
}
