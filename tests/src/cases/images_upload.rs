//! `POST /api/images/upload`.

use anyhow::{Context as _, ensure};
use futures_util::stream;
use reqwest::{
    Body, Method,
    multipart::{Form, Part},
};
use serde_json::json;

use crate::{Answer, Picture, Target, User};

/// The largest picture that the shapes under test take.
pub(crate) const MAX_UPLOAD_BYTES: usize = 10 * 1024 * 1024;

async fn send(user: &User, form: Form) -> anyhow::Result<Answer> {
    Answer::read(user.request(Method::POST, "/api/images/upload").multipart(form).send().await?).await
}

async fn send_raw(user: &User, query: &str, content_type: &str, body: Vec<u8>) -> anyhow::Result<Answer> {
    let request = user
        .request(Method::POST, &format!("/api/images/upload{query}"))
        .header("content-type", content_type);
    Answer::read(request.body(body).send().await?).await
}

async fn stored(user: &User) -> anyhow::Result<usize> {
    Ok(user.get("/api/images").await?.json["images"].as_array().context("no list")?.len())
}

/// Given a picture, when it is uploaded as a form, then the 201 carries its record.
pub(super) async fn a_form_with_a_picture_is_stored(target: Target) -> anyhow::Result<()> {
    let user = target.new_user();
    let picture = Picture::png(64, 48);
    let answer = user.upload(&picture, "street.png").await?;
    ensure!(answer.status == 201, "{answer:?}");
    let image = &answer.json["image"];
    for (field, value) in [
        ("filename", json!("street.png")),
        ("content_type", json!("image/png")),
        ("size_bytes", json!(picture.bytes.len())),
        ("width", json!(64)),
        ("height", json!(48)),
        ("exif_orientation", json!(1)),
        ("uploaded_by", json!(user.id)),
        ("metadata", json!({})),
    ] {
        ensure!(image[field] == value, "{field}: {image}");
    }
    ensure!(image.get("deleted_at").is_none() && image["created_at"] == image["updated_at"], "{image}");
    let read = user.get(&format!("/api/images/{}", answer.text("/image/id"))).await?;
    ensure!(
        read.json == answer.json && read.header("etag") == format!("\"{}\"", answer.text("/image/etag")),
        "{read:?}"
    );
    Ok(())
}

/// Given a raw body and a name in the query, when it is uploaded, then it is stored under that name.
pub(super) async fn a_raw_picture_is_stored(target: Target) -> anyhow::Result<()> {
    let user = target.new_user();
    let jpeg = Picture::jpeg(30, 20);
    let named = send_raw(&user, "?filename=raw.jpg", "image/jpeg", jpeg.bytes.clone()).await?;
    ensure!(named.status == 201 && named.text("/image/filename") == "raw.jpg", "{named:?}");
    let unnamed = send_raw(&user, "", "image/jpeg", jpeg.bytes).await?;
    ensure!(unnamed.status == 201 && !unnamed.text("/image/filename").is_empty(), "{unnamed:?}");
    Ok(())
}

/// Given a body of unknown length, when it is uploaded, then it is stored.
pub(super) async fn a_body_of_unknown_length_is_stored(target: Target) -> anyhow::Result<()> {
    let user = target.new_user();
    let picture = Picture::of_size(300_000);
    let chunks: Vec<_> = picture.bytes.chunks(10_000).map(|chunk| anyhow::Ok(chunk.to_vec())).collect();
    let request = user.request(Method::POST, "/api/images/upload").header("content-type", "image/png");
    let answer = Answer::read(request.body(Body::wrap_stream(stream::iter(chunks))).send().await?).await?;
    ensure!(answer.status == 201 && answer.json["image"]["size_bytes"] == 300_000, "{answer:?}");
    Ok(())
}

