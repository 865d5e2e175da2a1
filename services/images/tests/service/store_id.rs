//! A database and an object store that belong together, or do not.

use futures_util::{StreamExt as _, future::join_all, stream};
use images::{BindError, StoreId};
use storage::{Database as _, ObjectKey, ObjectStore as _, PutOptions, Statement};

use crate::{faults::FaultyDatabase, world::*};

async fn bind(world: &World, database: &FaultyDatabase) -> Result<StoreId, BindError> {
    images::bind(database, &world.objects, &world.clock, &Counting::default()).await
}

/// Takes the store id from the database, as if the installation were older than it.
async fn forget(database: &FaultyDatabase) {
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
async fn an_installation_that_is_older_than_store_ids_gets_one() {
    let world = World::new().await;
    for n in 0..30 {
        uploaded(&mut world.user("alice"), &format!("{n}.png")).await;
    }
    put(&world, "images/leftover.png", "of a crash").await;
    forget(&world.database).await;
    remove_mark(&world).await;

    let id = bind(&world, &world.database).await.unwrap();

    assert_eq!(bind(&world, &world.database).await.unwrap(), id);
}

#[tokio::test]
async fn processes_that_begin_at_once_agree_on_the_id() {
    let world = World::new().await;
    for _ in 0..20 {
        forget(&world.database).await;
        remove_mark(&world).await;
        let ids = join_all((0..4).map(|_| bind(&world, &world.database))).await;
        let first = ids[0].as_ref().unwrap();
        assert!(ids.iter().all(|id| id.as_ref().is_ok_and(|id| id == first)), "{ids:?}");
    }
}

#[tokio::test]
async fn a_new_database_for_a_store_with_images_is_refused() {
    let world = World::new().await;
    uploaded(&mut world.user("alice"), "cat.png").await;
    let database = world.new_database().await;
    let refused = bind(&world, &database).await.unwrap_err();
    assert!(matches!(refused, BindError::DatabaseHasNone { .. }), "{refused:?}");
    assert!(refused.to_string().contains("`reticle adopt`"), "{refused}");

    remove_mark(&world).await;
    let refused = bind(&world, &database).await.unwrap_err();
    assert!(matches!(refused, BindError::Unrelated), "also if it is older than store ids: {refused:?}");
    assert!(bind(&world, &database).await.is_err(), "and again");
}

#[tokio::test]
async fn an_empty_object_store_for_a_database_with_images_is_refused() {
    let world = World::new().await;
    let image = uploaded(&mut world.user("alice"), "cat.png").await;
    world.objects.delete(vec![ObjectKey::parse(&image.r2_key).unwrap()]).await.unwrap();
    remove_mark(&world).await;
    let refused = bind(&world, &world.database).await.unwrap_err();
    assert!(matches!(refused, BindError::ObjectsHaveNone { .. }), "{refused:?}");
    forget(&world.database).await;
    let refused = bind(&world, &world.database).await.unwrap_err();
    assert!(matches!(refused, BindError::Unrelated), "{refused:?}");
}

#[tokio::test]
async fn stores_with_nothing_in_them_are_bound_whichever_of_them_is_new() {
    let world = World::new().await;
    let id = bind(&world, &world.database).await.unwrap();
    let database = world.new_database().await;
    assert_eq!(bind(&world, &database).await.unwrap(), id, "the object store's id is kept");
    remove_mark(&world).await;
    assert_eq!(bind(&world, &database).await.unwrap(), id, "and the database's");
}

#[tokio::test]
async fn a_crash_between_the_two_is_finished_by_the_next_start() {
    let world = World::new().await;
    uploaded(&mut world.user("alice"), "cat.png").await;
    let id = bind(&world, &world.database).await.unwrap();
    let half = "UPDATE store SET is_bound = 0";
    world.database.write(vec![Statement::new(half)], None).await.unwrap();
    assert_eq!(bind(&world, &world.database).await.unwrap(), id, "after the object store had it");
    world.database.write(vec![Statement::new(half)], None).await.unwrap();
    remove_mark(&world).await;
    assert_eq!(bind(&world, &world.database).await.unwrap(), id, "and before");
}

#[tokio::test]
async fn adopting_gives_both_a_new_id_and_shuts_the_old_database_out() {
    let world = World::new().await;
    uploaded(&mut world.user("alice"), "cat.png").await;
    let database = world.new_database().await;

    let entropy = Counting::default();
    let id = images::adopt(&database, &world.objects, &world.clock, &entropy).await.unwrap();

    assert_eq!(bind(&world, &database).await.unwrap(), id);
    let refused = bind(&world, &world.database).await.unwrap_err();
    assert!(matches!(refused, BindError::Different { objects, .. } if objects == id), "{refused:?}");
}

#[tokio::test]
async fn a_store_id_that_is_none_is_an_error_and_stays_as_it_is() {
    let world = World::new().await;
    put(&world, "store-id", "something else").await;
    let refused = bind(&world, &world.database).await.unwrap_err();
    assert!(matches!(refused, BindError::Objects(_)), "{refused:?}");
    put(&world, "store-id", "").await;
    assert!(bind(&world, &world.database).await.is_err());
}
