//! Update, delete and undelete.

use identity::{Scope, Scopes};
use prost_types::{FieldMask, Struct, Value, value::Kind};
use proto::images::v1 as pb;
use tonic::{Code, Status};

use crate::world::*;

fn metadata(text: &str) -> Struct {
    Struct { fields: [("k".to_owned(), Value { kind: Some(Kind::StringValue(text.to_owned())) })].into() }
}

async fn update(client: &mut Client, image: pb::Image, paths: Option<&[&str]>) -> Result<pb::Image, Status> {
    let update_mask = paths.map(|paths| FieldMask { paths: paths.iter().map(ToString::to_string).collect() });
    let request = pb::UpdateImageRequest { image: Some(image), update_mask };
    Ok(client.update_image(request).await?.into_inner().image.unwrap())
}

async fn delete_if(client: &mut Client, id: &str, etag: &str) -> Result<pb::Image, Status> {
    let request = pb::DeleteImageRequest { image_id: id.to_owned(), etag: etag.to_owned() };
    Ok(client.delete_image(request).await?.into_inner().image.unwrap())
}

async fn undelete(client: &mut Client, id: &str) -> Result<pb::Image, Status> {
    let request = pb::UndeleteImageRequest { image_id: id.to_owned() };
    Ok(client.undelete_image(request).await?.into_inner().image.unwrap())
}

async fn deleted_names(client: &mut Client) -> Vec<String> {
    let request = pb::ListImagesRequest { deleted: true, ..Default::default() };
    client
        .list_images(request)
        .await
        .unwrap()
        .into_inner()
        .images
        .into_iter()
        .map(|image| image.filename)
        .collect()
}

fn not_found() -> (Code, String) {
    (Code::NotFound, "NOT_FOUND".to_owned())
}

#[tokio::test]
async fn an_update_changes_only_the_fields_in_its_mask() {
    let world = World::new().await;
    let mut alice = world.user("alice");
    let image = uploaded(&mut alice, "cat.png").await;
    world.database.calls();

    let change = pb::Image {
        id: image.id.clone(),
        filename: "dog.png".to_owned(),
        metadata: Some(metadata("v")),
        ..Default::default()
    };
    let renamed = update(&mut alice, change.clone(), Some(&["filename"])).await.unwrap();

    assert_eq!(world.database.calls(), (0, 1));
    assert_ne!(renamed.updated_at, image.updated_at);
    let expected = pb::Image {
        filename: "dog.png".to_owned(),
        updated_at: renamed.updated_at,
        etag: "r2".to_owned(),
        ..image.clone()
    };
    assert_eq!(renamed, expected);
    assert_eq!(get(&mut alice, &image.id).await.unwrap(), expected);

    let updated = update(&mut alice, change, Some(&["metadata"])).await.unwrap();
    assert_eq!((updated.metadata, updated.filename.as_str()), (Some(metadata("v")), "dog.png"));
}

#[tokio::test]
async fn without_a_mask_the_fields_that_are_set_are_changed() {
    let world = World::new().await;
    let mut alice = world.user("alice");
    let id = uploaded(&mut alice, "cat.png").await.id;
    let with_metadata = pb::Image { id: id.clone(), metadata: Some(metadata("v")), ..Default::default() };
    let with_filename = pb::Image { id: id.clone(), filename: "dog.png".to_owned(), ..Default::default() };
    update(&mut alice, with_metadata, None).await.unwrap();
    let image = update(&mut alice, with_filename, None).await.unwrap();
    assert_eq!(
        (image.filename.as_str(), image.metadata, image.etag.as_str()),
        ("dog.png", Some(metadata("v")), "r3")
    );
}

#[tokio::test]
async fn the_mask_wildcard_means_all_changeable_fields() {
    let world = World::new().await;
    let mut alice = world.user("alice");
    let about = pb::UploadInfo { metadata: Some(metadata("v")), ..info("cat.png") };
    let id = upload(&mut alice, about, &png()).await.unwrap().id;
    let change = pb::Image { id, filename: "dog.png".to_owned(), ..Default::default() };
    let image = update(&mut alice, change, Some(&["*"])).await.unwrap();
    assert_eq!((image.filename.as_str(), image.metadata), ("dog.png", Some(Struct::default())));
}

