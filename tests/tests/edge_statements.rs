//! Limits the D1 statements of a request. D1 runs one statement after the other, and bills the rows that are written.

use anyhow::ensure;
use serde_json::json;
use tests::{HttpResponse, User, Workers, fixtures::new_annotation};

/// The Worker in front, then the gateway and the services, which are bound to each other.
const COUNTED: [&str; 4] = ["counted/front", "counted/gateway", "counted/images", "counted/annotations"];

/// The rows that D1 may write for one annotation.
const ROWS_PER_ANNOTATION: u64 = 3;

/// A read of the images service.
const READ_IMAGES: Limits = Limits { images: 1, annotations: 0, rows: 0 };

/// A create: one read of the image's owner, and one write of the annotation and its change log record.
const CREATE: Limits = Limits { images: 1, annotations: 1, rows: ROWS_PER_ANNOTATION };

/// A read of the annotations service, which also reads the image's owner unless it is cached.
const READ_ANNOTATIONS: Limits = Limits { images: 1, annotations: 1, rows: 0 };

/// The limits of a request: the statements of each service, and the rows that both write.
struct Limits {
    images: u64,
    annotations: u64,
    rows: u64,
}

#[tokio::test]
async fn requests_need_few_statements_regardless_of_size() -> anyhow::Result<()> {
    let workers = Workers::start_with(&COUNTED, &[]).await?;
    let user = workers.as_ref().new_user();
    let image_id = user.new_image().await?;
    user.get("/counts").await?;

    require_status(&user.get(&format!("/api/images/{image_id}")).await?, 200)?;
    require_within(&user, "get image", READ_IMAGES).await?;
    require_status(&user.get("/api/images").await?, 200)?;
    require_within(&user, "list images", READ_IMAGES).await?;

    let created = user.post("/api/annotations", &new_annotation(&image_id)).await?;
    require_status(&created, 201)?;
    require_within(&user, "create", CREATE).await?;

    require_status(&user.get(&format!("/api/annotations/{}", created.text("/annotation/id"))).await?, 200)?;
    require_within(&user, "get annotation", READ_ANNOTATIONS).await?;
    require_status(&user.get(&format!("/api/annotations/by-image/{image_id}")).await?, 200)?;
    require_within(&user, "list annotations", READ_ANNOTATIONS).await?;

    for size in [1, 500] {
        let annotations: Vec<_> = (0..size).map(|_| new_annotation(&image_id)).collect();
        require_status(
            &user.post("/api/annotations/bulk", &json!({"annotations": annotations})).await?,
            201,
        )?;
        require_within(&user, &format!("bulk of {size}"), bulk(size)).await?;
    }
    Ok(())
}

/// For any number of annotations: one read of the images' owners, and one batch with a change log record and an insert.
const fn bulk(annotations: u64) -> Limits {
    Limits { images: 1, annotations: 2, rows: annotations * ROWS_PER_ANNOTATION }
}

fn require_status(response: &HttpResponse, expected: u16) -> anyhow::Result<()> {
    ensure!(response.status == expected, "{response:?}");
    Ok(())
}

/// Fails if the counts since the last call exceed `limits`, or if they are zero: then the statements were not counted.
async fn require_within(user: &User, what: &str, limits: Limits) -> anyhow::Result<()> {
    let counts = user.get("/counts").await?;
    require_status(&counts, 200)?;
    println!("{what}: {}", counts.json);
    let count = |service: &str, of: &str| counts.json[service][of].as_u64().unwrap_or(u64::MAX);
    let (images, annotations) = (count("images", "statements"), count("annotations", "statements"));
    ensure!(images > 0 || annotations > 0, "{what}: no statement was counted");
    ensure!(images <= limits.images && annotations <= limits.annotations, "{what}: {}", counts.json);
    let rows = count("images", "rows_written").saturating_add(count("annotations", "rows_written"));
    // A write must count at least one row; otherwise the limit checks nothing.
    ensure!(rows <= limits.rows && (limits.rows == 0 || rows > 0), "{what}: {rows} rows written");
    Ok(())
}
