//! `GET /api/images/{id}/content` and signed URLs.

use anyhow::{Context as _, ensure};
use reqwest::Method;

use crate::{Answer, Picture, Target, User};

/// A stored picture of 3000 bytes, and the path of its content.
async fn stored(user: &User) -> anyhow::Result<(Picture, String)> {
    let picture = Picture::of_size(3000);
    let answer = user.upload(&picture, "Straße \"1\".png").await?;
    ensure!(answer.status == 201, "{answer:?}");
    Ok((picture, format!("/api/images/{}/content", answer.text("/image/id"))))
}

async fn get(user: &User, path: &str, headers: &[(&str, &str)]) -> anyhow::Result<Answer> {
    let request = headers
        .iter()
        .fold(user.request(Method::GET, path), |request, (name, value)| request.header(*name, *value));
    Answer::read(request.send().await?).await
}

/// Given a picture, when it is downloaded, then the bytes are those that were sent, with what a browser needs to know.
pub(super) async fn a_download_has_the_bytes_that_were_uploaded(target: Target) -> anyhow::Result<()> {
    let user = target.new_user();
    let (picture, path) = stored(&user).await?;
    for path in [path.clone(), path.replace("/content", "/url")] {
        let answer = user.get(&path).await?;
        ensure!(answer.status == 200 && answer.body == picture.bytes, "{path}: {}", answer.status);
        for (name, value) in [
            ("content-type", "image/png"),
            ("content-length", "3000"),
            ("cache-control", "private, max-age=3600"),
            ("accept-ranges", "bytes"),
            ("x-content-type-options", "nosniff"),
        ] {
            ensure!(answer.header(name) == value, "{name}: {}", answer.header(name));
        }
        ensure!(
            answer.header("etag").starts_with('"') && answer.header("etag").len() > 2,
            "{}",
            answer.header("etag")
        );
        let disposition = answer.header("content-disposition");
        ensure!(disposition.contains("filename*=UTF-8''Stra%C3%9Fe%20%221%22.png"), "{disposition}");
    }
    Ok(())
}

/// Given a picture, when a part of it is asked for, then that part comes; what cannot be met is 416.
pub(super) async fn a_range_is_a_part_and_an_impossible_one_is_416(target: Target) -> anyhow::Result<()> {
    let user = target.new_user();
    let (picture, path) = stored(&user).await?;
    for (range, from, to) in [
        ("bytes=0-0", 0, 0),
        ("bytes=100-199", 100, 199),
        ("bytes=2990-", 2990, 2999),
        ("bytes=-10", 2990, 2999),
        ("bytes=-9999", 0, 2999),
        ("bytes=2000-99999", 2000, 2999),
    ] {
        let answer = get(&user, &path, &[("range", range)]).await?;
        ensure!(
            answer.status == 206 && answer.body == picture.bytes[from..=to],
            "{range}: {}",
            answer.status
        );
        let expected = format!("bytes {from}-{to}/3000");
        ensure!(answer.header("content-range") == expected, "{range}: {}", answer.header("content-range"));
    }
    for range in ["bytes=3000-", "bytes=99999-100000", "bytes=-0"] {
        let answer = get(&user, &path, &[("range", range)]).await?;
        ensure!(
            answer.status == 416 && answer.header("content-range") == "bytes */3000",
            "{range}: {answer:?}"
        );
        ensure!(answer.text("/code") == "OUT_OF_RANGE", "{range}: {answer:?}");
    }
    for ignored in ["bytes=2-1", "lines=1-2", "bytes=a-b", "bytes=0-0,5-9"] {
        let answer = get(&user, &path, &[("range", ignored)]).await?;
        ensure!(answer.status == 200 && answer.body.len() == 3000, "{ignored}: {}", answer.status);
    }
    Ok(())
}

