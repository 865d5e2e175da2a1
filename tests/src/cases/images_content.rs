//! `GET /api/images/{id}/content` and signed URLs.

use anyhow::{Context as _, ensure};
use reqwest::Method;

use crate::{HttpResponse, ImageFile, Target, User};

/// Stores an image of 3000 bytes, and returns it with the path of its content.
async fn store_image(user: &User) -> anyhow::Result<(ImageFile, String)> {
    let file = ImageFile::of_size(3000);
    let response = user.upload(&file, "Straße \"1\".png").await?;
    ensure!(response.status == 201, "{response:?}");
    Ok((file, format!("/api/images/{}/content", response.text("/image/id"))))
}

async fn get(user: &User, path: &str, headers: &[(&str, &str)]) -> anyhow::Result<HttpResponse> {
    let request = headers
        .iter()
        .fold(user.request(Method::GET, path), |request, (name, value)| request.header(*name, *value));
    HttpResponse::read(request.send().await?).await
}

/// Given an image, when it is downloaded, then the bytes are those that were sent, with the headers that browsers need.
pub(super) async fn a_download_has_the_bytes_that_were_uploaded(target: Target) -> anyhow::Result<()> {
    let user = target.new_user();
    let (file, path) = store_image(&user).await?;
    for path in [path.clone(), path.replace("/content", "/url")] {
        let response = user.get(&path).await?;
        ensure!(response.status == 200 && response.body == file.bytes, "{path}: {}", response.status);
        for (name, value) in [
            ("content-type", "image/png"),
            ("content-length", "3000"),
            ("cache-control", "private, max-age=3600"),
            ("accept-ranges", "bytes"),
            ("x-content-type-options", "nosniff"),
        ] {
            ensure!(response.header(name) == value, "{name}: {}", response.header(name));
        }
        ensure!(
            response.header("etag").starts_with('"') && response.header("etag").len() > 2,
            "{}",
            response.header("etag")
        );
        let disposition = response.header("content-disposition");
        ensure!(disposition.contains("filename*=UTF-8''Stra%C3%9Fe%20%221%22.png"), "{disposition}");
    }
    Ok(())
}

/// Given an image, when a range is requested, then the response has that part; an unsatisfiable range gets 416.
pub(super) async fn a_range_returns_a_part_and_an_unsatisfiable_one_416(
    target: Target,
) -> anyhow::Result<()> {
    let user = target.new_user();
    let (file, path) = store_image(&user).await?;
    for (range, from, to) in [
        ("bytes=0-0", 0, 0),
        ("bytes=100-199", 100, 199),
        ("bytes=2990-", 2990, 2999),
        ("bytes=-10", 2990, 2999),
        ("bytes=-9999", 0, 2999),
        ("bytes=2000-99999", 2000, 2999),
    ] {
        let response = get(&user, &path, &[("range", range)]).await?;
        ensure!(
            response.status == 206 && response.body == file.bytes[from..=to],
            "{range}: {}",
            response.status
        );
        let expected = format!("bytes {from}-{to}/3000");
        ensure!(
            response.header("content-range") == expected,
            "{range}: {}",
            response.header("content-range")
        );
    }
    for range in ["bytes=3000-", "bytes=99999-100000", "bytes=-0"] {
        let response = get(&user, &path, &[("range", range)]).await?;
        ensure!(
            response.status == 416 && response.header("content-range") == "bytes */3000",
            "{range}: {response:?}"
        );
        ensure!(response.text("/code") == "OUT_OF_RANGE", "{range}: {response:?}");
    }
    for ignored in ["bytes=2-1", "lines=1-2", "bytes=a-b", "bytes=0-0,5-9"] {
        let response = get(&user, &path, &[("range", ignored)]).await?;
        ensure!(response.status == 200 && response.body.len() == 3000, "{ignored}: {}", response.status);
    }
    Ok(())
}

