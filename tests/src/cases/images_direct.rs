//! Direct uploads, `POST /api/images/uploads`: the bytes do not pass through the API.

use anyhow::{Context as _, ensure};
use reqwest::Method;
use serde_json::{Value, json};

use super::images_upload::MAX_UPLOAD_BYTES;
use crate::{HttpResponse, ImageFile, Target, User, fixtures::count_images};

fn declared(file: &ImageFile) -> Value {
    json!({
        "filename": "direct.png",
        "content_type": file.content_type,
        "size_bytes": file.bytes.len(),
    })
}

/// Creates an upload, and returns the `upload` of the response.
async fn create(user: &User, request: &Value) -> anyhow::Result<Value> {
    let response = user.post("/api/images/uploads", request).await?;
    ensure!(response.status == 201, "{response:?}");
    Ok(response.json["upload"].clone())
}

/// Sends the request that an upload describes, without a token, with this body.
async fn send(target: &Target, upload: &Value, body: Vec<u8>) -> anyhow::Result<HttpResponse> {
    let text = |name: &str| upload[name].as_str().with_context(|| format!("no {name} in {upload}"));
    let method = Method::from_bytes(text("method")?.as_bytes())?;
    let mut request = target.client.request(method, text("url")?);
    for (name, value) in upload["headers"].as_object().context("no headers")? {
        request = request.header(name, value.as_str().unwrap_or_default());
    }
    HttpResponse::read(request.body(body).send().await?).await
}

async fn complete(user: &User, upload: &Value) -> anyhow::Result<HttpResponse> {
    let id = upload["id"].as_str().context("no id")?;
    let path = format!("/api/images/uploads/{id}:complete");
    HttpResponse::read(user.request(Method::POST, &path).send().await?).await
}

/// Creates an upload and sends the bytes.
async fn create_and_send(user: &User, file: &ImageFile) -> anyhow::Result<Value> {
    let upload = create(user, &declared(file)).await?;
    let response = send(&user.target, &upload, file.bytes.clone()).await?;
    ensure!((200..300).contains(&response.status), "{response:?}");
    Ok(upload)
}

/// Given an upload, when its bytes are sent and it is completed, then an image with its id and bytes exists.
pub(super) async fn a_completed_upload_becomes_an_image(target: Target) -> anyhow::Result<()> {
    let user = target.new_user();
    let file = ImageFile::png(64, 48);
    let mut request = declared(&file);
    request["metadata"] = json!({"camera": "front"});
    let upload = create(&user, &request).await?;
    ensure!(upload["expires_at"].as_str().is_some_and(|at| at.ends_with('Z')), "{upload}");
    let early = complete(&user, &upload).await?;
    ensure!(early.status == 400 && early.text("/code") == "FAILED_PRECONDITION", "{early:?}");
    ensure!(count_images(&user).await? == 0);
    let response = send(&target, &upload, file.bytes.clone()).await?;
    ensure!((200..300).contains(&response.status), "{response:?}");
    ensure!(count_images(&user).await? == 0);

    let completed = complete(&user, &upload).await?;
    ensure!(completed.status == 200, "{completed:?}");
    let image = &completed.json["image"];
    for (field, value) in [
        ("id", upload["id"].clone()),
        ("filename", json!("direct.png")),
        ("content_type", json!("image/png")),
        ("size_bytes", json!(file.bytes.len())),
        ("width", json!(64)),
        ("height", json!(48)),
        ("uploaded_by", json!(user.id)),
        ("metadata", json!({"camera": "front"})),
    ] {
        ensure!(image[field] == value, "{field}: {image}");
    }
    let read = user.get(&format!("/api/images/{}", completed.text("/image/id"))).await?;
    ensure!(read.json == completed.json, "{read:?}");
    let content = user.get(&format!("/api/images/{}/content", completed.text("/image/id"))).await?;
    ensure!(content.body == file.bytes && content.header("content-type") == "image/png", "{content:?}");
    Ok(())
}

/// Given an upload, when it is completed several times, also concurrently, then each response has the same image.
pub(super) async fn completing_twice_returns_the_same_image(target: Target) -> anyhow::Result<()> {
    let user = target.new_user();
    let upload = create_and_send(&user, &ImageFile::png(8, 8)).await?;
    let (one, other) = tokio::try_join!(complete(&user, &upload), complete(&user, &upload))?;
    let again = complete(&user, &upload).await?;
    for response in [&one, &other, &again] {
        ensure!(response.status == 200 && response.json == one.json, "{response:?}");
    }
    ensure!(count_images(&user).await? == 1);
    Ok(())
}

/// Given an upload, when bytes are sent twice, then the last bytes are stored; bytes sent after completion are not.
pub(super) async fn the_last_bytes_sent_before_completion_are_stored(target: Target) -> anyhow::Result<()> {
    let user = target.new_user();
    let (first, last) = (ImageFile::of_size(3000), ImageFile::of_size(3000));
    let mut last_bytes = last.bytes;
    if let Some(byte) = last_bytes.last_mut() {
        *byte ^= 1;
    }
    let upload = create_and_send(&user, &first).await?;
    ensure!((200..300).contains(&send(&target, &upload, last_bytes.clone()).await?.status));
    let completed = complete(&user, &upload).await?;
    ensure!(completed.status == 200, "{completed:?}");
    // A store that has signed the request may still accept it; the image does not change.
    let _late = send(&target, &upload, first.bytes).await?;
    let path = format!("/api/images/{}/content", completed.text("/image/id"));
    ensure!(user.get(&path).await?.body == last_bytes);
    ensure!(complete(&user, &upload).await?.json == completed.json);
    Ok(())
}

