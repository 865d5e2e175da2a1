//! The daily clean-up.

use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use images::{BindError, CleanupError, CleanupReport, CleanupSettings};
use proto::images::v1 as pb;
use storage::{Database as _, ObjectKey, ObjectStore as _, PutOptions, Statement};
use tonic::Code;

use crate::{direct, faults::ObjectFault, world::*};

const DAY: i64 = 24 * 60 * 60;

/// Sets the clock relative to the real time, because the object files are created at real time.
fn days_from_now(world: &World, days: i64) {
    world.clock.set(runtime::Clock::now(&storage_native::SystemClock).plus_seconds(days * DAY));
}

async fn orphan(world: &World, key: &str) {
    let body = stream::iter([Ok(Bytes::from_static(b"bytes"))]).boxed();
    world.objects.put(&ObjectKey::parse(key).unwrap(), body, PutOptions::default()).await.unwrap();
}

async fn annotate(world: &World, image_id: &str) {
    let statement = Statement::new(
        "INSERT INTO annotations (image_id, id, label, x, y, width, height, model, created_by, created_at,
             updated_at, revision)
         VALUES (?1, ?1, 'cat', 0, 0, 1, 1, '', 'alice', 0, 0, 1)",
    );
    world.database.write(vec![statement.bind(image_id)], None).await.unwrap();
}

async fn annotations(world: &World) -> i64 {
    world.database.count("SELECT count(*) AS n FROM annotations").await
}

#[tokio::test]
async fn images_deleted_30_days_ago_are_purged_with_their_annotations_and_objects() {
    let world = World::new().await;
    let mut alice = world.user("alice");
    let kept = uploaded(&mut alice, "kept.png").await;
    for n in 0..120 {
        let image = uploaded(&mut alice, &format!("{n}.png")).await;
        annotate(&world, &image.id).await;
        world.clock.set(START);
        delete(&mut alice, &image.id).await.unwrap();
    }
    world.clock.set(runtime::Timestamp::from_millis(START.plus_seconds(30 * DAY).as_millis() - 1));
    assert_eq!(world.cleanup().await, CleanupReport::default());
    assert_eq!((world.records().await, annotations(&world).await), (121, 120));

    world.clock.set(START.plus_seconds(30 * DAY));
    let purged = CleanupReport { purged_images: 120, ..Default::default() };
    assert_eq!(world.cleanup().await, purged);
    assert_eq!((world.records().await, annotations(&world).await), (1, 0));
    assert_eq!(world.keys().await, [kept.r2_key]);
    assert_eq!(world.cleanup().await, CleanupReport::default());
}

#[tokio::test]
async fn objects_without_a_record_are_swept_after_one_day_and_others_stay() {
    let world = World::new().await;
    let mut alice = world.user("alice");
    let live = uploaded(&mut alice, "live.png").await;
    days_from_now(&world, 0);
    let hidden = uploaded(&mut alice, "hidden.png").await;
    delete(&mut alice, &hidden.id).await.unwrap();
    orphan(&world, "images/orphan.png").await;
    orphan(&world, "elsewhere/orphan.png").await;

    days_from_now(&world, 0);
    assert_eq!(world.cleanup().await, CleanupReport::default());

    world.clock.advance_seconds(DAY + 1);
    assert_eq!(world.cleanup().await, CleanupReport { swept_objects: 1, ..Default::default() });
    let mut expected = [live.r2_key, hidden.r2_key];
    expected.sort();
    assert_eq!(world.keys().await, expected);
    assert_eq!(world.objects.list("elsewhere/", None, 10).await.unwrap().objects.len(), 1);
}

#[tokio::test]
async fn direct_uploads_that_are_not_completed_expire_after_one_day() {
    let world = World::new().await;
    days_from_now(&world, 0);
    let abandoned = direct::sent(&world, &png()).await;
    direct::create(&mut world.user("alice"), direct::declared(&png())).await.unwrap();
    assert_eq!(world.cleanup().await, CleanupReport::default());

    world.clock.advance_seconds(DAY + 1);
    let young = direct::create(&mut world.user("alice"), direct::declared(&png())).await.unwrap();
    let report = CleanupReport { expired_uploads: 2, swept_objects: 1, ..Default::default() };
    assert_eq!(world.cleanup().await, report);
    let expired = failure(direct::complete(&mut world.user("alice"), &abandoned.id).await);
    assert_eq!(expired.0, Code::NotFound);
    assert!(direct::put(&world, &young, &png()).await.is_ok());
    assert_eq!(direct::complete(&mut world.user("alice"), &young.id).await.unwrap().id, young.id);
}

