//! Files over HTTP, as RFC 9110 has them.

use http_body_util::BodyExt as _;

use crate::{
    service::{PICTURE, PICTURE_TAG},
    stack::{request, start},
};

const PATH: &str = "GET /api/images/abc/content";

#[tokio::test]
async fn a_file_comes_whole_with_all_that_is_told_of_it() {
    let stack = start();
    for path in [PATH, "GET /api/images/abc/url"] {
        let answer = request(path).send(&stack).await;
        assert_eq!((answer.status.as_u16(), &answer.body[..]), (200, PICTURE));
        assert_eq!(answer.header("content-type"), "image/png");
        assert_eq!(answer.header("content-length"), "20");
        assert_eq!(answer.header("etag"), format!("\"{PICTURE_TAG}\""));
        assert_eq!(answer.header("accept-ranges"), "bytes");
        assert_eq!(answer.header("cache-control"), "private, max-age=3600");
        assert_eq!(
            answer.header("content-disposition"),
            "inline; filename=\"_.png\"; filename*=UTF-8''%E7%8C%AB.png"
        );
        assert_eq!(answer.header("content-range"), "");
    }
}

#[tokio::test]
async fn a_file_that_one_user_has_read_is_not_another_users_from_the_same_browser() {
    let stack = start();
    let tag = format!("\"{PICTURE_TAG}\"");
    for (header, value, status) in
        [("accept", "*/*", 200), ("range", "bytes=0-1", 206), ("if-none-match", &tag, 304)]
    {
        let answer = request(PATH).header(header, value).send(&stack).await;
        assert_eq!(answer.status, status);
        assert!(answer.headers.get_all("vary").iter().any(|value| value == "authorization"), "{answer:?}");
    }
}

#[tokio::test]
async fn head_reads_no_bytes() {
    let stack = start();
    let answer = request("HEAD /api/images/abc/content").header("range", "bytes=0-1").send(&stack).await;
    assert_eq!((answer.status.as_u16(), answer.body.len()), (200, 0));
    assert_eq!(answer.header("content-length"), "20");
}

#[tokio::test]
async fn a_range_is_answered_by_that_part() {
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
        let answer = request(PATH).header("range", range).send(&stack).await;
        assert_eq!(answer.status, 206, "{range}: {answer:?}");
        assert_eq!(
            (answer.header("content-range"), &answer.body[..]),
            (content_range, body.as_bytes()),
            "{range}"
        );
        assert_eq!(answer.header("content-length"), body.len().to_string());
    }
}

#[tokio::test]
async fn what_is_no_single_range_gets_the_whole_file() {
    let stack = start();
    for range in ["bytes=0-1,3-4", "bytes=7-3", "pages=1-2", "bytes=x-y", "bytes"] {
        let answer = request(PATH).header("range", range).send(&stack).await;
        assert_eq!((answer.status.as_u16(), &answer.body[..]), (200, PICTURE), "{range}");
    }
}

#[tokio::test]
async fn a_range_past_the_end_is_told_the_size() {
    let stack = start();
    for range in ["bytes=20-", "bytes=20-30", "bytes=-0", "bytes=99999999999-"] {
        let answer = request(PATH).header("range", range).send(&stack).await;
        let (status, code, _) = answer.error();
        assert_eq!((status, code.as_str()), (416, "OUT_OF_RANGE"), "{range}");
        assert_eq!(answer.header("content-range"), "bytes */20", "{range}");
    }
}

#[tokio::test]
async fn a_range_on_condition_holds_for_the_same_file_only() {
    let stack = start();
    let ask = async |condition: &str| {
        request(PATH)
            .header("range", "bytes=0-1")
            .header("if-range", condition)
            .send(&stack)
            .await
            .status
            .as_u16()
    };
    assert_eq!(ask("\"picture-tag\"").await, 206);
    assert_eq!(ask("\"other\"").await, 200);
    assert_eq!(ask("W/\"picture-tag\"").await, 200);
    assert_eq!(ask("Wed, 21 Oct 2015 07:28:00 GMT").await, 200);
}

#[tokio::test]
async fn a_copy_that_is_current_is_not_sent_again() {
    let stack = start();
    for tags in ["\"picture-tag\"", "\"a\", W/\"picture-tag\"", "*"] {
        let answer = request(PATH).header("if-none-match", tags).send(&stack).await;
        assert_eq!((answer.status.as_u16(), answer.body.len()), (304, 0), "{tags}");
        assert_eq!(answer.header("etag"), "\"picture-tag\"");
        assert_eq!(answer.header("cache-control"), "private, max-age=3600");
        assert_eq!(answer.header("content-type"), "");
    }
    for tags in ["\"other\"", "\"*\"", "nonsense"] {
        let answer = request(PATH).header("if-none-match", tags).send(&stack).await;
        assert_eq!(answer.status, 200, "{tags}");
    }
}

#[tokio::test]
async fn a_file_that_breaks_off_breaks_the_connection() {
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
async fn the_parameters_of_a_signed_url_reach_the_service_and_headers_fields_do_not_come_by_query() {
    let stack = start();
    let answer = request("GET /api/images/abc/content?expires_at=5&signature=s").send(&stack).await;
    assert_eq!(answer.status, 200);
    let seen = stack.service.seen().download.clone().unwrap();
    assert_eq!((seen.expires_at, seen.signature.as_str()), (5, "s"));
    assert_eq!(request("GET /api/images/abc/content?read_offset=5").send(&stack).await.error().0, 400);
}
