//! Completing a direct upload.

use std::num::NonZeroUsize;

use image::ImageFormat;
use images::{Settings, TransferLimits};
use sha2::{Digest as _, Sha256};
use storage::{Constraint, Database as _, Error, Statement};
use tonic::Code;

use super::*;
use crate::faults::ObjectFault;

fn checksum(bytes: &[u8]) -> String {
    format!("{:x}", Sha256::digest(bytes))
}

#[tokio::test]
async fn completing_creates_an_image_from_the_bytes() {
    let world = World::new().await;
    let bytes = encode_image(ImageFormat::Jpeg, 40, 30);
    let kept = prost_types::Struct::default();
    let request = pb::CreateUploadRequest {
        filename: "/home/alice/猫.jpeg".to_owned(),
        content_type: "image/jpeg".to_owned(),
        sha256: Some(checksum(&bytes).to_uppercase()),
        metadata: Some(kept.clone()),
        ..declared(&bytes)
    };
    let upload = create(&mut world.user("alice"), request).await.unwrap();
    put(&world, &upload, &bytes).await.unwrap();
    world.database.calls();

    let image = complete(&mut world.user("alice"), &upload.id).await.unwrap();

    assert_eq!(world.database.calls(), (1, 2), "one read, and one batch of two statements");
    assert_eq!((image.id.as_str(), image.filename.as_str()), (upload.id.as_str(), "猫.jpeg"));
    assert_eq!((image.content_type.as_str(), image.sha256.clone()), ("image/jpeg", checksum(&bytes)));
    assert_eq!((image.width, image.height, image.exif_orientation), (Some(40), Some(30), 1));
    assert_eq!((image.uploaded_by.as_str(), image.etag.as_str()), ("alice", "r1"));
    assert_eq!((image.metadata.clone(), image.deleted_at), (Some(kept), None));
    assert_eq!(get(&mut world.user("alice"), &image.id).await.unwrap(), image);
    world.background.wait_idle().await;
    assert_eq!((staged(&world).await, uploads(&world).await), (vec![], 0));
    assert_eq!(world.keys().await, [image.r2_key]);
}

#[tokio::test]
async fn an_upload_without_a_name_is_named_by_its_type() {
    let world = World::new().await;
    let request = pb::CreateUploadRequest { filename: String::new(), ..declared(&png()) };
    let upload = create(&mut world.user("alice"), request).await.unwrap();
    put(&world, &upload, &png()).await.unwrap();
    assert_eq!(complete(&mut world.user("alice"), &upload.id).await.unwrap().filename, "image.png");
}

#[tokio::test]
async fn completing_before_bytes_are_sent_is_rejected() {
    let world = World::new().await;
    let upload = create(&mut world.user("alice"), declared(&png())).await.unwrap();
    let early = failure(complete(&mut world.user("alice"), &upload.id).await);
    assert_eq!(early, (Code::FailedPrecondition, "NOT_UPLOADED".to_owned()));
    put(&world, &upload, &png()).await.unwrap();
    assert!(complete(&mut world.user("alice"), &upload.id).await.is_ok());
}

#[tokio::test]
async fn completing_counts_as_a_transfer_of_the_caller() {
    let one = TransferLimits { per_caller: NonZeroUsize::MIN, total: TransferLimits::DEFAULT_TOTAL };
    let world = World::with(Settings { transfers: Some(one), ..Settings::default() }).await;
    let mut alice = world.user("alice");
    let image = uploaded(&mut alice, "cat.png").await;
    let upload = sent(&world, &png()).await;
    let request = pb::DownloadImageRequest { image_id: image.id, ..Default::default() };
    let download = alice.download_image(request).await.unwrap();

    let rejected = failure(complete(&mut alice, &upload.id).await);
    assert_eq!(rejected, (Code::ResourceExhausted, "TOO_MANY_REQUESTS".to_owned()));

    drop(download);
    assert_eq!(complete(&mut alice, &upload.id).await.unwrap().id, upload.id);
}

#[tokio::test]
async fn bytes_that_do_not_match_the_declaration_are_deleted_and_can_be_sent_again() {
    let world = World::new().await;
    let mut alice = world.user("alice");
    let bytes = png();
    let request = pb::CreateUploadRequest { sha256: Some(checksum(&bytes)), ..declared(&bytes) };
    let upload = create(&mut alice, request).await.unwrap();
    let resized = |bytes: &[u8], size| [bytes, &vec![0; size]].concat()[..size].to_vec();
    let other = resized(&encode_image(ImageFormat::Png, 1, 1), bytes.len());
    for (wrong, field, word) in [
        (resized(&bytes, bytes.len() - 1), "size_bytes", "which is"),
        (resized(&bytes, bytes.len() + 1), "size_bytes", "which is"),
        (vec![], "size_bytes", "which is 0"),
        (resized(&encode_image(ImageFormat::Gif, 4, 3), bytes.len()), "content_type", "image/gif"),
        (resized(b"<svg/>", bytes.len()), "content_type", "not in a supported"),
        (other, "sha256", "whose SHA-256 is"),
    ] {
        put_into_store(&world, &upload, &wrong).await;
        let rejected = violations(complete(&mut alice, &upload.id).await);
        assert!(
            rejected.len() == 1 && rejected[0].0 == field && rejected[0].1.contains(word),
            "{rejected:?}"
        );
        assert!(staged(&world).await.is_empty());
        world.assert_nothing_stored().await;
    }
    let (code, reason) = failure(complete(&mut alice, &upload.id).await);
    assert_eq!((code, reason.as_str()), (Code::FailedPrecondition, "NOT_UPLOADED"));
    put(&world, &upload, &bytes).await.unwrap();
    assert_eq!(complete(&mut alice, &upload.id).await.unwrap().sha256, checksum(&bytes));
}

