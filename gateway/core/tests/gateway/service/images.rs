//! The scripted images service.

use std::pin::Pin;

use bytes::Bytes;
use futures_util::{Stream, stream};
use proto::images::v1::{
    self as images, ImageContent, download_image_response::Payload as Sent,
    images_service_server::ImagesService, put_upload_request::Payload as Put,
    upload_image_request::Payload as Received,
};
use tonic::{Code, Request, Response, Status, Streaming, async_trait};

use super::{IMAGE_BYTES, IMAGE_TAG, Scripted, Upload};

/// Fails in the way that an id names.
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

/// An error with a detail of an unknown type.
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
        self.record(&request);
        let mut messages = request.into_inner();
        self.seen().upload = Some(Upload::default());
        while let Some(message) = messages.message().await? {
            match message.payload.ok_or_else(|| Status::internal("a message without payload"))? {
                Received::Info(info) => {
                    if info.filename == "rejected" {
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
        seen.upload.as_mut().unwrap().is_complete = true;
        let filename = seen.upload.as_ref().unwrap().info.filename.clone();
        let image = images::Image { filename, ..image("new") };
        Ok(with_bookmark(images::UploadImageResponse { image: Some(image) }))
    }

    async fn create_upload(
        &self,
        request: Request<images::CreateUploadRequest>,
    ) -> Result<Response<images::CreateUploadResponse>, Status> {
        self.record(&request);
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
        self.record(&request);
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
        self.record(&request);
        let image = image(&request.into_inner().upload_id);
        Ok(Response::new(images::CompleteUploadResponse { image: Some(image) }))
    }

    async fn get_image(
        &self,
        request: Request<images::GetImageRequest>,
    ) -> Result<Response<images::GetImageResponse>, Status> {
        self.record(&request);
        let id = request.into_inner().image_id;
        fault(&id).await?;
        Ok(with_bookmark(images::GetImageResponse { image: Some(image(&id)) }))
    }

    async fn list_images(
        &self,
        request: Request<images::ListImagesRequest>,
    ) -> Result<Response<images::ListImagesResponse>, Status> {
        self.record(&request);
        self.seen().list = Some(request.into_inner());
        Ok(Response::new(images::ListImagesResponse { images: vec![], next_page_token: String::new() }))
    }

    async fn update_image(
        &self,
        request: Request<images::UpdateImageRequest>,
    ) -> Result<Response<images::UpdateImageResponse>, Status> {
        self.record(&request);
        let update = request.into_inner();
        let image = update.image.clone();
        self.seen().update = Some(update);
        Ok(Response::new(images::UpdateImageResponse { image }))
    }

    async fn delete_image(
        &self,
        request: Request<images::DeleteImageRequest>,
    ) -> Result<Response<images::DeleteImageResponse>, Status> {
        self.record(&request);
        Ok(Response::new(images::DeleteImageResponse { image: Some(image(&request.into_inner().image_id)) }))
    }

    async fn undelete_image(
        &self,
        request: Request<images::UndeleteImageRequest>,
    ) -> Result<Response<images::UndeleteImageResponse>, Status> {
        self.record(&request);
        Err(aip::already_exists("Image", request.into_inner().image_id))
    }

    type DownloadImageStream =
        Pin<Box<dyn Stream<Item = Result<images::DownloadImageResponse, Status>> + Send>>;

    async fn download_image(
        &self,
        request: Request<images::DownloadImageRequest>,
    ) -> Result<Response<Self::DownloadImageStream>, Status> {
        self.record(&request);
        let wanted = request.into_inner();
        self.seen().download = Some(wanted.clone());
        fault(&wanted.image_id).await?;
        let size = i32::try_from(IMAGE_BYTES.len()).unwrap();
        let ranged = wanted.if_range.is_empty() || wanted.if_range == IMAGE_TAG;
        let (offset, limit) = if ranged { (wanted.read_offset, wanted.read_limit) } else { (0, 0) };
        let start = if offset < 0 { (size + offset).max(0) } else { offset };
        if start >= size {
            let size = [("size_bytes", size.to_string())];
            return Err(aip::with_metadata(Code::OutOfRange, "RANGE_NOT_SATISFIABLE", "Past the end", size));
        }
        let length = if limit == 0 { size - start } else { limit.min(size - start) };
        let known = wanted.if_none_match.iter().any(|tag| tag == IMAGE_TAG || tag == "*");
        let content = ImageContent {
            content_type: "image/png".to_owned(),
            filename: "猫.png".to_owned(),
            size_bytes: size,
            etag: IMAGE_TAG.to_owned(),
            read_offset: start,
            read_length: length,
            not_modified: known,
        };
        let range = usize::try_from(start).unwrap()..usize::try_from(start + length).unwrap();
        let payload = |payload| Ok(images::DownloadImageResponse { payload: Some(payload) });
        let mut messages = vec![payload(Sent::Content(content))];
        if !known {
            let chunks =
                IMAGE_BYTES[range].chunks(7).map(|chunk| payload(Sent::Data(Bytes::from_static(chunk))));
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
        self.record(&request);
        Ok(Response::new(images::SignImageUrlResponse { url: String::new(), expires_at: None }))
    }

    async fn batch_get_images(
        &self,
        request: Request<images::BatchGetImagesRequest>,
    ) -> Result<Response<images::BatchGetImagesResponse>, Status> {
        self.record(&request);
        let images = request.into_inner().image_ids.iter().map(|id| image(id)).collect();
        Ok(Response::new(images::BatchGetImagesResponse { images }))
    }
}
