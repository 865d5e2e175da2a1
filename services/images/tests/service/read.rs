//! Reads of records.

use identity::{Scope, Scopes};
use prost_types::{Struct, Value, value::Kind};
use proto::images::v1 as pb;
use storage::BOOKMARK_HEADER;
use tonic::{Code, Status};

use crate::world::*;

async fn list(client: &mut Client, request: pb::ListImagesRequest) -> Result<pb::ListImagesResponse, Status> {
    Ok(client.list_images(request).await?.into_inner())
}

async fn batch(client: &mut Client, image_ids: Vec<String>) -> Result<Vec<pb::Image>, Status> {
    Ok(client.batch_get_images(pb::BatchGetImagesRequest { image_ids }).await?.into_inner().images)
}

fn names(response: &pb::ListImagesResponse) -> Vec<&str> {
    response.images.iter().map(|image| image.filename.as_str()).collect()
}

async fn names_of(client: &mut Client, request: pb::ListImagesRequest) -> Vec<String> {
    let response = list(client, request).await.unwrap();
    assert_eq!(response.next_page_token, "");
    names(&response).into_iter().map(str::to_owned).collect()
}

#[tokio::test]
async fn an_image_is_visible_to_its_owner_and_to_callers_with_owners_any() {
    let world = World::new().await;
    let image = uploaded(&mut world.user("alice"), "cat.png").await;
    assert_eq!(get(&mut world.user("alice"), &image.id).await.unwrap(), image);
    assert_eq!(get(&mut world.model_server(), &image.id).await.unwrap(), image);
    let rejected = get(&mut world.user("bob"), &image.id).await;
    let unknown = get(&mut world.user("bob"), &"0".repeat(32)).await;
    assert_eq!(failure(rejected), (Code::NotFound, "NOT_FOUND".to_owned()));
    assert_eq!(failure(unknown), (Code::NotFound, "NOT_FOUND".to_owned()));
}

#[tokio::test]
async fn an_invalid_id_is_rejected() {
    let world = World::new().await;
    for id in ["", "0", &"g".repeat(32), &"A".repeat(32), &"0".repeat(33)] {
        assert_eq!(fields(get(&mut world.user("alice"), id).await), ["image_id"]);
    }
}

#[tokio::test]
async fn reads_need_the_scope_images_read() {
    let world = World::new().await;
    let mut writer = world.client(Some(("alice", Scopes::NONE.with(Scope::ImagesWrite))));
    let missing = (Code::PermissionDenied, "SCOPE_MISSING".to_owned());
    assert_eq!(failure(get(&mut writer, &"0".repeat(32)).await), missing);
    assert_eq!(failure(list(&mut writer, Default::default()).await), missing);
    assert_eq!(failure(batch(&mut writer, vec![]).await), missing);
}

#[tokio::test]
async fn each_read_is_one_statement_and_returns_a_bookmark() {
    let world = World::new().await;
    let mut alice = world.user("alice");
    let id = uploaded(&mut alice, "cat.png").await.id;
    world.database.calls();

    let response = alice.get_image(pb::GetImageRequest { image_id: id.clone() }).await.unwrap();
    assert_eq!(response.metadata().get(BOOKMARK_HEADER).unwrap(), "seen");
    assert_eq!(world.database.calls(), (1, 0));
    list(&mut alice, Default::default()).await.unwrap();
    assert_eq!(world.database.calls(), (1, 0));
    batch(&mut alice, vec![id; 500]).await.unwrap();
    assert_eq!(world.database.calls(), (1, 0));
}

#[tokio::test]
async fn pages_are_newest_first_and_hold_each_image_once() {
    let world = World::new().await;
    let mut alice = world.user("alice");
    for n in 0..7 {
        uploaded(&mut alice, &format!("{n}.png")).await;
    }
    uploaded(&mut world.user("bob"), "bob.png").await;
    let (mut request, mut pages) = (pb::ListImagesRequest { page_size: 3, ..Default::default() }, Vec::new());
    loop {
        let response = list(&mut alice, request.clone()).await.unwrap();
        pages.push(names(&response).join(" "));
        // An image uploaded in between is newer, so it does not shift the pages.
        uploaded(&mut alice, "late.png").await;
        if response.next_page_token.is_empty() {
            break;
        }
        request.page_token = response.next_page_token;
    }
    assert_eq!(pages, ["6.png 5.png 4.png", "3.png 2.png 1.png", "0.png"]);
}