#[tokio::test]
async fn metadata_in_the_mask_but_not_in_the_image_is_cleared() {
    let world = World::new().await;
    let mut alice = world.user("alice");
    let about = pb::UploadInfo { metadata: Some(metadata("v")), ..info("cat.png") };
    let id = upload(&mut alice, about, &png()).await.unwrap().id;
    let image =
        update(&mut alice, pb::Image { id, ..Default::default() }, Some(&["metadata"])).await.unwrap();
    assert_eq!(image.metadata, Some(Struct::default()));
}

#[tokio::test]
async fn an_update_without_changes_returns_the_image_unchanged() {
    let world = World::new().await;
    let mut alice = world.user("alice");
    let image = uploaded(&mut alice, "cat.png").await;
    let change = |etag: &str| pb::Image { id: image.id.clone(), etag: etag.to_owned(), ..Default::default() };
    assert_eq!(update(&mut alice, change(""), None).await.unwrap(), image);
    assert_eq!(update(&mut alice, change("r1"), Some(&["etag", "id"])).await.unwrap(), image);
    assert_eq!(failure(update(&mut alice, change("r2"), None).await).0, Code::Aborted);
}

#[tokio::test]
async fn fields_that_cannot_be_changed_are_rejected_by_name() {
    let world = World::new().await;
    let mut alice = world.user("alice");
    let image = uploaded(&mut alice, "cat.png").await;
    let change = pb::Image { sha256: "0".repeat(64), ..image.clone() };
    let rejected = update(&mut alice, change, Some(&["sha256", "filename", "metadata.k"])).await;
    assert_eq!(fields(rejected), ["image.sha256", "image.metadata.k"]);
    assert_eq!(get(&mut alice, &image.id).await.unwrap(), image);
}

#[tokio::test]
async fn an_update_with_invalid_fields_is_rejected() {
    let world = World::new().await;
    let mut alice = world.user("alice");
    let id = uploaded(&mut alice, "cat.png").await.id;
    let wrong =
        pb::Image { id: "x".to_owned(), metadata: Some(metadata(&"v".repeat(16_384))), ..Default::default() };
    let rejected = update(&mut alice, wrong, Some(&["filename", "metadata"])).await;
    assert_eq!(fields(rejected), ["image.id", "image.filename", "image.metadata"]);
    assert_eq!(fields(alice.update_image(pb::UpdateImageRequest::default()).await), ["image"]);
    assert_eq!(get(&mut alice, &id).await.unwrap().etag, "r1");
}

#[tokio::test]
async fn of_two_changes_with_the_same_etag_one_is_aborted() {
    let world = World::new().await;
    let image = uploaded(&mut world.user("alice"), "cat.png").await;
    let rename = |name: &str| {
        let change = pb::Image { filename: name.to_owned(), ..image.clone() };
        let mut client = world.user("alice");
        async move { update(&mut client, change, Some(&["filename"])).await }
    };
    let (one, other) = tokio::join!(rename("one.png"), rename("other.png"));
    let (winner, loser) = if one.is_ok() { (one, other) } else { (other, one) };
    assert_eq!(failure(loser), (Code::Aborted, "ETAG_MISMATCH".to_owned()));
    assert_eq!(get(&mut world.user("alice"), &image.id).await.unwrap(), winner.unwrap());
}

#[tokio::test]
async fn an_etag_that_was_never_returned_matches_nothing() {
    let world = World::new().await;
    let mut alice = world.user("alice");
    let id = uploaded(&mut alice, "cat.png").await.id;
    for etag in ["r0", "r2", "1", "x", "*", "r9223372036854775808"] {
        assert_eq!(failure(delete_if(&mut alice, &id, etag).await).0, Code::Aborted, "{etag}");
    }
    assert!(delete_if(&mut alice, &id, "r1").await.is_ok());
}

