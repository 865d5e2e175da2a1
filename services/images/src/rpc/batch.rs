//! The request and the response of `BatchGetImages`.

use aip::{Violation, Violations};
use identity::{Caller, Scope};
use proto::images::v1 as pb;

use crate::image::{Image, ImageId};

/// The most ids of one batch.
const MAX_BATCH: usize = 500;

/// A caller that may read or write annotations must be able to read the owner of an image; all else needs `images:read`.
pub(super) const SCOPES: [Scope; 3] = [Scope::ImagesRead, Scope::AnnotationsRead, Scope::AnnotationsWrite];

/// Encodes what `caller` may read of `images`.
pub(super) fn encode(images: Vec<Image>, caller: &Caller) -> pb::BatchGetImagesResponse {
    let encode = if caller.may(Scope::ImagesRead) { without_metadata } else { id_and_owner };
    pb::BatchGetImagesResponse { images: images.into_iter().map(|image| encode(image.into())).collect() }
}

fn without_metadata(image: pb::Image) -> pb::Image {
    pb::Image { metadata: None, ..image }
}

fn id_and_owner(image: pb::Image) -> pb::Image {
    pb::Image { id: image.id, uploaded_by: image.uploaded_by, ..pb::Image::default() }
}

pub(super) fn decode_ids(texts: &[String]) -> Result<Vec<ImageId>, Violations> {
    if !(1..=MAX_BATCH).contains(&texts.len()) {
        return Err(Violation::new("image_ids", format!("must hold 1 to {MAX_BATCH} ids")).into());
    }
    let mut violations = Violations::default();
    let ids = texts
        .iter()
        .enumerate()
        .filter_map(|(index, text)| violations.check(ImageId::parse(&format!("image_ids[{index}]"), text)));
    let ids = ids.collect();
    violations.into_result(Some(ids))
}
