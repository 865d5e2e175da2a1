//! Uploads.

use std::{convert::Infallible, future::pending};

use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use http_body_util::StreamBody;
use image::ImageFormat;
use images::{DEFAULT_MAX_UPLOAD_BYTES, Settings};
use prost_types::{Struct, Value, value::Kind};
use proto::images::v1::{self as pb, upload_image_request::Payload};
use sha2::{Digest as _, Sha256};
use storage::{Constraint, Error, ObjectStore as _};
use tonic::Code;

use crate::{faults::ObjectFault, world::*};

fn declared(content_type: &str) -> pb::UploadInfo {
    pb::UploadInfo { content_type: content_type.to_owned(), ..info("cat.png") }
}

fn sized(size_bytes: usize) -> pb::UploadInfo {
    pb::UploadInfo { size_bytes: Some(size_bytes.try_into().unwrap()), ..info("cat.png") }
}

/// An image file of exactly this many bytes, padded after its end.
fn padded(length: usize) -> Vec<u8> {
    let mut bytes = png();
    bytes.resize(length, 0);
    bytes
}

#[tokio::test]
async fn an_image_is_stored_with_the_values_read_from_its_bytes() {
    let world = World::new().await;
    let bytes = encode_image(ImageFormat::Jpeg, 40, 30);
    let kept =
        Struct { fields: [("camera".to_owned(), Value { kind: Some(Kind::NumberValue(3.0)) })].into() };
    let about = pb::UploadInfo { metadata: Some(kept.clone()), ..info("/home/alice/猫.jpeg") };

    let image = upload(&mut world.user("alice"), about, &bytes).await.unwrap();

    assert_eq!(image.filename, "猫.jpeg");
    assert_eq!(
        (image.content_type.as_str(), image.size_bytes),
        ("image/jpeg", i32::try_from(bytes.len()).unwrap())
    );
    assert_eq!((image.width, image.height, image.exif_orientation), (Some(40), Some(30), 1));
    assert_eq!(image.sha256, format!("{:x}", Sha256::digest(&bytes)));
    assert_eq!((image.uploaded_by.as_str(), image.etag.as_str()), ("alice", "r1"));
    assert_eq!(image.created_at, image.updated_at);
    assert_eq!(image.created_at.unwrap().seconds, START.as_seconds());
    assert_eq!((image.deleted_at, image.metadata.clone()), (None, Some(kept)));
    assert_eq!(image.r2_key, format!("images/{}.jpg", image.id));
    assert_eq!(world.keys().await, [image.r2_key.as_str()]);
    assert_eq!(get(&mut world.user("alice"), &image.id).await.unwrap(), image);
}

#[tokio::test]
async fn an_upload_is_one_write_and_no_read() {
    let world = World::new().await;
    uploaded(&mut world.user("alice"), "cat.png").await;
    assert_eq!(world.database.calls(), (0, 1));
}

#[tokio::test]
async fn an_image_without_a_name_is_named_by_its_type() {
    let world = World::new().await;
    for (format, name) in [(ImageFormat::Png, "image.png"), (ImageFormat::Jpeg, "image.jpg")] {
        let image = upload(&mut world.user("alice"), info(""), &encode_image(format, 1, 1)).await.unwrap();
        assert_eq!(image.filename, name);
    }
}

#[tokio::test]
async fn messages_may_split_the_bytes_anywhere() {
    let world = World::new().await;
    let bytes = png();
    let mut messages: Vec<_> = bytes.iter().map(|byte| data_message(&[*byte])).collect();
    messages.insert(0, info_message(sized(bytes.len())));
    messages.push(data_message(b""));
    let image = send(&mut world.user("alice"), messages).await.unwrap();
    assert_eq!((image.width, image.sha256), (Some(4), format!("{:x}", Sha256::digest(&bytes))));
}

#[tokio::test]
async fn a_file_that_is_not_an_image_is_rejected() {
    let world = World::new().await;
    let files: [&[u8]; 4] = [b"hello", b"<svg xmlns='http://www.w3.org/2000/svg'/>", b"%PDF-1.7", b"MZ"];
    for bytes in files {
        let rejected = failure(upload(&mut world.user("alice"), info("cat.png"), bytes).await);
        assert_eq!(rejected, (Code::InvalidArgument, "UNSUPPORTED_IMAGE_TYPE".to_owned()));
    }
    world.assert_nothing_stored().await;
}

