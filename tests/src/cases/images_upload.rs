//! `POST /api/images/upload`.

use anyhow::ensure;
use futures_util::stream;
use reqwest::{
    Body, Method,
    multipart::{Form, Part},
};
use serde_json::json;

use crate::{HttpResponse, ImageFile, Target, User, fixtures::count_images};

/// The size limit for images of the shapes under test.
pub(crate) const MAX_UPLOAD_BYTES: usize = 10 * 1024 * 1024;

async fn send(user: &User, form: Form) -> anyhow::Result<HttpResponse> {
    HttpResponse::read(user.request(Method::POST, "/api/images/upload").multipart(form).send().await?).await
}

async fn send_raw(
    user: &User,
    query: &str,
    content_type: &str,
    body: Vec<u8>,
) -> anyhow::Result<HttpResponse> {
    let request = user
        .request(Method::POST, &format!("/api/images/upload{query}"))
        .header("content-type", content_type);
    HttpResponse::read(request.body(body).send().await?).await
}

/// Given an image, when it is uploaded in a form, then the 201 response has its record.
pub(super) async fn an_image_in_a_form_is_stored(target: Target) -> anyhow::Result<()> {
    let user = target.new_user();
    let file = ImageFile::png(64, 48);
    let response = user.upload(&file, "street.png").await?;
    ensure!(response.status == 201, "{response:?}");
    let image = &response.json["image"];
    for (field, value) in [
        ("filename", json!("street.png")),
        ("content_type", json!("image/png")),
        ("size_bytes", json!(file.bytes.len())),
        ("width", json!(64)),
        ("height", json!(48)),
        ("exif_orientation", json!(1)),
        ("uploaded_by", json!(user.id)),
        ("metadata", json!({})),
    ] {
        ensure!(image[field] == value, "{field}: {image}");
    }
    ensure!(image.get("deleted_at").is_none() && image["created_at"] == image["updated_at"], "{image}");
    let read = user.get(&format!("/api/images/{}", response.text("/image/id"))).await?;
    ensure!(
        read.json == response.json && read.header("etag") == format!("\"{}\"", response.text("/image/etag")),
        "{read:?}"
    );
    Ok(())
}

/// Given a raw body and a name in the query, when it is uploaded, then it is stored under that name.
pub(super) async fn a_raw_image_is_stored(target: Target) -> anyhow::Result<()> {
    let user = target.new_user();
    let jpeg = ImageFile::jpeg(30, 20);
    let named = send_raw(&user, "?filename=raw.jpg", "image/jpeg", jpeg.bytes.clone()).await?;
    ensure!(named.status == 201 && named.text("/image/filename") == "raw.jpg", "{named:?}");
    let unnamed = send_raw(&user, "", "image/jpeg", jpeg.bytes).await?;
    ensure!(unnamed.status == 201 && !unnamed.text("/image/filename").is_empty(), "{unnamed:?}");
    Ok(())
}

/// Given a body of unknown length, when it is uploaded, then it is stored.
pub(super) async fn a_body_of_unknown_length_is_stored(target: Target) -> anyhow::Result<()> {
    let user = target.new_user();
    let file = ImageFile::of_size(300_000);
    let chunks: Vec<_> = file.bytes.chunks(10_000).map(|chunk| anyhow::Ok(chunk.to_vec())).collect();
    let request = user.request(Method::POST, "/api/images/upload").header("content-type", "image/png");
    let response =
        HttpResponse::read(request.body(Body::wrap_stream(stream::iter(chunks))).send().await?).await?;
    ensure!(response.status == 201 && response.json["image"]["size_bytes"] == 300_000, "{response:?}");
    Ok(())
}