#[tokio::test]
async fn the_last_page_may_be_full_and_has_no_token() {
    let world = World::new().await;
    let mut alice = world.user("alice");
    assert_eq!(list(&mut alice, Default::default()).await.unwrap(), pb::ListImagesResponse::default());
    for name in ["a.png", "b.png"] {
        uploaded(&mut alice, name).await;
    }
    let request = pb::ListImagesRequest { page_size: 2, ..Default::default() };
    assert_eq!(names_of(&mut alice, request).await, ["b.png", "a.png"]);
}

#[tokio::test]
async fn a_caller_with_owners_any_lists_the_images_of_all_users() {
    let world = World::new().await;
    uploaded(&mut world.user("alice"), "a.png").await;
    uploaded(&mut world.user("bob"), "b.png").await;
    assert_eq!(names_of(&mut world.model_server(), Default::default()).await, ["b.png", "a.png"]);
    assert_eq!(names_of(&mut world.user("bob"), Default::default()).await, ["b.png"]);
}

#[tokio::test]
async fn a_list_can_be_filtered_by_filename() {
    let world = World::new().await;
    let mut alice = world.user("alice");
    for name in ["Cat 100%.png", "cat_2.png", "dog.png", "Ähre.png"] {
        uploaded(&mut alice, name).await;
    }
    for (filename, expected) in [
        ("CAT", vec!["cat_2.png", "Cat 100%.png"]),
        ("%", vec!["Cat 100%.png"]),
        ("_", vec!["cat_2.png"]),
        ("Ähr", vec!["Ähre.png"]),
        ("'; DROP TABLE images; --", vec![]),
        (&"x".repeat(255), vec![]),
    ] {
        let request = pb::ListImagesRequest { filename: filename.to_owned(), ..Default::default() };
        assert_eq!(names_of(&mut alice, request).await, expected, "{filename}");
    }
}

#[tokio::test]
async fn a_list_can_be_filtered_by_creation_time() {
    let world = World::new().await;
    let mut alice = world.user("alice");
    let mut created = Vec::new();
    for name in ["1.png", "2.png", "3.png"] {
        created.push(uploaded(&mut alice, name).await.created_at);
        world.clock.advance_seconds(1);
    }
    let between = |created_after, created_before| pb::ListImagesRequest {
        created_after,
        created_before,
        ..Default::default()
    };
    assert_eq!(names_of(&mut alice, between(created[1], None)).await, ["3.png", "2.png"]);
    assert_eq!(names_of(&mut alice, between(None, created[1])).await, ["1.png"]);
    assert_eq!(names_of(&mut alice, between(created[0], created[2])).await, ["2.png", "1.png"]);
    assert_eq!(names_of(&mut alice, between(created[2], created[0])).await, Vec::<String>::new());
}

#[tokio::test]
async fn a_token_is_valid_only_for_its_own_list() {
    let world = World::new().await;
    let mut alice = world.user("alice");
    for name in ["a.png", "b.png"] {
        uploaded(&mut alice, name).await;
    }
    let first = pb::ListImagesRequest { page_size: 1, ..Default::default() };
    let page_token = list(&mut alice, first.clone()).await.unwrap().next_page_token;
    let next = pb::ListImagesRequest { page_token, ..first };
    assert_eq!(names_of(&mut alice, next.clone()).await, ["a.png"]);

    let filtered = pb::ListImagesRequest { filename: "a".to_owned(), ..next.clone() };
    let deleted = pb::ListImagesRequest { deleted: true, ..next.clone() };
    for request in [filtered, deleted] {
        assert_eq!(fields(list(&mut alice, request).await), ["page_token"]);
    }
    assert_eq!(fields(list(&mut world.user("bob"), next).await), ["page_token"]);
}

