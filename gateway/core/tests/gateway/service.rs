//! The services behind the gateway: they remember what reaches them, and fail as the request says.

use std::{
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard},
};

use bytes::Bytes;
use futures_util::{Stream, stream};
use proto::{
    annotations::v1::{self as annotations, annotations_service_server::AnnotationsService},
    images::v1::{
        self as images, ImageContent, UploadInfo, download_image_response::Payload as Sent,
        images_service_server::ImagesService, put_upload_request::Payload as Put,
        upload_image_request::Payload as Received,
    },
};
use tonic::{Code, Request, Response, Status, Streaming, async_trait, metadata::MetadataMap};

/// The picture of every download.
pub(crate) const PICTURE: &[u8] = b"0123456789abcdefghij";
pub(crate) const PICTURE_TAG: &str = "picture-tag";

#[derive(Clone, Default)]
pub(crate) struct Scripted(Arc<Mutex<Seen>>);

/// What reached the services last.
#[derive(Default)]
pub(crate) struct Seen {
    pub(crate) metadata: MetadataMap,
    pub(crate) calls: usize,
    pub(crate) list: Option<images::ListImagesRequest>,
    pub(crate) update: Option<images::UpdateImageRequest>,
    pub(crate) download: Option<images::DownloadImageRequest>,
    pub(crate) bulk: Option<annotations::BulkCreateAnnotationsRequest>,
    pub(crate) upload: Option<Upload>,
    pub(crate) put: Option<(images::PutUploadInfo, Vec<u8>)>,
}

#[derive(Default)]
pub(crate) struct Upload {
    pub(crate) info: UploadInfo,
    pub(crate) bytes: Vec<u8>,
    pub(crate) largest_message: usize,
    /// The stream ended as one that is whole.
    pub(crate) is_whole: bool,
}

impl Scripted {
    pub(crate) fn seen(&self) -> MutexGuard<'_, Seen> {
        self.0.lock().unwrap()
    }

    fn note<T>(&self, request: &Request<T>) {
        let mut seen = self.seen();
        seen.metadata = request.metadata().clone();
        seen.calls += 1;
    }
}

/// What a service does for an id that names a fault.
async fn fault(id: &str) -> Result<(), Status> {
    match id {
        "missing" => Err(aip::not_found("Image", id)),
        "slow" => std::future::pending().await,
        "away" => Err(aip::with_reason(Code::Unavailable, "STORAGE_UNAVAILABLE", "Not now")),
        "full" => Err(aip::with_reason(Code::ResourceExhausted, "STORAGE_FULL", "The storage is full")),
        "strange" => Err(strange()),
        "panic" => panic!("a bug in a service"),
        _ => Ok(()),
    }
}

/// An error with a detail of a type that nobody knows here.
fn strange() -> Status {
    let details = tonic_types::pb::Status {
        code: Code::FailedPrecondition.into(),
        message: String::new(),
        details: vec![prost_types::Any {
            type_url: "type.googleapis.com/x.Unknown".to_owned(),
            value: vec![1, 2, 3],
        }],
    };
    let bytes = prost::Message::encode_to_vec(&details);
    Status::with_details(Code::FailedPrecondition, "Strange – très étrange", bytes.into())
}

fn image(id: &str) -> images::Image {
    images::Image { id: id.to_owned(), etag: "v1".to_owned(), ..Default::default() }
}

fn with_bookmark<T>(message: T) -> Response<T> {
    let mut response = Response::new(message);
    response.metadata_mut().insert("x-reticle-bookmark", "after".parse().unwrap());
    response.metadata_mut().insert("x-internal", "secret".parse().unwrap());
    response
}

#[async_trait]
impl ImagesService for Scripted {
    async fn upload_image(
        &self,
        request: Request<Streaming<images::UploadImageRequest>>,
    ) -> Result<Response<images::UploadImageResponse>, Status> {
        self.note(&request);
        let mut messages = request.into_inner();
        self.seen().upload = Some(Upload::default());
        while let Some(message) = messages.message().await? {
            match message.payload.ok_or_else(|| Status::internal("a message without payload"))? {
                Received::Info(info) => {
                    if info.filename == "refused" {
                        return Err(aip::with_reason(
                            Code::InvalidArgument,
                            "UNSUPPORTED_IMAGE_TYPE",
                            "No image",
                        ));
                    }
                    if info.filename == "stalled" {
                        std::future::pending::<()>().await;
                    }
                    self.seen().upload.as_mut().unwrap().info = info;
                }
                Received::Data(data) => {
                    let mut seen = self.seen();
                    let upload = seen.upload.as_mut().unwrap();
                    upload.largest_message = upload.largest_message.max(data.len());
                    upload.bytes.extend_from_slice(&data);
                }
            }
        }
        let mut seen = self.seen();
        seen.upload.as_mut().unwrap().is_whole = true;
        let filename = seen.upload.as_ref().unwrap().info.filename.clone();
        let image = images::Image { filename, ..image("new") };
        Ok(with_bookmark(images::UploadImageResponse { image: Some(image) }))
    }