#[tokio::test]
async fn the_declared_type_must_match_the_bytes() {
    let world = World::new().await;
    let mut alice = world.user("alice");
    for content_type in ["image/jpeg", "image/svg+xml", "text/html"] {
        let rejected = failure(upload(&mut alice, declared(content_type), &png()).await);
        assert_eq!(rejected, (Code::InvalidArgument, "UNSUPPORTED_IMAGE_TYPE".to_owned()), "{content_type}");
    }
    world.assert_nothing_stored().await;
    for content_type in ["image/png", "Image/PNG; x=y", "application/octet-stream", ""] {
        assert!(upload(&mut alice, declared(content_type), &png()).await.is_ok(), "{content_type}");
    }
}

#[tokio::test]
async fn for_an_unknown_declared_type_the_bytes_decide() {
    let world = World::new().await;
    let mut alice = world.user("alice");
    for content_type in ["image/x-citrix-png", "image/heic", "binary/octet-stream"] {
        let image = upload(&mut alice, declared(content_type), &png()).await.unwrap();
        assert_eq!(image.content_type, "image/png", "{content_type}");
        let rejected = failure(upload(&mut alice, declared(content_type), b"<svg/>").await);
        assert_eq!(rejected, (Code::InvalidArgument, "UNSUPPORTED_IMAGE_TYPE".to_owned()), "{content_type}");
    }
}

#[tokio::test]
async fn an_image_of_unknown_size_has_a_reason() {
    let world = World::new().await;
    let mut alice = world.user("alice");
    let known = upload(&mut alice, info("whole.png"), &png()).await.unwrap();
    assert_eq!((known.width, known.height, known.unknown_size), (Some(4), Some(3), None));

    let cut = upload(&mut alice, info("cut.png"), &png()[..20]).await.unwrap();
    assert_eq!((cut.width, cut.height), (None, None));
    assert_eq!(cut.unknown_size, Some(pb::UnknownSize::Truncated.into()));
    assert_eq!(get(&mut alice, &cut.id).await.unwrap(), cut);
}

#[tokio::test]
async fn the_size_limit_is_exact() {
    let limit = 100_000;
    let settings = Settings { max_upload_bytes: 100_000, ..Settings::default() };
    let world = World::with(settings).await;
    let mut alice = world.user("alice");
    let too_large = (Code::InvalidArgument, "IMAGE_TOO_LARGE".to_owned());
    assert_eq!(failure(upload(&mut alice, info("cat.png"), &padded(limit + 1)).await), too_large);
    // If the declared size is too large, the bytes are not read.
    assert_eq!(failure(send(&mut alice, vec![info_message(sized(limit + 1))]).await), too_large);
    world.assert_nothing_stored().await;
    assert!(upload(&mut alice, info("cat.png"), &padded(limit)).await.is_ok());
    assert!(upload(&mut alice, sized(limit), &padded(limit)).await.is_ok());
}

#[test]
fn the_default_size_limit_is_10_mib() {
    assert_eq!(DEFAULT_MAX_UPLOAD_BYTES, 10_485_760);
    assert_eq!(Settings::default().max_upload_bytes, DEFAULT_MAX_UPLOAD_BYTES);
}

#[tokio::test]
async fn the_number_of_bytes_must_match_the_declared_size() {
    let world = World::new().await;
    let mut alice = world.user("alice");
    let bytes = png();
    for size in [bytes.len() - 1, bytes.len() + 1, 1] {
        assert_eq!(fields(upload(&mut alice, sized(size), &bytes).await), ["info.size_bytes"]);
    }
    for size in [0, -1] {
        let about = pb::UploadInfo { size_bytes: Some(size), ..info("cat.png") };
        assert_eq!(fields(upload(&mut alice, about, &bytes).await), ["info.size_bytes"]);
    }
    world.assert_nothing_stored().await;
}