#[tokio::test]
async fn an_upload_is_visible_only_to_its_creator() {
    let world = World::new().await;
    let upload = sent(&world, &png()).await;
    for completed in [false, true] {
        for mut stranger in [world.user("bob"), world.model_server()] {
            assert_eq!(failure(complete(&mut stranger, &upload.id).await).0, Code::NotFound, "{completed}");
        }
        complete(&mut world.user("alice"), &upload.id).await.unwrap();
    }
    let unknown = complete(&mut world.user("alice"), &"0".repeat(32)).await;
    assert_eq!(unknown.unwrap_err().message(), "Upload not found");
    assert_eq!(fields(complete(&mut world.user("alice"), "x").await), ["upload_id"]);
}

#[tokio::test]
async fn completing_twice_returns_the_same_image_and_no_more_bytes_are_accepted() {
    let world = World::new().await;
    let mut alice = world.user("alice");
    let upload = sent(&world, &png()).await;
    let image = complete(&mut alice, &upload.id).await.unwrap();
    assert_eq!(complete(&mut alice, &upload.id).await.unwrap(), image);
    world.background.wait_idle().await;
    assert_eq!(failure(put(&world, &upload, &png()).await).0, Code::NotFound);
    assert!(staged(&world).await.is_empty());
    delete(&mut alice, &image.id).await.unwrap();
    assert_eq!(failure(complete(&mut alice, &upload.id).await).0, Code::NotFound);
}

#[tokio::test]
async fn concurrent_completions_create_one_image() {
    let world = World::new().await;
    let upload = sent(&world, &png()).await;
    let attempts = (0..8).map(|_| {
        let (mut alice, id) = (world.user("alice"), upload.id.clone());
        async move { complete(&mut alice, &id).await.unwrap() }
    });
    let images = futures_util::future::join_all(attempts).await;
    assert!(images.iter().all(|image| *image == images[0]), "{images:?}");
    world.background.wait_idle().await;
    assert_eq!((world.keys().await, world.records().await), (vec![images[0].r2_key.clone()], 1));
}

/// A call that read the upload just before another call completed it finds no bytes any more.
#[tokio::test]
async fn completing_just_after_another_call_returns_the_same_image() {
    let world = World::new().await;
    let upload = sent(&world, &png()).await;
    let image = complete(&mut world.user("alice"), &upload.id).await.unwrap();
    world.background.wait_idle().await;
    let as_it_was_read = Statement::new(
        "INSERT INTO uploads
         SELECT id, filename, content_type, size_bytes, sha256, uploaded_by, created_at, metadata FROM images",
    );
    world.database.write(vec![as_it_was_read], None).await.unwrap();
    assert_eq!(complete(&mut world.user("alice"), &upload.id).await.unwrap(), image);
}

#[tokio::test]
async fn bytes_sent_to_the_store_after_completion_change_nothing() {
    let world = World::new().await;
    let upload = sent(&world, &png()).await;
    let image = complete(&mut world.user("alice"), &upload.id).await.unwrap();
    world.background.wait_idle().await;
    put_into_store(&world, &upload, b"<script>").await;
    assert_eq!(complete(&mut world.user("alice"), &upload.id).await.unwrap(), image);
    let key = ObjectKey::parse(&image.r2_key).unwrap();
    let stored = world.objects.get(&key, None).await.unwrap().unwrap();
    let bytes: Vec<u8> = stored.body.map(|chunk| chunk.unwrap().to_vec()).concat().await;
    assert_eq!(bytes, png());
}

#[tokio::test]
async fn a_failure_of_the_stores_loses_nothing() {
    let world = World::new().await;
    let mut alice = world.user("alice");
    let upload = sent(&world, &png()).await;
    for error in [Error::Full("no space left".into()), Error::Constraint(Constraint::Check)] {
        world.database.fail_next_write(error);
        assert!(complete(&mut alice, &upload.id).await.is_err());
        world.background.wait_idle().await;
        world.assert_nothing_stored().await;
    }
    for (fault, code) in
        [(ObjectFault::FullAfter(1), Code::ResourceExhausted), (ObjectFault::CutAfter(70), Code::DataLoss)]
    {
        world.objects.set(Some(fault));
        assert_eq!(failure(complete(&mut alice, &upload.id).await).0, code);
        world.objects.set(None);
        world.assert_nothing_stored().await;
    }
    world.database.fail_next_write(Error::unavailable("no answer"));
    assert_eq!(failure(complete(&mut alice, &upload.id).await).0, Code::Unavailable);
    assert_eq!((staged(&world).await, uploads(&world).await), (vec![png()], 1));
    assert_eq!(complete(&mut alice, &upload.id).await.unwrap().id, upload.id);
}

#[tokio::test]
async fn invalid_bytes_are_rejected_even_if_they_cannot_be_deleted() {
    let world = World::new().await;
    let upload = create(&mut world.user("alice"), declared(b"text")).await.unwrap();
    put(&world, &upload, b"text").await.unwrap();
    world.objects.set(Some(ObjectFault::CannotDelete));
    for _ in 0..2 {
        assert_eq!(fields(complete(&mut world.user("alice"), &upload.id).await), ["content_type"]);
    }
}
