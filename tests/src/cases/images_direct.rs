//! `POST /api/images/uploads`: bytes that do not pass through the API.

use anyhow::{Context as _, ensure};
use reqwest::Method;
use serde_json::{Value, json};

use super::images_upload::MAX_UPLOAD_BYTES;
use crate::{Answer, Picture, Target, User};

fn declared(picture: &Picture) -> Value {
    json!({
        "filename": "direct.png",
        "content_type": picture.content_type,
        "size_bytes": picture.bytes.len(),
    })
}

/// The `upload` of a 201.
async fn create(user: &User, request: &Value) -> anyhow::Result<Value> {
    let answer = user.post("/api/images/uploads", request).await?;
    ensure!(answer.status == 201, "{answer:?}");
    Ok(answer.json["upload"].clone())
}

/// Sends the request that an upload is, without a token, with this body.
async fn send(target: &Target, upload: &Value, body: Vec<u8>) -> anyhow::Result<Answer> {
    let text = |name: &str| upload[name].as_str().with_context(|| format!("no {name} in {upload}"));
    let method = Method::from_bytes(text("method")?.as_bytes())?;
    let mut request = target.client.request(method, text("url")?);
    for (name, value) in upload["headers"].as_object().context("no headers")? {
        request = request.header(name, value.as_str().unwrap_or_default());
    }
    Answer::read(request.body(body).send().await?).await
}

async fn complete(user: &User, upload: &Value) -> anyhow::Result<Answer> {
    let id = upload["id"].as_str().context("no id")?;
    let path = format!("/api/images/uploads/{id}:complete");
    Answer::read(user.request(Method::POST, &path).send().await?).await
}

/// An upload whose bytes were sent.
async fn sent(user: &User, picture: &Picture) -> anyhow::Result<Value> {
    let upload = create(user, &declared(picture)).await?;
    let answer = send(&user.target, &upload, picture.bytes.clone()).await?;
    ensure!((200..300).contains(&answer.status), "{answer:?}");
    Ok(upload)
}

async fn stored(user: &User) -> anyhow::Result<usize> {
    Ok(user.get("/api/images").await?.json["images"].as_array().context("no list")?.len())
}