#[tokio::test]
async fn images_of_other_users_are_not_found() {
    let world = World::new().await;
    let image = uploaded(&mut world.user("alice"), "cat.png").await;
    let mut bob = world.user("bob");
    let change = pb::Image { filename: "dog.png".to_owned(), ..image.clone() };
    assert_eq!(failure(update(&mut bob, change.clone(), Some(&["filename"])).await), not_found());
    assert_eq!(failure(delete(&mut bob, &image.id).await), not_found());
    assert_eq!(failure(undelete(&mut bob, &image.id).await), not_found());
    delete(&mut world.user("alice"), &image.id).await.unwrap();
    assert_eq!(failure(undelete(&mut bob, &image.id).await), not_found());
    undelete(&mut world.model_server(), &image.id).await.unwrap();
    let changed =
        update(&mut world.model_server(), pb::Image { etag: String::new(), ..change }, Some(&["filename"]))
            .await;
    assert_eq!(changed.unwrap().uploaded_by, "alice");
}

#[tokio::test]
async fn changes_need_the_scope_images_write() {
    let world = World::new().await;
    let image = uploaded(&mut world.user("alice"), "cat.png").await;
    let mut reader = world.client(Some(("alice", Scopes::NONE.with(Scope::ImagesRead))));
    let missing = (Code::PermissionDenied, "SCOPE_MISSING".to_owned());
    assert_eq!(failure(update(&mut reader, image.clone(), None).await), missing);
    assert_eq!(failure(delete(&mut reader, &image.id).await), missing);
    assert_eq!(failure(undelete(&mut reader, &image.id).await), missing);
}

#[tokio::test]
async fn a_deleted_image_is_hidden_immediately_and_can_be_undeleted() {
    let world = World::new().await;
    let mut alice = world.user("alice");
    let image = uploaded(&mut alice, "cat.png").await;
    world.database.calls();

    let deleted = delete(&mut alice, &image.id).await.unwrap();

    assert_eq!(world.database.calls(), (0, 1));
    assert!(deleted.deleted_at.is_some() && deleted.deleted_at == deleted.updated_at);
    assert_eq!(failure(get(&mut alice, &image.id).await), not_found());
    assert_eq!(failure(delete(&mut alice, &image.id).await), not_found());
    assert_eq!(failure(update(&mut alice, image.clone(), None).await), not_found());
    let listed = alice.list_images(pb::ListImagesRequest::default()).await.unwrap().into_inner();
    assert_eq!((listed.images, deleted_names(&mut alice).await), (vec![], vec!["cat.png".to_owned()]));

    let restored = undelete(&mut alice, &image.id).await.unwrap();
    assert_eq!((restored.deleted_at, restored.etag.as_str()), (None, "r3"));
    assert_eq!(get(&mut alice, &image.id).await.unwrap(), restored);
    assert_eq!(deleted_names(&mut alice).await, Vec::<String>::new());
}

#[tokio::test]
async fn undeleting_an_image_that_is_not_deleted_is_rejected() {
    let world = World::new().await;
    let mut alice = world.user("alice");
    let id = uploaded(&mut alice, "cat.png").await.id;
    assert_eq!(failure(undelete(&mut alice, &id).await), (Code::AlreadyExists, "ALREADY_EXISTS".to_owned()));
    assert_eq!(failure(undelete(&mut alice, &"0".repeat(32)).await), not_found());
}

#[tokio::test]
async fn an_image_can_be_undeleted_for_30_days() {
    let world = World::new().await;
    let mut alice = world.user("alice");
    let mut ids = Vec::new();
    for name in ["a.png", "b.png"] {
        ids.push(uploaded(&mut alice, name).await.id);
        world.clock.set(START);
        delete(&mut alice, &ids[ids.len() - 1]).await.unwrap();
    }
    let days_30 = START.plus_seconds(30 * 24 * 60 * 60).as_millis();
    world.clock.set(runtime::Timestamp::from_millis(days_30 - 1));
    assert!(undelete(&mut alice, &ids[0]).await.is_ok());
    world.clock.set(runtime::Timestamp::from_millis(days_30));
    assert_eq!(failure(undelete(&mut alice, &ids[1]).await), not_found());
    world.clock.set(runtime::Timestamp::from_millis(days_30));
    assert_eq!(deleted_names(&mut alice).await, Vec::<String>::new());
}