#[tokio::test]
async fn more_uploads_than_one_batch_expire_in_one_run() {
    let world = World::new().await;
    let create = || {
        let mut alice = world.user("alice");
        async move { direct::create(&mut alice, direct::declared(&png())).await.unwrap() }
    };
    futures_util::future::join_all((0..501).map(|_| create())).await;
    world.clock.advance_seconds(DAY + 1);
    assert_eq!(world.cleanup().await.expired_uploads, 501);
    assert_eq!(world.database.count("SELECT count(*) AS n FROM uploads").await, 0);
}

#[tokio::test]
async fn the_sweep_reads_all_pages() {
    let world = World::new().await;
    let keys: Vec<_> = (0..505).map(|n| format!("images/{n}.png")).collect();
    futures_util::future::join_all(keys.iter().map(|key| orphan(&world, key))).await;
    let kept = uploaded(&mut world.user("alice"), "kept.png").await;
    days_from_now(&world, 2);
    let all = CleanupSettings { max_sweep_percent: 100, ..CleanupSettings::default() };
    assert_eq!(world.try_cleanup(all).await.unwrap().swept_objects, 505);
    assert_eq!(world.keys().await, [kept.r2_key]);
}

#[tokio::test]
async fn the_next_clean_up_completes_an_interrupted_one() {
    let world = World::new().await;
    let mut alice = world.user("alice");
    let image = uploaded(&mut alice, "cat.png").await;
    delete(&mut alice, &image.id).await.unwrap();
    days_from_now(&world, 31);
    annotate(&world, &image.id).await;
    world.objects.set(Some(ObjectFault::CannotDelete));
    assert!(world.try_cleanup(CleanupSettings::default()).await.is_err());
    assert_eq!((world.records().await, world.keys().await.len()), (1, 1));
    // A part of the image may be removed already: it cannot be undeleted, even if the clock of the server is behind.
    world.clock.set(START);
    let request = pb::UndeleteImageRequest { image_id: image.id.clone() };
    assert_eq!(failure(alice.undelete_image(request).await).0, Code::NotFound);

    days_from_now(&world, 31);
    world.objects.set(None);
    assert_eq!(world.cleanup().await, CleanupReport { purged_images: 1, ..Default::default() });
    world.assert_nothing_stored().await;
}

#[tokio::test]
async fn a_purge_removes_annotations_in_batches_with_pauses_and_the_image_last() {
    let world = World::new().await;
    let mut alice = world.user("alice");
    let image = uploaded(&mut alice, "cat.png").await;
    let insert = Statement::new(
        "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 4001)
         INSERT INTO annotations (image_id, id, label, x, y, width, height, model, created_by, created_at,
             updated_at, revision)
         SELECT ?1, printf('%032x', i), 'cat', 0, 0, 1, 1, '', 'alice', 0, 0, 1 FROM n",
    );
    world.database.write(vec![insert.bind(image.id.as_str())], None).await.unwrap();
    delete(&mut alice, &image.id).await.unwrap();
    days_from_now(&world, 31);
    world.database.deletions();

    assert_eq!(world.cleanup().await.purged_images, 1);

    assert!(world.timer.waits() >= 3, "one pause after each of three batches");
    let deletions = world.database.deletions();
    assert_eq!(deletions, [2_000, 2_000, 1, 1, 0], "annotations in batches, the image, and no upload");
    assert_eq!(annotations(&world).await, 0);
    world.assert_nothing_stored().await;
}

#[tokio::test]
async fn swept_objects_stay_in_quarantine_for_7_days() {
    let world = World::new().await;
    orphan(&world, "images/orphan.png").await;
    days_from_now(&world, 2);
    assert_eq!(world.cleanup().await, CleanupReport { swept_objects: 1, ..Default::default() });
    assert_eq!(world.keys_below("quarantine/").await, ["quarantine/images/orphan.png"]);

    days_from_now(&world, 6);
    assert_eq!(world.cleanup().await, CleanupReport::default());
    days_from_now(&world, 8);
    assert_eq!(world.cleanup().await, CleanupReport { removed_objects: 1, ..Default::default() });
    assert!(world.keys_below("").await.iter().all(|key| key == "store-id"));
}

#[tokio::test]
async fn a_sweep_of_too_large_a_share_moves_nothing_and_names_the_remedy() {
    let world = World::new().await;
    let kept = uploaded(&mut world.user("alice"), "kept.png").await;
    for n in 0..11 {
        orphan(&world, &format!("images/{n}.png")).await;
    }
    days_from_now(&world, 2);
    let before = world.keys().await;

    let rejected = world.try_cleanup(CleanupSettings::default()).await.unwrap_err();

    let message = rejected.to_string();
    assert!(
        matches!(rejected, CleanupError::TooManyOrphans { orphans: 11, objects: 12, .. }),
        "{rejected:?}"
    );
    assert!(message.contains("reticle cleanup --max-sweep-percent 92"), "{message}");
    assert_eq!(world.keys().await, before);

    let allowed = CleanupSettings { max_sweep_percent: 92, ..CleanupSettings::default() };
    assert_eq!(world.try_cleanup(allowed).await.unwrap().swept_objects, 11);
    assert_eq!(world.keys().await, [kept.r2_key]);
}