/// Given a downloaded image, when it is requested again with its `ETag`, then the response is 304 without a body.
pub(super) async fn a_known_etag_returns_304(target: Target) -> anyhow::Result<()> {
    let user = target.new_user();
    let (_, path) = store_image(&user).await?;
    let first = user.get(&path).await?;
    let etag = first.header("etag");
    for known in [etag, &format!("W/{etag}"), &format!("\"other\", {etag}"), "*"] {
        let response = get(&user, &path, &[("if-none-match", known)]).await?;
        ensure!(
            response.status == 304 && response.body.is_empty() && response.header("etag") == etag,
            "{known}: {response:?}"
        );
    }
    ensure!(get(&user, &path, &[("if-none-match", "\"other\"")]).await?.status == 200);
    let part = [("range", "bytes=0-9"), ("if-range", etag)];
    ensure!(get(&user, &path, &part).await?.status == 206);
    let whole = [("range", "bytes=0-9"), ("if-range", "\"other\"")];
    ensure!(get(&user, &path, &whole).await?.status == 200);
    Ok(())
}

/// Given an image, when it is requested by HEAD, then the response has the headers without a body.
pub(super) async fn head_returns_headers_without_a_body(target: Target) -> anyhow::Result<()> {
    let user = target.new_user();
    let (_, path) = store_image(&user).await?;
    let response = HttpResponse::read(user.request(Method::HEAD, &path).send().await?).await?;
    ensure!(response.status == 200 && response.body.is_empty(), "{response:?}");
    ensure!(
        response.header("content-length") == "3000" && response.header("content-type") == "image/png",
        "{response:?}"
    );
    Ok(())
}

/// Creates a signed URL of the image at this path, valid for a minute.
async fn sign_url(user: &User, path: &str) -> anyhow::Result<String> {
    let signed = user.get(&path.replace("/content", "/signed-url?ttl_seconds=60")).await?;
    ensure!(signed.status == 200 && !signed.text("/expires_at").is_empty(), "{signed:?}");
    Ok(signed.text("/url").to_owned())
}

/// Given a signed URL, when it is opened without a token, then the response has the image; an altered URL or another method
/// is rejected.
pub(super) async fn a_signed_url_works_without_a_token_and_only_unaltered(
    target: Target,
) -> anyhow::Result<()> {
    let user = target.new_user();
    let (file, path) = store_image(&user).await?;
    let url = &sign_url(&user, &path).await?;
    let open = async |url: &str| HttpResponse::read(target.client.get(url).send().await?).await;
    let opened = open(url).await?;
    ensure!(opened.status == 200 && opened.body == file.bytes, "{url}: {opened:?}");

    let (_, other) = store_image(&user).await?;
    let other = sign_url(&user, &other).await?;
    let parts = |url: &str| url.split_once('?').map(|(start, query)| (start.to_owned(), query.to_owned()));
    let ((start, query), (other, _)) = parts(url).zip(parts(&other)).context("no query")?;
    // The expiry parameters of the gateway's own URLs, and of URLs that an S3 store signs.
    let later = query.replace("expires_at=1", "expires_at=2").replace("X-Amz-Expires=60", "X-Amz-Expires=61");
    for altered in [
        start.clone(),
        format!("{other}?{query}"),
        format!("{start}?{later}"),
        format!("{url}x"),
        target.url(&path),
    ] {
        let rejected = open(&altered).await?;
        ensure!(matches!(rejected.status, 401 | 403), "{altered}: {rejected:?}");
    }
    for method in [Method::PUT, Method::POST, Method::DELETE] {
        let rejected = HttpResponse::read(target.client.request(method.clone(), url).send().await?).await?;
        ensure!(matches!(rejected.status, 401 | 403 | 405), "{method}: {rejected:?}");
    }
    for ttl in ["-1", "3601"] {
        let rejected = user.get(&path.replace("/content", &format!("/signed-url?ttl_seconds={ttl}"))).await?;
        ensure!(
            rejected.status == 400 && rejected.text("/error").contains("ttl_seconds"),
            "{ttl}: {rejected:?}"
        );
    }
    Ok(())
}