#[tokio::test]
async fn messages_out_of_order_are_rejected() {
    let world = World::new().await;
    let mut alice = world.user("alice");
    let (about, data) = (info_message(info("cat.png")), data_message(&png()));
    let unset = pb::UploadImageRequest { payload: None };
    let cases = [
        (vec![], "info"),
        (vec![data.clone()], "info"),
        (vec![about.clone()], "data"),
        (vec![about.clone(), data_message(b"")], "data"),
        (vec![about.clone(), about.clone(), data.clone()], "info"),
        (vec![about.clone(), data.clone(), about.clone(), about.clone()], "info"),
        (vec![about.clone(), data.clone(), about.clone(), data.clone()], "info"),
        (vec![about.clone(), data.clone(), unset], "payload"),
    ];
    for (messages, field) in cases {
        assert_eq!(fields(send(&mut alice, messages).await), [field]);
    }
    world.assert_nothing_stored().await;
}

#[tokio::test]
async fn a_second_description_replaces_the_first() {
    let world = World::new().await;
    let (first, last) = (info_message(declared("image/png")), info_message(info("own.png")));
    let image = send(&mut world.user("alice"), vec![first, data_message(&png()), last]).await.unwrap();
    assert_eq!((image.filename.as_str(), image.content_type.as_str()), ("own.png", "image/png"));
}

#[tokio::test]
async fn a_second_description_must_match_the_bytes() {
    let world = World::new().await;
    let mut alice = world.user("alice");
    for (last, field) in [(info("a\0.png"), "info.filename"), (sized(png().len() + 1), "info.size_bytes")] {
        let messages = vec![info_message(info("cat.png")), data_message(&png()), info_message(last)];
        assert_eq!(fields(send(&mut alice, messages).await), [field]);
    }
    let last = info_message(declared("image/jpeg"));
    let rejected = failure(send(&mut alice, vec![info_message(info("a")), data_message(&png()), last]).await);
    assert_eq!(rejected, (Code::InvalidArgument, "UNSUPPORTED_IMAGE_TYPE".to_owned()));
    world.background.wait_idle().await;
    world.assert_nothing_stored().await;
}

#[tokio::test]
async fn all_violations_of_the_info_are_reported_together() {
    let world = World::new().await;
    let metadata =
        Struct { fields: [("k".to_owned(), Value { kind: Some(Kind::NumberValue(f64::NAN)) })].into() };
    let about = pb::UploadInfo { metadata: Some(metadata), size_bytes: Some(-1), ..info("a\0.png") };
    let named = fields(upload(&mut world.user("alice"), about, &png()).await);
    assert_eq!(named, ["info.filename", "info.metadata", "info.size_bytes"]);
}

#[tokio::test]
async fn a_decompression_bomb_is_stored_like_any_small_file() {
    let mut bomb = png();
    bomb[16..24].copy_from_slice(&[60_000_u32.to_be_bytes(), 60_000_u32.to_be_bytes()].concat());
    let world = World::new().await;
    let image = upload(&mut world.user("alice"), info("bomb.png"), &bomb).await.unwrap();
    assert_eq!((image.width, image.height), (Some(60_000), Some(60_000)));
}

#[tokio::test]
async fn an_upload_without_the_scope_is_rejected() {
    let world = World::new().await;
    let reader = identity::Scopes::NONE.with(identity::Scope::ImagesRead);
    let rejected = failure(upload(&mut world.client(Some(("alice", reader))), info("a.png"), &png()).await);
    assert_eq!(rejected, (Code::PermissionDenied, "SCOPE_MISSING".to_owned()));
    let rejected = failure(upload(&mut world.client(None), info("a.png"), &png()).await);
    assert_eq!(rejected, (Code::Unauthenticated, "TOKEN_MISSING".to_owned()));
    world.assert_nothing_stored().await;
}

#[tokio::test]
async fn an_upload_cancelled_by_the_client_stores_nothing() {
    let world = World::new().await;
    let mut alice = world.user("alice");
    let (sent, all_sent) = tokio::sync::oneshot::channel();
    let first = [info_message(info("cat.png")), data_message(&padded(300_000))];
    let never_ends = stream::iter(first).chain(stream::once(async move {
        sent.send(()).unwrap();
        pending().await
    }));
    tokio::select! {
        response = alice.upload_image(never_ends) => panic!("{response:?}"),
        sent = all_sent => sent.unwrap(),
    }
    world.assert_nothing_stored().await;
    assert_eq!(world.database.calls(), (0, 0));
}

