//! A cache of the owners of images, filled from the images service.
//!
//! The owner of an image never changes, so a cached owner is never wrong. Whether the image is visible can change. That is not
//! cached: it is a condition of every statement of `repo`, so that a deleted image is hidden at once, whichever process
//! deleted it.

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
    host::Host,
};

/// The size of the cache, in images: those used last. About 3 MB.
const MAX_CACHED: NonZeroUsize = NonZeroUsize::new(16_384).unwrap();

/// The maximum number of images of one `BatchGetImages` request.
const MAX_BATCH: usize = 500;

/// A transport to the images service: an HTTP/2 channel, the server in the same process, gRPC-web over `fetch`.
/// Every gRPC client transport implements it; there is no need to implement it by hand.
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

/// Finds out which images a caller may access.
#[derive(Debug)]
pub(crate) struct Owners<I> {
    images: I,
    cache: Mutex<LruCache<ImageId, String>>,
}

impl<I: ImagesBackend> Owners<I> {
    pub(crate) fn new(images: I) -> Self {
        Self { images, cache: Mutex::new(LruCache::new(MAX_CACHED)) }
    }

    /// Returns those of `images` that belong to the caller, or that its scopes let it access. Some of them may be deleted by
    /// now. Only owners that are not cached are requested from the images service, in batches.
    pub(crate) async fn accessible<H: Host<Images = I>>(
        &self,
        call: &Call<'_, H>,
        images: &BTreeSet<ImageId>,
    ) -> Result<BTreeSet<ImageId>> {
        let mut owners = self.cached(images);
        let unknown: Vec<_> = images.iter().copied().filter(|image| !owners.contains_key(image)).collect();
        for some in unknown.chunks(MAX_BATCH) {
            owners.extend(self.request(call, some).await?);
        }
        let accessible = owners.into_iter().filter(|(_, owner)| call.caller.can_access(owner));
        Ok(accessible.map(|(image, _)| image).collect())
    }

    /// Removes `images` from the cache, so that the images service is asked again which of them exist.
    pub(crate) fn forget(&self, images: &[ImageId]) {
        let mut cache = self.cache.lock().unwrap_or_else(PoisonError::into_inner);
        for image in images {
            cache.pop(image);
        }
    }

    fn cached(&self, images: &BTreeSet<ImageId>) -> BTreeMap<ImageId, String> {
        let mut cache = self.cache.lock().unwrap_or_else(PoisonError::into_inner);
        images.iter().filter_map(|image| Some((*image, cache.get(image)?.clone()))).collect()
    }

    /// Requests owners from the images service. Images that do not exist for the caller are not in the response, and are not
    /// cached: they may be uploaded later, or exist for the next caller.
    async fn request<H: Host<Images = I>>(
        &self,
        call: &Call<'_, H>,
        images: &[ImageId],
    ) -> Result<Vec<(ImageId, String)>> {
        let image_ids = images.iter().map(ToString::to_string).collect();
        let request = call.forward(pb::BatchGetImagesRequest { image_ids });
        let response = self.images.batch_get_images(request).await.map_err(Error::Images)?.into_inner();
        let owners: Vec<_> = response.images.into_iter().filter_map(owner_of).collect();
        let mut cache = self.cache.lock().unwrap_or_else(PoisonError::into_inner);
        for (image, user_id) in &owners {
            cache.put(*image, user_id.clone());
        }
        Ok(owners)
    }
}

fn owner_of(image: pb::Image) -> Option<(ImageId, String)> {
    let id = ImageId::parse("id", &image.id).ok()?;
    (image.deleted_at.is_none()).then_some((id, image.uploaded_by))
}
