//! Downloads.

use image::ImageFormat;
use proto::images::v1::{self as pb, download_image_response::Payload};
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

use crate::{faults::ObjectFault, world::*};

/// The first message, and the sizes and bytes of the others.
#[derive(Debug)]
struct Downloaded {
    content: pb::ImageContent,
    messages: Vec<usize>,
    bytes: Vec<u8>,
}

async fn download(client: &mut Client, request: pb::DownloadImageRequest) -> Result<Downloaded, Status> {
    let mut stream = client.download_image(request).await?.into_inner();
    let Some(Payload::Content(content)) = stream.message().await?.unwrap().payload else {
        panic!("no content")
    };
    let (mut messages, mut bytes) = (Vec::new(), Vec::new());
    while let Some(message) = stream.message().await? {
        let Some(Payload::Data(data)) = message.payload else { panic!("content twice") };
        messages.push(data.len());
        bytes.extend_from_slice(&data);
    }
    Ok(Downloaded { content, messages, bytes })
}

fn whole(id: &str) -> pb::DownloadImageRequest {
    pb::DownloadImageRequest { image_id: id.to_owned(), ..Default::default() }
}

fn part(id: &str, read_offset: i32, read_limit: i32) -> pb::DownloadImageRequest {
    pb::DownloadImageRequest { read_offset, read_limit, ..whole(id) }
}

/// A PNG file of 300,000 bytes.
fn long() -> Vec<u8> {
    let mut bytes = encode_image(ImageFormat::Png, 4, 3);
    bytes.extend((bytes.len()..300_000).map(|n| u8::try_from(n % 251).unwrap()));
    bytes
}

#[tokio::test]
async fn an_image_is_downloaded_unchanged_in_messages_of_limited_size() {
    let world = World::new().await;
    let mut alice = world.user("alice");
    let image = upload(&mut alice, info("猫.png"), &long()).await.unwrap();
    world.database.calls();

    let downloaded = download(&mut alice, whole(&image.id)).await.unwrap();

    assert_eq!(world.database.calls(), (1, 0));
    assert!(downloaded.bytes == long());
    assert!(
        downloaded.messages.iter().all(|length| (1..=64 * 1024).contains(length)),
        "{:?}",
        downloaded.messages
    );
    let expected = pb::ImageContent {
        content_type: "image/png".to_owned(),
        filename: "猫.png".to_owned(),
        size_bytes: 300_000,
        etag: image.sha256,
        read_offset: 0,
        read_length: 300_000,
        not_modified: false,
    };
    assert_eq!(downloaded.content, expected);
}

#[tokio::test]
async fn the_download_filename_has_the_extension_of_the_format() {
    let world = World::new().await;
    let mut alice = world.user("alice");
    let image = upload(&mut alice, info("report.html"), &long()).await.unwrap();
    assert_eq!(image.filename, "report.html");
    let downloaded = download(&mut alice, part(&image.id, 0, 1)).await.unwrap();
    assert_eq!(downloaded.content.filename, "report.html.png");
}

#[tokio::test]
async fn a_part_is_the_requested_range_up_to_the_end() {
    let world = World::new().await;
    let mut alice = world.user("alice");
    let id = upload(&mut alice, info("cat.png"), &long()).await.unwrap().id;
    for ((offset, limit), range) in [
        ((0, 1), 0..1),
        ((100, 200_000), 100..200_100),
        ((299_999, 0), 299_999..300_000),
        ((299_999, i32::MAX), 299_999..300_000),
        ((-1, 0), 299_999..300_000),
        ((-100, 10), 299_900..299_910),
        ((-300_000, 0), 0..300_000),
        ((-300_001, 0), 0..300_000),
        ((i32::MIN, 5), 0..5),
    ] {
        let downloaded = download(&mut alice, part(&id, offset, limit)).await.unwrap();
        assert!(downloaded.bytes == long()[range.clone()], "{offset} {limit}");
        let content = downloaded.content;
        let range_sent = (content.read_offset, content.read_length, content.size_bytes);
        assert_eq!(
            range_sent,
            (i32::try_from(range.start).unwrap(), i32::try_from(range.len()).unwrap(), 300_000)
        );
    }
}

