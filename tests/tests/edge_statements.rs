//! What requests ask of D1, which answers one statement after the other and bills the rows that are written.

use anyhow::ensure;
use serde_json::{Value, json};
use tests::{Answer, User, Workers};

/// The one in front, then the gateway and the services, whose bindings lead to one another.
const COUNTED: [&str; 4] = ["counted/front", "counted/gateway", "counted/images", "counted/annotations"];

/// What D1 may write for one box.
const ROWS_OF_A_BOX: u64 = 3;

/// A read of the images service.
const READ_IMAGES: Limits = Limits { images: 1, annotations: 0, rows: 0 };

/// A create: whose the image is, and the box with the record of it.
const CREATE: Limits = Limits { images: 1, annotations: 1, rows: ROWS_OF_A_BOX };

/// A read of the annotations service, which asks whose the image is unless it remembers.
const READ_ANNOTATIONS: Limits = Limits { images: 1, annotations: 1, rows: 0 };

/// How many statements each service may make for a request, and how many rows they may write.
struct Limits {
    images: u64,
    annotations: u64,
    rows: u64,
}

#[tokio::test]
async fn requests_take_few_statements_whatever_their_size() -> anyhow::Result<()> {
    let workers = Workers::start_with(&COUNTED, &[]).await?;
    let user = workers.as_ref().new_user();
    let image_id = user.new_image().await?;
    user.get("/counts").await?;

    status(&user.get(&format!("/api/images/{image_id}")).await?, 200)?;
    within(&user, "get image", READ_IMAGES).await?;
    status(&user.get("/api/images").await?, 200)?;
    within(&user, "list images", READ_IMAGES).await?;

    let created = user.post("/api/annotations", &new_box(&image_id)).await?;
    status(&created, 201)?;
    within(&user, "create", CREATE).await?;

    status(&user.get(&format!("/api/annotations/{}", created.text("/annotation/id"))).await?, 200)?;
    within(&user, "get annotation", READ_ANNOTATIONS).await?;
    status(&user.get(&format!("/api/annotations/by-image/{image_id}")).await?, 200)?;
    within(&user, "list annotations", READ_ANNOTATIONS).await?;

    for size in [1, 500] {
        let boxes: Vec<_> = (0..size).map(|_| new_box(&image_id)).collect();
        status(&user.post("/api/annotations/bulk", &json!({"annotations": boxes})).await?, 201)?;
        within(&user, &format!("bulk of {size}"), bulk(size)).await?;
    }
    Ok(())
}

/// However many boxes: whose the images are, and in one batch the record of what changes and one insert.
const fn bulk(boxes: u64) -> Limits {
    Limits { images: 1, annotations: 2, rows: boxes * ROWS_OF_A_BOX }
}

fn new_box(image_id: &str) -> Value {
    json!({"image_id": image_id, "label": "car", "x": 0.1, "y": 0.2, "width": 0.3, "height": 0.4})
}

fn status(answer: &Answer, expected: u16) -> anyhow::Result<()> {
    ensure!(answer.status == expected, "{answer:?}");
    Ok(())
}

/// Fails if what was asked since the last time is more than `limits`, or nothing: then it was not counted.
async fn within(user: &User, what: &str, limits: Limits) -> anyhow::Result<()> {
    let counts = user.get("/counts").await?;
    status(&counts, 200)?;
    println!("{what}: {}", counts.json);
    let count = |service: &str, of: &str| counts.json[service][of].as_u64().unwrap_or(u64::MAX);
    let (images, annotations) = (count("images", "statements"), count("annotations", "statements"));
    ensure!(images > 0 || annotations > 0, "{what}: no statement was counted");
    ensure!(images <= limits.images && annotations <= limits.annotations, "{what}: {}", counts.json);
    let rows = count("images", "rows_written").saturating_add(count("annotations", "rows_written"));
    // What is written is counted too, or the limit says nothing.
    ensure!(rows <= limits.rows && (limits.rows == 0 || rows > 0), "{what}: {rows} rows written");
    Ok(())
}
