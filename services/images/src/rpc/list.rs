//! The request and the response of `ListImages`.

use aip::{Page, PageQuery, Scan, Sealer, Violation, Violations};
use prost::Message as _;
use proto::images::v1 as pb;
use runtime::Timestamp;

use crate::{cleanup::purge_before, image::Image, repo::Filter, view::View};

/// The page size if the caller sets none.
const DEFAULT_PAGE_SIZE: u32 = 50;

/// The largest page size.
const MAX_PAGE_SIZE: u32 = 1000;

/// A page ends early when its images exceed this size: clients read messages of up to 4 MiB, and metadata can be long.
const MAX_PAGE_BYTES: usize = 2 * 1024 * 1024;

/// The longest filename filter, in characters: no filename is longer.
const MAX_FILTER_CHARACTERS: usize = 255;

/// All parameters of a list except its pagination, as text: its page tokens are valid only for this text.
pub(super) fn query_text(view: &View, request: &pb::ListImagesRequest) -> String {
    let moment = |time: &Option<prost_types::Timestamp>| time.map(|time| (time.seconds, time.nanos));
    let (after, before) = (moment(&request.created_after), moment(&request.created_before));
    format!("{:?} {:?} {after:?} {before:?} {}", view.owner(), request.filename, request.deleted)
}

pub(super) fn decode(
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
pub(super) fn encode(scan: Scan<Image>, (query, sealer): (&str, &Sealer)) -> pb::ListImagesResponse {
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
