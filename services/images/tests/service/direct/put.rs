//! Sending the bytes of a direct upload to the URL of the gateway.

use tonic::Code;

use super::*;

#[tokio::test]
async fn bytes_are_staged_and_later_ones_replace_earlier_ones() {
    let world = World::new().await;
    let upload = create(&mut world.user("alice"), declared(b"one")).await.unwrap();
    for bytes in [b"one", b"two"] {
        put(&world, &upload, bytes).await.unwrap();
        assert_eq!(staged(&world).await, [bytes]);
    }
    world.assert_nothing_stored().await;
}

#[tokio::test]
async fn a_signature_is_valid_for_one_upload_until_it_expires() {
    let world = World::new().await;
    world.clock.set(START);
    let upload = create(&mut world.user("alice"), declared(b"one")).await.unwrap();
    let other = create(&mut world.user("alice"), declared(b"one")).await.unwrap();
    let info = parse_url(&upload);
    let forged = [
        pb::PutUploadInfo { upload_id: other.id, ..info.clone() },
        pb::PutUploadInfo { expires_at: info.expires_at + 1, ..info.clone() },
        pb::PutUploadInfo { signature: "x".to_owned(), ..info.clone() },
        pb::PutUploadInfo { signature: String::new(), ..info.clone() },
    ];
    for info in forged {
        let rejected = failure(send(&world, info, b"one").await);
        assert_eq!(rejected, (Code::PermissionDenied, "SIGNATURE_INVALID".to_owned()));
    }
    world.clock.set(START.plus_seconds(3600));
    let expired = failure(send(&world, info, b"one").await);
    assert_eq!(expired, (Code::PermissionDenied, "SIGNATURE_EXPIRED".to_owned()));
    assert!(staged(&world).await.is_empty());
}

#[tokio::test]
async fn a_signature_for_one_method_is_not_valid_for_another() {
    let world = World::new().await;
    let mut alice = world.user("alice");
    let bytes = png();
    let upload = sent(&world, &bytes).await;
    let to_send = parse_url(&upload);
    complete(&mut alice, &upload.id).await.unwrap();
    let request = pb::SignImageUrlRequest { image_id: upload.id.clone(), ttl_seconds: 0 };
    let url = alice.sign_image_url(request).await.unwrap().into_inner().url;
    let (expires_at, signature) =
        url.split_once("?expires_at=").unwrap().1.split_once("&signature=").unwrap();
    let (expires_at, signature) = (expires_at.parse().unwrap(), signature.to_owned());

    let by_reader = pb::PutUploadInfo { expires_at, signature, ..to_send.clone() };
    let rejected = failure(send(&world, by_reader, &bytes).await);
    assert_eq!(rejected, (Code::PermissionDenied, "SIGNATURE_INVALID".to_owned()));
    let by_sender = pb::DownloadImageRequest {
        image_id: upload.id,
        expires_at: to_send.expires_at,
        signature: to_send.signature,
        ..Default::default()
    };
    let rejected = failure(world.client(None).download_image(by_sender).await.map(drop));
    assert_eq!(rejected, (Code::PermissionDenied, "SIGNATURE_INVALID".to_owned()));
}

#[tokio::test]
async fn bytes_that_do_not_match_the_declaration_leave_the_earlier_ones() {
    let world = World::new().await;
    let upload = sent(&world, b"four").await;
    let info = parse_url(&upload);
    for bytes in [b"thr".as_slice(), b"fives", b""] {
        let rejected = violations(send(&world, info.clone(), bytes).await);
        assert_eq!(
            rejected,
            [("data".to_owned(), "must have 4 bytes, as declared for the upload".to_owned())]
        );
    }
    let mismatch =
        pb::PutUploadInfo { content_type: "image/jpeg".to_owned(), size_bytes: Some(5), ..info.clone() };
    let rejected = fields(send(&world, mismatch, b"fives").await);
    assert_eq!(rejected, ["info.content_type", "info.size_bytes"]);
    assert_eq!(staged(&world).await, [b"four"]);
    let matching = pb::PutUploadInfo { size_bytes: Some(4), ..info };
    send(&world, matching, b"FOUR").await.unwrap();
    assert_eq!(staged(&world).await, [b"FOUR"]);
}

#[tokio::test]
async fn messages_out_of_order_are_rejected() {
    let world = World::new().await;
    let info = parse_url(&create(&mut world.user("alice"), declared(b"four")).await.unwrap());
    let data = || Some(Payload::Data(Bytes::from_static(b"four")));
    for payloads in [vec![], vec![data()], vec![Some(Payload::Info(info.clone())), Some(Payload::Info(info))]]
    {
        let messages = payloads.into_iter().map(|payload| pb::PutUploadRequest { payload });
        let messages = stream::iter(messages.collect::<Vec<_>>());
        assert_eq!(fields(world.client(None).put_upload(messages).await.map(drop)), ["info"]);
    }
    assert!(staged(&world).await.is_empty());
}

#[tokio::test]
async fn a_full_store_stores_nothing_and_accepts_the_bytes_later() {
    let world = World::new().await;
    let upload = create(&mut world.user("alice"), declared(b"four")).await.unwrap();
    world.objects.set(Some(crate::faults::ObjectFault::FullAfter(1)));
    let rejected = failure(put(&world, &upload, b"four").await);
    assert_eq!(rejected, (Code::ResourceExhausted, "STORAGE_FULL".to_owned()));
    world.objects.set(None);
    assert!(staged(&world).await.is_empty());
    put(&world, &upload, b"four").await.unwrap();
}
