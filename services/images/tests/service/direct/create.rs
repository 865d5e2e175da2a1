//! Creating a direct upload.

use identity::{Scope, Scopes};
use images::{DEFAULT_MAX_UPLOAD_BYTES, Settings};
use proto::images::v1 as pb;
use tonic::{Code, Request};

use super::*;
use crate::faults::ObjectFault;

#[tokio::test]
async fn the_response_is_a_request_that_is_valid_for_one_hour() {
    let world = World::new().await;
    world.clock.set(START);
    let upload = create(&mut world.user("alice"), declared(&png())).await.unwrap();
    assert_eq!(world.database.calls(), (0, 1));
    assert_eq!(upload.method, "PUT");
    assert_eq!(upload.expires_at.unwrap().seconds, START.as_seconds() + 3600);
    assert!(upload.url.starts_with(&format!("/api/images/uploads/{}/content?expires_at=", upload.id)));
    // The bookmark makes any replica read the upload that was just written.
    let headers = [("content-type", "image/png"), ("x-reticle-bookmark", "written")];
    assert_eq!(upload.headers, headers.map(|(name, value)| (name.to_owned(), value.to_owned())).into());
    assert_eq!((uploads(&world).await, world.records().await), (1, 0));
}

#[tokio::test]
async fn the_base_of_the_url_is_configured_or_the_one_by_which_the_gateway_was_called() {
    let public_url = Some("https://images.example/".to_owned());
    let set = World::with(Settings { public_url, ..Settings::default() }).await;
    for (world, base) in [(World::new().await, "https://other.example"), (set, "https://images.example")] {
        let mut request = Request::new(declared(&png()));
        for (name, value) in [("x-forwarded-proto", "https"), ("x-forwarded-host", "other.example")] {
            request.metadata_mut().insert(name, value.parse().unwrap());
        }
        let upload = world.user("alice").create_upload(request).await.unwrap().into_inner().upload.unwrap();
        assert!(upload.url.starts_with(&format!("{base}/api/images/uploads/")), "{}", upload.url);
    }
}

#[tokio::test]
async fn an_object_store_that_can_sign_receives_the_bytes_directly() {
    let world = World::new().await;
    world.objects.set(Some(ObjectFault::Signs));
    let bytes = png();
    let upload = create(&mut world.user("alice"), declared(&bytes)).await.unwrap();
    let (id, size) = (&upload.id, bytes.len());
    assert_eq!(upload.url, format!("https://store.example/uploads/{id}?size={size}&ttl=3600"));
    assert_eq!((upload.method.as_str(), content_type(&upload)), ("PUT", "image/png"));
    assert_eq!(upload.expires_at.unwrap().seconds, START.as_seconds());

    put_into_store(&world, &upload, &bytes).await;
    assert_eq!(complete(&mut world.user("alice"), id).await.unwrap().id, *id);
}

#[tokio::test]
async fn all_violations_of_a_declaration_are_reported_together() {
    let world = World::new().await;
    let wrong = pb::CreateUploadRequest {
        filename: "a\0.png".to_owned(),
        content_type: "image/svg+xml".to_owned(),
        size_bytes: 0,
        sha256: Some("abc".to_owned()),
        metadata: Some(prost_types::Struct { fields: [("a".to_owned(), Default::default())].into() }),
    };
    let rejected = fields(create(&mut world.user("alice"), wrong).await);
    assert_eq!(rejected, ["content_type", "filename", "size_bytes", "sha256", "metadata"]);
    for content_type in ["", "application/octet-stream", "image/*", "text/html", "image/heic"] {
        let content_type = content_type.to_owned();
        let request = pb::CreateUploadRequest { content_type, ..declared(&png()) };
        assert_eq!(fields(create(&mut world.user("alice"), request).await), ["content_type"]);
    }
    assert_eq!(uploads(&world).await, 0);
}

#[tokio::test]
async fn the_limits_of_the_declared_size_are_exact() {
    let world = World::new().await;
    let sized = |size_bytes| pb::CreateUploadRequest { size_bytes, ..declared(&png()) };
    for size in [1, DEFAULT_MAX_UPLOAD_BYTES] {
        assert!(create(&mut world.user("alice"), sized(size)).await.is_ok(), "{size}");
    }
    for size in [i32::MIN, -1, 0, DEFAULT_MAX_UPLOAD_BYTES + 1, i32::MAX] {
        let rejected = violations(create(&mut world.user("alice"), sized(size)).await);
        assert_eq!(rejected, [("size_bytes".to_owned(), "must be 1 to 10485760".to_owned())], "{size}");
    }
}

#[tokio::test]
async fn direct_uploads_need_the_scope_images_write() {
    let world = World::new().await;
    let mut reader = world.client(Some(("alice", Scopes::NONE.with(Scope::ImagesRead))));
    assert_eq!(failure(create(&mut reader, declared(&png())).await).0, Code::PermissionDenied);
    assert_eq!(failure(complete(&mut reader, &"0".repeat(32)).await).0, Code::PermissionDenied);
    let mut anonymous = world.client(None);
    assert_eq!(failure(create(&mut anonymous, declared(&png())).await).0, Code::Unauthenticated);
    assert_eq!(failure(complete(&mut anonymous, &"0".repeat(32)).await).0, Code::Unauthenticated);
}
