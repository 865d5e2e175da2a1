//! gRPC with the generated clients: on each service's own port, and on the gateway's.

use anyhow::{Context as _, ensure};
use futures_util::stream;
use proto::{
    annotations::v1 as annotations,
    images::v1::{
        self as images, DownloadImageRequest, GetImageRequest, UploadImageRequest, UploadInfo,
        download_image_response, upload_image_request::Payload,
    },
};
use tonic::Code;
use tonic_types::StatusExt as _;

use crate::{ImageFile, Target, User, grpc};

/// Uploads over gRPC at `address`, in messages of 10,000 bytes.
async fn upload(
    user: &User,
    address: std::net::SocketAddr,
    file: &ImageFile,
) -> anyhow::Result<images::Image> {
    let info = UploadInfo {
        filename: "a.png".to_owned(),
        content_type: file.content_type.to_owned(),
        ..Default::default()
    };
    let mut messages = vec![UploadImageRequest { payload: Some(Payload::Info(info)) }];
    let data = file.bytes.chunks(10_000).map(|chunk| Payload::Data(chunk.to_vec().into()));
    messages.extend(data.map(|data| UploadImageRequest { payload: Some(data) }));
    let mut client = grpc::images(user.target.protocol, address, &user.token).await?;
    client.upload_image(stream::iter(messages)).await?.into_inner().image.context("no image")
}

/// Given either port, when an image is uploaded and downloaded by gRPC streams, then the bytes are the same.
pub(super) async fn images_are_uploaded_and_downloaded_by_streams(target: Target) -> anyhow::Result<()> {
    let user = target.new_user();
    let file = ImageFile::of_size(123_456);
    for address in [target.images, target.gateway] {
        let image = upload(&user, address, &file).await?;
        ensure!(image.size_bytes == 123_456 && image.width == Some(16), "{image:?}");
        let mut client = grpc::images(target.protocol, address, &user.token).await?;
        let request = DownloadImageRequest { image_id: image.id, read_offset: 100, ..Default::default() };
        let mut download = client.download_image(request).await?.into_inner();
        let (mut content, mut bytes) = (None, Vec::new());
        while let Some(message) = download.message().await? {
            match message.payload.context("an empty message")? {
                download_image_response::Payload::Content(first) => content = Some(first),
                download_image_response::Payload::Data(data) => bytes.extend(data),
            }
        }
        ensure!(bytes == file.bytes[100..], "{} bytes", bytes.len());
        ensure!(content.is_some_and(|content| content.size_bytes == 123_456 && content.read_offset == 100));
    }
    Ok(())
}

/// Given annotations created on one port, when they are read on another, then they are the same.
pub(super) async fn an_annotation_is_the_same_on_every_port(target: Target) -> anyhow::Result<()> {
    let user = target.new_user();
    let image_id = user.new_image().await?;
    let one = annotations::NewAnnotation {
        image_id: image_id.clone(),
        label: "car".to_owned(),
        x: 0.1,
        y: 0.2,
        width: 0.3,
        height: 0.4,
        confidence: Some(0.5),
        model: "m".to_owned(),
    };
    for address in [target.annotations, target.gateway] {
        let mut client = grpc::annotations(target.protocol, address, &user.token).await?;
        let request = annotations::CreateAnnotationRequest { annotation: Some(one.clone()) };
        let created =
            client.create_annotation(request).await?.into_inner().annotation.context("no annotation")?;
        let read = user.get(&format!("/api/annotations/{}", created.id)).await?;
        ensure!(
            read.text("/annotation/label") == "car" && read.json["annotation"]["confidence"] == 0.5,
            "{read:?}"
        );
        ensure!(read.text("/annotation/etag") == created.etag, "{read:?}");
    }
    Ok(())
}

/// Given an invalid request, when it is sent by gRPC, then the status has the same details as an HTTP error.
pub(super) async fn errors_have_details(target: Target) -> anyhow::Result<()> {
    let user = target.new_user();
    for address in [target.annotations, target.gateway] {
        let mut client = grpc::annotations(target.protocol, address, &user.token).await?;
        let request = annotations::BulkCreateAnnotationsRequest {
            annotations: vec![annotations::NewAnnotation::default()],
        };
        let status = client.bulk_create_annotations(request).await.err().context("the call was accepted")?;
        ensure!(status.code() == Code::InvalidArgument, "{status:?}");
        let fields = status.get_details_bad_request().context("no details")?.field_violations;
        ensure!(fields.iter().any(|violation| violation.field == "annotations[0].label"), "{fields:?}");
        ensure!(status.get_details_error_info().is_some_and(|info| info.domain == "reticle"), "{status:?}");
    }
    let mut client = grpc::images(target.protocol, target.gateway, &user.token).await?;
    let status = client
        .get_image(GetImageRequest { image_id: "0".repeat(32) })
        .await
        .err()
        .context("the image exists")?;
    ensure!(status.code() == Code::NotFound && status.get_details_resource_info().is_some(), "{status:?}");
    Ok(())
}