#[tokio::test]
async fn an_object_is_restored_from_quarantine_when_its_record_is_restored() {
    let world = World::new().await;
    let mut alice = world.user("alice");
    let image = uploaded(&mut alice, "cat.png").await;
    let set_key = |key: &str| Statement::new("UPDATE images SET r2_key = ?1").bind(key);
    world.database.write(vec![set_key("images/elsewhere.png")], None).await.unwrap();
    days_from_now(&world, 2);
    assert_eq!(world.cleanup().await.swept_objects, 1);
    assert!(world.keys().await.is_empty());

    world.database.write(vec![set_key(&image.r2_key)], None).await.unwrap();
    assert_eq!(world.cleanup().await, CleanupReport { restored_objects: 1, ..Default::default() });
    assert_eq!(world.keys().await, [image.r2_key]);
    assert_eq!(world.cleanup().await, CleanupReport::default());
}

/// Two images whose objects are both in the quarantine. The first one's key has an object, too, the second one's has none.
async fn quarantined(world: &World) -> [String; 2] {
    let mut alice = world.user("alice");
    let mut keys =
        [uploaded(&mut alice, "cat.png").await.r2_key, uploaded(&mut alice, "dog.png").await.r2_key];
    keys.sort();
    orphan(world, &format!("quarantine/{}", keys[0])).await;
    let [from, to] =
        [keys[1].clone(), format!("quarantine/{}", keys[1])].map(|key| ObjectKey::parse(&key).unwrap());
    assert!(world.objects.rename(&from, &to).await.unwrap());
    keys
}

#[tokio::test]
async fn an_object_in_quarantine_whose_key_exists_is_removed_after_7_days() {
    let world = World::new().await;
    let keys = quarantined(&world).await;
    days_from_now(&world, 6);
    assert_eq!(world.cleanup().await, CleanupReport { restored_objects: 1, ..Default::default() });
    assert_eq!(world.keys_below("quarantine/").await, [format!("quarantine/{}", keys[0])]);

    days_from_now(&world, 8);
    assert_eq!(world.cleanup().await, CleanupReport { removed_objects: 1, ..Default::default() });
    assert_eq!((world.keys().await, world.keys_below("quarantine/").await), (keys.to_vec(), vec![]));
}

#[tokio::test]
async fn each_attempt_to_restore_an_object_counts_to_the_limit_of_moves() {
    let world = World::new().await;
    let keys = quarantined(&world).await;
    days_from_now(&world, 2);
    let one = CleanupSettings { max_moves: 1, ..CleanupSettings::default() };
    assert_eq!(world.try_cleanup(one).await.unwrap(), CleanupReport::default());
    assert_eq!(world.keys().await, keys[..1], "the attempt was for the first, whose key exists");

    let two = CleanupSettings { max_moves: 2, ..one };
    assert_eq!(world.try_cleanup(two).await.unwrap().restored_objects, 1);
    assert_eq!(world.keys().await, keys);
}

#[tokio::test]
async fn a_clean_up_with_the_wrong_database_removes_nothing() {
    let world = World::new().await;
    uploaded(&mut world.user("alice"), "cat.png").await;
    let wrong = world.new_database().await;
    days_from_now(&world, 60);
    let before = world.keys_below("").await;

    let entropy = Counting::default();
    let settings = CleanupSettings::default();
    let rejected =
        images::cleanup(&wrong, &world.objects, &world.clock, &world.timer, &entropy, settings).await;

    assert!(
        matches!(rejected, Err(CleanupError::Unbound(BindError::DatabaseWithoutId { .. }))),
        "{rejected:?}"
    );
    assert_eq!(world.keys_below("").await, before);
}

#[tokio::test]
async fn two_concurrent_clean_ups_do_no_more_than_one() {
    let world = World::new().await;
    let mut alice = world.user("alice");
    for n in 0..60 {
        let id = uploaded(&mut alice, &format!("{n}.png")).await.id;
        delete(&mut alice, &id).await.unwrap();
    }
    days_from_now(&world, 31);
    let (one, other) = tokio::join!(world.cleanup(), world.cleanup());
    assert_eq!(one.purged_images + other.purged_images, 60);
    world.assert_nothing_stored().await;
}
