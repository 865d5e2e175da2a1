//! The operations on records of images, in terms of domain types. Those on bytes are in `upload`, `download` and `direct`.

use aip::{Etag, Page, Scan};
use runtime::Clock as _;

use crate::{
    ImagesService,
    call::Call,
    cleanup::purge_before,
    error::{Error, Result},
    host::Host,
    image::{Image, ImageId},
    repo::{self, Change, Filter},
};

impl<H: Host> ImagesService<H> {
    /// Reads one image.
    pub(crate) async fn get(&self, call: &Call<'_, H>, id: ImageId) -> Result<Image> {
        repo::find(&call.session, &call.view(), id).await?.ok_or(Error::NotFound(id))
    }

    /// Reads those of `ids` that exist for the caller, without their metadata.
    pub(crate) async fn get_all(&self, call: &Call<'_, H>, ids: &[ImageId]) -> Result<Vec<Image>> {
        Ok(repo::find_many(&call.session, &call.view(), ids).await?)
    }

    /// Reads one page of a list.
    pub(crate) async fn list(&self, call: &Call<'_, H>, filter: &Filter, page: Page) -> Result<Scan<Image>> {
        Ok(repo::list(&call.session, filter, page).await?)
    }

    /// Changes one image; without a `change`, reads it. With an etag, only if it is the current one.
    pub(crate) async fn update(
        &self,
        call: &Call<'_, H>,
        id: ImageId,
        etag: Option<Etag>,
        change: Option<&Change>,
    ) -> Result<Image> {
        let (session, view) = (&call.session, call.view());
        let image = match change {
            Some(change) => repo::update(session, &view, id, etag, change, self.ports.clock.now()).await?,
            None => repo::find(session, &view, id).await?.filter(|image| has_etag(image, etag)),
        };
        self.require(call, image, id, etag).await
    }

    /// Marks one image as deleted. With an etag, only if it is the current one.
    pub(crate) async fn delete(&self, call: &Call<'_, H>, id: ImageId, etag: Option<Etag>) -> Result<Image> {
        let image = repo::delete(&call.session, &call.view(), id, etag, self.ports.clock.now()).await?;
        self.require(call, image, id, etag).await
    }

    /// Restores one image that was deleted less than 30 days ago.
    pub(crate) async fn undelete(&self, call: &Call<'_, H>, id: ImageId) -> Result<Image> {
        let (session, view, now) = (&call.session, call.view(), self.ports.clock.now());
        if let Some(image) = repo::undelete(session, &view, id, purge_before(now), now).await? {
            return Ok(image);
        }
        let exists = repo::find(session, &view, id).await?.is_some();
        Err(if exists { Error::NotDeleted(id) } else { Error::NotFound(id) })
    }

    /// Returns `image`, or the reason why it is absent: it does not exist, or it has another etag than the caller expects.
    async fn require(
        &self,
        call: &Call<'_, H>,
        image: Option<Image>,
        id: ImageId,
        etag: Option<Etag>,
    ) -> Result<Image> {
        match image {
            Some(image) => Ok(image),
            None if etag.is_some() && repo::find(&call.session, &call.view(), id).await?.is_some() => {
                Err(Error::Conflict(id))
            }
            None => Err(Error::NotFound(id)),
        }
    }
}

fn has_etag(image: &Image, expected: Option<Etag>) -> bool {
    expected.is_none_or(|expected| expected == image.etag)
}