/// Given an upload, when its bytes are sent and it is completed, then there is an image with its id and those bytes.
pub(super) async fn bytes_that_are_sent_become_an_image(target: Target) -> anyhow::Result<()> {
    let user = target.new_user();
    let picture = Picture::png(64, 48);
    let mut request = declared(&picture);
    request["metadata"] = json!({"camera": "front"});
    let upload = create(&user, &request).await?;
    ensure!(upload["expires_at"].as_str().is_some_and(|at| at.ends_with('Z')), "{upload}");
    let early = complete(&user, &upload).await?;
    ensure!(early.status == 400 && early.text("/code") == "FAILED_PRECONDITION", "{early:?}");
    ensure!(stored(&user).await? == 0);
    let answer = send(&target, &upload, picture.bytes.clone()).await?;
    ensure!((200..300).contains(&answer.status), "{answer:?}");
    ensure!(stored(&user).await? == 0);

    let completed = complete(&user, &upload).await?;
    ensure!(completed.status == 200, "{completed:?}");
    let image = &completed.json["image"];
    for (field, value) in [
        ("id", upload["id"].clone()),
        ("filename", json!("direct.png")),
        ("content_type", json!("image/png")),
        ("size_bytes", json!(picture.bytes.len())),
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
    ensure!(content.body == picture.bytes && content.header("content-type") == "image/png", "{content:?}");
    Ok(())
}

/// Given a completed upload, when it is completed again, also at once, then the same image is answered.
pub(super) async fn completing_twice_answers_the_same_image(target: Target) -> anyhow::Result<()> {
    let user = target.new_user();
    let upload = sent(&user, &Picture::png(8, 8)).await?;
    let (one, other) = tokio::try_join!(complete(&user, &upload), complete(&user, &upload))?;
    let again = complete(&user, &upload).await?;
    for answer in [&one, &other, &again] {
        ensure!(answer.status == 200 && answer.json == one.json, "{answer:?}");
    }
    ensure!(stored(&user).await? == 1);
    Ok(())
}

/// Given an upload, when bytes are sent twice, then the last ones count; after completion no more do.
pub(super) async fn the_last_bytes_before_completion_count(target: Target) -> anyhow::Result<()> {
    let user = target.new_user();
    let (first, last) = (Picture::of_size(3000), Picture::of_size(3000));
    let mut last_bytes = last.bytes;
    if let Some(byte) = last_bytes.last_mut() {
        *byte ^= 1;
    }
    let upload = sent(&user, &first).await?;
    ensure!((200..300).contains(&send(&target, &upload, last_bytes.clone()).await?.status));
    let completed = complete(&user, &upload).await?;
    ensure!(completed.status == 200, "{completed:?}");
    // A store that has signed the request may still take it; the image does not change.
    let _late = send(&target, &upload, first.bytes).await?;
    let path = format!("/api/images/{}/content", completed.text("/image/id"));
    ensure!(user.get(&path).await?.body == last_bytes);
    ensure!(complete(&user, &upload).await?.json == completed.json);
    Ok(())
}

/// Given bytes that are not as declared, when they are sent or completed, then they are refused, and gone; the right ones
/// can still be sent.
pub(super) async fn bytes_that_are_not_as_declared_are_refused(target: Target) -> anyhow::Result<()> {
    let user = target.new_user();
    let picture = Picture::of_size(3000);
    let size = picture.bytes.len();
    let mut request = declared(&picture);
    request["sha256"] = json!("0".repeat(64));
    let checked = create(&user, &request).await?;
    let upload = create(&user, &declared(&picture)).await?;
    let mut jpeg = Picture::jpeg(8, 8).bytes;
    jpeg.resize(size, 0);
    for (name, upload, bytes, field) in [
        ("too short", &upload, picture.bytes[..size - 1].to_vec(), "size_bytes"),
        ("too long", &upload, [picture.bytes.as_slice(), b"x"].concat(), "size_bytes"),
        ("another type", &upload, jpeg, "content_type"),
        ("no picture", &upload, vec![b'x'; size], "content_type"),
        ("another picture", &checked, picture.bytes.clone(), "sha256"),
    ] {
        let answer = send(&target, upload, bytes).await?;
        if !(200..300).contains(&answer.status) {
            ensure!(field == "size_bytes" && (400..500).contains(&answer.status), "{name}: {answer:?}");
            continue;
        }
        let refused = complete(&user, upload).await?;
        ensure!(refused.status == 400 && refused.text("/error").contains(field), "{name}: {refused:?}");
        ensure!(refused.text("/code") == "INVALID_ARGUMENT", "{name}: {refused:?}");
        let gone = complete(&user, upload).await?;
        ensure!(gone.text("/code") == "FAILED_PRECONDITION", "{name}: {gone:?}");
    }
    ensure!(stored(&user).await? == 0);
    ensure!((200..300).contains(&send(&target, &upload, picture.bytes.clone()).await?.status));
    ensure!(complete(&user, &upload).await?.status == 200);
    Ok(())
}

/// Given an upload's request, when anything of it is altered, then it is refused.
pub(super) async fn the_request_is_good_only_as_it_is(target: Target) -> anyhow::Result<()> {
    let user = target.new_user();
    let picture = Picture::png(8, 8);
    let upload = create(&user, &declared(&picture)).await?;
    let other = create(&user, &declared(&picture)).await?;
    let (url, id) = (upload["url"].as_str().context("no url")?, upload["id"].as_str().context("no id")?);
    let other_id = other["id"].as_str().context("no id")?;
    let unsigned = url.split_once('?').map_or(url, |(path, _)| path);
    for altered in [format!("{url}x"), url.replace(id, other_id), unsigned.to_owned()] {
        let mut forged = upload.clone();
        forged["url"] = json!(altered);
        let refused = send(&target, &forged, picture.bytes.clone()).await?;
        ensure!(matches!(refused.status, 400 | 401 | 403), "{altered}: {refused:?}");
    }
    for method in ["GET", "POST", "DELETE"] {
        let mut forged = upload.clone();
        forged["method"] = json!(method);
        let refused = send(&target, &forged, Vec::new()).await?;
        ensure!(matches!(refused.status, 400 | 401 | 403 | 405), "{method}: {refused:?}");
    }
    for upload in [&upload, &other] {
        ensure!(complete(&user, upload).await?.text("/code") == "FAILED_PRECONDITION");
    }
    Ok(())
}

/// Given an upload, when anybody but its creator completes it, then it does not exist.
pub(super) async fn anothers_upload_does_not_exist(target: Target) -> anyhow::Result<()> {
    let user = target.new_user();
    let upload = sent(&user, &Picture::png(8, 8)).await?;
    let any = target.new_user_with("images:read images:write owners:any");
    for stranger in [target.new_user(), any] {
        let answer = complete(&stranger, &upload).await?;
        ensure!(answer.status == 404 && answer.text("/error") == "Upload not found", "{answer:?}");
    }
    ensure!(complete(&user, &upload).await?.status == 200);
    Ok(())
}

/// Given declarations that no upload may have, when they are sent, then each field is named; the largest size is accepted.
pub(super) async fn bad_declarations_are_refused_by_field(target: Target) -> anyhow::Result<()> {
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
        let mut request = declared(&Picture::png(8, 8));
        request[field] = value;
        let refused = user.post("/api/images/uploads", &request).await?;
        ensure!(refused.status == 400 && refused.text("/error").contains(field), "{field}: {refused:?}");
    }
    let upload = sent(&user, &Picture::of_size(MAX_UPLOAD_BYTES)).await?;
    let completed = complete(&user, &upload).await?;
    ensure!(
        completed.status == 200 && completed.json["image"]["size_bytes"] == MAX_UPLOAD_BYTES,
        "{completed:?}"
    );
    Ok(())
}