/// Given bytes that differ from the declaration, when they are sent or completed, then they are rejected and deleted; the
/// declared bytes can still be sent.
pub(super) async fn bytes_that_differ_from_the_declaration_are_rejected(
    target: Target,
) -> anyhow::Result<()> {
    let user = target.new_user();
    let file = ImageFile::of_size(3000);
    let size = file.bytes.len();
    let mut request = declared(&file);
    request["sha256"] = json!("0".repeat(64));
    let checked = create(&user, &request).await?;
    let upload = create(&user, &declared(&file)).await?;
    let mut jpeg = ImageFile::jpeg(8, 8).bytes;
    jpeg.resize(size, 0);
    for (name, upload, bytes, field) in [
        ("too short", &upload, file.bytes[..size - 1].to_vec(), "size_bytes"),
        ("too long", &upload, [file.bytes.as_slice(), b"x"].concat(), "size_bytes"),
        ("another type", &upload, jpeg, "content_type"),
        ("no image", &upload, vec![b'x'; size], "content_type"),
        ("another image", &checked, file.bytes.clone(), "sha256"),
    ] {
        let response = send(&target, upload, bytes).await?;
        if !(200..300).contains(&response.status) {
            ensure!(field == "size_bytes" && (400..500).contains(&response.status), "{name}: {response:?}");
            continue;
        }
        let rejected = complete(&user, upload).await?;
        ensure!(rejected.status == 400 && rejected.text("/error").contains(field), "{name}: {rejected:?}");
        ensure!(rejected.text("/code") == "INVALID_ARGUMENT", "{name}: {rejected:?}");
        let gone = complete(&user, upload).await?;
        ensure!(gone.text("/code") == "FAILED_PRECONDITION", "{name}: {gone:?}");
    }
    ensure!(count_images(&user).await? == 0);
    ensure!((200..300).contains(&send(&target, &upload, file.bytes.clone()).await?.status));
    ensure!(complete(&user, &upload).await?.status == 200);
    Ok(())
}

/// Given an upload's request, when its URL or method is altered, then it is rejected.
pub(super) async fn an_altered_upload_request_is_rejected(target: Target) -> anyhow::Result<()> {
    let user = target.new_user();
    let file = ImageFile::png(8, 8);
    let upload = create(&user, &declared(&file)).await?;
    let other = create(&user, &declared(&file)).await?;
    let (url, id) = (upload["url"].as_str().context("no url")?, upload["id"].as_str().context("no id")?);
    let other_id = other["id"].as_str().context("no id")?;
    let unsigned = url.split_once('?').map_or(url, |(path, _)| path);
    for altered in [format!("{url}x"), url.replace(id, other_id), unsigned.to_owned()] {
        let mut forged = upload.clone();
        forged["url"] = json!(altered);
        let rejected = send(&target, &forged, file.bytes.clone()).await?;
        ensure!(matches!(rejected.status, 400 | 401 | 403), "{altered}: {rejected:?}");
    }
    for method in ["GET", "POST", "DELETE"] {
        let mut forged = upload.clone();
        forged["method"] = json!(method);
        let rejected = send(&target, &forged, Vec::new()).await?;
        ensure!(matches!(rejected.status, 400 | 401 | 403 | 405), "{method}: {rejected:?}");
    }
    for upload in [&upload, &other] {
        ensure!(complete(&user, upload).await?.text("/code") == "FAILED_PRECONDITION");
    }
    Ok(())
}

/// Given an upload, when a user other than its creator completes it, then the response is 404.
pub(super) async fn the_upload_of_another_user_is_not_found(target: Target) -> anyhow::Result<()> {
    let user = target.new_user();
    let upload = create_and_send(&user, &ImageFile::png(8, 8)).await?;
    let any = target.new_user_with("images:read images:write owners:any");
    for other_user in [target.new_user(), any] {
        let response = complete(&other_user, &upload).await?;
        ensure!(response.status == 404 && response.text("/error") == "Upload not found", "{response:?}");
    }
    ensure!(complete(&user, &upload).await?.status == 200);
    Ok(())
}

/// Given invalid declarations, when they are sent, then the response names the field; the largest size is accepted.
pub(super) async fn an_invalid_declaration_is_rejected_by_field(target: Target) -> anyhow::Result<()> {
    let user = target.new_user();
    for (field, value) in [
        ("filename", json!("..")),
        ("content_type", json!("image/svg+xml")),
        ("content_type", json!("")),
        ("size_bytes", json!(0)),
        ("size_bytes", json!(MAX_UPLOAD_BYTES + 1)),
        ("sha256", json!("abc")),
        ("metadata", json!({"long": "x".repeat(17_000)})),
        ("colour", json!("red")),
    ] {
        let mut request = declared(&ImageFile::png(8, 8));
        request[field] = value;
        let rejected = user.post("/api/images/uploads", &request).await?;
        ensure!(rejected.status == 400 && rejected.text("/error").contains(field), "{field}: {rejected:?}");
    }
    let upload = create_and_send(&user, &ImageFile::of_size(MAX_UPLOAD_BYTES)).await?;
    let completed = complete(&user, &upload).await?;
    ensure!(
        completed.status == 200 && completed.json["image"]["size_bytes"] == MAX_UPLOAD_BYTES,
        "{completed:?}"
    );
    Ok(())
}
