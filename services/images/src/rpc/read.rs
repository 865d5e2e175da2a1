//! RPCs that read records: one image, a page of a list, many images by id.

use aip::{Page, PageQuery, Scan, Sealer, Violation, Violations};
use identity::{Scope, caller, caller_with_any};
use prost::Message as _;
use proto::images::v1 as pb;
use runtime::{Background, Clock, Entropy, Timestamp};
use storage::{Database, ObjectStore};
use tonic::{Request, Response};

use super::{respond, resume};
use crate::{
    ImagesService,
    cleanup::purge_before,
    error::{Error, Result},
    image::{Image, ImageId},
    repo::{self, Filter},
    view::View,
};

/// The page size if the caller sets none.
const DEFAULT_PAGE_SIZE: u32 = 50;

/// The largest page size.
const MAX_PAGE_SIZE: u32 = 1000;

/// A page ends early when its images exceed this size: clients read messages of up to 4 MiB, and metadata can be long.
const MAX_PAGE_BYTES: usize = 2 * 1024 * 1024;

/// The longest filename filter, in characters: no filename is longer.
const MAX_FILTER_CHARACTERS: usize = 255;

/// The most ids of one batch.
const MAX_BATCH: usize = 500;

impl<D, O, C, E, B> ImagesService<D, O, C, E, B>
where
    D: Database,
    O: ObjectStore,
    C: Clock,
    E: Entropy,
    B: Background,
{
    pub(super) async fn get(
        &self,
        request: Request<pb::GetImageRequest>,
    ) -> Result<Response<pb::GetImageResponse>> {
        let view = View::from(caller(request.extensions(), Scope::ImagesRead)?);
        let id = ImageId::parse("image_id", &request.get_ref().image_id)?;
        let session = resume(&self.ports.database, request.metadata());
        let image = repo::find(&session, &view, id).await?.ok_or(Error::NotFound(id))?;
        Ok(respond(&session, pb::GetImageResponse { image: Some(image.into()) }))
    }

    pub(super) async fn list(
        &self,
        request: Request<pb::ListImagesRequest>,
    ) -> Result<Response<pb::ListImagesResponse>> {
        let view = View::from(caller(request.extensions(), Scope::ImagesRead)?);
        let query = query_text(&view, request.get_ref());
        let now = self.ports.clock.now();
        let (filter, page) = decode_list(request.get_ref(), view, (&query, &self.pages), now)?;
        let session = resume(&self.ports.database, request.metadata());
        let scan = repo::list(&session, &filter, page).await?;
        Ok(respond(&session, encode_list(scan, (&query, &self.pages))))
    }

    pub(super) async fn batch_get(
        &self,
        request: Request<pb::BatchGetImagesRequest>,
    ) -> Result<Response<pb::BatchGetImagesResponse>> {
        // A caller that may read or write annotations must be able to read the owner of an image; all else needs `images:read`.
        let any = [Scope::ImagesRead, Scope::AnnotationsRead, Scope::AnnotationsWrite];
        let caller = caller_with_any(request.extensions(), any)?;
        let ids = decode_ids(&request.get_ref().image_ids)?;
        let session = resume(&self.ports.database, request.metadata());
        let images = repo::find_many(&session, &View::from(caller), &ids).await?.into_iter();
        let encode = if caller.may(Scope::ImagesRead) { without_metadata } else { id_and_owner };
        let images = images.map(|image| encode(image.into())).collect();
        Ok(respond(&session, pb::BatchGetImagesResponse { images }))
    }
}

fn without_metadata(image: pb::Image) -> pb::Image {
    pb::Image { metadata: None, ..image }
}

fn id_and_owner(image: pb::Image) -> pb::Image {
    pb::Image { id: image.id, uploaded_by: image.uploaded_by, ..pb::Image::default() }
}

/// All parameters of a list except its pagination, as text: its page tokens are valid only for this text.
fn query_text(view: &View, request: &pb::ListImagesRequest) -> String {
    let moment = |time: &Option<prost_types::Timestamp>| time.map(|time| (time.seconds, time.nanos));
    let (after, before) = (moment(&request.created_after), moment(&request.created_before));
    format!("{:?} {:?} {after:?} {before:?} {}", view.owner(), request.filename, request.deleted)
}

fn decode_list(
    request: &pb::ListImagesRequest,
    view: View,
    (query, sealer): (&str, &Sealer),
    now: Timestamp,
) -> Result<(Filter, Page), Violations> {
    let mut violations = Violations::default();
    let page = violations.check(
        PageQuery {
            page_size: request.page_size,
            page_token: &request.page_token,
            default_size: DEFAULT_PAGE_SIZE,
            max_size: MAX_PAGE_SIZE,
            query,
            sealer,
        }
        .parse(),
    );
    if request.filename.chars().count() > MAX_FILTER_CHARACTERS {
        let rule = format!("must be at most {MAX_FILTER_CHARACTERS} characters");
        violations.push(Violation::new("filename", rule));
    }
    let mut moment = |field, time: &Option<_>| {
        time.as_ref().and_then(|time| violations.check(aip::from_proto(field, time)))
    };
    let filter = Filter {
        view,
        filename: request.filename.clone(),
        created_after: moment("created_after", &request.created_after),
        created_before: moment("created_before", &request.created_before),
        deleted_after: request.deleted.then(|| purge_before(now)),
    };
    violations.into_result(page.map(|page| (filter, page)))
}

/// Encodes as many images as fit into one message. The next page begins after the last of them.
fn encode_list(scan: Scan<Image>, (query, sealer): (&str, &Sealer)) -> pb::ListImagesResponse {
    let (count, mut next_after) = (scan.found.len(), scan.next_after);
    let mut response = pb::ListImagesResponse::default();
    let (mut bytes, mut last) = (0, None);
    for image in scan.found {
        let (id, image) = (image.id, pb::Image::from(image));
        bytes += image.encoded_len();
        if bytes > MAX_PAGE_BYTES && last.is_some() {
            break;
        }
        last = Some(id.into());
        response.images.push(image);
    }
    if response.images.len() < count {
        next_after = last;
    }
    let token = next_after.map(|id| aip::next_page_token(sealer, id, query));
    response.next_page_token = token.unwrap_or_default();
    response
}

fn decode_ids(texts: &[String]) -> Result<Vec<ImageId>, Violations> {
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
