//! The daily clean-up.

use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use images::CleanupReport;
use storage::{Database as _, ObjectKey, ObjectStore as _, PutOptions, Statement};
use tonic::Code;

use crate::{direct, faults::ObjectFault, world::*};

const DAY: i64 = 24 * 60 * 60;

/// Moves the clock on from now: files in the folder are as old as the tests themselves.
fn days_from_now(world: &World, days: i64) {
    world.clock.set(storage::Clock::now(&storage_native::SystemClock).plus_seconds(days * DAY));
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
async fn images_deleted_30_days_ago_go_with_their_annotations_and_objects() {
    let world = World::new().await;
    let mut alice = world.user("alice");
    let kept = uploaded(&mut alice, "kept.png").await;
    for n in 0..120 {
        let image = uploaded(&mut alice, &format!("{n}.png")).await;
        annotate(&world, &image.id).await;
        world.clock.set(START);
        delete(&mut alice, &image.id).await.unwrap();
    }
    world.clock.set(storage::Timestamp::from_millis(START.plus_seconds(30 * DAY).as_millis() - 1));
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
async fn objects_without_a_record_go_after_a_day_and_those_with_one_stay() {
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
async fn direct_uploads_that_are_not_completed_go_after_a_day() {
    let world = World::new().await;
    days_from_now(&world, 0);
    let forgotten = direct::sent(&world, &png()).await;
    direct::create(&mut world.user("alice"), direct::declared(&png())).await.unwrap();
    assert_eq!(world.cleanup().await, CleanupReport::default());

    world.clock.advance_seconds(DAY + 1);
    let young = direct::create(&mut world.user("alice"), direct::declared(&png())).await.unwrap();
    let report = CleanupReport { expired_uploads: 2, swept_objects: 1, ..Default::default() };
    assert_eq!(world.cleanup().await, report);
    let gone = failure(direct::complete(&mut world.user("alice"), &forgotten.id).await);
    assert_eq!(gone.0, Code::NotFound);
    assert!(direct::put(&world, &young, &png()).await.is_ok());
    assert_eq!(direct::complete(&mut world.user("alice"), &young.id).await.unwrap().id, young.id);
}

#[tokio::test]
async fn uploads_expire_in_steps_however_many_there_are() {
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
async fn the_sweep_goes_through_all_pages() {
    let world = World::new().await;
    let keys: Vec<_> = (0..505).map(|n| format!("images/{n}.png")).collect();
    futures_util::future::join_all(keys.iter().map(|key| orphan(&world, key))).await;
    let kept = uploaded(&mut world.user("alice"), "kept.png").await;
    days_from_now(&world, 2);
    assert_eq!(world.cleanup().await.swept_objects, 505);
    assert_eq!(world.keys().await, [kept.r2_key]);
}

#[tokio::test]
async fn a_clean_up_that_stops_midway_is_finished_by_the_next() {
    let world = World::new().await;
    let mut alice = world.user("alice");
    let image = uploaded(&mut alice, "cat.png").await;
    delete(&mut alice, &image.id).await.unwrap();
    days_from_now(&world, 31);
    world.objects.set(Some(ObjectFault::CannotDelete));
    assert!(images::cleanup(&world.database, &world.objects, &world.clock).await.is_err());
    assert_eq!((world.records().await, world.keys().await.len()), (0, 1));

    world.objects.set(None);
    assert_eq!(world.cleanup().await, CleanupReport { swept_objects: 1, ..Default::default() });
    world.assert_nothing_stored().await;
}

#[tokio::test]
async fn two_clean_ups_at_once_do_no_more_than_one() {
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