    async fn create_upload(
        &self,
        request: Request<images::CreateUploadRequest>,
    ) -> Result<Response<images::CreateUploadResponse>, Status> {
        self.note(&request);
        let upload = images::Upload {
            id: "u1".to_owned(),
            headers: [("content-type".to_owned(), request.into_inner().content_type)].into(),
            ..Default::default()
        };
        Ok(Response::new(images::CreateUploadResponse { upload: Some(upload) }))
    }

    async fn put_upload(
        &self,
        request: Request<Streaming<images::PutUploadRequest>>,
    ) -> Result<Response<images::PutUploadResponse>, Status> {
        self.note(&request);
        let (mut messages, mut info, mut bytes) = (request.into_inner(), None, Vec::new());
        while let Some(message) = messages.message().await? {
            match message.payload {
                Some(Put::Info(first)) => info = Some(first),
                Some(Put::Data(data)) => bytes.extend_from_slice(&data),
                None => return Err(Status::internal("a message without payload")),
            }
        }
        let info = info.unwrap_or_default();
        fault(&info.upload_id).await?;
        self.seen().put = Some((info, bytes));
        Ok(Response::new(images::PutUploadResponse {}))
    }

    async fn complete_upload(
        &self,
        request: Request<images::CompleteUploadRequest>,
    ) -> Result<Response<images::CompleteUploadResponse>, Status> {
        self.note(&request);
        let image = image(&request.into_inner().upload_id);
        Ok(Response::new(images::CompleteUploadResponse { image: Some(image) }))
    }

    async fn get_image(
        &self,
        request: Request<images::GetImageRequest>,
    ) -> Result<Response<images::GetImageResponse>, Status> {
        self.note(&request);
        let id = request.into_inner().image_id;
        fault(&id).await?;
        Ok(with_bookmark(images::GetImageResponse { image: Some(image(&id)) }))
    }

    async fn list_images(
        &self,
        request: Request<images::ListImagesRequest>,
    ) -> Result<Response<images::ListImagesResponse>, Status> {
        self.note(&request);
        self.seen().list = Some(request.into_inner());
        Ok(Response::new(images::ListImagesResponse { images: vec![], next_page_token: String::new() }))
    }

    async fn update_image(
        &self,
        request: Request<images::UpdateImageRequest>,
    ) -> Result<Response<images::UpdateImageResponse>, Status> {
        self.note(&request);
        let update = request.into_inner();
        let image = update.image.clone();
        self.seen().update = Some(update);
        Ok(Response::new(images::UpdateImageResponse { image }))
    }

    async fn delete_image(
        &self,
        request: Request<images::DeleteImageRequest>,
    ) -> Result<Response<images::DeleteImageResponse>, Status> {
        self.note(&request);
        Ok(Response::new(images::DeleteImageResponse { image: Some(image(&request.into_inner().image_id)) }))
    }

    async fn undelete_image(
        &self,
        request: Request<images::UndeleteImageRequest>,
    ) -> Result<Response<images::UndeleteImageResponse>, Status> {
        self.note(&request);
        Err(aip::already_exists("Image", request.into_inner().image_id))
    }

    type DownloadImageStream =
        Pin<Box<dyn Stream<Item = Result<images::DownloadImageResponse, Status>> + Send>>;

    async fn download_image(
        &self,
        request: Request<images::DownloadImageRequest>,
    ) -> Result<Response<Self::DownloadImageStream>, Status> {
        self.note(&request);
        let wanted = request.into_inner();
        self.seen().download = Some(wanted.clone());
        fault(&wanted.image_id).await?;
        let size = i32::try_from(PICTURE.len()).unwrap();
        let ranged = wanted.if_range.is_empty() || wanted.if_range == PICTURE_TAG;
        let (offset, limit) = if ranged { (wanted.read_offset, wanted.read_limit) } else { (0, 0) };
        let start = if offset < 0 { (size + offset).max(0) } else { offset };
        if start >= size {
            let size = [("size_bytes", size.to_string())];
            return Err(aip::with_metadata(Code::OutOfRange, "RANGE_NOT_SATISFIABLE", "Past the end", size));
        }
        let length = if limit == 0 { size - start } else { limit.min(size - start) };
        let known = wanted.if_none_match.iter().any(|tag| tag == PICTURE_TAG || tag == "*");
        let content = ImageContent {
            content_type: "image/png".to_owned(),
            filename: "猫.png".to_owned(),
            size_bytes: size,
            etag: PICTURE_TAG.to_owned(),
            read_offset: start,
            read_length: length,
            not_modified: known,
        };
        let range = usize::try_from(start).unwrap()..usize::try_from(start + length).unwrap();
        let payload = |payload| Ok(images::DownloadImageResponse { payload: Some(payload) });
        let mut messages = vec![payload(Sent::Content(content))];
        if !known {
            let chunks = PICTURE[range].chunks(7).map(|chunk| payload(Sent::Data(Bytes::from_static(chunk))));
            messages.extend(chunks);
        }
        match wanted.image_id.as_str() {
            "breaks" => {
                messages.truncate(2);
                messages.push(Err(Status::data_loss("the disk is gone")));
            }
            "short" => messages.truncate(2),
            "long" => messages.push(payload(Sent::Data(Bytes::from_static(b"more")))),
            "stalls" => {
                messages.truncate(2);
                use futures_util::StreamExt as _;
                return Ok(Response::new(Box::pin(stream::iter(messages).chain(stream::pending()))));
            }
            "empty" => messages.clear(),
            _ => {}
        }
        Ok(Response::new(Box::pin(stream::iter(messages))))
    }