#[tokio::test]
async fn all_violations_of_a_list_request_are_reported_together() {
    let world = World::new().await;
    let request = pb::ListImagesRequest {
        page_size: -1,
        filename: "x".repeat(256),
        created_after: Some(prost_types::Timestamp { seconds: i64::MAX, nanos: 0 }),
        ..Default::default()
    };
    let named = fields(list(&mut world.user("alice"), request).await);
    assert_eq!(named, ["page_size", "filename", "created_after"]);
}

#[tokio::test]
async fn a_page_ends_before_its_message_grows_too_large() {
    let world = World::new().await;
    let mut alice = world.user("alice");
    // Each number takes 8 bytes and its tags: 16 kB of JSON become about 90 kB in the message.
    let numbers =
        prost_types::ListValue { values: vec![Value { kind: Some(Kind::NumberValue(1.0)) }; 8_000] };
    let metadata =
        Struct { fields: [("k".to_owned(), Value { kind: Some(Kind::ListValue(numbers)) })].into() };
    for n in 0..30 {
        let about = pb::UploadInfo { metadata: Some(metadata.clone()), ..info(&format!("{n}.png")) };
        upload(&mut alice, about, &png()).await.unwrap();
    }
    let (mut request, mut seen) = (pb::ListImagesRequest { page_size: 1000, ..Default::default() }, 0);
    loop {
        let response = list(&mut alice, request.clone()).await.unwrap();
        assert!(prost::Message::encoded_len(&response) <= 2 * 1024 * 1024 + 100);
        seen += response.images.len();
        if response.next_page_token.is_empty() {
            break;
        }
        request.page_token = response.next_page_token;
    }
    assert_eq!(seen, 30);
}

#[tokio::test]
async fn a_batch_holds_each_visible_image_once_without_metadata() {
    let world = World::new().await;
    let a = uploaded(&mut world.user("alice"), "a.png").await;
    let b = uploaded(&mut world.user("bob"), "b.png").await;
    let deleted = uploaded(&mut world.user("alice"), "deleted.png").await;
    delete(&mut world.user("alice"), &deleted.id).await.unwrap();
    let ids = vec![a.id.clone(), b.id.clone(), deleted.id, a.id.clone(), "0".repeat(32)];

    let expected = |image: pb::Image| pb::Image { metadata: None, ..image };
    assert_eq!(batch(&mut world.user("alice"), ids.clone()).await.unwrap(), [expected(a.clone())]);
    assert_eq!(batch(&mut world.model_server(), ids).await.unwrap(), [expected(a), expected(b)]);
}

#[tokio::test]
async fn with_a_scope_for_annotations_a_batch_returns_only_ids_and_owners() {
    let world = World::new().await;
    let image = uploaded(&mut world.user("alice"), "a.png").await;
    let owner = pb::Image { id: image.id.clone(), uploaded_by: "alice".to_owned(), ..pb::Image::default() };
    for scope in [Scope::AnnotationsRead, Scope::AnnotationsWrite] {
        let mut alice = world.client(Some(("alice", Scopes::NONE.with(scope))));
        assert_eq!(batch(&mut alice, vec![image.id.clone()]).await.unwrap(), std::slice::from_ref(&owner));
    }
}

#[tokio::test]
async fn a_batch_accepts_1_to_500_ids() {
    let world = World::new().await;
    let mut alice = world.user("alice");
    let id = "0".repeat(32);
    assert_eq!(fields(batch(&mut alice, vec![]).await), ["image_ids"]);
    assert_eq!(fields(batch(&mut alice, vec![id.clone(); 501]).await), ["image_ids"]);
    assert_eq!(batch(&mut alice, vec![id.clone(); 500]).await.unwrap(), []);
    assert_eq!(fields(batch(&mut alice, vec![id, "x".to_owned()]).await), ["image_ids[1]"]);
}
