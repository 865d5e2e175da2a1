//! Whom an image belongs to: asked of the images service, remembered for a few seconds.

use std::{
    collections::{BTreeMap, BTreeSet},
    num::NonZeroUsize,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use lru::LruCache;
use proto::images::v1::{self as pb, images_service_client::ImagesServiceClient};
use storage::{Clock, Instant};
use tonic::{Request, Response, Status, body::Body, client::GrpcService, codegen::StdError};

use crate::{
    annotation::ImageId,
    call::Call,
    error::{Error, Result},
};

/// How long an owner is remembered. An owner never changes, but images are deleted: this is how long their annotations
/// may still be seen.
const REMEMBERED_FOR: Duration = Duration::from_secs(5);

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

/// Answers which images exist for a caller.
#[derive(Debug)]
pub(crate) struct Owners<I, C> {
    images: I,
    clock: C,
    remembered: Mutex<LruCache<ImageId, Owner>>,
}

#[derive(Clone, Debug)]
struct Owner {
    user_id: String,
    asked_at: Instant,
}

impl<I: ImagesBackend, C: Clock> Owners<I, C> {
    pub(crate) fn new(images: I, clock: C) -> Self {
        Self { images, clock, remembered: Mutex::new(LruCache::new(REMEMBERED_IMAGES)) }
    }

    /// Which of `images` exist for the caller. Asks the images service only for those not remembered, many at once.
    pub(crate) async fn visible<D: storage::Database>(
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

    /// Forgets what is remembered of `images`, because the database knows better.
    pub(crate) fn forget(&self, images: &[ImageId]) {
        let mut remembered = self.remembered.lock().unwrap_or_else(PoisonError::into_inner);
        for image in images {
            remembered.pop(image);
        }
    }

    fn recall(&self, images: &BTreeSet<ImageId>) -> BTreeMap<ImageId, String> {
        let now = self.clock.instant();
        let mut remembered = self.remembered.lock().unwrap_or_else(PoisonError::into_inner);
        let fresh = |owner: &&Owner| now.since(owner.asked_at) < REMEMBERED_FOR;
        let mut recall =
            |image: &ImageId| remembered.get(image).filter(fresh).map(|owner| owner.user_id.clone());
        images.iter().filter_map(|image| Some((*image, recall(image)?))).collect()
    }

    /// Images that do not exist for the caller are not in the answer, and are not remembered: they may be uploaded, or
    /// exist for the next one who asks.
    async fn ask<D: storage::Database>(
        &self,
        call: &Call<'_, D>,
        images: &[ImageId],
    ) -> Result<Vec<(ImageId, String)>> {
        // Taken before asking: what is remembered is never older than it says.
        let asked_at = self.clock.instant();
        let image_ids = images.iter().map(ToString::to_string).collect();
        let request = call.forward(pb::BatchGetImagesRequest { image_ids });
        let answer = self.images.batch_get_images(request).await.map_err(Error::Images)?.into_inner();
        let owners: Vec<_> = answer.images.into_iter().filter_map(owner_of).collect();
        let mut remembered = self.remembered.lock().unwrap_or_else(PoisonError::into_inner);
        for (image, user_id) in &owners {
            remembered.put(*image, Owner { user_id: user_id.clone(), asked_at });
        }
        Ok(owners)
    }
}

fn owner_of(image: pb::Image) -> Option<(ImageId, String)> {
    let id = ImageId::parse("id", &image.id).ok()?;
    (image.deleted_at.is_none()).then_some((id, image.uploaded_by))
}
