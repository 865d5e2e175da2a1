//! Binding of a database and an object store.

use futures_util::{StreamExt as _, future::join_all, stream};
use images::{BindError, StoreId};
use storage::{Database as _, ObjectKey, ObjectStore as _, PutOptions, Statement};

use crate::{faults::FaultyDatabase, world::*};

async fn bind(world: &World, database: &FaultyDatabase) -> Result<StoreId, BindError> {
    images::bind(database, &world.objects, &world.clock, &Counting::default()).await
}

/// Removes the store id from the database, as in an installation that is older than store ids.
async fn remove_registration(database: &FaultyDatabase) {
    database.write(vec![Statement::new("DELETE FROM store")], None).await.unwrap();
}

async fn remove_mark(world: &World) {
    world.objects.delete(vec![ObjectKey::parse("store-id").unwrap()]).await.unwrap();
}

async fn put(world: &World, key: &str, bytes: &'static str) {
    let body = stream::iter([Ok(bytes.into())]).boxed();
    world.objects.put(&ObjectKey::parse(key).unwrap(), body, PutOptions::default()).await.unwrap();
}

#[tokio::test]
async fn the_same_stores_stay_bound_by_the_same_id() {
    let world = World::new().await;
    uploaded(&mut world.user("alice"), "cat.png").await;
    let id = bind(&world, &world.database).await.unwrap();
    assert_eq!(bind(&world, &world.database).await.unwrap(), id);
}

#[tokio::test]
async fn an_installation_older_than_store_ids_gets_one() {
    let world = World::new().await;
    for n in 0..30 {
        uploaded(&mut world.user("alice"), &format!("{n}.png")).await;
    }
    put(&world, "images/leftover.png", "of a crash").await;
    remove_registration(&world.database).await;
    remove_mark(&world).await;

    let id = bind(&world, &world.database).await.unwrap();

    assert_eq!(bind(&world, &world.database).await.unwrap(), id);
}

#[tokio::test]
async fn processes_that_start_at_the_same_time_agree_on_the_id() {
    let world = World::new().await;
    for _ in 0..20 {
        remove_registration(&world.database).await;
        remove_mark(&world).await;
        let ids = join_all((0..4).map(|_| bind(&world, &world.database))).await;
        let first = ids[0].as_ref().unwrap();
        assert!(ids.iter().all(|id| id.as_ref().is_ok_and(|id| id == first)), "{ids:?}");
    }
}

#[tokio::test]
async fn a_new_database_for_an_object_store_with_images_is_rejected() {
    let world = World::new().await;
    uploaded(&mut world.user("alice"), "cat.png").await;
    let database = world.new_database().await;
    let rejected = bind(&world, &database).await.unwrap_err();
    assert!(matches!(rejected, BindError::DatabaseWithoutId { .. }), "{rejected:?}");
    assert!(rejected.to_string().contains("`reticle adopt`"), "{rejected}");

    remove_mark(&world).await;
    let rejected = bind(&world, &database).await.unwrap_err();
    assert!(matches!(rejected, BindError::Unrelated), "also if it is older than store ids: {rejected:?}");
    assert!(bind(&world, &database).await.is_err(), "and again");
}

#[tokio::test]
async fn an_empty_object_store_for_a_database_with_images_is_rejected() {
    let world = World::new().await;
    let image = uploaded(&mut world.user("alice"), "cat.png").await;
    world.objects.delete(vec![ObjectKey::parse(&image.r2_key).unwrap()]).await.unwrap();
    remove_mark(&world).await;
    let rejected = bind(&world, &world.database).await.unwrap_err();
    assert!(matches!(rejected, BindError::ObjectsWithoutId { .. }), "{rejected:?}");
    remove_registration(&world.database).await;
    let rejected = bind(&world, &world.database).await.unwrap_err();
    assert!(matches!(rejected, BindError::Unrelated), "{rejected:?}");
}

#[tokio::test]
async fn empty_stores_are_bound_and_keep_an_existing_id() {
    let world = World::new().await;
    let id = bind(&world, &world.database).await.unwrap();
    let database = world.new_database().await;
    assert_eq!(bind(&world, &database).await.unwrap(), id, "the object store's id is kept");
    remove_mark(&world).await;
    assert_eq!(bind(&world, &database).await.unwrap(), id, "the database's id is kept");
}

#[tokio::test]
async fn the_next_start_completes_a_binding_that_a_crash_interrupted() {
    let world = World::new().await;
    uploaded(&mut world.user("alice"), "cat.png").await;
    let id = bind(&world, &world.database).await.unwrap();
    let half = "UPDATE store SET is_bound = 0";
    world.database.write(vec![Statement::new(half)], None).await.unwrap();
    assert_eq!(bind(&world, &world.database).await.unwrap(), id, "crash after the object store got the id");
    world.database.write(vec![Statement::new(half)], None).await.unwrap();
    remove_mark(&world).await;
    assert_eq!(bind(&world, &world.database).await.unwrap(), id, "crash before it");
}

#[tokio::test]
async fn adopting_gives_both_a_new_id_so_that_the_old_database_is_rejected() {
    let world = World::new().await;
    uploaded(&mut world.user("alice"), "cat.png").await;
    let database = world.new_database().await;

    let entropy = Counting::default();
    let id = images::adopt(&database, &world.objects, &world.clock, &entropy).await.unwrap();

    assert_eq!(bind(&world, &database).await.unwrap(), id);
    let rejected = bind(&world, &world.database).await.unwrap_err();
    assert!(matches!(rejected, BindError::DifferentIds { objects, .. } if objects == id), "{rejected:?}");
}

#[tokio::test]
async fn an_invalid_store_id_is_an_error_and_is_not_overwritten() {
    let world = World::new().await;
    put(&world, "store-id", "something else").await;
    let rejected = bind(&world, &world.database).await.unwrap_err();
    assert!(matches!(rejected, BindError::Objects(_)), "{rejected:?}");
    put(&world, "store-id", "").await;
    assert!(bind(&world, &world.database).await.is_err());
}