#[tokio::test]
async fn a_part_past_the_end_is_rejected_with_the_size() {
    let world = World::new().await;
    let mut alice = world.user("alice");
    let id = upload(&mut alice, info("cat.png"), &long()).await.unwrap().id;
    for offset in [300_000, 300_001, i32::MAX] {
        let status = download(&mut alice, part(&id, offset, 0)).await.unwrap_err();
        let info = status.get_details_error_info().unwrap();
        assert_eq!((status.code(), info.reason.as_str()), (Code::OutOfRange, "RANGE_NOT_SATISFIABLE"));
        assert_eq!(info.metadata["size_bytes"], "300000");
    }
    assert_eq!(fields(download(&mut alice, part(&id, 0, -1)).await), ["read_limit"]);
}

#[tokio::test]
async fn a_cached_image_is_not_modified_and_not_opened() {
    let world = World::new().await;
    let mut alice = world.user("alice");
    let image = uploaded(&mut alice, "cat.png").await;
    let tags = |tags: &[&str]| pb::DownloadImageRequest {
        if_none_match: tags.iter().map(ToString::to_string).collect(),
        // It takes precedence over the range (RFC 9110 section 13.2.2), even over one past the end.
        read_offset: i32::MAX,
        ..whole(&image.id)
    };
    for cached in [vec!["*"], vec!["other", image.sha256.as_str()]] {
        let downloaded = download(&mut alice, tags(&cached)).await.unwrap();
        assert!(downloaded.content.not_modified && downloaded.bytes.is_empty());
        assert_eq!(
            (downloaded.content.etag.as_str(), downloaded.content.read_length),
            (image.sha256.as_str(), 0)
        );
    }
    assert_eq!(world.objects.opened(), 0);
    let others = pb::DownloadImageRequest { read_offset: 0, ..tags(&["other", "r1", ""]) };
    assert_eq!(download(&mut alice, others).await.unwrap().bytes, png());
}

#[tokio::test]
async fn if_range_sends_the_part_only_if_the_entity_tag_matches() {
    let world = World::new().await;
    let mut alice = world.user("alice");
    let image = uploaded(&mut alice, "cat.png").await;
    let part_if =
        |if_range: &str| pb::DownloadImageRequest { if_range: if_range.to_owned(), ..part(&image.id, 1, 2) };
    assert_eq!(download(&mut alice, part_if(&image.sha256)).await.unwrap().bytes, png()[1..3]);
    assert_eq!(download(&mut alice, part_if("other")).await.unwrap().bytes, png());
}

#[tokio::test]
async fn the_entity_tag_depends_on_the_bytes_not_on_the_record() {
    let world = World::new().await;
    let mut alice = world.user("alice");
    let image = uploaded(&mut alice, "cat.png").await;
    let renamed = pb::Image { id: image.id.clone(), filename: "dog.png".to_owned(), ..Default::default() };
    alice.update_image(pb::UpdateImageRequest { image: Some(renamed), update_mask: None }).await.unwrap();
    let content = download(&mut alice, whole(&image.id)).await.unwrap().content;
    assert_eq!((content.etag, content.filename.as_str()), (image.sha256, "dog.png"));
}

#[tokio::test]
async fn deleted_images_and_those_of_other_users_are_not_found() {
    let world = World::new().await;
    let mut alice = world.user("alice");
    let id = uploaded(&mut alice, "cat.png").await.id;
    let not_found = (Code::NotFound, "NOT_FOUND".to_owned());
    assert_eq!(failure(download(&mut world.user("bob"), whole(&id)).await), not_found);
    assert!(download(&mut world.model_server(), whole(&id)).await.is_ok());
    delete(&mut alice, &id).await.unwrap();
    assert_eq!(failure(download(&mut alice, whole(&id)).await), not_found);
    let no_token = (Code::Unauthenticated, "TOKEN_MISSING".to_owned());
    assert_eq!(failure(download(&mut world.client(None), whole(&id)).await), no_token);
}

#[tokio::test]
async fn missing_or_truncated_bytes_are_reported_as_lost() {
    let world = World::new().await;
    let mut alice = world.user("alice");
    let image = upload(&mut alice, info("cat.png"), &long()).await.unwrap();
    let lost = (Code::DataLoss, "IMAGE_LOST".to_owned());
    world.objects.set(Some(ObjectFault::CutAfter(299_999)));
    assert_eq!(failure(download(&mut alice, whole(&image.id)).await), lost);
    world.objects.set(None);
    let key = storage::ObjectKey::parse(&image.r2_key).unwrap();
    storage::ObjectStore::delete(&world.objects, vec![key]).await.unwrap();
    assert_eq!(failure(download(&mut alice, whole(&image.id)).await), lost);
}