/// Given form fields ahead of the file and behind it, when it is uploaded, then they describe it.
pub(super) async fn form_fields_describe_the_file_from_either_side_of_it(
    target: Target,
) -> anyhow::Result<()> {
    let user = target.new_user();
    let file = || {
        let picture = Picture::png(8, 8);
        Part::bytes(picture.bytes).file_name("a.png").mime_str("image/png")
    };
    let metadata = |form: Form| form.text("metadata", r#"{"camera":"front"}"#);
    for form in [
        metadata(Form::new()).text("filename", "own.png").part("image", file()?),
        metadata(Form::new().part("image", file()?)).text("filename", "own.png"),
        metadata(Form::new().text("filename", "own.png").part("image", file()?)),
    ] {
        let answer = send(&user, form).await?;
        let image = &answer.json["image"];
        ensure!(answer.status == 201 && image["metadata"] == json!({"camera": "front"}), "{answer:?}");
        ensure!(image["filename"] == "own.png" && image["content_type"] == "image/png", "{answer:?}");
    }
    ensure!(stored(&user).await? == 3);
    let wrong = Form::new().part("image", file()?).text("filename", "a\0.png");
    let refused = send(&user, wrong).await?;
    ensure!(refused.status == 400 && refused.text("/error").contains("filename"), "{refused:?}");
    ensure!(stored(&user).await? == 3);
    Ok(())
}

/// Given what is no picture, when it is uploaded, then the answer says so and nothing is stored.
pub(super) async fn what_is_no_picture_is_refused(target: Target) -> anyhow::Result<()> {
    let user = target.new_user();
    let png = Picture::png(8, 8).bytes;
    let svg = br#"<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>"#;
    for (name, content_type, body) in [
        ("text", "image/png", b"hello, world, this is not a picture".to_vec()),
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
    ensure!(stored(&user).await? == 0);
    Ok(())
}

/// Given forms that are not what the API takes, when they are sent, then the answer names the part.
pub(super) async fn wrong_forms_are_refused_by_part(target: Target) -> anyhow::Result<()> {
    let user = target.new_user();
    let file = || Part::bytes(Picture::png(8, 8).bytes).file_name("a.png");
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
        let refused = send(&user, form).await?;
        ensure!(
            matches!(refused.status, 400 | 413) && refused.text("/error").contains(name),
            "{name}: {refused:?}"
        );
    }
    ensure!(stored(&user).await? == 0);
    Ok(())
}

/// Given a picture of the largest size, when it is uploaded, then it is stored; one byte more is 413.
pub(super) async fn the_largest_picture_is_stored_and_one_byte_more_is_not(
    target: Target,
) -> anyhow::Result<()> {
    let user = target.new_user();
    ensure!(user.upload(&Picture::of_size(MAX_UPLOAD_BYTES), "largest.png").await?.status == 201);
    let large = Picture::of_size(MAX_UPLOAD_BYTES + 1);
    let form = user.upload(&large, "larger.png").await?;
    ensure!(form.status == 413 && form.text("/error").contains("10485760"), "{form:?}");
    let raw = send_raw(&user, "", "image/png", large.bytes).await?;
    ensure!(raw.status == 413, "{raw:?}");
    ensure!(stored(&user).await? == 1);
    Ok(())
}

/// Given hostile names, when pictures have them, then they are stored under a harmless one, or refused.
pub(super) async fn hostile_names_are_made_harmless_or_refused(target: Target) -> anyhow::Result<()> {
    let user = target.new_user();
    let png = Picture::png(8, 8).bytes;
    for (name, kept) in [
        ("..%2F..%2Fetc%2Fpasswd.png", "passwd.png"),
        ("C%3A%5Cpictures%5Ca.png", "a.png"),
        ("%F0%9F%9A%8B%20%C3%A4%C3%B6.png", "🚋 äö.png"),
    ] {
        let answer = send_raw(&user, &format!("?filename={name}"), "image/png", png.clone()).await?;
        ensure!(answer.status == 201 && answer.text("/image/filename") == kept, "{name}: {answer:?}");
    }
    for name in ["a%00b.png", "a%0Ab.png", "%E2%80%AEgnp.exe", &"x".repeat(4096), "%FF%FE.png"] {
        let answer = send_raw(&user, &format!("?filename={name}"), "image/png", png.clone()).await?;
        ensure!(answer.status == 400 && answer.text("/error").contains("filename"), "{name}: {answer:?}");
    }
    Ok(())
}

/// Given a file that says it has 60,000 × 60,000 pixels, when it is uploaded, then its header alone is believed.
pub(super) async fn a_huge_header_is_stored_and_never_decoded(target: Target) -> anyhow::Result<()> {
    let user = target.new_user();
    let answer = send_raw(&user, "", "image/png", Picture::png_header(60_000, 60_000)).await?;
    let image = &answer.json["image"];
    ensure!(answer.status == 201 && image["width"] == 60_000 && image["height"] == 60_000, "{answer:?}");
    Ok(())
}

/// Given each orientation, when a photograph has it, then width and height are those of the upright picture.
pub(super) async fn sizes_are_those_of_the_upright_picture(target: Target) -> anyhow::Result<()> {
    let user = target.new_user();
    for orientation in 1..=8_u8 {
        let photo = Picture::jpeg(40, 30).with_orientation(orientation);
        let answer = user.upload(&photo, "photo.jpg").await?;
        let image = &answer.json["image"];
        let upright = if orientation < 5 { (json!(40), json!(30)) } else { (json!(30), json!(40)) };
        ensure!(image["exif_orientation"] == orientation, "{orientation}: {answer:?}");
        ensure!((&image["width"], &image["height"]) == (&upright.0, &upright.1), "{orientation}: {answer:?}");
    }
    Ok(())
}

/// Given a client that stops midway, when it is gone, then no row is left of it.
pub(super) async fn an_upload_that_stops_midway_leaves_no_row(target: Target) -> anyhow::Result<()> {
    let user = target.new_user();
    let picture = Picture::of_size(400_000);
    let chunks = picture.bytes.chunks(50_000).take(4).map(|chunk| Ok(chunk.to_vec())).collect::<Vec<_>>();
    let broken = stream::iter(chunks.into_iter().chain([Err(std::io::Error::other("the client is gone"))]));
    let request = user.request(Method::POST, "/api/images/upload").header("content-type", "image/png");
    let result = request.body(Body::wrap_stream(broken)).send().await;
    ensure!(result.is_err() || result.is_ok_and(|answer| answer.status().is_client_error()));
    ensure!(stored(&user).await? == 0);
    Ok(())
}
