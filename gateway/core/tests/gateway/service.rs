//! The services behind the gateway. They record the requests that reach them, and fail as the request says.

mod annotations;
mod images;

use std::sync::{Arc, Mutex, MutexGuard};

use proto::{
    annotations::v1 as annotations_pb,
    images::v1::{self as images_pb, UploadInfo},
};
use tonic::{Request, metadata::MetadataMap};

/// The bytes of every downloaded image.
pub(crate) const IMAGE_BYTES: &[u8] = b"0123456789abcdefghij";
pub(crate) const IMAGE_TAG: &str = "image-tag";

#[derive(Clone, Default)]
pub(crate) struct Scripted(Arc<Mutex<Seen>>);

/// The last requests that reached the services.
#[derive(Default)]
pub(crate) struct Seen {
    pub(crate) metadata: MetadataMap,
    pub(crate) calls: usize,
    pub(crate) list: Option<images_pb::ListImagesRequest>,
    pub(crate) update: Option<images_pb::UpdateImageRequest>,
    pub(crate) download: Option<images_pb::DownloadImageRequest>,
    pub(crate) bulk: Option<annotations_pb::BulkCreateAnnotationsRequest>,
    pub(crate) upload: Option<Upload>,
    pub(crate) put: Option<(images_pb::PutUploadInfo, Vec<u8>)>,
}

#[derive(Default)]
pub(crate) struct Upload {
    pub(crate) info: UploadInfo,
    pub(crate) bytes: Vec<u8>,
    pub(crate) largest_message: usize,
    /// The stream ended without an error.
    pub(crate) is_complete: bool,
}

impl Scripted {
    pub(crate) fn seen(&self) -> MutexGuard<'_, Seen> {
        self.0.lock().unwrap()
    }

    fn record<T>(&self, request: &Request<T>) {
        let mut seen = self.seen();
        seen.metadata = request.metadata().clone();
        seen.calls += 1;
    }
}
