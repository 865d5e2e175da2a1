//! Downloads over HTTP, by the rules of RFC 9110.

use http_body_util::BodyExt as _;

use crate::{
    service::{IMAGE_BYTES, IMAGE_TAG},
    stack::{request, start},
};

const PATH: &str = "GET /api/images/abc/content";

#[tokio::test]
async fn a_whole_file_has_all_headers() {
    let stack = start();
    for path in [PATH, "GET /api/images/abc/url"] {
        let reply = request(path).send(&stack).await;
        assert_eq!((reply.status.as_u16(), &reply.body[..]), (200, IMAGE_BYTES));
        assert_eq!(reply.header("content-type"), "image/png");
        assert_eq!(reply.header("content-length"), "20");
        assert_eq!(reply.header("etag"), format!("\"{IMAGE_TAG}\""));
        assert_eq!(reply.header("accept-ranges"), "bytes");
        assert_eq!(reply.header("cache-control"), "private, max-age=3600");
        assert_eq!(
            reply.header("content-disposition"),
            "inline; filename=\"_.png\"; filename*=UTF-8''%E7%8C%AB.png"
        );
        assert_eq!(reply.header("content-range"), "");
    }
}

#[tokio::test]
async fn a_cached_file_of_one_user_is_not_used_for_another_user_of_the_same_browser() {
    let stack = start();
    let tag = format!("\"{IMAGE_TAG}\"");
    for (header, value, status) in
        [("accept", "*/*", 200), ("range", "bytes=0-1", 206), ("if-none-match", &tag, 304)]
    {
        let reply = request(PATH).header(header, value).send(&stack).await;
        assert_eq!(reply.status, status);
        assert!(reply.headers.get_all("vary").iter().any(|value| value == "authorization"), "{reply:?}");
    }
}

#[tokio::test]
async fn head_returns_the_headers_of_the_whole_file() {
    let stack = start();
    let reply = request("HEAD /api/images/abc/content").header("range", "bytes=0-1").send(&stack).await;
    assert_eq!((reply.status.as_u16(), reply.body.len()), (200, 0));
    assert_eq!(reply.header("content-length"), "20");
}

#[tokio::test]
async fn a_range_returns_that_part() {
    let stack = start();
    for (range, content_range, body) in [
        ("bytes=0-0", "bytes 0-0/20", "0"),
        ("bytes=3-7", "bytes 3-7/20", "34567"),
        ("bytes=15-", "bytes 15-19/20", "fghij"),
        ("bytes=-3", "bytes 17-19/20", "hij"),
        ("bytes=18-1000", "bytes 18-19/20", "ij"),
        ("bytes=0-99999999999999999999", "bytes 0-19/20", "0123456789abcdefghij"),
        ("bytes=-99999999999999999999", "bytes 0-19/20", "0123456789abcdefghij"),
    ] {
        let reply = request(PATH).header("range", range).send(&stack).await;
        assert_eq!(reply.status, 206, "{range}: {reply:?}");
        assert_eq!(
            (reply.header("content-range"), &reply.body[..]),
            (content_range, body.as_bytes()),
            "{range}"
        );
        assert_eq!(reply.header("content-length"), body.len().to_string());
    }
}

#[tokio::test]
async fn an_invalid_or_multiple_range_returns_the_whole_file() {
    let stack = start();
    for range in ["bytes=0-1,3-4", "bytes=7-3", "pages=1-2", "bytes=x-y", "bytes"] {
        let reply = request(PATH).header("range", range).send(&stack).await;
        assert_eq!((reply.status.as_u16(), &reply.body[..]), (200, IMAGE_BYTES), "{range}");
    }
}

#[tokio::test]
async fn a_range_past_the_end_is_rejected_with_the_size() {
    let stack = start();
    for range in ["bytes=20-", "bytes=20-30", "bytes=-0", "bytes=99999999999-"] {
        let reply = request(PATH).header("range", range).send(&stack).await;
        let (status, code, _) = reply.error();
        assert_eq!((status, code.as_str()), (416, "OUT_OF_RANGE"), "{range}");
        assert_eq!(reply.header("content-range"), "bytes */20", "{range}");
    }
}

#[tokio::test]
async fn if_range_applies_to_the_file_with_that_tag_only() {
    let stack = start();
    let status = async |condition: &str| {
        request(PATH)
            .header("range", "bytes=0-1")
            .header("if-range", condition)
            .send(&stack)
            .await
            .status
            .as_u16()
    };
    assert_eq!(status("\"image-tag\"").await, 206);
    assert_eq!(status("\"other\"").await, 200);
    assert_eq!(status("W/\"image-tag\"").await, 200);
    assert_eq!(status("Wed, 21 Oct 2015 07:28:00 GMT").await, 200);
}

#[tokio::test]
async fn a_current_copy_is_not_sent_again() {
    let stack = start();
    for tags in ["\"image-tag\"", "\"a\", W/\"image-tag\"", "*"] {
        let reply = request(PATH).header("if-none-match", tags).send(&stack).await;
        assert_eq!((reply.status.as_u16(), reply.body.len()), (304, 0), "{tags}");
        assert_eq!(reply.header("etag"), "\"image-tag\"");
        assert_eq!(reply.header("cache-control"), "private, max-age=3600");
        assert_eq!(reply.header("content-type"), "");
    }
    for tags in ["\"other\"", "\"*\"", "nonsense"] {
        let reply = request(PATH).header("if-none-match", tags).send(&stack).await;
        assert_eq!(reply.status, 200, "{tags}");
    }
}

#[tokio::test]
async fn a_download_that_fails_midway_breaks_the_connection() {
    let stack = start();
    for id in ["breaks", "short", "long"] {
        let response = request(&format!("GET /api/images/{id}/content")).send_open(&stack).await;
        assert_eq!(response.status(), 200);
        assert!(response.into_body().collect().await.is_err(), "{id}");
    }
    assert_eq!(request("GET /api/images/empty/content").send(&stack).await.error().0, 500);
    assert_eq!(request("GET /api/images/missing/content").send(&stack).await.error().0, 404);
}

#[tokio::test]
async fn a_signed_urls_parameters_reach_the_service_and_header_fields_are_no_parameters() {
    let stack = start();
    let reply = request("GET /api/images/abc/content?expires_at=5&signature=s").send(&stack).await;
    assert_eq!(reply.status, 200);
    let seen = stack.service.seen().download.clone().unwrap();
    assert_eq!((seen.expires_at, seen.signature.as_str()), (5, "s"));
    assert_eq!(request("GET /api/images/abc/content?read_offset=5").send(&stack).await.error().0, 400);
}