/// Given form fields before and after the file, when it is uploaded, then they are stored with it.
pub(super) async fn form_fields_before_and_after_the_file_are_read(target: Target) -> anyhow::Result<()> {
    let user = target.new_user();
    let file = || {
        let file = ImageFile::png(8, 8);
        Part::bytes(file.bytes).file_name("a.png").mime_str("image/png")
    };
    let metadata = |form: Form| form.text("metadata", r#"{"camera":"front"}"#);
    for form in [
        metadata(Form::new()).text("filename", "own.png").part("image", file()?),
        metadata(Form::new().part("image", file()?)).text("filename", "own.png"),
        metadata(Form::new().text("filename", "own.png").part("image", file()?)),
    ] {
        let response = send(&user, form).await?;
        let image = &response.json["image"];
        ensure!(response.status == 201 && image["metadata"] == json!({"camera": "front"}), "{response:?}");
        ensure!(image["filename"] == "own.png" && image["content_type"] == "image/png", "{response:?}");
    }
    ensure!(count_images(&user).await? == 3);
    let wrong = Form::new().part("image", file()?).text("filename", "a\0.png");
    let rejected = send(&user, wrong).await?;
    ensure!(rejected.status == 400 && rejected.text("/error").contains("filename"), "{rejected:?}");
    ensure!(count_images(&user).await? == 3);
    Ok(())
}

/// Given a file that is no image, when it is uploaded, then it is rejected with a message and nothing is stored.
pub(super) async fn a_file_that_is_no_image_is_rejected(target: Target) -> anyhow::Result<()> {
    let user = target.new_user();
    let png = ImageFile::png(8, 8).bytes;
    let svg = br#"<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>"#;
    for (name, content_type, body) in [
        ("text", "image/png", b"hello, world, this is not an image".to_vec()),
        ("empty", "image/png", vec![]),
        ("svg", "image/svg+xml", svg.to_vec()),
        ("svg as png", "image/png", svg.to_vec()),
        ("png as jpeg", "image/jpeg", png.clone()),
        ("html", "text/html", png.clone()),
    ] {
        let part = Part::bytes(body.clone()).file_name("a").mime_str(content_type)?;
        let form = send(&user, Form::new().part("image", part)).await?;
        ensure!(matches!(form.status, 400 | 415), "{name} in a form: {form:?}");
        ensure!(!form.text("/error").is_empty(), "{name}: {form:?}");
        let raw = send_raw(&user, "", content_type, body).await?;
        ensure!(matches!(raw.status, 400 | 415), "{name} as the body: {raw:?}");
    }
    ensure!(count_images(&user).await? == 0);
    Ok(())
}

/// Given invalid forms, when they are sent, then the response names the part.
pub(super) async fn an_invalid_form_is_rejected_by_part(target: Target) -> anyhow::Result<()> {
    let user = target.new_user();
    let file = || Part::bytes(ImageFile::png(8, 8).bytes).file_name("a.png");
    for (name, form) in [
        ("image", Form::new().text("filename", "a.png")),
        ("picture", Form::new().part("picture", file())),
        ("image", Form::new().part("image", file()).part("image", file())),
        ("colour", Form::new().text("colour", "red").part("image", file())),
        ("metadata", Form::new().text("metadata", "{").part("image", file())),
        (
            "metadata",
            Form::new().text("metadata", format!("\"{}\"", "x".repeat(70_000))).part("image", file()),
        ),
    ] {
        let rejected = send(&user, form).await?;
        ensure!(
            matches!(rejected.status, 400 | 413) && rejected.text("/error").contains(name),
            "{name}: {rejected:?}"
        );
    }
    ensure!(count_images(&user).await? == 0);
    Ok(())
}

/// Given an image of the largest size, when it is uploaded, then it is stored; one byte more gets 413.
pub(super) async fn an_image_over_the_size_limit_is_rejected(target: Target) -> anyhow::Result<()> {
    let user = target.new_user();
    ensure!(user.upload(&ImageFile::of_size(MAX_UPLOAD_BYTES), "largest.png").await?.status == 201);
    let large = ImageFile::of_size(MAX_UPLOAD_BYTES + 1);
    let form = user.upload(&large, "larger.png").await?;
    ensure!(form.status == 413 && form.text("/error").contains("10485760"), "{form:?}");
    let raw = send_raw(&user, "", "image/png", large.bytes).await?;
    ensure!(raw.status == 413, "{raw:?}");
    ensure!(count_images(&user).await? == 1);
    Ok(())
}

/// Given hostile filenames, when images have them, then they are stored with a safe name, or rejected.
pub(super) async fn hostile_filenames_are_sanitized_or_rejected(target: Target) -> anyhow::Result<()> {
    let user = target.new_user();
    let png = ImageFile::png(8, 8).bytes;
    for (name, kept) in [
        ("..%2F..%2Fetc%2Fpasswd.png", "passwd.png"),
        ("C%3A%5Cpictures%5Ca.png", "a.png"),
        ("%F0%9F%9A%8B%20%C3%A4%C3%B6.png", "🚋 äö.png"),
    ] {
        let response = send_raw(&user, &format!("?filename={name}"), "image/png", png.clone()).await?;
        ensure!(response.status == 201 && response.text("/image/filename") == kept, "{name}: {response:?}");
    }
    for name in ["a%00b.png", "a%0Ab.png", "%E2%80%AEgnp.exe", &"x".repeat(4096), "%FF%FE.png"] {
        let response = send_raw(&user, &format!("?filename={name}"), "image/png", png.clone()).await?;
        ensure!(
            response.status == 400 && response.text("/error").contains("filename"),
            "{name}: {response:?}"
        );
    }
    Ok(())
}

/// Given a file whose header declares 60,000 × 60,000 pixels, when it is uploaded, then only its header is read.
pub(super) async fn an_image_with_huge_dimensions_is_not_decoded(target: Target) -> anyhow::Result<()> {
    let user = target.new_user();
    let response = send_raw(&user, "", "image/png", ImageFile::png_header(60_000, 60_000)).await?;
    let image = &response.json["image"];
    ensure!(response.status == 201 && image["width"] == 60_000 && image["height"] == 60_000, "{response:?}");
    Ok(())
}

/// Given each EXIF orientation, when a photo has it, then width and height are those of the upright image.
pub(super) async fn width_and_height_are_those_of_the_upright_image(target: Target) -> anyhow::Result<()> {
    let user = target.new_user();
    for orientation in 1..=8_u8 {
        let photo = ImageFile::jpeg(40, 30).with_orientation(orientation);
        let response = user.upload(&photo, "photo.jpg").await?;
        let image = &response.json["image"];
        let upright = if orientation < 5 { (json!(40), json!(30)) } else { (json!(30), json!(40)) };
        ensure!(image["exif_orientation"] == orientation, "{orientation}: {response:?}");
        ensure!(
            (&image["width"], &image["height"]) == (&upright.0, &upright.1),
            "{orientation}: {response:?}"
        );
    }
    Ok(())
}

/// Given an upload, when the client disconnects in the middle, then no row remains.
pub(super) async fn an_aborted_upload_leaves_no_row(target: Target) -> anyhow::Result<()> {
    let user = target.new_user();
    let file = ImageFile::of_size(400_000);
    let chunks = file.bytes.chunks(50_000).take(4).map(|chunk| Ok(chunk.to_vec())).collect::<Vec<_>>();
    let aborted =
        stream::iter(chunks.into_iter().chain([Err(std::io::Error::other("the client disconnected"))]));
    let request = user.request(Method::POST, "/api/images/upload").header("content-type", "image/png");
    let result = request.body(Body::wrap_stream(aborted)).send().await;
    ensure!(result.is_err() || result.is_ok_and(|response| response.status().is_client_error()));
    ensure!(count_images(&user).await? == 0);
    Ok(())
}
