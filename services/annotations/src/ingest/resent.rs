//! Resent annotations: which of them are not stored, and why.
//!
//! A producer that lost a response does not know which annotations the response reported as invalid. It sends the same
//! annotations again. None is stored a second time, and those that are not stored are reported again.

use std::collections::BTreeSet;

use proto::annotations::v1 as pb;

use super::{Open, check, invalid_image};
use crate::{
    AnnotationsService,
    annotation::{ImageId, Offset},
    call::Call,
    error::Result,
    host::Host,
    repo::ingest as repo,
};

/// The annotation is valid now, but it is not stored, because only its producer knows whether it should be.
const NOT_STORED: &str =
    "was not an image that exists when this was first sent, or the annotation was deleted since";

impl<H: Host> AnnotationsService<H> {
    /// Reports those of `messages` that are not stored. All of them were sent before, from offset `first` on.
    pub(super) async fn missing(
        &self,
        call: &Call<'_, H>,
        open: &Open,
        first: Offset,
        messages: Vec<pb::NewAnnotation>,
    ) -> Result<Vec<pb::InvalidAnnotation>> {
        let Some(others) = messages.len().checked_sub(1) else { return Ok(Vec::new()) };
        let id = |offset: Offset| open.progress.seed.at_position(offset.position());
        let stored = repo::find_stored_ids(&call.session, id(first), id(first.plus(others)?)).await?;
        let resent = first.following().zip(messages);
        let (rows, mut invalid) = check(resent.filter(|(offset, _)| !stored.contains(&id(*offset))));
        let images: BTreeSet<ImageId> = rows.iter().map(|(_, new)| new.image_id).collect();
        // A cached owner does not show whether the image is deleted, so the images service is asked again.
        self.owners.forget(&images.iter().copied().collect::<Vec<_>>());
        let visible = self.owners.accessible(call, &images).await?;
        invalid.extend(rows.into_iter().map(|(offset, new)| {
            if visible.contains(&new.image_id) {
                invalid_image(offset, NOT_STORED)
            } else {
                invalid_image(offset, super::MISSING_IMAGE)
            }
        }));
        invalid.sort_by_key(|invalid| invalid.offset);
        Ok(invalid)
    }
}
