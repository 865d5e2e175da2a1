//! The operations of the service, in terms of domain types.

use std::collections::BTreeSet;

use aip::{Etag, Page, Scan};
use runtime::{Clock, Id, Timestamp};
use storage::Constraint;

use crate::{
    AnnotationsService,
    annotation::{Annotation, AnnotationId, ImageId, NewAnnotation},
    call::Call,
    changes::Changes,
    error::{Error, Result},
    host::Host,
    repo::{self, Filter},
};

/// How many times an update without an etag is tried, if other callers change the annotation at the same time.
const UPDATE_ATTEMPTS: usize = 4;

/// The revision of a new record.
const FIRST_REVISION: Etag = Etag::of_revision(1);

impl<H: Host> AnnotationsService<H> {
    /// Stores one annotation.
    pub(crate) async fn create(&self, call: &Call<'_, H>, new: NewAnnotation) -> Result<Annotation> {
        let images = [new.image_id];
        self.require_images(call, &images, field_of_one).await?;
        let now = self.ports.clock.now();
        let annotation = new_record(call, Id::generate(now, &self.ports.entropy), now, new);
        let stored = repo::insert(&call.session, &annotation).await;
        self.check_stored(call, &images, field_of_one, stored).await?;
        self.feed.notify(&images, call.session.confirmed());
        Ok(annotation)
    }

    /// Stores all annotations or none, and returns their ids in the same order.
    pub(crate) async fn create_all(
        &self,
        call: &Call<'_, H>,
        new: Vec<NewAnnotation>,
    ) -> Result<Vec<AnnotationId>> {
        let images: Vec<_> = new.iter().map(|new| new.image_id).collect();
        self.require_images(call, &images, field_of_many).await?;
        let now = self.ports.clock.now();
        let ids = Id::generate_batch(now, &self.ports.entropy, new.len());
        let annotations: Vec<_> =
            ids.into_iter().zip(new).map(|(id, new)| new_record(call, id, now, new)).collect();
        let stored = repo::insert_all(&call.session, &annotations).await;
        self.check_stored(call, &images, field_of_many, stored).await?;
        self.feed.notify(&images, call.session.confirmed());
        Ok(annotations.iter().map(|annotation| annotation.id).collect())
    }

    /// Reads one annotation.
    pub(crate) async fn get(&self, call: &Call<'_, H>, id: AnnotationId) -> Result<Annotation> {
        let found = repo::find(&call.session, id).await?.ok_or(Error::NotFound(id))?;
        let accessible = self.owners.accessible(call, &BTreeSet::from([found.image_id])).await?;
        if accessible.contains(&found.image_id) { Ok(found) } else { Err(Error::NotFound(id)) }
    }

    /// Changes one annotation. With an etag, only if it is the current one. Without an etag, concurrent changes of other
    /// callers are kept.
    pub(crate) async fn update(
        &self,
        call: &Call<'_, H>,
        id: AnnotationId,
        etag: Option<Etag>,
        changes: &Changes,
    ) -> Result<Annotation> {
        for _ in 0..UPDATE_ATTEMPTS {
            let read = self.get(call, id).await?;
            require_etag(&read, etag)?;
            let content = changes.apply(&read.content)?;
            if content == read.content {
                return Ok(read);
            }
            let now = self.ports.clock.now().max(read.updated_at);
            let updated = repo::update(&call.session, &read, &content, now).await;
            if let Some(updated) = hidden_to_not_found(id, updated)? {
                self.feed.notify(&[updated.image_id], call.session.confirmed());
                return Ok(updated);
            }
        }
        Err(Error::Conflict(id))
    }

    /// Removes one annotation and returns it.
    pub(crate) async fn delete(
        &self,
        call: &Call<'_, H>,
        id: AnnotationId,
        etag: Option<Etag>,
    ) -> Result<Annotation> {
        let read = self.get(call, id).await?;
        require_etag(&read, etag)?;
        let deleted = hidden_to_not_found(id, repo::delete(&call.session, &read, etag).await)?;
        let gone = if etag.is_some() { Error::Conflict(id) } else { Error::NotFound(id) };
        let deleted = deleted.ok_or(gone)?;
        self.feed.notify(&[deleted.image_id], call.session.confirmed());
        Ok(deleted)
    }

    /// Reads one page of an image's annotations.
    pub(crate) async fn list(
        &self,
        call: &Call<'_, H>,
        filter: &Filter,
        page: Page,
    ) -> Result<Scan<Annotation>> {
        self.require_image(call, filter.image_id).await?;
        let listed = repo::list(&call.session, filter, page).await?;
        listed.ok_or_else(|| image_not_found(filter.image_id))
    }

    /// Fails if the caller may not access the image that the field `image_id` names.
    pub(crate) async fn require_image(&self, call: &Call<'_, H>, image: ImageId) -> Result<()> {
        self.require_images(call, &[image], |_| "image_id".to_owned()).await
    }

    /// Fails with the first of `images` that the caller may not access; `field` returns the field of the request that names it.
    async fn require_images(&self, call: &Call<'_, H>, images: &[ImageId], field: Field) -> Result<()> {
        let accessible = self.owners.accessible(call, &images.iter().copied().collect()).await?;
        match images.iter().enumerate().find(|(_, image)| !accessible.contains(image)) {
            Some((index, image)) => Err(Error::ImageNotFound { image_id: *image, field: field(index) }),
            None => Ok(()),
        }
    }

    /// Finds out which image is missing if the database rejected annotations. This happens if an image was deleted or purged
    /// after its owner was cached; the database does not return which image it is.
    async fn check_stored(
        &self,
        call: &Call<'_, H>,
        images: &[ImageId],
        field: Field,
        stored: storage::Result<()>,
    ) -> Result<()> {
        if let Err(storage::Error::Constraint(Constraint::ForeignKey)) = stored {
            self.owners.forget(images);
            self.require_images(call, images, field).await?;
        }
        Ok(stored?)
    }
}

/// Maps the rejection of a change of the annotation `id` to [`Error::NotFound`]. The database rejects a change if the image
/// was deleted after the annotation was read.
fn hidden_to_not_found<T>(id: AnnotationId, changed: storage::Result<T>) -> Result<T> {
    match changed {
        Err(storage::Error::Constraint(Constraint::ForeignKey)) => Err(Error::NotFound(id)),
        changed => Ok(changed?),
    }
}

/// The error for an image that the field `image_id` names and that is not visible.
pub(crate) fn image_not_found(image_id: ImageId) -> Error {
    Error::ImageNotFound { image_id, field: "image_id".to_owned() }
}

/// Returns the field that holds the image id of the annotation at this index of a request.
type Field = fn(usize) -> String;

fn field_of_one(_: usize) -> String {
    "annotation.image_id".to_owned()
}

fn field_of_many(index: usize) -> String {
    format!("annotations[{index}].image_id")
}

fn require_etag(read: &Annotation, etag: Option<Etag>) -> Result<()> {
    match etag {
        Some(etag) if etag != read.etag => Err(Error::Conflict(read.id)),
        _ => Ok(()),
    }
}

/// Creates the record of a new annotation.
pub(crate) fn new_record<H: Host>(
    call: &Call<'_, H>,
    id: Id,
    now: Timestamp,
    new: NewAnnotation,
) -> Annotation {
    Annotation {
        id: AnnotationId(id),
        image_id: new.image_id,
        content: new.content,
        created_by: call.caller.user_id().clone(),
        created_at: now,
        updated_at: now,
        etag: FIRST_REVISION,
    }
}