#[tokio::test]
async fn an_upload_whose_stream_fails_stores_nothing() {
    let world = World::new().await;
    let frame = |message: &pb::UploadImageRequest| {
        let message = prost::Message::encode_to_vec(message);
        let length = u32::try_from(message.len()).unwrap().to_be_bytes();
        http_body::Frame::data(Bytes::from([&[0], length.as_slice(), &message].concat()))
    };
    let frames =
        [info_message(info("cat.png")), data_message(&padded(300_000))].map(|message| Ok(frame(&message)));
    let broken = frames.into_iter().chain([Err(tonic::Status::unknown("the connection is gone"))]);
    let body = tonic::body::Body::new(StreamBody::new(stream::iter(broken)));
    let mut request = http::Request::post("/reticle.images.v1.ImagesService/UploadImage").body(body).unwrap();
    request.headers_mut().insert("content-type", "application/grpc".parse().unwrap());
    let alice = identity::Caller::new(
        identity::UserId::parse("alice").unwrap(),
        identity::Scopes::DEFAULT,
        "token".into(),
        runtime::Timestamp::from_millis(i64::MAX),
    );
    request.extensions_mut().insert(alice);

    let response: Result<_, Infallible> =
        tower_service::Service::call(&mut world.server.clone(), request).await;

    assert_eq!(response.unwrap().headers()["grpc-status"], "2");
    world.assert_nothing_stored().await;
}

#[tokio::test]
async fn a_full_disk_is_reported_and_later_uploads_succeed() {
    let world = World::new().await;
    world.objects.set(Some(ObjectFault::FullAfter(1)));
    let rejected = failure(upload(&mut world.user("alice"), info("a.png"), &padded(200_000)).await);
    assert_eq!(rejected, (Code::ResourceExhausted, "STORAGE_FULL".to_owned()));
    world.objects.set(None);
    world.assert_nothing_stored().await;
    uploaded(&mut world.user("alice"), "a.png").await;
}

#[tokio::test]
async fn the_object_is_deleted_if_the_record_was_certainly_not_written() {
    let world = World::new().await;
    for error in [Error::Full("no space left".into()), Error::Constraint(Constraint::Check)] {
        world.database.fail_next_write(error);
        let rejected = upload(&mut world.user("alice"), info("a.png"), &png()).await;
        assert!(rejected.is_err());
        world.background.wait_idle().await;
        world.assert_nothing_stored().await;
    }
}

#[tokio::test]
async fn the_object_is_kept_if_the_record_may_have_been_written() {
    let world = World::new().await;
    world.database.fail_next_write(Error::unavailable("no answer"));
    let rejected = failure(upload(&mut world.user("alice"), info("a.png"), &png()).await);
    assert_eq!(rejected, (Code::Unavailable, "STORAGE_UNAVAILABLE".to_owned()));
    world.background.wait_idle().await;
    assert_eq!(world.keys().await.len(), 1);
}

#[tokio::test]
async fn concurrent_uploads_do_not_interfere() {
    let world = World::new().await;
    let uploads = (0..16_u32).map(|n| {
        let mut client = world.user("alice");
        async move {
            upload(&mut client, info(&format!("{n}.png")), &encode_image(ImageFormat::Png, n + 1, 1)).await
        }
    });
    for (n, image) in (1..).zip(futures_util::future::join_all(uploads).await) {
        let image = image.unwrap();
        assert_eq!(image.width, Some(n));
        let key = storage::ObjectKey::parse(&image.r2_key).unwrap();
        assert_eq!(
            world.objects.head(&key).await.unwrap().unwrap().size,
            u64::from(image.size_bytes.unsigned_abs())
        );
    }
}

#[tokio::test]
async fn a_message_larger_than_the_limit_is_rejected() {
    let world = World::new().await;
    let framing = 8;
    let largest = padded(aip::MAX_MESSAGE_BYTES - framing);
    let messages = |data: &[u8]| vec![info_message(info("a.png")), data_message(data)];
    let encoded = prost::Message::encoded_len(&pb::UploadImageRequest {
        payload: Some(Payload::Data(largest.clone().into())),
    });
    assert!(encoded <= aip::MAX_MESSAGE_BYTES);
    assert!(send(&mut world.user("alice"), messages(&largest)).await.is_ok());
    let rejected = send(&mut world.user("alice"), messages(&padded(aip::MAX_MESSAGE_BYTES))).await;
    assert_eq!(rejected.unwrap_err().code(), Code::OutOfRange);
    assert_eq!(world.records().await, 1);
}