/// Given a downloaded picture, when it is asked for again with its ETag, then 304 answers without bytes.
pub(super) async fn a_known_etag_answers_304(target: Target) -> anyhow::Result<()> {
    let user = target.new_user();
    let (_, path) = stored(&user).await?;
    let first = user.get(&path).await?;
    let etag = first.header("etag");
    for known in [etag, &format!("W/{etag}"), &format!("\"other\", {etag}"), "*"] {
        let answer = get(&user, &path, &[("if-none-match", known)]).await?;
        ensure!(
            answer.status == 304 && answer.body.is_empty() && answer.header("etag") == etag,
            "{known}: {answer:?}"
        );
    }
    ensure!(get(&user, &path, &[("if-none-match", "\"other\"")]).await?.status == 200);
    let part = [("range", "bytes=0-9"), ("if-range", etag)];
    ensure!(get(&user, &path, &part).await?.status == 206);
    let whole = [("range", "bytes=0-9"), ("if-range", "\"other\"")];
    ensure!(get(&user, &path, &whole).await?.status == 200);
    Ok(())
}

/// Given a picture, when HEAD asks for it, then the headers come without the bytes.
pub(super) async fn head_has_the_headers_alone(target: Target) -> anyhow::Result<()> {
    let user = target.new_user();
    let (_, path) = stored(&user).await?;
    let answer = Answer::read(user.request(Method::HEAD, &path).send().await?).await?;
    ensure!(answer.status == 200 && answer.body.is_empty(), "{answer:?}");
    ensure!(
        answer.header("content-length") == "3000" && answer.header("content-type") == "image/png",
        "{answer:?}"
    );
    Ok(())
}

/// A URL that opens the picture at this path for a minute.
async fn signed(user: &User, path: &str) -> anyhow::Result<String> {
    let signed = user.get(&path.replace("/content", "/signed-url?ttl_seconds=60")).await?;
    ensure!(signed.status == 200 && !signed.text("/expires_at").is_empty(), "{signed:?}");
    Ok(signed.text("/url").to_owned())
}

/// Given a signed URL, when anybody opens it, then the picture comes; altered in any way, or by another method, it does
/// not.
pub(super) async fn a_signed_url_opens_without_a_token_and_only_as_it_is(
    target: Target,
) -> anyhow::Result<()> {
    let user = target.new_user();
    let (picture, path) = stored(&user).await?;
    let url = &signed(&user, &path).await?;
    let open = async |url: &str| Answer::read(target.client.get(url).send().await?).await;
    let opened = open(url).await?;
    ensure!(opened.status == 200 && opened.body == picture.bytes, "{url}: {opened:?}");

    let (_, other) = stored(&user).await?;
    let other = signed(&user, &other).await?;
    let parts = |url: &str| url.split_once('?').map(|(start, query)| (start.to_owned(), query.to_owned()));
    let ((start, query), (other, _)) = parts(url).zip(parts(&other)).context("no query")?;
    // The gateway's own way to say when it expires, and that of a store that signs.
    let later = query.replace("expires_at=1", "expires_at=2").replace("X-Amz-Expires=60", "X-Amz-Expires=61");
    for altered in [
        start.clone(),
        format!("{other}?{query}"),
        format!("{start}?{later}"),
        format!("{url}x"),
        target.url(&path),
    ] {
        let refused = open(&altered).await?;
        ensure!(matches!(refused.status, 401 | 403), "{altered}: {refused:?}");
    }
    for method in [Method::PUT, Method::POST, Method::DELETE] {
        let refused = Answer::read(target.client.request(method.clone(), url).send().await?).await?;
        ensure!(matches!(refused.status, 401 | 403 | 405), "{method}: {refused:?}");
    }
    for ttl in ["-1", "3601"] {
        let refused = user.get(&path.replace("/content", &format!("/signed-url?ttl_seconds={ttl}"))).await?;
        ensure!(
            refused.status == 400 && refused.text("/error").contains("ttl_seconds"),
            "{ttl}: {refused:?}"
        );
    }
    Ok(())
}