    async fn sign_image_url(
        &self,
        request: Request<images::SignImageUrlRequest>,
    ) -> Result<Response<images::SignImageUrlResponse>, Status> {
        self.note(&request);
        Ok(Response::new(images::SignImageUrlResponse { url: String::new(), expires_at: None }))
    }

    async fn batch_get_images(
        &self,
        request: Request<images::BatchGetImagesRequest>,
    ) -> Result<Response<images::BatchGetImagesResponse>, Status> {
        self.note(&request);
        let images = request.into_inner().image_ids.iter().map(|id| image(id)).collect();
        Ok(Response::new(images::BatchGetImagesResponse { images }))
    }
}

fn unscripted<T>() -> Result<Response<T>, Status> {
    Err(Status::unimplemented("not scripted"))
}

#[async_trait]
impl AnnotationsService for Scripted {
    type IngestAnnotationsStream = tonic::codegen::BoxStream<annotations::IngestAnnotationsResponse>;

    async fn ingest_annotations(
        &self,
        request: Request<Streaming<annotations::IngestAnnotationsRequest>>,
    ) -> Result<Response<Self::IngestAnnotationsStream>, Status> {
        self.note(&request);
        unscripted()
    }

    async fn append_annotations(
        &self,
        request: Request<annotations::AppendAnnotationsRequest>,
    ) -> Result<Response<annotations::AppendAnnotationsResponse>, Status> {
        self.note(&request);
        unscripted()
    }

    async fn get_ingest_stream(
        &self,
        request: Request<annotations::GetIngestStreamRequest>,
    ) -> Result<Response<annotations::IngestStream>, Status> {
        self.note(&request);
        unscripted()
    }

    type WatchAnnotationsStream = tonic::codegen::BoxStream<annotations::WatchAnnotationsResponse>;

    async fn watch_annotations(
        &self,
        _: Request<annotations::WatchAnnotationsRequest>,
    ) -> Result<Response<Self::WatchAnnotationsStream>, Status> {
        unscripted()
    }

    async fn create_annotation(
        &self,
        request: Request<annotations::CreateAnnotationRequest>,
    ) -> Result<Response<annotations::CreateAnnotationResponse>, Status> {
        self.note(&request);
        let new = request.into_inner().annotation.unwrap_or_default();
        let annotation = annotations::Annotation {
            id: "a1".to_owned(),
            image_id: new.image_id,
            label: new.label,
            etag: "v1".to_owned(),
            ..Default::default()
        };
        Ok(Response::new(annotations::CreateAnnotationResponse { annotation: Some(annotation) }))
    }

    async fn bulk_create_annotations(
        &self,
        request: Request<annotations::BulkCreateAnnotationsRequest>,
    ) -> Result<Response<annotations::BulkCreateAnnotationsResponse>, Status> {
        self.note(&request);
        let bulk = request.into_inner();
        let count = i32::try_from(bulk.annotations.len()).unwrap();
        self.seen().bulk = Some(bulk);
        Ok(Response::new(annotations::BulkCreateAnnotationsResponse {
            inserted: count,
            total: count,
            ids: vec![],
        }))
    }

    async fn get_annotation(
        &self,
        _: Request<annotations::GetAnnotationRequest>,
    ) -> Result<Response<annotations::GetAnnotationResponse>, Status> {
        unscripted()
    }

    async fn update_annotation(
        &self,
        _: Request<annotations::UpdateAnnotationRequest>,
    ) -> Result<Response<annotations::UpdateAnnotationResponse>, Status> {
        unscripted()
    }

    async fn delete_annotation(
        &self,
        _: Request<annotations::DeleteAnnotationRequest>,
    ) -> Result<Response<annotations::DeleteAnnotationResponse>, Status> {
        unscripted()
    }

    async fn list_annotations(
        &self,
        _: Request<annotations::ListAnnotationsRequest>,
    ) -> Result<Response<annotations::ListAnnotationsResponse>, Status> {
        unscripted()
    }
}
