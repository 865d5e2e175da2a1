//! Signed URLs for downloads without a token.

use images::Settings;
use proto::images::v1 as pb;
use tonic::{Code, Request, Status};

use crate::{faults::ObjectFault, world::*};

async fn sign(client: &mut Client, id: &str, ttl_seconds: i32) -> Result<pb::SignImageUrlResponse, Status> {
    let request = pb::SignImageUrlRequest { image_id: id.to_owned(), ttl_seconds };
    Ok(client.sign_image_url(request).await?.into_inner())
}

/// Signs a URL in a request with these headers.
async fn signed_for(world: &World, id: &str, headers: &[(&'static str, &str)]) -> String {
    let mut request = Request::new(pb::SignImageUrlRequest { image_id: id.to_owned(), ttl_seconds: 0 });
    for (name, value) in headers {
        request.metadata_mut().insert(*name, value.parse().unwrap());
    }
    world.user("alice").sign_image_url(request).await.unwrap().into_inner().url
}

/// Decodes a signed URL into its download request, as the gateway does.
fn parse_url(url: &str) -> pb::DownloadImageRequest {
    let (path, query) = url.split_once('?').unwrap();
    let (expires_at, signature) = query.split_once('&').unwrap();
    let id = path.strip_suffix("/content").unwrap().rsplit('/').next().unwrap();
    pb::DownloadImageRequest {
        image_id: id.to_owned(),
        expires_at: expires_at.strip_prefix("expires_at=").unwrap().parse().unwrap(),
        signature: signature.strip_prefix("signature=").unwrap().to_owned(),
        ..Default::default()
    }
}

async fn download(client: &mut Client, request: pb::DownloadImageRequest) -> Result<(), Status> {
    client.download_image(request).await.map(drop)
}

#[tokio::test]
async fn a_signed_url_downloads_the_image_without_a_token_until_it_expires() {
    let world = World::new().await;
    let id = uploaded(&mut world.user("alice"), "cat.png").await.id;
    world.clock.set(START);

    let signed = sign(&mut world.user("alice"), &id, 60).await.unwrap();

    assert_eq!(signed.expires_at.unwrap().seconds, START.as_seconds() + 60);
    assert!(signed.url.starts_with(&format!("/api/images/{id}/content?expires_at=")), "{}", signed.url);
    let request = parse_url(&signed.url);
    for mut client in [world.client(None), world.user("bob"), world.user("alice")] {
        assert!(download(&mut client, request.clone()).await.is_ok());
    }
    world.clock.set(START.plus_seconds(60));
    let expired = failure(download(&mut world.client(None), request.clone()).await);
    assert_eq!(expired, (Code::PermissionDenied, "SIGNATURE_EXPIRED".to_owned()));
    // A caller whose token permits the download needs no valid signature.
    assert!(download(&mut world.user("alice"), request).await.is_ok());
}

#[tokio::test]
async fn a_signature_is_not_valid_for_anything_else() {
    let world = World::new().await;
    let id = uploaded(&mut world.user("alice"), "cat.png").await.id;
    let other = uploaded(&mut world.user("alice"), "dog.png").await.id;
    let request = parse_url(&sign(&mut world.user("alice"), &id, 0).await.unwrap().url);
    let forged = [
        pb::DownloadImageRequest { image_id: other, ..request.clone() },
        pb::DownloadImageRequest { expires_at: request.expires_at + 1, ..request.clone() },
        pb::DownloadImageRequest { signature: "x".to_owned(), ..request.clone() },
    ];
    for request in forged {
        let rejected = failure(download(&mut world.client(None), request).await);
        assert_eq!(rejected, (Code::PermissionDenied, "SIGNATURE_INVALID".to_owned()));
    }
    delete(&mut world.user("alice"), &id).await.unwrap();
    assert_eq!(failure(download(&mut world.client(None), request).await).0, Code::NotFound);
}

#[tokio::test]
async fn a_url_is_valid_for_1_to_3600_seconds() {
    let world = World::new().await;
    let mut alice = world.user("alice");
    let id = uploaded(&mut alice, "cat.png").await.id;
    for (ttl, seconds) in [(0, 3600), (1, 1), (3600, 3600)] {
        world.clock.set(START);
        let expires_at = sign(&mut alice, &id, ttl).await.unwrap().expires_at.unwrap();
        assert_eq!(expires_at.seconds, START.as_seconds() + seconds);
    }
    for ttl in [-1, 3601, i32::MIN] {
        assert_eq!(fields(sign(&mut alice, &id, ttl).await), ["ttl_seconds"]);
    }
}

#[tokio::test]
async fn only_callers_that_see_an_image_can_sign_its_url() {
    let world = World::new().await;
    let id = uploaded(&mut world.user("alice"), "cat.png").await.id;
    assert_eq!(failure(sign(&mut world.user("bob"), &id, 0).await).0, Code::NotFound);
    assert_eq!(failure(sign(&mut world.client(None), &id, 0).await).0, Code::Unauthenticated);
    assert!(sign(&mut world.model_server(), &id, 0).await.is_ok());
}

#[tokio::test]
async fn an_object_store_that_can_sign_signs_the_url() {
    let world = World::new().await;
    let image = uploaded(&mut world.user("alice"), "cat.png").await;
    world.objects.set(Some(ObjectFault::Signs));
    let signed = sign(&mut world.user("alice"), &image.id, 7).await.unwrap();
    assert_eq!(signed.url, format!("https://store.example/{}?ttl=7", image.r2_key));
}

#[tokio::test]
async fn the_base_of_a_url_is_the_one_by_which_the_gateway_was_called() {
    let world = World::new().await;
    let id = uploaded(&mut world.user("alice"), "cat.png").await.id;
    for host in ["reticle.example", "localhost:8787", "[::1]:8787"] {
        let headers = [("x-forwarded-proto", "https"), ("x-forwarded-host", host)];
        let url = signed_for(&world, &id, &headers).await;
        assert!(url.starts_with(&format!("https://{host}/api/images/{id}/content?")), "{url}");
    }
}

#[tokio::test]
async fn a_url_is_relative_if_the_forwarded_headers_are_unusable() {
    let world = World::new().await;
    let id = uploaded(&mut world.user("alice"), "cat.png").await.id;
    for (scheme, host) in [
        ("javascript", "reticle.example"),
        ("https,http", "reticle.example"),
        ("https", ""),
        ("https", "alice@evil.example"),
        ("https", "evil.example/path"),
        ("https", "a.example, b.example"),
        ("https", "evil.example?x"),
        ("https", "evil.example:port:1"),
        ("https", ":8787"),
    ] {
        let url = signed_for(&world, &id, &[("x-forwarded-proto", scheme), ("x-forwarded-host", host)]).await;
        assert!(url.starts_with("/api/images/"), "{url}");
    }
    let url = signed_for(&world, &id, &[("x-forwarded-host", "reticle.example")]).await;
    assert!(url.starts_with("/api/images/"), "{url}");
}

#[tokio::test]
async fn the_configured_base_url_takes_precedence() {
    let public_url = Some("https://images.example/".to_owned());
    let world = World::with(Settings { public_url, ..Settings::default() }).await;
    let id = uploaded(&mut world.user("alice"), "cat.png").await.id;
    let headers = [("x-forwarded-proto", "https"), ("x-forwarded-host", "other.example")];
    let url = signed_for(&world, &id, &headers).await;
    assert!(url.starts_with(&format!("https://images.example/api/images/{id}/content?")), "{url}");
}
