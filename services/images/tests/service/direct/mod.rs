//! Direct uploads.

mod complete;
mod create;
mod put;

use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use proto::images::v1::{self as pb, put_upload_request::Payload};
use storage::{ObjectKey, ObjectStore as _, PutOptions};
use tonic::Status;

use crate::world::*;

/// The declaration of a PNG.
pub(crate) fn declared(bytes: &[u8]) -> pb::CreateUploadRequest {
    pb::CreateUploadRequest {
        filename: "cat.png".to_owned(),
        content_type: "image/png".to_owned(),
        size_bytes: bytes.len().try_into().unwrap(),
        ..Default::default()
    }
}

pub(crate) async fn create(
    client: &mut Client,
    request: pb::CreateUploadRequest,
) -> Result<pb::Upload, Status> {
    Ok(client.create_upload(request).await?.into_inner().upload.unwrap())
}

fn content_type(upload: &pb::Upload) -> &str {
    upload.headers.get("content-type").unwrap()
}

/// Decodes the URL and headers of an upload, as the gateway does.
fn parse_url(upload: &pb::Upload) -> pb::PutUploadInfo {
    let (path, query) = upload.url.split_once('?').unwrap();
    let (expires_at, signature) = query.split_once('&').unwrap();
    let path = path.strip_prefix("/api/images/uploads/").unwrap();
    pb::PutUploadInfo {
        upload_id: path.strip_suffix("/content").unwrap().to_owned(),
        content_type: content_type(upload).to_owned(),
        size_bytes: None,
        expires_at: expires_at.strip_prefix("expires_at=").unwrap().parse().unwrap(),
        signature: signature.strip_prefix("signature=").unwrap().to_owned(),
    }
}

/// Sends `bytes` in two messages, without a token.
async fn send(world: &World, info: pb::PutUploadInfo, bytes: &[u8]) -> Result<(), Status> {
    let (head, tail) = bytes.split_at(bytes.len() / 2);
    let payloads = [
        Payload::Info(info),
        Payload::Data(Bytes::copy_from_slice(head)),
        Payload::Data(Bytes::copy_from_slice(tail)),
    ];
    let messages = payloads.map(|payload| pb::PutUploadRequest { payload: Some(payload) });
    world.client(None).put_upload(stream::iter(messages)).await.map(drop)
}

pub(crate) async fn put(world: &World, upload: &pb::Upload, bytes: &[u8]) -> Result<(), Status> {
    send(world, parse_url(upload), bytes).await
}

pub(crate) async fn complete(client: &mut Client, id: &str) -> Result<pb::Image, Status> {
    let request = pb::CompleteUploadRequest { upload_id: id.to_owned() };
    Ok(client.complete_upload(request).await?.into_inner().image.unwrap())
}

/// Creates an upload as alice and sends its bytes.
pub(crate) async fn sent(world: &World, bytes: &[u8]) -> pb::Upload {
    let upload = create(&mut world.user("alice"), declared(bytes)).await.unwrap();
    put(world, &upload, bytes).await.unwrap();
    upload
}

/// Writes bytes to the object store, like a client with a request signed by the store.
async fn put_into_store(world: &World, upload: &pb::Upload, bytes: &[u8]) {
    let key = ObjectKey::parse(&format!("uploads/{}", upload.id)).unwrap();
    let body = stream::iter([Ok(Bytes::copy_from_slice(bytes))]).boxed();
    world.objects.put(&key, body, PutOptions::default()).await.unwrap();
}

/// The bytes under all staging keys.
async fn staged(world: &World) -> Vec<Vec<u8>> {
    let mut objects = Vec::new();
    for key in world.keys_below("uploads/").await {
        let object = world.objects.get(&ObjectKey::parse(&key).unwrap(), None).await.unwrap().unwrap();
        objects.push(object.body.map(|chunk| chunk.unwrap().to_vec()).concat().await);
    }
    objects
}

async fn uploads(world: &World) -> i64 {
    world.database.count("SELECT count(*) AS n FROM uploads").await
}
