//! Lists whose filter matches few of many images.

use proto::images::v1 as pb;
use storage::{Database as _, Statement};

use crate::world::*;

/// Stores `10_000 + more` records of alice, named `-1-`, `-2-`, … from the oldest to the newest.
async fn many(world: &World, more: i64) {
    let insert = Statement::new(
        "WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < 10000 + ?1)
         INSERT INTO images (id, filename, r2_key, content_type, size_bytes, sha256, exif_orientation, uploaded_by,
                             created_at, updated_at, metadata, revision)
         SELECT printf('%032x', n), printf('-%d-', n), printf('images/%d', n), 'image/png', 1, '', 1, 'alice',
                0, 0, '{}', 1 FROM numbers",
    );
    world.database.write(vec![insert.bind(more)], None).await.unwrap();
}

/// The names on each page.
async fn pages(client: &mut Client, mut request: pb::ListImagesRequest) -> Vec<Vec<String>> {
    let mut pages = Vec::new();
    loop {
        let response = client.list_images(request.clone()).await.unwrap().into_inner();
        pages.push(response.images.into_iter().map(|image| image.filename).collect());
        request.page_token = response.next_page_token;
        if request.page_token.is_empty() {
            return pages;
        }
    }
}

fn named(filename: &str) -> pb::ListImagesRequest {
    pb::ListImagesRequest { filename: filename.to_owned(), ..Default::default() }
}

#[tokio::test]
async fn a_filtered_page_reads_10_000_images_and_the_next_one_continues() {
    let world = World::new().await;
    many(&world, 1).await;
    for mut client in [world.user("alice"), world.model_server()] {
        assert_eq!(pages(&mut client, named("-1-")).await, [vec![], vec!["-1-"]]);
        assert_eq!(pages(&mut client, named("-2-")).await, [vec!["-2-"], vec![]]);
        assert_eq!(pages(&mut client, named("zzz")).await, [[""; 0]; 2]);
    }
    assert_eq!(pages(&mut world.user("bob"), named("-1-")).await, [[""; 0]]);
}

#[tokio::test]
async fn a_filtered_list_of_fewer_images_is_one_page() {
    let world = World::new().await;
    many(&world, -1).await;
    for mut client in [world.user("alice"), world.model_server()] {
        assert_eq!(pages(&mut client, named("-1-")).await, [["-1-"]]);
        assert_eq!(pages(&mut client, named("zzz")).await, [[""; 0]]);
    }
}

#[tokio::test]
async fn deleted_images_count_towards_the_scan_limit() {
    let world = World::new().await;
    many(&world, 1).await;
    let mut alice = world.user("alice");
    let deleted = pb::ListImagesRequest { deleted: true, ..Default::default() };
    assert_eq!(pages(&mut alice, deleted.clone()).await, [[""; 0]; 2]);

    let delete = Statement::new("UPDATE images SET deleted_at = ?1 WHERE filename <> '-1-'");
    world.database.write(vec![delete.bind(START.as_millis())], None).await.unwrap();

    assert_eq!(pages(&mut alice, Default::default()).await, [vec![], vec!["-1-"]]);
    let listed = pages(&mut alice, pb::ListImagesRequest { page_size: 1_000, ..deleted }).await;
    assert_eq!(listed.iter().map(Vec::len).collect::<Vec<_>>(), [1_000; 10]);
}
